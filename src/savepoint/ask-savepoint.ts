import { setTimeout as sleep } from 'node:timers/promises';
import { NOW } from '../db/assign.js';
import { type Claim, fencedWrite } from '../db/claims.js';
import { AppError } from '../errors.js';
import { failPoint } from '../fail-point.js';
import type { FlinkApi, FlinkCause, OperationStatus, SnapshotEntry } from '../flink/flink.types.js';
import { classifySavepointFailure } from '../flink/savepoint-failure.js';
import { endedUnseen } from '../job/job.lifecycle.js';
import { completeSavepoint, failSavepoint } from './end-savepoint.js';
import { describePending, explainFailure } from './explain-failure.js';
import { findLostResult } from './find-lost-result.js';
import { sentOnJobManagersClock } from './read-progress.js';
import type { AdvanceSavepointDeps } from './savepoint-deps.js';
import { SavepointFailureCode, SavepointOrigin, SavepointState } from './savepoint.enums.js';
import { mayBeSent } from './savepoint.lifecycle.js';
import { type SavepointAtWork, updateAttempt } from './savepoint.store.js';
import { settleFailedStop } from './settle-failed-stop.js';
import { abortedByStop } from './stop-savepoint.store.js';

const TOLD_WITHIN_MS = 3_000;

/** Asks Flink what has become of the trigger id. SEND_AGAIN: it does not know it, and must still know it if it had ever come. */
export async function askSavepoint(
  deps: AdvanceSavepointDeps,
  work: SavepointAtWork,
  claim: Claim,
): Promise<'SETTLED' | 'SEND_AGAIN'> {
  const { attempt } = work;
  if (!attempt) return 'SETTLED';
  const flink = deps.flinkClients.at(work.cluster.url);
  const unseenEnd = endedUnseen(work.job.failureCode);
  let status: OperationStatus;
  try {
    status = await flink.savepointOperation(work.job.flinkJobId, attempt.triggerId);
  } catch (error) {
    if (!unseenEnd || !(error instanceof AppError)) throw error;
    await findLostResult(deps, work, claim, { trouble: error }); // the cluster may be gone for good, and is not waited for
    return 'SETTLED';
  }
  if (status.status === 'UNKNOWN') {
    const processMark = await flink.processMark();
    const cluster = { processMark, asyncStoreDurationMs: work.cluster.asyncStoreDurationMs };
    // An id that Flink acknowledged once and does not know now has expired or gone with its process: sent again it would make a second savepoint.
    if (!unseenEnd && !attempt.accepted && mayBeSent(attempt, cluster)) return 'SEND_AGAIN';
    await findLostResult(deps, work, claim, { processMark });
  } else {
    await settleStatus(deps, work, claim, status);
  }
  return 'SETTLED';
}

/** The four answers, each with its own way: pending, completed, failed, and unknown, which is not failed. */
export async function settleStatus(
  deps: AdvanceSavepointDeps,
  work: SavepointAtWork,
  claim: Claim,
  status: OperationStatus,
): Promise<void> {
  if (status.status !== 'PENDING') failPoint('savepoint.polled');
  switch (status.status) {
    case 'COMPLETED':
      return completeSavepoint(deps.database, work, claim, status.location, 'POLLED');
    case 'FAILED':
      return recordFailure(deps, work, claim, status.cause);
    case 'UNKNOWN':
      return findLostResult(deps, work, claim);
    case 'PENDING':
      return follow(deps, work, claim);
  }
}

async function recordFailure(
  deps: AdvanceSavepointDeps,
  work: SavepointAtWork,
  claim: Claim,
  cause: FlinkCause,
): Promise<void> {
  const { database, flinkClients } = deps;
  if (work.origin === SavepointOrigin.STOP && (await settleFailedStop(deps, work, claim, cause))) return;
  const told = SavepointFailureCode[classifySavepointFailure(cause)];
  const byStop = told === SavepointFailureCode.ABORTED && (await abortedByStop(database, work.id));
  const code = byStop ? SavepointFailureCode.ABORTED_BY_STOP : told;
  const pending =
    code === SavepointFailureCode.EXPIRED ? await pendingIfTold(flinkClients.at(work.cluster.url), work) : null;
  const context = {
    timeoutMs: work.job.checkpointTimeoutMs,
    elapsedMs: work.attempt?.sentAgoMs ?? work.stateAgeMs,
    pending,
  };
  return failSavepoint(database, work, claim, explainFailure(code, cause, context));
}

/** For the message alone: where a JobManager in trouble does not tell within {@link TOLD_WITHIN_MS}, the message does without. */
async function pendingIfTold(flink: FlinkApi, work: SavepointAtWork): Promise<string | null> {
  try {
    return await Promise.race([whoHasNotAcknowledged(flink, work), sleep(TOLD_WITHIN_MS, null, { ref: false })]);
  } catch (error) {
    if (error instanceof AppError) return null;
    throw error;
  }
}

async function whoHasNotAcknowledged(flink: FlinkApi, work: SavepointAtWork): Promise<string | null> {
  const statistics = await flink.checkpoints(work.job.flinkJobId);
  const entry = statistics?.history.find(
    (one) => one.isSavepoint && one.status === 'FAILED' && begunAfterOurCall(one, work),
  );
  if (!entry)
    return work.totalSubtasks === null
      ? null
      : `${work.totalSubtasks - (work.acknowledgedSubtasks ?? 0)} of ${work.totalSubtasks} subtasks`;
  const [vertices, job] = await Promise.all([
    flink.acknowledgements(work.job.flinkJobId, entry.id),
    flink.job(work.job.flinkJobId),
  ]);
  const names = new Map(job?.vertices.map((vertex) => [vertex.id, vertex.name]));
  const text =
    vertices &&
    describePending(vertices.map((vertex) => ({ ...vertex, name: names.get(vertex.vertexId) ?? vertex.vertexId })));
  return text || `${entry.subtasks - entry.acknowledgedSubtasks} of ${entry.subtasks} subtasks`;
}

const begunAfterOurCall = (entry: SnapshotEntry, work: SavepointAtWork) =>
  entry.triggeredAt >= sentOnJobManagersClock(work) - 1_500;

/** Flink is at it: from here on it is followed in memory, and the row is written when something has changed. */
async function follow(deps: AdvanceSavepointDeps, work: SavepointAtWork, claim: Claim): Promise<void> {
  const { attempt } = work;
  const news = work.failures > 0 || work.lostForMs !== null || attempt?.accepted === false;
  if (news) {
    await deps.database.transaction(async (tx) => {
      await fencedWrite(tx, claim, [SavepointState.IN_PROGRESS], { failures: 0, lost_since: null }, 'HOLD');
      if (attempt && !attempt.accepted) await updateAttempt(tx, work.id, attempt.number, { accepted_at: NOW });
    });
  }
  deps.followSavepoints.follow({ ...work, failures: 0, lostForMs: null }, claim);
}
