import { NOW } from '../db/assign.js';
import { type Claim, ClaimLost, fencedWrite, type Then } from '../db/claims.js';
import type { Database, Transaction } from '../db/database.js';
import { DeletionFailureCode, DeletionState } from '../deletion/deletion.enums.js';
import { retryPauseMs } from '../deletion/end-deletion.js';
import type { Rest } from '../deletion/look-for-rest.js';
import { inWordsBytes } from '../deletion/words.js';
import { EventType } from '../event/event-types.js';
import { type NewEvent, recordInOrder } from '../event/record-event.js';
import type { FlinkCause } from '../flink/flink.types.js';
import type { LeftCheckpoint } from './left-behind-choice.js';
import { type LeftAtWork, lockRun, noteGone, takeBack } from './left-behind.store.js';
import { forgetReaches } from './snapshot-reach.js';

/** Without what was waited for, and without a request of Flink's that has ended. */
const SETTLED = { waiting_for: null, request_id: null, failures: 0, replies_lost: 0 };

/** One of them is gone; the next one follows at once. */
export function goOn(
  database: Database,
  work: LeftAtWork,
  claim: Claim,
  gone: LeftCheckpoint,
  proof: 'EMPTY' | 'FLINK_CONFIRMED',
): Promise<void> {
  return commit(database, work, claim, {
    set: {
      ...SETTLED,
      state: DeletionState.WAITING,
      may_have_begun: false,
      proof: work.proof === 'FLINK_CONFIRMED' ? work.proof : proof,
    },
    then: { againInMs: 0 },
    gone,
  });
}

/** All of them are gone. `rest`: what still lies in the directory of the run. */
export function endLeftBehind(
  database: Database,
  work: LeftAtWork,
  claim: Claim,
  rest: { location: string; bytes: number; files: number } | null,
): Promise<void> {
  const proof = work.proof ?? 'EMPTY';
  const left =
    rest === null
      ? ''
      : ` ${rest.files} ${rest.files === 1 ? 'file' : 'files'} (${inWordsBytes(rest.bytes)}) that none of them named still ${rest.files === 1 ? 'lies' : 'lie'} in ${rest.location}.`;
  return commit(database, work, claim, {
    set: {
      ...SETTLED,
      state: DeletionState.DONE,
      proof,
      ended_at: NOW,
      checkpoint_id: null,
      left_path: rest?.location ?? null,
      left_bytes: rest?.bytes ?? null,
    },
    then: 'REST',
    over: true,
    event: {
      type: EventType.LEFT_BEHIND_GONE,
      message: `What ${work.named} had left behind is gone: ${proof === 'EMPTY' ? 'nothing is left in the folders of its checkpoints' : 'Flink has ended each disposal without a failure'}.${left}`,
      details: { proof },
    },
  });
}

export interface LeftFailed {
  code: DeletionFailureCode;
  /** A sentence or more: what happened, and what to do. */
  message: string;
  cause?: FlinkCause | null;
  rest?: Rest | null;
  mayHaveBegun: boolean;
}

/** One of them could not be disposed of, or not be proven to be gone: it is tried again, ever more seldom. */
export function failLeftBehind(database: Database, work: LeftAtWork, claim: Claim, failed: LeftFailed): Promise<void> {
  const { code, message, cause = null, rest = null, mayHaveBegun } = failed;
  const failedTimes = work.failedTimes + 1;
  const againInMs = retryPauseMs(failedTimes);
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
      left_path: work.location,
      left_bytes: rest?.left && rest.counted ? rest.counted.bytes : null,
    },
    then: { againInMs },
    event: {
      type: EventType.LEFT_BEHIND_FAILED,
      message: `What ${work.named} has left behind could not be disposed of (${code}): ${message} It is tried again in ${againInMs / 60_000} min.`,
      details: { code },
    },
  });
}

/** It goes on when something else has happened; told once for each thing that it waits for. `asked`: it stays with the cluster that was asked. */
export function waitFor(
  database: Database,
  work: LeftAtWork,
  claim: Claim,
  waitingFor: string,
  { againInMs, asked = false }: { againInMs: number; asked?: boolean },
): Promise<void> {
  const settled = asked ? { failures: 0 } : { ...SETTLED, state: DeletionState.WAITING, cluster_id: null };
  const set = { ...settled, waiting_for: waitingFor };
  if (work.waitingFor === waitingFor) return fencedWrite(database, claim, [work.state], set, { againInMs });
  return commit(database, work, claim, {
    set,
    then: { againInMs },
    event: {
      type: EventType.LEFT_BEHIND_WAITS,
      message: `The disposal of what ${work.named} has left behind waits for ${waitingFor}.`,
    },
  });
}

/** Something speaks against it after all, or the run has come back: nothing more is asked for. */
export async function keepAfterAll(database: Database, work: LeftAtWork, claim: Claim, why: string): Promise<void> {
  await database.transaction(async (tx) => {
    await lockRun(tx, work.id);
    if ((await takeBack(tx, work.id, claim)) === null) throw new ClaimLost(claim);
    await recordInOrder(tx, [keptAfterAll(work, why)]);
  });
}

export const keptAfterAll = (
  { id, deploymentId, named }: Pick<LeftAtWork, 'id' | 'deploymentId' | 'named'>,
  why: string,
): NewEvent => ({
  type: EventType.LEFT_BEHIND_KEPT,
  deploymentId,
  jobId: id,
  message: `What ${named} has left behind is kept after all: ${why}`,
});

interface Change {
  set: Record<string, unknown>;
  then: Then;
  gone?: LeftCheckpoint;
  over?: boolean;
  event?: Pick<NewEvent, 'type' | 'message' | 'details'>;
}

/** The disposal under its claim, the checkpoint, and what there is to tell, together. */
async function commit(database: Database, work: LeftAtWork, claim: Claim, change: Change): Promise<void> {
  await database.transaction(async (tx: Transaction) => {
    await lockRun(tx, work.id);
    await fencedWrite(tx, claim, [work.state], change.set, change.then);
    if (change.gone) await noteGone(tx, work.id, change.gone.flinkCheckpointId);
    if (change.over) await forgetReaches(tx, work.id);
    if (change.event)
      await recordInOrder(tx, [
        { ...change.event, deploymentId: work.deploymentId, jobId: work.id, clusterId: work.clusterId },
      ]);
  });
}
