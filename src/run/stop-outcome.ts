import { JobState } from '../job/job.entity.js';
import { SavepointFailureCode } from '../savepoint/savepoint.enums.js';
import { StopFailureCode, StopMode, StopOutcome, StopState } from './stop.enums.js';

/** What a stop has come to. Pure. */

/** Flink's overview is not cached, its statistics are, for 3 s: only after so long their silence says something. */
const STATISTICS_TELL_AFTER_MS = 4_000;

/**
 * What became of the job when the savepoint of a stop has failed and Flink still has the job (SO-2). Flink may not yet have
 * begun to restart it when the failure is told: a job that runs counts as undisturbed only when its statistics would show more.
 */
export function outcomeOfFailedSavepoint({
  code,
  jobState,
  restoredSince,
  failedForMs,
}: {
  code: SavepointFailureCode;
  /** As Flink shows it now. */
  jobState: JobState;
  /** The statistics name a restore that is later than the call. */
  restoredSince: boolean;
  failedForMs: number;
}): StopOutcome.STILL_RUNNING | StopOutcome.RESTARTED | 'NOT_YET' {
  if (jobState !== JobState.RUNNING || restoredSince) return StopOutcome.RESTARTED;
  // Never begun: the scheduler declined it before it touched the job.
  if (code === SavepointFailureCode.TASKS_NOT_RUNNING) return StopOutcome.STILL_RUNNING;
  return failedForMs < STATISTICS_TELL_AFTER_MS ? 'NOT_YET' : StopOutcome.STILL_RUNNING;
}

export interface End {
  state: StopState.COMPLETED | StopState.FAILED;
  outcome: StopOutcome;
  code: StopFailureCode | null;
}

/** What a stop has come to whose job has ended. */
export function outcomeOfEndedJob({
  mode,
  jobState,
  cancelSent,
  savepoint,
}: {
  mode: StopMode;
  jobState: JobState;
  cancelSent: boolean;
  /** Of the stop; it has ended. */
  savepoint: { completed: boolean; stopFailedAfter: boolean } | null;
}): End {
  const failed = (outcome: StopOutcome, code: StopFailureCode): End => ({ state: StopState.FAILED, outcome, code });
  const completed: End = { state: StopState.COMPLETED, outcome: StopOutcome.STOPPED, code: null };
  if (mode === StopMode.WITHOUT_SAVEPOINT) {
    return jobState === JobState.FAILED ? failed(StopOutcome.JOB_FAILED, StopFailureCode.JOB_ENDED) : completed;
  }
  const outcome = outcomeOf(jobState);
  if (savepoint?.completed && !savepoint.stopFailedAfter && jobState !== JobState.FAILED) return completed;
  // A run that failed without that mark had been gone on with by another JobManager: its savepoint did not end it.
  if (savepoint?.completed)
    return failed(outcome, savepoint.stopFailedAfter ? StopFailureCode.STOP_FAILED_AFTER : StopFailureCode.JOB_ENDED);
  return failed(outcome, cancelSent ? StopFailureCode.SAVEPOINT_FAILED : StopFailureCode.JOB_ENDED);
}

function outcomeOf(jobState: JobState): StopOutcome {
  if (jobState === JobState.FAILED) return StopOutcome.JOB_FAILED;
  return jobState === JobState.CANCELLED ? StopOutcome.CANCELLED_INSTEAD : StopOutcome.STOPPED;
}
