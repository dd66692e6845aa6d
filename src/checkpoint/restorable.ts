import type { DataState, SavepointState } from '../savepoint/savepoint.enums.js';
import { DeletionObstacle, RestoreObstacle, SnapshotOwner } from './checkpoint.enums.js';

/** Whether something may be done with a snapshot, and if not, why not and what would unlock it. */
export interface Verdict<Obstacle> {
  /** null: nothing stands in the way. */
  obstacle: Obstacle | null;
  /** For a person; null where there is no obstacle. */
  reason: string | null;
  /** What to do about it; null where nothing would help, or nothing is needed. */
  unlockedBy: string | null;
}

/** What a checkpoint's fate hangs on. A savepoint that somebody else triggered is one too: it is known from Flink's history alone. */
export interface CheckpointToJudge {
  kind: 'CHECKPOINT' | 'SAVEPOINT';
  state: 'IN_PROGRESS' | 'COMPLETED' | 'FAILED';
  /** Flink said that it has deleted it. */
  discarded: boolean;
  /** null: it cannot be addressed. */
  location: string | null;
  run: {
    /** Flink runs the job, or may be about to. */
    live: boolean;
    /** What it retained at its end has been read. */
    endRead: boolean;
    /** Where checkpoints lie in the memory of the JobManager; null: not observed. */
    inJobManagerMemory: boolean | null;
  };
  /** What is known of its data since its run has ended; null: it is not among what the run left behind. */
  retained: {
    data: 'NOT_CHECKED' | 'PRESENT' | 'MISSING';
    /** A policy disposes of what its run has left behind; MISSING: it has. */
    going?: boolean;
  } | null;
}

export interface SavepointToJudge {
  kind: 'CHECKPOINT' | 'SAVEPOINT';
  state: `${SavepointState}`;
  data: `${DataState}`;
  location: string | null;
  drained: boolean;
  verified: boolean;
}

const free = { obstacle: null, reason: null, unlockedBy: null };
const TAKE_ONE = 'Take a savepoint (createSavepoint), or stop the job with one.';
const ANOTHER = 'Choose another snapshot.';

export function checkpointOwner({ kind, state, retained, run }: CheckpointToJudge): SnapshotOwner {
  if (kind === 'SAVEPOINT') return SnapshotOwner.OTHER;
  return state === 'COMPLETED' && retained && !run.live ? SnapshotOwner.NOBODY : SnapshotOwner.FLINK;
}

export function savepointOwner({ kind }: Pick<SavepointToJudge, 'kind'>): SnapshotOwner {
  return kind === 'CHECKPOINT' ? SnapshotOwner.OTHER : SnapshotOwner.STATEWARD;
}

/** Whether a run can be started from a checkpoint, or from a savepoint that somebody else triggered, now. */
export function checkpointRestorable(facts: CheckpointToJudge): Verdict<RestoreObstacle> {
  const { kind, state, run, retained } = facts;
  if (state === 'IN_PROGRESS')
    return run.live
      ? no(RestoreObstacle.NOT_COMPLETED, 'Flink is still making it.', 'Wait for its end.')
      : no(RestoreObstacle.SNAPSHOT_FAILED, 'Its run ended before it was complete.', ANOTHER);
  if (state === 'FAILED')
    return no(RestoreObstacle.SNAPSHOT_FAILED, 'It failed: there is nothing to restore.', ANOTHER);
  if (facts.discarded) return no(RestoreObstacle.DISCARDED, 'Flink has deleted its data.', ANOTHER);
  if (facts.location === null)
    return no(
      RestoreObstacle.NOT_ADDRESSABLE,
      run.inJobManagerMemory === false
        ? 'Flink names no location for it.'
        : 'Flink names no location for it: it lies in the memory of the JobManager, where no other run reaches it.',
      `${TAKE_ONE} For checkpoints that outlive the JobManager set execution.checkpointing.dir.`,
    );
  if (kind === 'CHECKPOINT' && run.live)
    return no(
      RestoreObstacle.CHECKPOINT_OF_LIVE_JOB,
      'Its job is live: Flink deletes it as soon as newer ones are complete.',
      TAKE_ONE,
    );
  if (retained?.going)
    return retained.data === 'MISSING'
      ? no(RestoreObstacle.DELETED, 'A retention policy has disposed of what its run left behind.', ANOTHER)
      : no(RestoreObstacle.BEING_DELETED, 'A retention policy disposes of what its run left behind.', ANOTHER);
  if (retained?.data === 'MISSING')
    return no(
      RestoreObstacle.DATA_MISSING,
      'Its _metadata was not in its storage when it was last looked for.',
      `${ANOTHER} If its data were brought back, name it (FROM_CHECKPOINT, FROM_LOCATION): a start looks for it once more.`,
    );
  if (kind === 'SAVEPOINT' || retained) return free; // Flink never deletes a savepoint by itself
  return run.endRead
    ? no(RestoreObstacle.NOT_RETAINED, 'Its run has ended, and it is not among what the run left behind.', ANOTHER)
    : no(
        RestoreObstacle.END_NOT_READ_YET,
        'Its run has ended, and what it left behind has not been read yet.',
        'Ask again in some seconds, when Flink has answered.',
      );
}

/** Whether a run can be started from a savepoint that Stateward has a record of, now. DRAINED is met last: acceptDrained alone passes it. */
export function savepointRestorable(facts: SavepointToJudge): Verdict<RestoreObstacle> {
  const { state, data } = facts;
  if (state === 'PENDING' || state === 'IN_PROGRESS')
    return no(RestoreObstacle.NOT_COMPLETED, `It is ${state}.`, 'Wait until it is COMPLETED.');
  if (state === 'FAILED')
    return no(RestoreObstacle.SNAPSHOT_FAILED, 'It failed: there is nothing to restore.', ANOTHER);
  if (state === 'DELETED') return no(RestoreObstacle.DELETED, 'It was deleted.', ANOTHER);
  if (state !== 'COMPLETED')
    return no(RestoreObstacle.BEING_DELETED, `It is ${state}: parts of it may be gone.`, ANOTHER);
  if (facts.location === null) return no(RestoreObstacle.NOT_ADDRESSABLE, 'No location of it is known.', ANOTHER);
  if (data === 'MISSING')
    return no(
      RestoreObstacle.DATA_MISSING,
      'Its _metadata is not in its storage.',
      `${ANOTHER} If its data lie elsewhere, bring them back.`,
    );
  if (data === 'DAMAGED')
    return no(
      RestoreObstacle.DATA_DAMAGED,
      'Its _metadata cannot be read, or files of it are gone or of another size.',
      ANOTHER,
    );
  if (facts.drained)
    return no(
      RestoreObstacle.DRAINED,
      'It was made by a stop with drain: windows and timers have fired, and the data of its job were at an end.',
      'acceptDrained: true at the start.',
    );
  return free;
}

/** Why no request deletes a checkpoint. */
export function checkpointDeletable(facts: CheckpointToJudge): Verdict<DeletionObstacle> {
  switch (checkpointOwner(facts)) {
    case SnapshotOwner.NOBODY:
      if (facts.retained?.going)
        return facts.retained.data === 'MISSING'
          ? no(DeletionObstacle.NOTHING_THERE, 'A retention policy has disposed of what its run left behind.', null)
          : no(DeletionObstacle.BEING_DELETED, 'A retention policy disposes of what its run left behind.', null);
      return no(
        DeletionObstacle.OWNED_BY_NOBODY,
        'A checkpoint that its run left behind. It may share files with others that are still needed, so no request deletes it.',
        'A retention policy that says leftBehind: DISPOSE has all that one ended run left disposed of together, when nothing needs it any more; ' +
          `previewRetention says which would go and why others stay. Or remove it by hand: ${facts.location}`,
      );
    case SnapshotOwner.OTHER:
      return no(
        DeletionObstacle.OWNED_BY_OTHERS,
        'Somebody else triggered this savepoint, and decides about it.',
        'Import it (importSavepoint) to have it as one of your own.',
      );
    default:
      return no(
        DeletionObstacle.OWNED_BY_FLINK,
        'Flink deletes its checkpoints by itself, when newer ones are complete or when the job ends.',
        null,
      );
  }
}

/** What stands in the way of deleting a savepoint of ours and its data, by ownership and state; what needs it is asked of src/deletion. */
export function savepointDeletable(facts: SavepointToJudge): Verdict<DeletionObstacle> {
  switch (facts.state) {
    case 'PENDING':
    case 'IN_PROGRESS':
      return no(
        DeletionObstacle.UNDER_WAY,
        `It is ${facts.state}.`,
        'Wait for its end, or give it up (abandonSavepoint).',
      );
    case 'FAILED':
      return no(DeletionObstacle.NOTHING_THERE, 'It failed: there is nothing to delete.', null);
    case 'DELETED':
      return no(DeletionObstacle.NOTHING_THERE, 'It was deleted.', null);
    case 'DELETING':
    case 'DELETION_FAILED':
      return no(DeletionObstacle.BEING_DELETED, `It is ${facts.state}: its deletion was asked for already.`, null);
    case 'COMPLETED':
      break;
  }
  if (facts.kind === 'CHECKPOINT')
    return no(
      DeletionObstacle.OWNED_BY_OTHERS,
      'It is a reference to a checkpoint, which may share files with others: its data are not Stateward’s to delete.',
      'deleteSavepoint ends its record alone.',
    );
  if (!facts.verified)
    return no(
      DeletionObstacle.NOT_VERIFIED,
      'It was imported without having read its _metadata, so what belongs to it is not known: its data are never deleted by Stateward.',
      `deleteSavepoint ends its record alone. When nothing needs the data any more, remove them by hand: ${facts.location}`,
    );
  return free;
}

const no = <T>(obstacle: T, reason: string, unlockedBy: string | null): Verdict<T> => ({
  obstacle,
  reason,
  unlockedBy,
});
