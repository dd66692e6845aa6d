import { type Claim, ClaimLost, claimOne, countOutage, fencedWrite, OWN_FAILURES, wake } from '../db/claims.js';
import type { Database } from '../db/database.js';
import { AppError } from '../errors.js';
import type { AdvanceDeletionDeps } from './deletion-deps.js';
import { DeletionFailureCode, DeletionState } from './deletion.enums.js';
import { type DeletionAtWork, deletionAtWork } from './disposal.store.js';
import { failDeletion, retryPauseMs, tryAgain } from './end-deletion.js';
import { NotNow } from './look-for-rest.js';
import { beginDisposal } from './send-disposal.js';
import { askDisposal } from './settle-disposal.js';

/** Takes the step that the state of a claimed deletion allows. Called by a task at once, and by the watcher when the row is due. */
export async function advanceDeletion(deps: AdvanceDeletionDeps, claim: Claim): Promise<void> {
  const work = await deletionAtWork(deps.database, claim);
  if (!work) return; // somebody else has it now
  try {
    await step(deps, work, claim);
  } catch (error) {
    if (error instanceof ClaimLost) return;
    if (error instanceof NotNow) return later(deps.database, claim, {}, error.againInMs);
    if (!(error instanceof AppError) || error.code === 'DATABASE_UNAVAILABLE') throw error;
    await comeAgain(deps.database, claim, `the cluster: ${error.message}`, countOutage(work.failures));
  }
}

function step(deps: AdvanceDeletionDeps, work: DeletionAtWork, claim: Claim): Promise<void> {
  switch (work.state) {
    case DeletionState.WAITING:
      return beginDisposal(deps, work, claim);
    case DeletionState.DISPOSING:
      return askDisposal(deps, work, claim);
    case DeletionState.FAILED:
      return retryInTime(deps.database, work, claim);
    case DeletionState.DONE:
      return fencedWrite(deps.database, claim, [work.state], {}, 'REST');
  }
}

/** A wake-up that was meant for what came before it failed does not make it come sooner; whoever wants that asks for it. */
function retryInTime(database: Database, work: DeletionAtWork, claim: Claim): Promise<void> {
  const againInMs = retryPauseMs(work.failedTimes) - (work.failedAgoMs ?? Infinity);
  if (againInMs > 0) return fencedWrite(database, claim, [work.state], {}, { againInMs });
  return tryAgain(database, work, claim);
}

const UNDER_WAY = [DeletionState.WAITING, DeletionState.DISPOSING, DeletionState.FAILED];

/** Flink is in trouble, or we are: asked again later, in whatever state the step has left it. */
function comeAgain(database: Database, claim: Claim, trouble: string, failures: number): Promise<void> {
  const againInMs = Math.min(5_000, 500 * 2 ** Math.min(failures - 1, 10));
  return later(database, claim, { failures, waiting_for: trouble.slice(0, 500) }, againInMs);
}

async function later(database: Database, claim: Claim, set: Record<string, unknown>, againInMs: number): Promise<void> {
  try {
    await fencedWrite(database, claim, UNDER_WAY, set, { againInMs });
  } catch (error) {
    if (!(error instanceof ClaimLost)) throw error;
  }
}

/** After an error of our own: counts it on the row and looks again later; after {@link OWN_FAILURES} in a row the deletion has failed for now. */
export async function recoverDeletion(deps: AdvanceDeletionDeps, claim: Claim, error: unknown): Promise<void> {
  const work = await deletionAtWork(deps.database, claim);
  if (!work) return;
  const asked = work.state === DeletionState.DISPOSING;
  const message = error instanceof Error ? error.message : String(error);
  const underWay = asked || work.state === DeletionState.WAITING;
  if (work.failures + 1 < OWN_FAILURES || !underWay) {
    const trouble = `a look after an error of Stateward (${message})`;
    return comeAgain(deps.database, claim, trouble, work.failures + 1);
  }
  try {
    await failDeletion(deps.database, work, claim, {
      code: DeletionFailureCode.DISPOSAL_FAILED,
      message: `Stateward could not go on with it (${message}).`,
      mayHaveBegun: work.mayHaveBegun || asked,
      untold: asked,
    });
  } catch (failure) {
    if (!(failure instanceof ClaimLost)) throw failure;
  }
}

/** For a task: claims the row and takes a step; where another worker owns its cluster, wakes that one instead. */
export async function advanceDeletionNow(
  deps: AdvanceDeletionDeps & { workerId: string },
  savepointId: string,
): Promise<void> {
  const claim = await claimOne(deps.database, deps.workerId, 'deletion', savepointId);
  if (claim) await advanceDeletion(deps, claim);
  else await wake(deps.database, 'deletion', savepointId);
}
