import { InvalidInput, NotFound } from '../api/user-error.js';
import type { OutsideStorages } from '../cluster/outside-storages.js';
import type { Sql } from '../db/database.js';
import { isLive } from '../job/job.lifecycle.js';
import { SnapshotKind } from '../job/snapshot-kind.js';
import { DataState } from '../savepoint/savepoint.enums.js';
import { recordedCheckpointAt } from './checkpoint-at-place.js';
import type { Choice, RestorePoint } from './restore-choice.js';
import { checkpointAsPoint, type NamedCheckpoint, savepointAsPoint } from './restore.store.js';
import {
  CheckpointOfLiveJob,
  type JobHadFinished,
  type NoRestorableState,
  SnapshotNotRestorable,
} from './start-refusals.types.js';

export type Chosen = Extract<Choice, { kind: 'CHOSEN' }>;
/** What a start names, or what its strategy chooses. */
export type Found = Pick<Chosen, 'point' | 'why' | 'runsPassedOver' | 'newerState' | 'unusable' | 'uncertain'>;
export type PointRefusal =
  | NotFound
  | InvalidInput
  | NoRestorableState
  | JobHadFinished
  | CheckpointOfLiveJob
  | SnapshotNotRestorable
  | OutsideStorages;

export const named = (point: RestorePoint, why: string): Found => ({
  point,
  why,
  runsPassedOver: [],
  newerState: [],
  unusable: [],
  uncertain: null,
});

/** How a state is named. */
export interface Naming {
  /** The field that names it. */
  field: string;
  /** For whoever only looks at it: Flink may delete it at any moment. */
  ofLiveJobs?: boolean;
}

export async function bySavepoint(
  sql: Sql,
  { field, ofLiveJobs = false }: Naming,
  id: string,
  lock: boolean,
): Promise<Found | PointRefusal> {
  const found = await savepointAsPoint(sql, id, lock);
  if (!found) return new NotFound(field, 'savepoint', id);
  const what = `Savepoint ${id}`;
  if (found.state !== 'COMPLETED')
    return new SnapshotNotRestorable(
      what,
      `it is ${found.state}. Only a COMPLETED one can be: ${found.state === 'PENDING' || found.state === 'IN_PROGRESS' ? 'wait for its end' : 'choose another'}.`,
    );
  const { point } = found;
  if (point.kind === SnapshotKind.CHECKPOINT && point.storage) {
    const { id: storageId, path } = point.storage; // a reference alone: Flink may have deleted what it names
    const recorded = await recordedCheckpointAt(sql, [{ storageId, path }], point.location);
    const ofLiveJob = recorded instanceof CheckpointOfLiveJob;
    const refusal = ofLiveJob ? recorded : recorded && ofCheckpoint(recorded, what);
    if (refusal && !(ofLiveJob && ofLiveJobs)) return refusal;
  }
  return (
    ofData(point, what) ?? named(point, `savepoint ${id}, which was named${found.imported ? ' and was imported' : ''}`)
  );
}

const ofData = (point: RestorePoint, what: string): SnapshotNotRestorable | null =>
  point.data === DataState.MISSING || point.data === DataState.DAMAGED
    ? new SnapshotNotRestorable(
        what,
        `its data are ${point.data} at ${point.location}. Choose another; where it was only moved, name the place with FROM_LOCATION.`,
      )
    : null;

export async function byCheckpoint(
  sql: Sql,
  { field, ofLiveJobs = false }: Naming,
  id: string,
  lock: boolean,
): Promise<Found | PointRefusal> {
  const [, jobId, flinkId] = /^([0-9a-f-]{36}):(\d{1,15})$/i.exec(id) ?? [];
  if (!jobId || !flinkId)
    return new InvalidInput(field, `"${id.slice(0, 80)}" is no id of a checkpoint; they read <run id>:<Flink's id>.`);
  const found = await checkpointAsPoint(sql, jobId, Number(flinkId));
  if (!found) return new NotFound(field, 'checkpoint', id);
  if (found.savepointId !== null) return bySavepoint(sql, { field, ofLiveJobs }, found.savepointId, lock);
  const what = `Checkpoint ${id}`;
  const refusal = ofCheckpoint(found, what, ofLiveJobs);
  if (refusal) return refusal;
  if (!found.retained && !isLive(found.jobState) && found.point.kind === SnapshotKind.CHECKPOINT)
    return new SnapshotNotRestorable(
      what,
      'it was not retained when its run ended. Choose one that is listed as left behind.',
    );
  return named(found.point, `checkpoint ${id}, which was named`);
}

export const isGoing = (what: string): SnapshotNotRestorable =>
  new SnapshotNotRestorable(
    what,
    'what its run left behind is being disposed of, or was, as a retention policy says (leftBehind: DISPOSE). Choose another.',
  );

/** What is recorded of it for good against a start, whoever names it and however. A savepoint of somebody else is Flink's to keep. */
export function ofCheckpoint(
  { point, jobState, flinkJobId, state, discarded, going }: NamedCheckpoint,
  what: string,
  ofLiveJobs = false,
): CheckpointOfLiveJob | SnapshotNotRestorable | null {
  const ofOthers = point.kind === SnapshotKind.SAVEPOINT;
  if (isLive(jobState) && !ofOthers && !ofLiveJobs)
    return new CheckpointOfLiveJob({ jobId: point.jobId, flinkJobId, state: jobState });
  if (going) return isGoing(what);
  if (state !== 'COMPLETED') return new SnapshotNotRestorable(what, `it is ${state}. Choose another.`);
  if (discarded) return new SnapshotNotRestorable(what, 'Flink has deleted it. Choose another.');
  if (point.location === null)
    return new SnapshotNotRestorable(
      what,
      'it was held in the memory of the JobManager alone. Set execution.checkpointing.dir for the next run.',
    );
  return null; // one that was not there once is looked for anew before anything is submitted: it may be back
}
