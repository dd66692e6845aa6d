import { ClusterState } from '../cluster/cluster.entity.js';
import type { Claim } from '../db/claims.js';
import type { FlinkApi } from '../flink/flink.types.js';
import { JobState } from '../job/job.entity.js';
import { statisticsLagMs } from '../job/restore-seen.js';
import { failStop } from './end-stop.js';
import { readStateAtCancel } from './read-state-at-cancel.js';
import { pauseMs, sendCancel, waitForEnd } from './send-cancel.js';
import { settleStopSavepoint } from './settle-stop-savepoint.js';
import { explainLoss, lossByCancel } from './state-at-cancel.js';
import type { AdvanceStopDeps } from './stop-deps.js';
import { StopFailureCode, StopMode, StopOutcome } from './stop.enums.js';
import { recordedState, type StopAtWork } from './stop.store.js';
import { lookAgain } from './wait-in-stop.js';

/** A cancel whose job still runs after so long was lost: sending it again is harmless (2.3.0 and 1.20.5). */
const LOST_AFTER_MS = 2_000;
/** A cancel that hangs in CANCELLING is told, and repeated this often. */
const REPEAT_EVERY_MS = 30_000;
const CHANGED_LOOKS_EVERY_MS = 5_000;

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
  if (status === 'CANCELLING') return sendCancel(deps, work, claim, flink); // it is on its way: nothing more can be lost
  if (cancelSentAgoMs !== null && cancelSentAgoMs < LOST_AFTER_MS) {
    return waitForEnd(deps, work, claim, 'Flink to cancel the job');
  }
  // A cancel that was lost is decided anew: what it rested on may not hold any more.
  if (work.mode !== StopMode.WITHOUT_SAVEPOINT) return settleStopSavepoint(deps, work, claim);
  if (!work.acceptStateLoss && !(await mayBeCancelled(deps, work, claim, flink))) return;
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
  if (loss === 'NONE_COMPLETED' && work.ageMs < statisticsLagMs(work.cluster.configuration)) {
    await lookAgain(deps.database, work, claim, "Flink's statistics, which lag, to show a checkpoint", pauseMs(work));
    return false;
  }
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
