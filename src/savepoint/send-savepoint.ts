import { ClusterState } from '../cluster/cluster.entity.js';
import { lockCluster, lockClusterRow, readFactsSoon } from '../cluster/find-cluster.js';
import { NOW } from '../db/assign.js';
import { type Claim, fencedWrite, leaseAllowsEffect } from '../db/claims.js';
import type { Database } from '../db/database.js';
import { EventType } from '../event/event-types.js';
import { recordEvent } from '../event/record-event.js';
import { failPoint } from '../fail-point.js';
import type { FlinkApi, FlinkReply } from '../flink/flink.types.js';
import { joinLocation } from '../flink/location.js';
import { classifySavepointFailure } from '../flink/savepoint-failure.js';
import { directoryOf, newTriggerId } from './admit-savepoints.js';
import { completeSavepoint, failSavepoint } from './end-savepoint.js';
import { explainFailure } from './explain-failure.js';
import { findLostResult } from './find-lost-result.js';
import { troublePauseMs } from './look-pause.js';
import type { AdvanceSavepointDeps } from './savepoint-deps.js';
import { SavepointFailureCode, SavepointOrigin, SavepointState } from './savepoint.enums.js';
import { mayBeSent } from './savepoint.lifecycle.js';
import { insertAttempt, type SavepointAtWork, updateAttempt, writeSend } from './savepoint.store.js';

type Attempt = NonNullable<SavepointAtWork['attempt']>;

const IN_PROGRESS = [SavepointState.IN_PROGRESS];
/** Answers of Flink that decline the trigger (404, 500, 503), until they count as the answer. */
const REFUSALS = 5;
const CHANGED_LOOKS_EVERY_MS = 5_000;

/**
 * Sends the trigger, for the first time or again with the same trigger id. The order is what keeps it single: the
 * attempt is stored already; the process mark is read again; the send is written down; only then the call leaves, and
 * only while the lease is good.
 */
export async function sendSavepoint(deps: AdvanceSavepointDeps, work: SavepointAtWork, claim: Claim): Promise<void> {
  if (work.cluster.state === ClusterState.CHANGED) return waitForCluster(deps.database, claim);
  const flink = deps.flinkClients.at(work.cluster.url);
  const isFirst = work.attempt?.sends === 0;
  const processMark = await (isFirst ? deps.flinkClients.sharedMark(work.cluster.url) : flink.processMark());
  if (processMark !== work.cluster.processMark) return readClusterFirst(deps.database, work, claim);
  let attempt = work.attempt;
  if (!attempt) return;
  if (attempt.sends === 0 && processMark !== attempt.processMark) {
    attempt = await storeNewAttempt(deps.database, work, attempt, claim, processMark);
  } else if (!mayBeSent(attempt, { processMark, asyncStoreDurationMs: work.cluster.asyncStoreDurationMs })) {
    return findLostResult(deps, work, claim);
  }

  await writeSend(deps.database, claim, attempt.number);
  failPoint('savepoint.send-stored');
  if (!leaseAllowsEffect(claim)) return; // the row is due again when the lease ends
  const body = {
    triggerId: attempt.triggerId,
    targetDirectory: joinLocation(attempt.rootUri, attempt.directory),
    format: work.format,
  };
  const reply =
    work.origin === SavepointOrigin.STOP
      ? await flink.stopWithSavepoint(work.job.flinkJobId, { ...body, drain: work.drained })
      : await flink.triggerSavepoint(work.job.flinkJobId, body);
  failPoint('savepoint.triggered');
  const sent = {
    ...attempt,
    sends: attempt.sends + 1,
    sentAt: attempt.sentAt ?? Date.now(),
    sentAgoMs: attempt.sentAgoMs ?? 0,
    lastSentAgoMs: 0,
  };
  if (reply.outcome === 'REFUSED') return recordRefusal(deps, { ...work, attempt: sent }, claim, flink, reply);
  await updateAttempt(deps.database, work.id, attempt.number, { accepted_at: NOW });
  failPoint('savepoint.accepted');
  deps.followSavepoints.follow({ ...work, attempt: { ...sent, accepted: true } }, claim);
}

/** Another process answers than the one that was read: whether it is still the cluster that was registered is looked at first. */
async function readClusterFirst(database: Database, work: SavepointAtWork, claim: Claim): Promise<void> {
  await database.transaction(async (tx) => {
    await lockCluster(tx, work.cluster.id);
    await fencedWrite(tx, claim, IN_PROGRESS, {}, { againInMs: 300 });
    await readFactsSoon(tx, work.cluster.id);
  });
}

/** Nothing is triggered on a cluster that is not the one that was registered. */
async function waitForCluster(database: Database, claim: Claim): Promise<void> {
  await fencedWrite(database, claim, IN_PROGRESS, {}, { againInMs: CHANGED_LOOKS_EVERY_MS });
}

/** Nothing was sent yet and the JobManager is another one than when the attempt was stored: its id must belong to the new process. */
async function storeNewAttempt(
  database: Database,
  work: SavepointAtWork,
  old: Attempt,
  claim: Claim,
  processMark: string | null,
): Promise<Attempt> {
  const number = old.number + 1;
  const attempt: Attempt = {
    ...old,
    number,
    triggerId: newTriggerId(),
    directory: directoryOf(work.deploymentId, work.id, number),
    processMark,
    sends: 0,
    refusals: 0,
    accepted: false,
    storedAgoMs: 0,
    sentAgoMs: null,
    lastSentAgoMs: null,
    sentAt: null,
  };
  await database.transaction(async (tx) => {
    await lockClusterRow(tx, work.cluster.id); // a new attempt holds its storage, which comes before savepoints in the order of locks
    await fencedWrite(tx, claim, IN_PROGRESS, { attempt: number }, 'HOLD');
    await updateAttempt(tx, work.id, old.number, { ended_at: NOW, outcome: 'NEVER_SENT' });
    await insertAttempt(tx, { savepointId: work.id, ...attempt });
    await recordEvent(tx, {
      type: EventType.SAVEPOINT_NEW_ATTEMPT,
      deploymentId: work.deploymentId,
      savepointId: work.id,
      message: `The JobManager of ${work.cluster.name} was restarted before savepoint ${work.id} was sent: attempt ${number} takes a new trigger id.`,
    });
  });
  return attempt;
}

async function recordRefusal(
  deps: AdvanceSavepointDeps,
  work: SavepointAtWork,
  claim: Claim,
  flink: FlinkApi,
  reply: Extract<FlinkReply<object>, { outcome: 'REFUSED' }>,
): Promise<void> {
  const attempt = work.attempt;
  if (!attempt) return;
  const final = reply.status === 400 || attempt.refusals + 1 >= REFUSALS;
  if (!final) {
    await deps.database.transaction(async (tx) => {
      await fencedWrite(tx, claim, IN_PROGRESS, {}, { againInMs: troublePauseMs(attempt.refusals) });
      await updateAttempt(tx, work.id, attempt.number, { refusals: attempt.refusals + 1 });
    });
    return;
  }
  // An earlier send whose reply was lost may have been taken all the same.
  const status = await flink.savepointOperation(work.job.flinkJobId, attempt.triggerId);
  if (status.status === 'COMPLETED') return completeSavepoint(deps.database, work, claim, status.location, 'POLLED');
  if (status.status === 'PENDING') return fencedWrite(deps.database, claim, IN_PROGRESS, {}, { againInMs: 250 });
  const code = SavepointFailureCode[classifySavepointFailure(reply.cause)];
  const failure = explainFailure(code, reply.cause, { timeoutMs: null, elapsedMs: work.stateAgeMs, pending: null });
  return failSavepoint(deps.database, work, claim, {
    ...failure,
    message: `Flink declined it with HTTP ${reply.status}. ${failure.message}`,
  });
}
