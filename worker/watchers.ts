import { forgetDeadWorkers, giveUpClusters, ownClusters, RENEW_EVERY_MS } from '../src/cluster/own-clusters.js';
import { type Claim, claimDue, ClaimLost, nextDueInMs, type WatchedTable } from '../src/db/claims.js';
import { forgetOldKeys } from '../src/db/idempotency.js';
import { lookAtCluster } from '../src/job/look-at-cluster.js';
import { recoverCluster } from '../src/job/recover-cluster.js';
import { every, startWatcher } from '../src/queue/watcher.js';
import { advanceStart, recoverStart } from '../src/run/advance-start.js';
import { advanceSavepoint, recoverSavepoint } from '../src/savepoint/advance-savepoint.js';
import type { WorkerServices } from './worker-services.js';

const AT_ONCE = 64;
const HOUSEKEEPING_EVERY_MS = 10 * 60_000;

type Look = (services: WorkerServices, claim: Claim) => Promise<void>;

/** What is watched, and by which look; and what a look that failed by our own fault does about its row. */
const looks: Record<
  WatchedTable,
  { look: Look; recover: (services: WorkerServices, claim: Claim, error: unknown) => Promise<void> }
> = {
  cluster: { look: lookAtCluster, recover: recoverCluster },
  job: { look: advanceStart, recover: recoverStart },
  savepoint: { look: advanceSavepoint, recover: recoverSavepoint },
};

/** Starts everything of a worker that is driven by time: ownership of clusters, due rows, housekeeping. */
export function startWatchers(services: WorkerServices): { stop(): Promise<void> } {
  const { database, wakeups, workerId, log } = services;
  const onError = (error: unknown) => log.error({ err: error }, 'a watcher failed; it goes on');

  const watcher = startWatcher<Claim>({
    claimDue: (limit) => claimDue(database, workerId, limit),
    nextDueInMs: () => nextDueInMs(database, workerId),
    look: async (claim) => {
      const { look, recover } = looks[claim.table];
      try {
        await look(services, claim);
      } catch (error) {
        if (error instanceof ClaimLost) return;
        log.error({ err: error, table: claim.table, id: claim.id }, 'a look failed; the row will be looked at again');
        await recover(services, claim, error);
      }
    },
    watch: wakeups.watch('due'),
    wake: () => wakeups.wake('due'),
    atOnce: AT_ONCE,
    onError,
  });
  const ownership = every(
    RENEW_EVERY_MS,
    async () => {
      if ((await ownClusters(database, workerId)).length > 0) wakeups.wake('due');
    },
    onError,
  );
  const housekeeping = every(
    HOUSEKEEPING_EVERY_MS,
    async () => {
      await forgetOldKeys(database);
      await forgetDeadWorkers(database);
    },
    onError,
  );

  return {
    stop: async () => {
      await Promise.all([housekeeping.stop(), ownership.stop(), watcher.stop()]);
      await giveUpClusters(database, workerId);
    },
  };
}
