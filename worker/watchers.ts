import { advanceCheck, recoverCheck } from '../src/check/advance-check.js';
import { makeCheckpointDays } from '../src/checkpoint/checkpoint-days.js';
import { countOwned, giveUpClusters, ownClusters, RENEW_EVERY_MS } from '../src/cluster/own-clusters.js';
import { type Claim, claimDue, ClaimLost, nextDueInMs, type WatchedTable } from '../src/db/claims.js';
import { advanceDeletion, recoverDeletion } from '../src/deletion/advance-deletion.js';
import { HOUSEKEEPING_EVERY_MS, keepHouse } from '../src/housekeeping/housekeeping.js';
import { lookAtCluster } from '../src/job/look-at-cluster.js';
import { recoverCluster } from '../src/job/recover-cluster.js';
import { advanceLeftBehind, recoverLeftBehind } from '../src/left-behind/advance-left-behind.js';
import { decideSlots as decideSlotsTask, keepHouse as keepHouseTask } from '../src/queue/tasks.js';
import { every, startWatcher } from '../src/queue/watcher.js';
import { sweepDue } from '../src/retention/sweep-retention.js';
import { advanceStart, recoverStart } from '../src/run/advance-start.js';
import { advanceStop, recoverStop } from '../src/run/advance-stop.js';
import { admitOn } from '../src/savepoint/admit-savepoints.js';
import { advanceSavepoint, recoverSavepoint } from '../src/savepoint/advance-savepoint.js';
import { decideDueSlots } from '../src/schedule/decide-slots.js';
import { nextSlotInMs } from '../src/schedule/slot.store.js';
import { watchSlots } from '../src/schedule/watch-slots.js';
import type { WorkerServices } from './worker-services.js';

const AT_ONCE = 64;
/** Whoever lets cleaning go on sets the due time; this is how late it is noticed. */
const CLEANING_EVERY_MS = 1_000;
/** Slots are decided by {@link watchSlots}; the queue only reminds of them. */
const SLOTS_EVERY_MS = 30_000;

type Look = (services: WorkerServices, claim: Claim) => Promise<void>;

/** What is watched, and by which look; and what a look that failed by our own fault does about its row. */
const looks: Record<
  WatchedTable,
  { look: Look; recover: (services: WorkerServices, claim: Claim, error: unknown) => Promise<void> }
> = {
  cluster: { look: lookAtCluster, recover: recoverCluster },
  job: { look: advanceStart, recover: recoverStart },
  savepoint: { look: advanceSavepoint, recover: recoverSavepoint },
  stop: { look: advanceStop, recover: recoverStop },
  deletion: { look: advanceDeletion, recover: recoverDeletion },
  left_behind: { look: advanceLeftBehind, recover: recoverLeftBehind },
  compatibility_check: { look: advanceCheck, recover: recoverCheck },
};

export interface Watchers {
  /** Takes nothing new and waits for the looks that run. */
  stop(): Promise<void>;
  /** Afterwards, when nothing of this worker runs any more: its clusters are free for others at once. */
  giveUp(): Promise<void>;
}

/** The queue drives what repeats. It may have been emptied, so it is told again and again; when it is away, this timer does without it. */
async function repeatInQueue({ taskQueue, log }: WorkerServices): Promise<void> {
  try {
    await taskQueue.repeat(keepHouseTask, {}, HOUSEKEEPING_EVERY_MS);
    await taskQueue.repeat(decideSlotsTask, {}, SLOTS_EVERY_MS);
  } catch (error) {
    log.warn({ err: error }, 'the queue took no repeating task; the worker does it by its own clock');
  }
}

/** Starts everything of a worker that is driven by time: ownership of clusters, due rows, housekeeping. */
export function startWatchers(services: WorkerServices): Watchers {
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
      if ((await ownClusters(database, workerId)).length > 0) {
        wakeups.wake('due');
        wakeups.wake('slots');
      }
      services.clusterLoad.owned = await countOwned(database, workerId);
    },
    onError,
  );
  const slots = watchSlots({
    decide: () => decideDueSlots(database, workerId, services.config.leastSlotIntervalMs),
    nextInMs: () => nextSlotInMs(database, workerId),
    admit: (clusterIds) => admitOn(database, clusterIds),
    watch: wakeups.watch('slots'),
    onError,
  });
  const cleaning = every(
    CLEANING_EVERY_MS,
    async () => {
      while ((await sweepDue(services)) > 0);
    },
    onError,
  );
  const housekeeping = every(
    HOUSEKEEPING_EVERY_MS,
    async () => {
      await makeCheckpointDays(database);
      await keepHouse(database, services.config);
      await repeatInQueue(services);
    },
    onError,
  );

  return {
    stop: async () => {
      await Promise.all([housekeeping.stop(), ownership.stop(), slots.stop(), cleaning.stop(), watcher.stop()]);
    },
    giveUp: () => giveUpClusters(database, workerId),
  };
}
