import type { Cluster } from '../cluster/cluster.entity.js';
import type { Sql } from '../db/database.js';
import type { Deployment } from '../deployment/deployment.entity.js';
import { StartStrategy } from '../job/start-strategy.js';
import { byCheckpoint, bySavepoint, type Found, type PointRefusal } from './named-point.js';
import { byLocation } from './point-at-location.js';
import { latestState } from './latest-state.js';
import { chooseLatestSavepoint, type Choice } from './restore-choice.js';
import { runsWithPoints, savepointAsPoint } from './restore.store.js';
import type { StartInput } from './run.types.js';
import { JobHadFinished, NoRestorableState, SnapshotNotRestorable } from './start-refusals.types.js';

/** `lock`: of a start, so that nobody deletes the savepoint meanwhile; a plan locks nothing. */
export async function findRestorePoint(
  sql: Sql,
  start: StartInput,
  deployment: Deployment,
  cluster: Cluster,
  lock: boolean,
): Promise<Found | PointRefusal> {
  switch (start.strategy) {
    case StartStrategy.NONE:
      throw new Error('NONE has no state to be found');
    case StartStrategy.LATEST_STATE:
      return chosen(sql, deployment, await latestState(sql, deployment.id), lock);
    case StartStrategy.LATEST_SAVEPOINT:
      return chosen(sql, deployment, chooseLatestSavepoint(await runsWithPoints(sql, deployment.id)), lock);
    case StartStrategy.FROM_SAVEPOINT:
      return bySavepoint(sql, { field: 'start.savepointId' }, start.savepointId ?? '', lock);
    case StartStrategy.FROM_CHECKPOINT:
      return byCheckpoint(sql, { field: 'start.checkpointId' }, start.checkpointId ?? '', lock);
    case StartStrategy.FROM_LOCATION:
      return byLocation(sql, { field: 'start.location' }, start.location ?? '', cluster, lock);
  }
}

async function chosen(sql: Sql, deployment: Deployment, choice: Choice, lock: boolean): Promise<Found | PointRefusal> {
  if (choice.kind === 'NOTHING') return new NoRestorableState(deployment.name, choice.why);
  if (choice.kind === 'HAD_FINISHED') {
    const ids = choice.points.flatMap(({ savepointId }) => savepointId ?? []);
    return new JobHadFinished(choice.run.id, choice.run.run, choice.run.drained, ids);
  }
  const { savepointId } = choice.point;
  if (lock && savepointId !== null) {
    const now = await savepointAsPoint(sql, savepointId, true); // whoever marks it for deletion takes the same lock
    if (now?.state !== 'COMPLETED')
      return new SnapshotNotRestorable(`Savepoint ${savepointId}`, `it is ${now?.state ?? 'gone'}. Ask again.`);
  }
  return choice;
}
