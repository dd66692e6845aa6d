import { type Claim, fencedWrite } from '../db/claims.js';
import { DeletionFailureCode, DeletionState } from '../deletion/deletion.enums.js';
import { toAnswer } from '../deletion/choose-disposer.js';
import { type Asked, KEPT_BY_DEFAULT_MS } from '../deletion/disposal.store.js';
import { inWords, lookForRest, type Rest } from '../deletion/look-for-rest.js';
import { askPauseMs } from '../deletion/settle-disposal.js';
import { AppError } from '../errors.js';
import { foundNoSavepoint } from '../flink/disposal-failure.js';
import type { DisposalStatus, FlinkCause } from '../flink/flink.types.js';
import { failLeftBehind, goOn, waitFor } from './end-left-behind.js';
import type { AdvanceLeftBehindDeps } from './left-behind-deps.js';
import type { LeftCheckpoint } from './left-behind-choice.js';
import type { LeftAtWork } from './left-behind.store.js';
import { placeOfRun } from './place-of-run.js';

const DISPOSING = [DeletionState.DISPOSING];
/** A folder that is read over a network may show for so long what is gone. */
const SHOWN_LATE_MS = 3_000;
/** While the cluster that was asked does not answer. */
const SILENT_LOOK_EVERY_MS = 5_000;
/** Longer than deleting many files takes: from then on it is told that it is waited for. */
const SLOW_MS = 10 * 60_000;
/** Replies of one cluster to what it was asked for; then it is asked more seldom. */
const LOST_IN_A_ROW = 4;

/** Asks Flink what has become of the disposal of one of them, and judges it by what is left of its folder. */
export async function askLeftBehind(deps: AdvanceLeftBehindDeps, work: LeftAtWork, claim: Claim): Promise<void> {
  const { database } = deps;
  const at = work.checkpoints.find(({ flinkCheckpointId }) => flinkCheckpointId === work.checkpointId);
  // The run has come back, and what it had left is another set now: what Flink was asked for is nothing of that.
  if (!at)
    return fencedWrite(
      database,
      claim,
      DISPOSING,
      { state: DeletionState.WAITING, request_id: null },
      { againInMs: 0 },
    );
  const { asked, requestId } = work;
  if (!asked || asked.gone || requestId === null) return lost(deps, work, claim);
  let status: DisposalStatus;
  try {
    status = await deps.flinkClients.at(asked.url).disposalOperation(requestId);
  } catch (error) {
    if (!(error instanceof AppError) || asked.silentMs === null) throw error;
    if (asked.silentMs > (asked.keepsResultsMs || KEPT_BY_DEFAULT_MS)) return lost(deps, work, claim);
    return waitFor(database, work, claim, toAnswer(asked.name), { againInMs: SILENT_LOOK_EVERY_MS, asked: true });
  }
  switch (status.status) {
    case 'PENDING':
      return goesOn(deps, work, claim, asked);
    case 'COMPLETED':
      return confirmed(deps, work, claim, at);
    case 'FAILED':
      return failed(deps, work, claim, at, status.cause);
    case 'UNKNOWN':
      return lost(deps, work, claim);
  }
}

const pending = { failures: 0, waiting_for: null };

function goesOn({ database }: AdvanceLeftBehindDeps, work: LeftAtWork, claim: Claim, { name }: Asked): Promise<void> {
  const sentAgoMs = work.sentAgoMs ?? 0;
  const againInMs = askPauseMs(sentAgoMs);
  if (sentAgoMs < SLOW_MS) return fencedWrite(database, claim, DISPOSING, pending, { againInMs });
  const what = `cluster "${name}" to end the disposal that it was asked for`;
  return waitFor(database, work, claim, what, { againInMs, asked: true });
}

async function restOf(deps: AdvanceLeftBehindDeps, work: LeftAtWork, claim: Claim, at: LeftCheckpoint): Promise<Rest> {
  const place = await placeOfRun(deps.database, { ...work.run, checkpoints: [at] });
  if ('problem' in place) return { left: null, why: place.problem };
  const path = `${place.directory}/chk-${at.flinkCheckpointId}`;
  const lies = { id: work.id, savepoint: { storageId: place.storageId, path } };
  return lookForRest(deps, lies, claim, { countWhole: true });
}

/** Flink says that it is done. Where its word can be held against the storage, that counts. */
async function confirmed(
  deps: AdvanceLeftBehindDeps,
  work: LeftAtWork,
  claim: Claim,
  at: LeftCheckpoint,
): Promise<void> {
  const rest = await restOf(deps, work, claim, at);
  if (rest.left === null) return goOn(deps.database, work, claim, at, 'FLINK_CONFIRMED');
  if (!rest.left) return goOn(deps.database, work, claim, at, 'EMPTY');
  if ((work.sentAgoMs ?? Infinity) < SHOWN_LATE_MS)
    return fencedWrite(deps.database, claim, DISPOSING, pending, { againInMs: 500 });
  return failLeftBehind(deps.database, work, claim, {
    code: DeletionFailureCode.LEFTOVERS_POSSIBLE,
    message: `Flink says that it is gone, and ${inWords(rest)} at ${work.location}. If they stay, remove the folder by hand.`,
    rest,
    mayHaveBegun: true,
  });
}

async function failed(
  deps: AdvanceLeftBehindDeps,
  work: LeftAtWork,
  claim: Claim,
  at: LeftCheckpoint,
  cause: FlinkCause,
): Promise<void> {
  const rest = await restOf(deps, work, claim, at);
  if (rest.left === false) return goOn(deps.database, work, claim, at, 'EMPTY');
  const nothingFound = foundNoSavepoint(cause);
  const about = { cause, rest, mayHaveBegun: work.mayHaveBegun || !nothingFound };
  if (nothingFound && !work.mayHaveBegun)
    return failLeftBehind(deps.database, work, claim, {
      ...about,
      code: DeletionFailureCode.NOT_FOUND,
      message: `Flink found no checkpoint at ${work.location}, and nothing of it had been disposed of by Stateward. Look whether it was moved or removed.`,
    });
  const half = nothingFound || (rest.left === true && !rest.metadata);
  return failLeftBehind(deps.database, work, claim, {
    ...about,
    code: half ? DeletionFailureCode.LEFTOVERS_POSSIBLE : DeletionFailureCode.DISPOSAL_FAILED,
    message: half
      ? `A part of it was deleted, or may have been, and ${inWords(rest)} at ${work.location}, which Flink does not find without _metadata. Remove the folder by hand.`
      : `Flink could not delete ${work.location}. Look at the cause and at the rights of the JobManager there.`,
  });
}

/** Nobody can say any more what became of it: it is begun anew, and the storage tells what is left; without that, "not found" proves nothing then. */
async function lost({ database }: AdvanceLeftBehindDeps, work: LeftAtWork, claim: Claim): Promise<void> {
  const repliesLost = work.requestId === null ? work.repliesLost + 1 : 0;
  if (repliesLost >= LOST_IN_A_ROW)
    return failLeftBehind(database, work, claim, {
      code: DeletionFailureCode.DISPOSAL_FAILED,
      message: `Cluster "${work.asked?.name ?? ''}" was asked to delete ${work.location}, and no answer came back, ${repliesLost} times in a row. Look at its JobManager, and at what stands between it and Stateward.`,
      mayHaveBegun: true,
    });
  const set = { state: DeletionState.WAITING, request_id: null, may_have_begun: true, replies_lost: repliesLost };
  return fencedWrite(database, claim, DISPOSING, set, { againInMs: 200 });
}
