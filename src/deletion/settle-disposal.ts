import { type Claim, fencedWrite } from '../db/claims.js';
import { AppError } from '../errors.js';
import { foundNoSavepoint } from '../flink/disposal-failure.js';
import type { DisposalStatus, FlinkCause } from '../flink/flink.types.js';
import { toAnswer } from './choose-disposer.js';
import type { AdvanceDeletionDeps } from './deletion-deps.js';
import { DeletionFailureCode, DeletionNote, DeletionState } from './deletion.enums.js';
import { type Asked, type DeletionAtWork, KEPT_BY_DEFAULT_MS, leaveUntold } from './disposal.store.js';
import { endDeletion, failDeletion, waitForAsked } from './end-deletion.js';
import { inWords, lookForRest } from './look-for-rest.js';

const DISPOSING = [DeletionState.DISPOSING];
/** A folder that is read over a network may show for so long what is gone. */
const SHOWN_LATE_MS = 3_000;

/** While the cluster that was asked does not answer. */
const SILENT_LOOK_EVERY_MS = 5_000;
/** Replies of one cluster to what it was asked for; then it is asked more seldom. */
const LOST_IN_A_ROW = 4;
/** Longer than deleting many files takes: from then on it is told that it is waited for. */
const SLOW_MS = 10 * 60_000;

/** Pause before Flink is asked again how a disposal goes: some 0.1 s is usual, and one of many files may take minutes. */
export const askPauseMs = (sentAgoMs: number): number => Math.min(5_000, Math.max(200, sentAgoMs * 0.2));

/** Asks Flink what has become of a disposal, and judges it by what is left. */
export async function askDisposal(deps: AdvanceDeletionDeps, work: DeletionAtWork, claim: Claim): Promise<void> {
  const { asked, requestId } = work;
  if (!asked || asked.gone || requestId === null) return lost(deps, work, claim);
  let status: DisposalStatus;
  try {
    status = await deps.flinkClients.at(asked.url).disposalOperation(requestId);
  } catch (error) {
    if (!(error instanceof AppError) || asked.silentMs === null) throw error;
    if (asked.silentMs > (asked.keepsResultsMs || KEPT_BY_DEFAULT_MS)) return lost(deps, work, claim);
    return waitForAsked(deps.database, work, claim, toAnswer(asked.name), SILENT_LOOK_EVERY_MS);
  }
  switch (status.status) {
    case 'PENDING':
      return goesOn(deps, work, claim, asked);
    case 'COMPLETED':
      return confirmed(deps, work, claim);
    case 'FAILED':
      return failed(deps, work, claim, status.cause);
    case 'UNKNOWN':
      return lost(deps, work, claim);
  }
}

const pending = { failures: 0, waiting_for: null };

function goesOn({ database }: AdvanceDeletionDeps, work: DeletionAtWork, claim: Claim, { name }: Asked): Promise<void> {
  const sentAgoMs = work.sentAgoMs ?? 0;
  const againInMs = askPauseMs(sentAgoMs);
  if (sentAgoMs < SLOW_MS) return fencedWrite(database, claim, DISPOSING, pending, { againInMs });
  return waitForAsked(database, work, claim, `cluster "${name}" to end the disposal that it was asked for`, againInMs);
}

/** Flink says that it is done. Where its word can be held against the storage, that counts. */
async function confirmed(deps: AdvanceDeletionDeps, work: DeletionAtWork, claim: Claim): Promise<void> {
  const rest = await lookForRest(deps, work, claim, { countWhole: true });
  if (rest.left === null) return endDeletion(deps.database, work, claim, 'FLINK_CONFIRMED', { unseen: rest.why });
  if (!rest.left) return endDeletion(deps.database, work, claim, 'EMPTY');
  if ((work.sentAgoMs ?? Infinity) < SHOWN_LATE_MS)
    return fencedWrite(deps.database, claim, DISPOSING, pending, { againInMs: 500 });
  return failDeletion(deps.database, work, claim, {
    code: DeletionFailureCode.LEFTOVERS_POSSIBLE,
    message: `Flink says that it is gone, and ${inWords(rest)} at ${work.location}. If they stay, remove the folder by hand.`,
    rest,
    mayHaveBegun: true,
  });
}

async function failed(deps: AdvanceDeletionDeps, work: DeletionAtWork, claim: Claim, cause: FlinkCause): Promise<void> {
  const rest = await lookForRest(deps, work, claim, { countWhole: true });
  const nothingFound = foundNoSavepoint(cause);
  if (rest.left === false) {
    const note = nothingFound && !work.mayHaveBegun ? DeletionNote.WAS_ALREADY_GONE : null;
    return endDeletion(deps.database, work, claim, 'EMPTY', { note });
  }
  const about = { cause, rest, mayHaveBegun: work.mayHaveBegun || !nothingFound };
  if (nothingFound && !work.mayHaveBegun) {
    return failDeletion(deps.database, work, claim, {
      ...about,
      code: DeletionFailureCode.NOT_FOUND,
      message: `Flink found no savepoint at ${work.location}, and nothing had been deleted by Stateward. Look whether it was moved or removed; if it is gone for good, give the record up with forgetSavepoint.`,
    });
  }
  const half = nothingFound || (rest.left === true && !rest.metadata);
  return failDeletion(deps.database, work, claim, {
    ...about,
    code: half ? DeletionFailureCode.LEFTOVERS_POSSIBLE : DeletionFailureCode.DISPOSAL_FAILED,
    message: half
      ? `A part of it was deleted, or may have been, and ${inWords(rest)} at ${work.location}, which Flink does not find without _metadata. Remove the folder by hand; if it is gone, give the record up with forgetSavepoint.`
      : `Flink could not delete ${work.location}. Look at the cause and at the rights of the JobManager there.`,
  });
}

/**
 * Nobody can say any more what became of a disposal: its reply was lost, its id is forgotten, or its cluster has not answered for as long
 * as it would have known it. It is begun anew, by whichever cluster can: the storage tells
 * what is left, where it can be read; else it is asked for again, and then "not found" proves nothing.
 */
async function lost({ database }: AdvanceDeletionDeps, work: DeletionAtWork, claim: Claim): Promise<void> {
  const replyLost = work.requestId === null;
  const repliesLost = replyLost ? work.repliesLost + 1 : 0;
  if (repliesLost >= LOST_IN_A_ROW)
    return failDeletion(database, work, claim, {
      code: DeletionFailureCode.DISPOSAL_FAILED,
      message: `Cluster "${work.asked?.name ?? ''}" was asked to delete ${work.location}, and no answer came back, ${repliesLost} times in a row${work.waitingFor === null ? '' : ` (last: ${work.waitingFor})`}. Look at its JobManager, and at what stands between it and Stateward.`,
      mayHaveBegun: true,
      untold: true,
    });
  const set = {
    state: DeletionState.WAITING,
    request_id: null,
    may_have_begun: true,
    replies_lost: repliesLost,
    ...(!replyLost && { failures: 0 }),
  };
  await database.transaction(async (tx) => {
    await fencedWrite(tx, claim, DISPOSING, set, { againInMs: 200 });
    await leaveUntold(tx, work.id);
  });
}
