import type { CheckpointConfig } from '../flink/flink.types.js';

/** What a cancel would leave of a run, and whether that loses anything (SO-1). Pure. */

export interface StateAtCancel {
  /** `/checkpoints/config`. */
  checkpointing: Pick<CheckpointConfig, 'intervalMs' | 'retainedOnCancellation'>;
  /** Every task of the run was RUNNING or FINISHED once. */
  everRan: boolean;
  /**
   * Its newest completed checkpoint, no savepoint; the time on the JobManager's clock, null where it is not known. Without a location it is
   * in the JobManager's memory alone: the kind of storage does not tell, `jobmanager` writes to a checkpoint directory where one is set
   * (2.3.0 and 1.20.5).
   */
  completed: { triggeredAt: number | null; location: string | null } | null;
  /** What it was started from. */
  startState: StartState;
}

export type StartState =
  /** Nothing. */
  | 'NONE'
  | 'EXISTS'
  /** It was deleted since, or its data are missing. */
  | 'GONE';

export type Loss = 'CHECKPOINTS_OFF' | 'NONE_COMPLETED' | 'IN_JOBMANAGER_MEMORY' | 'DELETED_ON_CANCEL';

/**
 * null: nothing is lost. A run that has completed no checkpoint yet has nothing but what it was started from, which NO_CLAIM
 * leaves whole: starting it again is no worse than a restart by Flink. Where checkpoints are off it may have gone on for
 * months, and a cancel is refused.
 */
export function lossByCancel({ checkpointing, everRan, completed, startState }: StateAtCancel): Loss | null {
  if (completed === null && !everRan) return null;
  if (checkpointing.intervalMs === null) return 'CHECKPOINTS_OFF';
  if (completed === null) return startState === 'EXISTS' ? null : 'NONE_COMPLETED';
  if (!checkpointing.retainedOnCancellation) return 'DELETED_ON_CANCEL';
  return completed.location === null ? 'IN_JOBMANAGER_MEMORY' : null;
}

export interface RemainingState {
  /** In words: `savepoint …`, `the state that it was started from`. */
  what: string;
  location: string;
  /** On the JobManager's clock. */
  ageMs: number | null;
}

const because: Record<Loss, string> = {
  CHECKPOINTS_OFF: 'its checkpoints are off (execution.checkpointing.interval is not set)',
  NONE_COMPLETED: 'it has not completed a checkpoint',
  IN_JOBMANAGER_MEMORY: "its checkpoints are in the JobManager's memory and end with it",
  DELETED_ON_CANCEL:
    'Flink deletes its checkpoints when it is cancelled (execution.checkpointing.externalized-checkpoint-retention is not RETAIN_ON_CANCELLATION)',
};

/** Why a cancel was declined, what would remain, and the ways out. */
export function explainLoss(
  loss: Loss,
  remaining: RemainingState | null,
): { message: string; remaining: RemainingState | null } {
  const left = remaining
    ? `What would remain is ${remaining.what} (${remaining.location})${remaining.ageMs === null ? '' : `, ${inWords(remaining.ageMs)} old`}.`
    : 'Nothing would remain.';
  const message = `A cancel would lose state: ${because[loss]}. ${left} Stop WITH_SAVEPOINT, or say acceptStateLoss: true to go on all the same.`;
  return { message, remaining };
}

/** Only an age that is known can be young. */
export function isYoungerThan(completed: StateAtCancel['completed'], nowMs: number, limitMs: number): boolean {
  return completed !== null && completed.triggeredAt !== null && nowMs - completed.triggeredAt < limitMs;
}

/** An age for a person: `45 s`, `12 min`, `3 h`, `5 d`. */
export function inWords(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 120) return `${s} s`;
  if (s < 7_200) return `${Math.round(s / 60)} min`;
  return s < 172_800 ? `${Math.round(s / 3_600)} h` : `${Math.round(s / 86_400)} d`;
}
