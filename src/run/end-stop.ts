import { lockCluster } from '../cluster/find-cluster.js';
import { NOW } from '../db/assign.js';
import { type Claim, fencedWrite } from '../db/claims.js';
import { EventType } from '../event/event-types.js';
import { recordInOrder } from '../event/record-event.js';
import type { JobState } from '../job/job.entity.js';
import { endStopping } from '../job/stop-job.js';
import { tellDeployments } from '../job/tell-deployment.js';
import { SavepointState } from '../savepoint/savepoint.enums.js';
import { type End, outcomeOfEndedJob } from './stop-outcome.js';
import type { AdvanceStopDeps } from './stop-deps.js';
import { StopFailureCode, StopMode, StopOutcome, StopState } from './stop.enums.js';
import type { StopAtWork } from './stop.store.js';

const LIVE = [StopState.WAITING, StopState.IN_PROGRESS];

export interface StopFailed {
  code: StopFailureCode;
  /** null: not known. */
  outcome: StopOutcome | null;
  message: string;
  rootCause: string | null;
  /** What the job is now; null: it has ended, or is ending. */
  jobState: JobState | null;
}

/** The job has ended: what the stop has come to. */
export async function endStop(deps: AdvanceStopDeps, work: StopAtWork, claim: Claim): Promise<void> {
  const { mode, job, savepoint, cancelSentAgoMs } = work;
  const end = outcomeOfEndedJob({
    mode,
    jobState: job.state,
    cancelSent: cancelSentAgoMs !== null,
    savepoint: savepoint && {
      completed: savepoint.state === SavepointState.COMPLETED,
      stopFailedAfter: savepoint.stopFailedAfter,
    },
  });
  if (end.state === StopState.COMPLETED) return completeStop(deps, work, claim);
  return failStop(deps, work, claim, {
    code: end.code ?? StopFailureCode.JOB_ENDED,
    outcome: end.outcome,
    message: explainEnd(work, end),
    rootCause: savepoint?.failureRootCause ?? job.failureRootCause,
    jobState: null,
  });
}

async function completeStop({ database }: AdvanceStopDeps, work: StopAtWork, claim: Claim): Promise<void> {
  const with_ =
    work.mode === StopMode.WITHOUT_SAVEPOINT ? 'without a savepoint' : `with savepoint ${work.savepoint?.location}`;
  await database.transaction(async (tx) => {
    await lockCluster(tx, work.cluster.id);
    const set = {
      state: StopState.COMPLETED,
      state_since: NOW,
      ended_at: NOW,
      outcome: StopOutcome.STOPPED,
      waiting_for: null,
      failures: 0,
    };
    await fencedWrite(tx, claim, LIVE, set, 'REST');
    await recordInOrder(tx, [
      {
        ...aboutStop(work),
        type: EventType.STOP_COMPLETED,
        message: `Run ${work.job.run} of ${work.deploymentName} has been stopped ${with_}.`,
      },
    ]);
  });
}

function explainEnd({ job, savepoint, mode }: StopAtWork, { outcome, code }: End): string {
  if (!job.submitted && outcome === StopOutcome.JOB_FAILED) {
    return `The start failed before Flink had a job to cancel (${job.failureCode}): ${job.failureMessage}`;
  }
  const became =
    outcome === StopOutcome.JOB_FAILED
      ? `The job ended as FAILED${job.failureMessage ? `: ${job.failureMessage}` : '.'}`
      : outcome === StopOutcome.CANCELLED_INSTEAD
        ? 'The job was cancelled.'
        : 'The job has ended by itself.';
  if (code === StopFailureCode.STOP_FAILED_AFTER) {
    return `Its savepoint is whole (${savepoint?.location}), and the job did not end as it was asked to. ${became} Its side effects may be uncommitted: start from this savepoint, and from nothing later.`;
  }
  if (savepoint?.state === SavepointState.COMPLETED) {
    return `Its savepoint is whole (${savepoint.location}), and another JobManager went on with the job. ${became}`;
  }
  if (savepoint?.state === SavepointState.IN_PROGRESS) {
    return `${became} What became of savepoint ${savepoint.id} is still looked for.`;
  }
  if (savepoint?.failureMessage) return `Its savepoint failed (${savepoint.failureCode}). ${became}`;
  return mode === StopMode.WITHOUT_SAVEPOINT ? `It ended before the cancel took hold. ${became}` : became;
}

/** The stop has not come about as it was asked for. A job that runs on is what Flink shows, in the same transaction. */
export async function failStop(
  { database, clusterFollower }: AdvanceStopDeps,
  work: StopAtWork,
  claim: Claim,
  { code, outcome, message, rootCause, jobState }: StopFailed,
): Promise<void> {
  await database.transaction(async (tx) => {
    await lockCluster(tx, work.cluster.id);
    await fencedWrite(
      tx,
      claim,
      LIVE,
      {
        state: StopState.FAILED,
        state_since: NOW,
        ended_at: NOW,
        outcome,
        failure_code: code,
        failure_message: message,
        failure_root_cause: rootCause,
        waiting_for: null,
        failures: 0,
      },
      'REST',
    );
    const { moved, events } =
      jobState === null
        ? { moved: [], events: [] }
        : await endStopping(tx, clusterFollower, { id: work.job.id, clusterId: work.cluster.id }, jobState);
    await tellDeployments(tx, moved, [
      ...events,
      {
        ...aboutStop(work),
        type: EventType.STOP_FAILED,
        message: `Stop ${work.id} of ${work.deploymentName} failed (${code}${outcome ? `, ${outcome}` : ''}): ${message}`,
        details: { code, outcome },
      },
    ]);
  });
}

const aboutStop = (work: StopAtWork) => ({
  deploymentId: work.deploymentId,
  jobId: work.job.id,
  clusterId: work.cluster.id,
  savepointId: work.savepoint?.id ?? null,
  stopId: work.id,
});
