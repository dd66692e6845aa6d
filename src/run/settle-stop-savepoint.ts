import type { Claim } from '../db/claims.js';
import { JobState } from '../job/job.entity.js';
import { jobStateOf } from '../job/job.lifecycle.js';
import { SavepointFailureCode, SavepointState } from '../savepoint/savepoint.enums.js';
import { failStop } from './end-stop.js';
import { readStateAtCancel } from './read-state-at-cancel.js';
import { sendCancel } from './send-cancel.js';
import { explainLoss, inWords, isYoungerThan, lossByCancel } from './state-at-cancel.js';
import type { AdvanceStopDeps } from './stop-deps.js';
import { outcomeOfFailedSavepoint } from './stop-outcome.js';
import { StopFailureCode, StopOutcome } from './stop.enums.js';
import type { StopAtWork } from './stop.store.js';
import { lookAgain } from './wait-in-stop.js';

/** A job that a new JobManager has recovered is seen by then. */
const RUNS_ON_AFTER_MS = 30_000;
const LOOK_EVERY_MS = 500;
/** How often a stop is looked at whose tasks do not end. */
const HANGING_LOOKS_EVERY_MS = 5_000;

type Savepoint = NonNullable<StopAtWork['savepoint']>;

/**
 * The savepoint of a stop has ended and the job has not, by our record: waits for the job's end, or tells what became of it. By
 * onFailure it may be cancelled, which is decided anew for every cancel that is sent.
 */
export async function settleStopSavepoint(deps: AdvanceStopDeps, work: StopAtWork, claim: Claim): Promise<void> {
  const { savepoint } = work;
  if (!savepoint) throw new Error(`Stop ${work.id} has no savepoint`);
  if (savepoint.state !== SavepointState.COMPLETED) return savepointFailed(deps, work, claim, savepoint);
  if (savepoint.stateAgeMs <= RUNS_ON_AFTER_MS) {
    return lookAgain(deps.database, work, claim, 'Flink to end the job', LOOK_EVERY_MS);
  }
  const seen = await lookAtJob(deps, work);
  // The process that made the savepoint makes no checkpoint behind it, and ends the job: its tasks may take any time to close (2.3.0 and 1.20.5).
  const recovered = seen !== null && (!savepoint.sameProcess || (await restoredSince(deps, work, savepoint)));
  if (recovered) return runsOn(deps, work, claim, savepoint, seen);
  const what =
    'Flink to end the job: its savepoint is whole, and its tasks have not ended. A stop WITHOUT_SAVEPOINT ends it';
  return lookAgain(deps.database, work, claim, what, HANGING_LOOKS_EVERY_MS);
}

/** Whether Flink's statistics name a restore that is later than the call. */
async function restoredSince({ flinkClients }: AdvanceStopDeps, { job, cluster }: StopAtWork, { sentAt }: Savepoint) {
  const restoredAt = (await flinkClients.at(cluster.url).checkpoints(job.flinkJobId))?.latest.restored?.restoredAt;
  return restoredAt !== undefined && sentAt !== null && restoredAt > sentAt;
}

/** As Flink shows it now, uncached; null: it is ending, has ended, or is not known. */
async function lookAtJob({ flinkClients }: AdvanceStopDeps, { job, cluster }: StopAtWork): Promise<JobState | null> {
  const seen = (await flinkClients.at(cluster.url).jobs()).find(({ jobId }) => jobId === job.flinkJobId);
  if (!seen || seen.state === 'FAILING') return null; // from there Flink restarts it, or not
  const state = jobStateOf(seen, true);
  return state === JobState.RUNNING || state === JobState.RESTARTING ? state : null;
}

function runsOn(deps: AdvanceStopDeps, work: StopAtWork, claim: Claim, savepoint: Savepoint, jobState: JobState) {
  return failStop(deps, work, claim, {
    code: StopFailureCode.JOB_RUNS_ON,
    outcome: jobState === JobState.RUNNING ? StopOutcome.STILL_RUNNING : StopOutcome.RESTARTED,
    message: `Its savepoint is whole (${savepoint.location}), and another JobManager has recovered the job, which runs on. Stop it again.`,
    rootCause: null,
    jobState,
  });
}

async function savepointFailed(
  deps: AdvanceStopDeps,
  work: StopAtWork,
  claim: Claim,
  savepoint: Savepoint,
): Promise<void> {
  // A person gave it up, perhaps because Flink does not answer: nothing is asked, and what Flink shows is seen by the next look.
  if (savepoint.failureCode === SavepointFailureCode.ABANDONED) {
    return leave(deps, work, claim, savepoint, StopOutcome.STILL_RUNNING, JobState.RUNNING, '');
  }
  const flink = deps.flinkClients.at(work.cluster.url);
  const jobState = await lookAtJob(deps, work);
  if (jobState === null)
    return lookAgain(deps.database, work, claim, 'a look at what became of the job', LOOK_EVERY_MS);
  const outcome = outcomeOfFailedSavepoint({
    code: savepoint.failureCode ?? SavepointFailureCode.FLINK_ERROR,
    jobState,
    restoredSince: await restoredSince(deps, work, savepoint),
    failedForMs: savepoint.stateAgeMs,
  });
  if (outcome === 'NOT_YET') {
    return lookAgain(deps.database, work, claim, 'a look at what became of the job', LOOK_EVERY_MS);
  }
  if (work.cancelIfYoungerMs === null) return leave(deps, work, claim, savepoint, outcome, jobState, '');
  const why = await whyNotCancelled(deps, work, work.cancelIfYoungerMs);
  if (why !== null) {
    const cancelled = work.cancels > 0 ? 'A cancel did not arrive, and was not sent again' : 'It was not cancelled';
    return leave(deps, work, claim, savepoint, outcome, jobState, ` ${cancelled}: ${why}`);
  }
  return sendCancel(deps, work, claim, flink);
}

/** onFailure: by the newest checkpoint's trigger time on the JobManager's clock, and only if it outlives the cancel. null: it may be. */
async function whyNotCancelled(deps: AdvanceStopDeps, work: StopAtWork, limitMs: number): Promise<string | null> {
  const fresh = await readStateAtCancel(deps, work, deps.flinkClients.at(work.cluster.url));
  if (!fresh) return 'Flink does not show the job.';
  const { completed } = fresh.state;
  if (!isYoungerThan(completed, fresh.jobManagerNow, limitMs)) {
    const age = completed?.triggeredAt == null ? null : fresh.jobManagerNow - completed.triggeredAt;
    return `its newest checkpoint is ${age === null ? 'of unknown age' : `${inWords(age)} old`}, and ${inWords(limitMs)} was the most.`;
  }
  const loss = lossByCancel(fresh.state);
  return loss === null || work.acceptStateLoss ? null : explainLoss(loss, null).message;
}

function leave(
  deps: AdvanceStopDeps,
  work: StopAtWork,
  claim: Claim,
  savepoint: Savepoint,
  outcome: StopOutcome.STILL_RUNNING | StopOutcome.RESTARTED,
  jobState: JobState,
  more: string,
): Promise<void> {
  const became =
    outcome === StopOutcome.STILL_RUNNING
      ? 'The job runs on as before.'
      : 'Flink has restarted the job from its newest checkpoint, and it runs on.';
  return failStop(deps, work, claim, {
    code: StopFailureCode.SAVEPOINT_FAILED,
    outcome,
    message: `Its savepoint failed (${savepoint.failureCode}): ${savepoint.failureMessage ?? ''} ${became}${more}`,
    rootCause: savepoint.failureRootCause,
    jobState,
  });
}
