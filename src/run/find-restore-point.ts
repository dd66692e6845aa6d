import { InvalidInput, NotFound } from '../api/user-error.js';
import { type ReachedStorage, storagesOfCluster } from '../cluster/find-cluster.js';
import { OutsideStorages } from '../cluster/outside-storages.js';
import type { Cluster } from '../cluster/cluster.entity.js';
import type { Sql } from '../db/database.js';
import type { Deployment } from '../deployment/deployment.entity.js';
import { joinLocation, normaliseLocation, pathBelow } from '../flink/location.js';
import { isLive } from '../job/job.lifecycle.js';
import { SnapshotKind } from '../job/snapshot-kind.js';
import { StartStrategy } from '../job/start-strategy.js';
import { DataState } from '../savepoint/savepoint.enums.js';
import { chooseLatestSavepoint, chooseLatestState, type Choice, type RestorePoint } from './restore-choice.js';
import { checkpointAsPoint, runsWithPoints, savepointAsPoint, savepointAt } from './restore.store.js';
import type { StartInput } from './run.types.js';
import {
  CheckpointOfLiveJob,
  JobHadFinished,
  NoRestorableState,
  SnapshotNotRestorable,
} from './start-refusals.types.js';

export type Chosen = Extract<Choice, { kind: 'CHOSEN' }>;
/** What a start names, or what its strategy chooses. */
export type Found = Pick<Chosen, 'point' | 'why' | 'runsPassedOver' | 'newerState' | 'uncertain'>;
export type PointRefusal =
  | NotFound
  | InvalidInput
  | NoRestorableState
  | JobHadFinished
  | CheckpointOfLiveJob
  | SnapshotNotRestorable
  | OutsideStorages;

const named = (point: RestorePoint, why: string): Found => ({
  point,
  why,
  runsPassedOver: [],
  newerState: [],
  uncertain: null,
});

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
      return chosen(sql, deployment, chooseLatestState(await runsWithPoints(sql, deployment.id)), lock);
    case StartStrategy.LATEST_SAVEPOINT:
      return chosen(sql, deployment, chooseLatestSavepoint(await runsWithPoints(sql, deployment.id)), lock);
    case StartStrategy.FROM_SAVEPOINT:
      return bySavepoint(sql, 'start.savepointId', start.savepointId ?? '', lock);
    case StartStrategy.FROM_CHECKPOINT:
      return byCheckpoint(sql, start.checkpointId ?? '');
    case StartStrategy.FROM_LOCATION:
      return byLocation(sql, start.location ?? '', cluster, lock);
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

async function bySavepoint(sql: Sql, field: string, id: string, lock: boolean): Promise<Found | PointRefusal> {
  const found = await savepointAsPoint(sql, id, lock);
  if (!found) return new NotFound(field, 'savepoint', id);
  if (found.state !== 'COMPLETED')
    return new SnapshotNotRestorable(
      `Savepoint ${id}`,
      `it is ${found.state}. Only a COMPLETED one can be: ${found.state === 'PENDING' || found.state === 'IN_PROGRESS' ? 'wait for its end' : 'choose another'}.`,
    );
  const data = ofData(found.point, `Savepoint ${id}`);
  return data ?? named(found.point, `savepoint ${id}, which was named${found.imported ? ' and was imported' : ''}`);
}

const ofData = (point: RestorePoint, what: string): SnapshotNotRestorable | null =>
  point.data === DataState.MISSING || point.data === DataState.DAMAGED
    ? new SnapshotNotRestorable(
        what,
        `its data are ${point.data} at ${point.location}. Choose another; where it was only moved, name the place with FROM_LOCATION.`,
      )
    : null;

async function byCheckpoint(sql: Sql, id: string): Promise<Found | PointRefusal> {
  const [, jobId, flinkId] = /^([0-9a-f-]{36}):(\d{1,15})$/i.exec(id) ?? [];
  if (!jobId || !flinkId)
    return new InvalidInput(
      'start.checkpointId',
      `"${id.slice(0, 80)}" is no id of a checkpoint; they read <run id>:<Flink's id>.`,
    );
  const found = await checkpointAsPoint(sql, jobId, Number(flinkId));
  if (!found) return new NotFound('start.checkpointId', 'checkpoint', id);
  const what = `Checkpoint ${id}`;
  const ofOthers = found.point.kind === SnapshotKind.SAVEPOINT;
  if (isLive(found.jobState) && !ofOthers) return new CheckpointOfLiveJob(jobId, found.jobState);
  if (found.state !== 'COMPLETED') return new SnapshotNotRestorable(what, `it is ${found.state}. Choose another.`);
  if (found.discarded) return new SnapshotNotRestorable(what, 'Flink has deleted it. Choose another.');
  if (found.point.location === null)
    return new SnapshotNotRestorable(
      what,
      'it was held in the memory of the JobManager alone. Set execution.checkpointing.dir for the next run.',
    );
  if (!found.retained && !ofOthers)
    return new SnapshotNotRestorable(
      what,
      'it was not retained when its run ended. Choose one that is listed as left behind.',
    );
  return ofData(found.point, what) ?? named(found.point, `checkpoint ${id}, which was named`);
}

/** A whole location, or a path below the one storage for savepoints of the cluster. */
async function byLocation(sql: Sql, text: string, cluster: Cluster, lock: boolean): Promise<Found | PointRefusal> {
  const written = text.trim();
  if (written === '')
    return new InvalidInput('start.location', 'it is empty: Flink would take that as no state at all.');
  if (written.split(/[/\\]/).includes('..'))
    return new InvalidInput('start.location', `${written.slice(0, 200)} holds "..": give the place itself.`);
  const storages = await storagesOfCluster(sql, cluster.id);
  const place = placeOf(written, storages);
  if (!place)
    return new OutsideStorages(
      written.slice(0, 500),
      storages.map(({ uri }) => uri),
    );
  const known = await savepointAt(sql, place.storage.storageId, place.path);
  if (known) return bySavepoint(sql, 'start.location', known, lock);
  const location = joinLocation(place.storage.uri, place.path);
  const isCheckpoint = /(^|\/)chk-\d+$/.test(place.path);
  return named(
    {
      kind: isCheckpoint ? SnapshotKind.CHECKPOINT : SnapshotKind.SAVEPOINT,
      savepointId: null,
      jobId: null,
      flinkCheckpointId: null,
      triggeredAt: null,
      location: normaliseLocation(location),
      storage: { id: place.storage.storageId, path: place.path },
      clusterId: cluster.id,
      bytes: null,
      drained: false,
      stopFailedAfter: false,
      ofStop: false,
      data: DataState.NOT_CHECKED,
      format: null,
      stateBackend: null,
      flinkVersion: null,
    },
    `${location}, which was named`,
  );
}

function placeOf(text: string, storages: readonly ReachedStorage[]): { storage: ReachedStorage; path: string } | null {
  for (const storage of storages) {
    const path = pathBelow(storage.uri, text);
    if (path) return { storage, path };
  }
  return null;
}
