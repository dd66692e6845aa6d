import type { Cluster } from '../cluster/cluster.entity.js';
import { readOverviews } from '../checkpoint/read-overview.js';
import type { Sql } from '../db/database.js';
import type { Deployment } from '../deployment/deployment.entity.js';
import { StartStrategy } from '../job/start-strategy.js';
import { findRestorePoint } from '../run/find-restore-point.js';
import { byCheckpoint, bySavepoint, type Found, type PointRefusal } from '../run/named-point.js';
import { byLocation } from '../run/point-at-location.js';
import { StartInput } from '../run/run.types.js';
import { CheckpointOfLiveJob, JobHadFinished, NoRestorableState } from '../run/start-refusals.types.js';
import type { CheckCompatibilityInput } from './check.types.js';

export type StateRefusal = Exclude<PointRefusal, JobHadFinished | CheckpointOfLiveJob>;

/** The state that a check names, or the one that tells most of a deployment. Locks nothing: nothing is started from it. */
export async function chooseState(
  sql: Sql,
  input: CheckCompatibilityInput,
  deployment: Deployment | null,
  cluster: Cluster,
): Promise<Found | StateRefusal> {
  const found = await named(sql, input, cluster);
  if (found) return looked(found);
  if (!deployment) throw new Error('A check without a deployment has to name its state');
  return newestOf(sql, deployment, cluster);
}

function named(sql: Sql, input: CheckCompatibilityInput, cluster: Cluster): Promise<Found | PointRefusal> | null {
  const { savepointId, checkpointId, location } = input;
  const as = (field: string) => ({ field, ofLiveJobs: true });
  if (savepointId) return bySavepoint(sql, as('savepointId'), savepointId, false);
  if (checkpointId) return byCheckpoint(sql, as('checkpointId'), checkpointId, false);
  if (location !== null && location !== undefined) return byLocation(sql, as('location'), location, cluster, false);
  return null;
}

/** The newest whole savepoint of its own runs, also of one that had finished; else the newest that its live job has written; else LATEST_STATE. */
async function newestOf(sql: Sql, deployment: Deployment, cluster: Cluster): Promise<Found | StateRefusal> {
  const own = await latest(sql, StartStrategy.LATEST_SAVEPOINT, deployment, cluster);
  if ('point' in own) return own;
  if (own instanceof JobHadFinished) {
    for (const id of own.savepointIds) {
      const savepoint = await bySavepoint(sql, { field: 'savepointId' }, id, false);
      if ('point' in savepoint) return { ...savepoint, why: `the newest whole savepoint of a run that had finished` };
    }
  }
  const checkpoint = (await readOverviews(sql, [deployment.id])).get(deployment.id)?.lastCompletedCheckpoint;
  if (checkpoint) {
    const live = await byCheckpoint(sql, { field: 'checkpointId', ofLiveJobs: true }, checkpoint.id, false);
    if ('point' in live) return { ...live, why: `the newest checkpoint: there is no savepoint of its own runs` };
  }
  const left = await latest(sql, StartStrategy.LATEST_STATE, deployment, cluster);
  return left instanceof JobHadFinished
    ? new NoRestorableState(deployment.name, 'its last run had finished, and left nothing that is whole')
    : looked(left);
}

const latest = (sql: Sql, strategy: StartStrategy, deployment: Deployment, cluster: Cluster) =>
  findRestorePoint(sql, Object.assign(new StartInput(), { strategy }), deployment, cluster, false);

function looked(found: Found | PointRefusal): Found | StateRefusal {
  if (found instanceof JobHadFinished || found instanceof CheckpointOfLiveJob)
    throw new Error(`A check was declined as a start is: ${found.code}`);
  return found;
}
