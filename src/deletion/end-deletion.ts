import { NOW } from '../db/assign.js';
import { type Claim, fencedWrite, type Then } from '../db/claims.js';
import type { Database, Transaction } from '../db/database.js';
import { EventType } from '../event/event-types.js';
import { type NewEvent, recordInOrder } from '../event/record-event.js';
import { failPoint } from '../fail-point.js';
import type { FlinkCause } from '../flink/flink.types.js';
import { DataState, DeletionProof, SavepointState } from '../savepoint/savepoint.enums.js';
import { DeletionFailureCode, type DeletionNote, DeletionState } from './deletion.enums.js';
import { type DeletionAtWork, leaveUntold, lockSavepointRow, moveSavepoint } from './disposal.store.js';
import type { Rest } from './look-for-rest.js';
import { inWordsBytes } from './words.js';

const FIRST_RETRY_MS = 60_000;
const LONGEST_RETRY_MS = 60 * 60_000;

/** Pause before a deletion that has failed so many times is tried again. */
export const retryPauseMs = (failedTimes: number): number =>
  Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failedTimes - 1, 10));

/** Without one that is waited for already, or known, and without a request of Flink's that has ended. */
const SETTLED = { waiting_for: null, request_id: null, failures: 0, replies_lost: 0 };

const proofs: Record<'EMPTY' | 'FLINK_CONFIRMED', string> = {
  EMPTY: 'nothing is left of it in its storage',
  FLINK_CONFIRMED: 'Flink has ended its disposal without a failure',
};

/** What is known of its data then. */
const dataAfter: Record<keyof typeof proofs, Record<string, unknown>> = {
  EMPTY: { data: DataState.MISSING, data_checked_at: NOW },
  FLINK_CONFIRMED: { data: DataState.NOT_CHECKED, data_checked_at: null },
};

/** It is gone, and how that is known. `unseen`: why Flink's word could not be held against the storage. */
export function endDeletion(
  database: Database,
  work: DeletionAtWork,
  claim: Claim,
  proof: keyof typeof proofs,
  { note = null, unseen = null }: { note?: DeletionNote | null; unseen?: string | null } = {},
): Promise<void> {
  const set = { ...SETTLED, state: DeletionState.DONE, ended_at: NOW, note, left_path: null, left_bytes: null };
  const aside = unseen === null ? '' : `; Stateward did not see it itself (${unseen})`;
  const how =
    note === null ? `${proofs[proof]}${aside}` : `${proofs[proof]}, and that was so before anything was deleted`;
  return commit(database, work, claim, {
    set,
    then: 'REST',
    savepoint: { state: SavepointState.DELETED, proof: DeletionProof[proof], deleted_at: NOW, ...dataAfter[proof] },
    event: {
      type: EventType.SAVEPOINT_DELETED,
      message: `Savepoint ${work.id} (${inWordsBytes(work.savepoint.sizeBytes)}) is deleted: ${how}.`,
      details: { proof, ...(note && { note }) },
    },
  });
}

export interface Failed {
  code: DeletionFailureCode;
  /** A sentence or more: what happened, and what to do. */
  message: string;
  cause?: FlinkCause | null;
  rest?: Rest | null;
  /** Something of it has, or may have, been deleted. */
  mayHaveBegun: boolean;
  /** Flink was, or may have been, asked, and has not told the end: it may still be at it. */
  untold?: boolean;
}

/** It could not be deleted, or not be proven to be gone: it is tried again, ever more seldom. */
export function failDeletion(database: Database, work: DeletionAtWork, claim: Claim, failed: Failed): Promise<void> {
  const { code, message, cause = null, rest = null, mayHaveBegun, untold = false } = failed;
  const failedTimes = work.failedTimes + 1;
  const againInMs = retryPauseMs(failedTimes);
  const whole = code === DeletionFailureCode.NOT_FOUND ? null : work.savepoint.sizeBytes;
  const left = rest?.left && rest.counted ? rest.counted.bytes : whole;
  const where = work.location ?? work.savepoint.location;
  return commit(database, work, claim, {
    set: {
      ...SETTLED,
      state: DeletionState.FAILED,
      may_have_begun: mayHaveBegun,
      failed_times: failedTimes,
      failed_at: NOW,
      failure_code: code,
      failure_message: message,
      failure_root_cause: cause?.summary ?? null,
      left_path: where,
      left_bytes: left,
    },
    then: { againInMs },
    untold,
    savepoint: { state: SavepointState.DELETION_FAILED },
    event: {
      type: EventType.DELETION_FAILED,
      message: `Savepoint ${work.id} could not be deleted (${code}): ${message} It is tried again in ${againInMs / 60_000} min.`,
      details: { code, leftPath: where, leftBytes: left },
    },
  });
}

/** From DELETION_FAILED back to DELETING: its time has come. */
export function tryAgain(database: Database, work: DeletionAtWork, claim: Claim): Promise<void> {
  return commit(database, work, claim, {
    set: { ...SETTLED, state: DeletionState.WAITING },
    then: { againInMs: 0 },
    from: SavepointState.DELETION_FAILED,
    savepoint: { state: SavepointState.DELETING },
    event: {
      type: EventType.DELETION_TRIES_AGAIN,
      message: `The deletion of savepoint ${work.id} is tried again, after ${work.failedTimes} that failed.`,
    },
  });
}

/** It goes on when something else has happened; told once for each thing that it waits for. */
export function waitFor(
  database: Database,
  work: DeletionAtWork,
  claim: Claim,
  waitingFor: string,
  againInMs: number,
): Promise<void> {
  const set = { ...SETTLED, state: DeletionState.WAITING, cluster_id: null };
  return wait(database, work, claim, waitingFor, { set, againInMs });
}

/** The same, of a disposal that Flink was asked for: it stays with that cluster. */
export const waitForAsked = (
  database: Database,
  work: DeletionAtWork,
  claim: Claim,
  waitingFor: string,
  againInMs: number,
): Promise<void> => wait(database, work, claim, waitingFor, { set: { failures: 0 }, againInMs });

function wait(
  database: Database,
  work: DeletionAtWork,
  claim: Claim,
  waitingFor: string,
  later: { set: Record<string, unknown>; againInMs: number },
): Promise<void> {
  const { againInMs } = later;
  const set = { ...later.set, waiting_for: waitingFor };
  if (work.waitingFor === waitingFor) return fencedWrite(database, claim, [work.state], set, { againInMs });
  return commit(database, work, claim, {
    set,
    then: { againInMs },
    event: {
      type: EventType.DELETION_WAITS,
      message: `The deletion of savepoint ${work.id} (${inWordsBytes(work.savepoint.sizeBytes)}) waits for ${waitingFor}.`,
    },
  });
}

interface Change {
  set: Record<string, unknown>;
  then: Then;
  untold?: boolean;
  /** The state that the savepoint has; default: DELETING. */
  from?: SavepointState;
  savepoint?: Record<string, unknown>;
  event: Pick<NewEvent, 'type' | 'message' | 'details'>;
}

/** The deletion under its claim, the savepoint, and what there is to tell, together. */
async function commit(database: Database, work: DeletionAtWork, claim: Claim, change: Change): Promise<void> {
  await database.transaction(async (tx: Transaction) => {
    await lockSavepointRow(tx, work.id);
    await fencedWrite(tx, claim, [work.state], change.set, change.then);
    if (change.untold) await leaveUntold(tx, work.id);
    const { from = SavepointState.DELETING, savepoint } = change;
    if (savepoint && !(await moveSavepoint(tx, work.id, [from], savepoint))) {
      throw new Error(`Savepoint ${work.id} is not ${from}, and its deletion is ${work.state}`);
    }
    await recordInOrder(tx, [
      {
        ...change.event,
        deploymentId: work.deploymentId,
        savepointId: work.id,
        jobId: work.jobId,
        clusterId: work.clusterId,
      },
    ]);
    failPoint('deletion.ended-before-commit');
  });
  failPoint('deletion.ended');
}
