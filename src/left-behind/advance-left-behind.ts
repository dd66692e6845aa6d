import { type Claim, ClaimLost, countOutage, fencedWrite, OWN_FAILURES } from '../db/claims.js';
import type { Database } from '../db/database.js';
import { DeletionFailureCode, DeletionState } from '../deletion/deletion.enums.js';
import { retryPauseMs } from '../deletion/end-deletion.js';
import { NotNow } from '../deletion/look-for-rest.js';
import { AppError } from '../errors.js';
import { failLeftBehind } from './end-left-behind.js';
import type { AdvanceLeftBehindDeps } from './left-behind-deps.js';
import { type LeftAtWork, leftAtWork } from './left-behind.store.js';
import { disposeOfNext } from './send-left-behind.js';
import { askLeftBehind } from './settle-left-behind.js';

/** Takes the step that the state of a claimed disposal allows. Called by the watcher when the row is due. */
export async function advanceLeftBehind(deps: AdvanceLeftBehindDeps, claim: Claim): Promise<void> {
  const work = await leftAtWork(deps.database, claim);
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

function step(deps: AdvanceLeftBehindDeps, work: LeftAtWork, claim: Claim): Promise<void> {
  switch (work.state) {
    case DeletionState.WAITING:
      return disposeOfNext(deps, work, claim);
    case DeletionState.DISPOSING:
      return askLeftBehind(deps, work, claim);
    case DeletionState.FAILED:
      return retryInTime(deps.database, work, claim);
    case DeletionState.DONE:
      return fencedWrite(deps.database, claim, [work.state], {}, 'REST');
  }
}

/** A wake-up that was meant for what came before it failed does not make it come sooner. */
function retryInTime(database: Database, work: LeftAtWork, claim: Claim): Promise<void> {
  const againInMs = retryPauseMs(work.failedTimes) - (work.failedAgoMs ?? Infinity);
  if (againInMs > 0) return fencedWrite(database, claim, [work.state], {}, { againInMs });
  return fencedWrite(database, claim, [work.state], { state: DeletionState.WAITING }, { againInMs: 0 });
}

const UNDER_WAY = [DeletionState.WAITING, DeletionState.DISPOSING, DeletionState.FAILED];

/** Flink is in trouble, or we are: looked at again later, in whatever state the step has left it. */
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

/** After an error of our own: counts it on the row and looks again later; after {@link OWN_FAILURES} in a row it has failed for now. */
export async function recoverLeftBehind(
  deps: Pick<AdvanceLeftBehindDeps, 'database'>,
  claim: Claim,
  error: unknown,
): Promise<void> {
  const work = await leftAtWork(deps.database, claim);
  if (!work) return;
  const message = error instanceof Error ? error.message : String(error);
  const underWay = work.state === DeletionState.DISPOSING || work.state === DeletionState.WAITING;
  if (work.failures + 1 < OWN_FAILURES || !underWay)
    return comeAgain(deps.database, claim, `a look after an error of Stateward (${message})`, work.failures + 1);
  try {
    await failLeftBehind(deps.database, work, claim, {
      code: DeletionFailureCode.DISPOSAL_FAILED,
      message: `Stateward could not go on with it (${message}).`,
      mayHaveBegun: work.mayHaveBegun || work.state === DeletionState.DISPOSING,
    });
  } catch (failure) {
    if (!(failure instanceof ClaimLost)) throw failure;
  }
}
