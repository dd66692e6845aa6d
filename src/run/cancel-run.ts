import { ClusterState } from '../cluster/cluster.entity.js';
import { NOW } from '../db/assign.js';
import { type Claim, fencedWrite, leaseAllowsEffect, wake } from '../db/claims.js';
import { failPoint } from '../fail-point.js';
import type { FlinkApi } from '../flink/flink.types.js';
import { JobState } from '../job/job.entity.js';
import { everyTaskRuns, jobStateOf } from '../job/job.lifecycle.js';
import { failStop } from './end-stop.js';
import { explainLoss, lossByCancel, type StateAtCancel } from './state-at-cancel.js';
import type { AdvanceStopDeps } from './stop-deps.js';
import { StopFailureCode, StopOutcome, StopState } from './stop.enums.js';
import { recordedState, type StopAtWork } from './stop.store.js';
import { lookAgain } from './wait-in-stop.js';

const LIVE = [StopState.WAITING, StopState.IN_PROGRESS];
/** A cancel whose job still runs after so long was lost: sending it again is harmless (2.3.0 and 1.20.5). */
const LOST_AFTER_MS = 2_000;
/** A cancel that hangs in CANCELLING is told, and repeated this often. */
const REPEAT_EVERY_MS = 30_000;
const CHANGED_LOOKS_EVERY_MS = 5_000;
/** A run that came to the cluster so long before its stop and was not seen to run fully has not been looked at. */
const OBSERVED_WITHIN_MS = 60_000;

/** Cancels the run, once it is sure that this loses nothing that the caller did not give up, and again while Flink does not do it. */
export async function cancelRun(deps: AdvanceStopDeps, work: StopAtWork, claim: Claim): Promise<void> {
  const { database } = deps;
  if (work.cluster.state === ClusterState.CHANGED) {
    const what = 'the cluster to be the one that was registered (CLUSTER_CHANGED)';
    return lookAgain(database, work, claim, what, CHANGED_LOOKS_EVERY_MS);
  }
  if (work.job.state === JobState.SUBMITTING) {
    return lookAgain(database, work, claim, 'its submission to be given up, or to bring the job', pauseMs(work));
  }
  const flink = deps.flinkClients.at(work.cluster.url);
  const status = await flink.jobStatus(work.job.flinkJobId);
  if (status === null) {
    const what = 'the cluster to show the job, or to be sure that it has gone';
    return lookAgain(database, work, claim, what, pauseMs(work));
  }
  const ends = status === 'FINISHED' || status === 'CANCELED' || status === 'FAILED';
  const { cancelSentAgoMs } = work;
  if (ends || (status === 'CANCELLING' && (cancelSentAgoMs ?? 0) < REPEAT_EVERY_MS && cancelSentAgoMs !== null)) {
    return waitForEnd(deps, work, claim, `Flink to end the job, which is ${status}`);
  }
  if (status !== 'CANCELLING' && cancelSentAgoMs !== null && cancelSentAgoMs < LOST_AFTER_MS) {
    return waitForEnd(deps, work, claim, 'Flink to cancel the job');
  }
  const alreadyEnding = status === 'CANCELLING' || cancelSentAgoMs !== null;
  if (!work.acceptStateLoss && !alreadyEnding && !(await mayBeCancelled(deps, work, claim, flink))) return;
  return sendCancel(deps, work, claim, flink);
}

/** False: the stop has failed, or the look is to be repeated. */
async function mayBeCancelled(
  deps: AdvanceStopDeps,
  work: StopAtWork,
  claim: Claim,
  flink: FlinkApi,
): Promise<boolean> {
  const fresh = await readStateAtCancel(deps, work, flink);
  if (fresh === null) {
    await lookAgain(deps.database, work, claim, 'Flink to show the job', pauseMs(work));
    return false;
  }
  const loss = lossByCancel(fresh.state);
  if (loss === null) return true;
  const { message } = explainLoss(loss, (await recordedState(deps.database, work.job.id)).remaining);
  await failStop(deps, work, claim, {
    code: StopFailureCode.STATE_WOULD_BE_LOST,
    outcome: StopOutcome.STILL_RUNNING,
    message: `${message} The job runs on.`,
    rootCause: null,
    jobState: fresh.jobState,
  });
  return false;
}

/** What Flink and the record tell together, read now; null: Flink does not know the job. */
export async function readStateAtCancel(
  { database }: AdvanceStopDeps,
  work: StopAtWork,
  flink: FlinkApi,
): Promise<{ state: StateAtCancel; jobState: JobState; jobManagerNow: number } | null> {
  const { flinkJobId, startLocation, started } = work.job;
  const [config, statistics, details] = await Promise.all([
    flink.checkpointConfig(flinkJobId),
    flink.checkpoints(flinkJobId),
    flink.job(flinkJobId),
  ]);
  if (!details) return null;
  const recorded = await recordedState(database, work.job.id);
  const newest = statistics?.latest.completed ?? recorded.completed;
  // After a restart of the JobManager the statistics begin anew, and name what it went on from.
  const restored = statistics?.latest.restored;
  const wentOnFromOwn = restored && !restored.isSavepoint && restored.location !== startLocation;
  return {
    state: {
      checkpointing: config ?? { intervalMs: null, retainedOnCancellation: false },
      everRan: started || (everyTaskRuns(details) && details.startTime < details.now - work.ageMs - OBSERVED_WITHIN_MS),
      completed: newest ?? (wentOnFromOwn ? { triggeredAt: null, location: restored.location } : null),
      startState: recorded.startState,
    },
    jobState: jobStateOf(details, started),
    jobManagerNow: details.now,
  };
}

/** Written down before the call leaves: whatever happens then, it is known that it may have been sent. */
export async function sendCancel(
  deps: AdvanceStopDeps,
  work: StopAtWork,
  claim: Claim,
  flink: FlinkApi,
): Promise<void> {
  const { database } = deps;
  const set = {
    state: StopState.IN_PROGRESS,
    cancel_sent_at: NOW,
    cancels: work.cancels + 1,
    waiting_for: 'Flink to cancel the job',
    ...(work.state === StopState.IN_PROGRESS ? {} : { state_since: NOW }),
  };
  await fencedWrite(database, claim, LIVE, set, 'HOLD');
  failPoint('stop.cancel-stored');
  if (!leaseAllowsEffect(claim)) return; // the row is due again when the lease ends
  const reply = await flink.cancelJob(work.job.flinkJobId);
  const sent = { ...work, state: StopState.IN_PROGRESS };
  if (reply.outcome === 'ACCEPTED') {
    const again = work.cancels > 0 ? `, ${work.cancels + 1} times asked to` : '';
    return waitForEnd(deps, sent, claim, `Flink to cancel the job${again}`);
  }
  // 404: it is gone or not there yet; 409: it has ended by itself. The next look at the cluster tells.
  return waitForEnd(deps, sent, claim, `a look at the job: Flink declined the cancel with HTTP ${reply.status}`);
}

async function waitForEnd({ database }: AdvanceStopDeps, work: StopAtWork, claim: Claim, what: string): Promise<void> {
  await database.transaction(async (tx) => {
    await wake(tx, 'cluster', work.cluster.id);
    await fencedWrite(tx, claim, LIVE, { failures: 0, waiting_for: what }, { againInMs: pauseMs(work) });
  });
}

/** The look at the cluster wakes the stop when the job has moved. */
const pauseMs = (work: StopAtWork): number => Math.min(5_000, Math.max(500, work.stateAgeMs * 0.1));
