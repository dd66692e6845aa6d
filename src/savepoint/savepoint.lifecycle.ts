import type { SnapshotEntry } from '../flink/flink.types.js';
import { NoProgressReason, SavepointFailureCode, SavepointState } from './savepoint.enums.js';

const { PENDING, IN_PROGRESS, COMPLETED, FAILED, DELETING, DELETED, DELETION_FAILED } = SavepointState;

/** From each state, where a savepoint may go. FAILED to COMPLETED: only {@link mayStillBeFound}. */
export const moves: Record<SavepointState, readonly SavepointState[]> = {
  [PENDING]: [IN_PROGRESS, FAILED],
  [IN_PROGRESS]: [COMPLETED, FAILED, PENDING],
  [COMPLETED]: [DELETING],
  [FAILED]: [COMPLETED],
  [DELETING]: [DELETED, DELETION_FAILED],
  [DELETED]: [],
  [DELETION_FAILED]: [DELETING, DELETED],
};

/** Nothing more will happen to it without a new request. */
export const finalStates: readonly SavepointState[] = [COMPLETED, FAILED, DELETED, DELETION_FAILED];

/** "Unknown" is not "failed": a savepoint that ended so may exist, and is adopted when it shows up. */
export const mayStillBeFound: readonly SavepointFailureCode[] = [
  SavepointFailureCode.RESULT_LOST,
  SavepointFailureCode.ABANDONED,
];

/** After these a schedule may try again, on a fresh trigger id and in a directory of its own. */
export const mayBeTriedAgain: readonly SavepointFailureCode[] = [
  SavepointFailureCode.TASKS_NOT_RUNNING,
  SavepointFailureCode.ABORTED,
  SavepointFailureCode.STORAGE_ERROR,
  SavepointFailureCode.EXPIRED,
  SavepointFailureCode.RESULT_LOST,
];

const RESEND_MARGIN_MS = 60_000;
const LEAST_STORE_DURATION_MS = 90_000;

/**
 * Whether the same attempt may be sent (again) with the same trigger id: only while Flink must still know the id if it
 * ever came. Flink remembers a finished operation for rest.async.store-duration (0: for ever), in the memory of one
 * JobManager process (seen on 2.3.0 and 1.20.5). The first send is always allowed.
 */
export function mayBeSent(
  attempt: { sends: number; processMark: string | null; storedAgoMs: number },
  cluster: { processMark: string | null; asyncStoreDurationMs: number },
): boolean {
  if (attempt.sends === 0) return true;
  if (attempt.processMark === null || attempt.processMark !== cluster.processMark) return false;
  if (cluster.asyncStoreDurationMs === 0) return true;
  if (cluster.asyncStoreDurationMs < LEAST_STORE_DURATION_MS) return false;
  return attempt.storedAgoMs < cluster.asyncStoreDurationMs - RESEND_MARGIN_MS;
}

export interface Progress {
  acknowledgedSubtasks: number | null;
  totalSubtasks: number | null;
  bytes: number | null;
  noProgress: NoProgressReason | null;
}

/** Statistics and our own clock may differ by so much before an entry counts as begun before our call. */
const CLOCK_TOLERANCE_MS = 1_500;

/**
 * What the statistics tell of a running savepoint. An entry in progress carries no path: it is taken for ours only
 * while exactly one savepoint is in progress there and it began after our call (times on the JobManager's clock).
 */
export function progressOf(history: SnapshotEntry[], sentAt: number): Progress {
  const none = (noProgress: NoProgressReason): Progress => ({
    acknowledgedSubtasks: null,
    totalSubtasks: null,
    bytes: null,
    noProgress,
  });
  const running = history.filter((entry) => entry.isSavepoint && entry.status === 'IN_PROGRESS');
  const [only, ...others] = running;
  if (!only) return none(NoProgressReason.NOT_YET_REPORTED);
  if (others.length > 0) return none(NoProgressReason.SEVERAL_IN_PROGRESS);
  if (only.triggeredAt < sentAt - CLOCK_TOLERANCE_MS) return none(NoProgressReason.NOT_OURS);
  return {
    acknowledgedSubtasks: only.acknowledgedSubtasks,
    totalSubtasks: only.subtasks,
    bytes: only.checkpointedBytes,
    noProgress: null,
  };
}
