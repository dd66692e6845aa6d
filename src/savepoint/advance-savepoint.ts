import { type Claim, ClaimLost, claimOne, countOutage, fencedWrite, OWN_FAILURES, wake } from '../db/claims.js';
import { lockCluster } from '../cluster/find-cluster.js';
import type { Database } from '../db/database.js';
import { AppError } from '../errors.js';
import { failPoint } from '../fail-point.js';
import { recordInOrder } from '../event/record-event.js';
import { admitSavepoints } from './admit-savepoints.js';
import { askSavepoint } from './ask-savepoint.js';
import { failSavepoint, resultLost } from './end-savepoint.js';
import { seekLateResult } from './find-lost-result.js';
import { troublePauseMs, turnPauseMs } from './look-pause.js';
import { readDetails } from './read-details.js';
import { SavepointOrigin, SavepointState } from './savepoint.enums.js';
import { type SavepointAtWork, savepointAtWork } from './savepoint.store.js';
import type { AdvanceSavepointDeps, ReadDetailsDeps } from './savepoint-deps.js';
import { sendSavepoint } from './send-savepoint.js';

/** Takes the step that the state of a claimed savepoint allows. Called by a task at once, and by the watcher when the row is due. */
export async function advanceSavepoint(deps: ReadDetailsDeps, claim: Claim): Promise<void> {
  failPoint('savepoint.claimed');
  const work = await savepointAtWork(deps.database, claim);
  if (!work) return; // somebody else has it now
  try {
    await step(deps, work, claim);
  } catch (error) {
    if (error instanceof ClaimLost) return;
    if (!(error instanceof AppError) || error.code === 'DATABASE_UNAVAILABLE') throw error;
    await lookAgainAfter(deps.database, work, claim); // Flink or the storage is in trouble: that changes no state
  }
}

async function step(deps: ReadDetailsDeps, work: SavepointAtWork, claim: Claim): Promise<void> {
  switch (work.state) {
    case SavepointState.PENDING:
      return waitForTurn(deps.database, work, claim);
    case SavepointState.IN_PROGRESS:
      if (!work.attempt) throw new Error(`Savepoint ${work.id} is IN_PROGRESS without an attempt`);
      if (work.attempt.sends > 0 && (await askSavepoint(deps, work, claim)) === 'SETTLED') return;
      return sendSavepoint(deps, work, claim);
    case SavepointState.COMPLETED:
      return readDetails(deps, work, claim);
    case SavepointState.FAILED:
      return seekLateResult(deps, work, claim);
    case SavepointState.DELETING:
    case SavepointState.DELETED:
    case SavepointState.DELETION_FAILED:
      return fencedWrite(deps.database, claim, [work.state], {}, 'REST');
  }
}

/** Whoever ends a savepoint admits the next; this look only makes sure that nobody is forgotten. */
async function waitForTurn(database: Database, work: SavepointAtWork, claim: Claim): Promise<void> {
  const againInMs = turnPauseMs(work.notBeforeInMs, work.origin === SavepointOrigin.SCHEDULED);
  await database.transaction(async (tx) => {
    await lockCluster(tx, work.cluster.id); // first, as everywhere: see the order of locks in docs/architecture.md
    await fencedWrite(tx, claim, [work.state], {}, { againInMs });
    await recordInOrder(tx, await admitSavepoints(tx, work.cluster.id, 0));
  });
}

/** Flink or the storage is in trouble: asked again later, which changes no state. */
export async function lookAgainAfter(database: Database, work: SavepointAtWork, claim: Claim): Promise<void> {
  const pause = troublePauseMs(work.failures);
  try {
    await fencedWrite(database, claim, [work.state], { failures: countOutage(work.failures) }, { againInMs: pause });
  } catch (error) {
    if (!(error instanceof ClaimLost)) throw error;
  }
}

/**
 * After an error of our own (a bug, a database that came back): counts it on the row and looks again later; after
 * {@link OWN_FAILURES} in a row the savepoint is given up as RESULT_LOST, from which it may still be found.
 */
export async function recoverSavepoint(
  { database }: AdvanceSavepointDeps,
  claim: Claim,
  error: unknown,
): Promise<void> {
  const work = await savepointAtWork(database, claim);
  if (!work) return;
  const message = error instanceof Error ? error.message : String(error);
  const underWay = work.state === SavepointState.PENDING || work.state === SavepointState.IN_PROGRESS;
  try {
    if (work.failures + 1 >= OWN_FAILURES && underWay) {
      return await failSavepoint(
        database,
        work,
        claim,
        resultLost(
          `Stateward could not follow it (${message}). Look for it in the storage; should it show up there, it becomes COMPLETED.`,
        ),
      );
    }
    const pause = Math.min(60_000, 1_000 * 2 ** Math.min(work.failures, 10));
    await fencedWrite(database, claim, [work.state], { failures: work.failures + 1 }, { againInMs: pause });
  } catch (failure) {
    if (!(failure instanceof ClaimLost)) throw failure;
  }
}

/** For a task: claims the row and takes a step; where another worker owns its cluster, wakes that one instead. */
export async function advanceSavepointNow(
  deps: ReadDetailsDeps & { workerId: string },
  savepointId: string,
): Promise<void> {
  const claim = await claimOne(deps.database, deps.workerId, 'savepoint', savepointId);
  if (claim) await advanceSavepoint(deps, claim);
  else await wake(deps.database, 'savepoint', savepointId);
}
