import { type Claim, claimOne, ClaimLost, countOutage, fencedWrite, OWN_FAILURES, wake } from '../db/claims.js';
import { NOW } from '../db/assign.js';
import { AppError } from '../errors.js';
import type { AdvanceCheckDeps } from './check-deps.js';
import { CheckFailureCode, CheckState } from './check.enums.js';
import { type CheckAtWork, checkAtWork, underWay } from './check.store.js';
import { completeCheck, failCheck, waitForCluster } from './end-check.js';
import { judgeCheck } from './judge-check.js';
import { planProgram } from './plan-program.js';
import { readSnapshot } from './read-snapshot.js';

/** Takes a claimed check as far as it goes: reads the state, has the program planned, judges. Holds no lock meanwhile. */
export async function advanceCheck(deps: AdvanceCheckDeps, claim: Claim): Promise<void> {
  const { database, checkCalls } = deps;
  const work = await checkAtWork(database, claim);
  if (!work) return;
  try {
    if (!underWay.includes(work.state)) return await fencedWrite(database, claim, [work.state], {}, 'REST');
    if (!checkCalls.hasRoomOn(work.cluster.id)) {
      const set = { waiting_for: 'other checks of this worker' };
      return await fencedWrite(database, claim, underWay, set, { againInMs: 1_000 });
    }
    await checkCalls.hold(claim, work.cluster.id, (signal) => stepByStep(deps, claim, signal));
  } catch (error) {
    if (error instanceof ClaimLost) return;
    if (!(error instanceof AppError) || error.code === 'DATABASE_UNAVAILABLE') throw error;
    await comeAgain(deps, claim, error);
  }
}

async function stepByStep(deps: AdvanceCheckDeps, claim: Claim, signal: AbortSignal): Promise<void> {
  try {
    while (await step(deps, claim, signal)) continue;
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new ClaimLost(claim);
  }
}

/** The next one that is not done, by what is written down. False: nothing more can be done now. */
async function step(deps: AdvanceCheckDeps, claim: Claim, signal: AbortSignal): Promise<boolean> {
  const { database } = deps;
  const work = await checkAtWork(database, claim);
  if (!work) return false;
  if (work.state === CheckState.PENDING) {
    const set = {
      state: CheckState.IN_PROGRESS,
      state_since: NOW,
      waiting_for: 'the _metadata of the state to be read',
    };
    await fencedWrite(database, claim, [CheckState.PENDING], set, 'HOLD');
  }
  if (work.metadataLook === null) return readSnapshot(deps, work, claim, signal);
  if (!work.planned) return planProgram(deps, work, claim, signal);
  const { verdict, ...of } = await judgeCheck(database, work, deps.config.planJars);
  await completeCheck(deps, work, claim, verdict, of);
  return false;
}

/** After trouble of others: the cluster does not answer. */
async function comeAgain(deps: AdvanceCheckDeps, claim: Claim, trouble: AppError): Promise<void> {
  const work = await checkAtWork(deps.database, claim);
  if (!work) return;
  const pause = Math.min(5_000, 500 * 2 ** Math.min(work.failures, 10));
  await quietly(() =>
    waitForCluster(deps, work, claim, `the cluster: ${trouble.message}`, pause, {
      failures: countOutage(work.failures),
    }),
  );
}

/** After an error of our own: counts it on the row and looks again later; after {@link OWN_FAILURES} in a row the check is given up. */
export async function recoverCheck(deps: AdvanceCheckDeps, claim: Claim, error: unknown): Promise<void> {
  const work = await checkAtWork(deps.database, claim);
  if (!work || !underWay.includes(work.state)) return;
  const why = error instanceof Error ? error.message : String(error);
  await quietly(() =>
    work.failures + 1 < OWN_FAILURES ? countFailure(deps, work, claim, why) : giveUp(deps, work, claim, why),
  );
}

async function countFailure(deps: AdvanceCheckDeps, work: CheckAtWork, claim: Claim, why: string): Promise<void> {
  const pause = Math.min(60_000, 500 * 2 ** Math.min(work.failures, 10));
  const set = { failures: work.failures + 1, waiting_for: `another try: ${why}`.slice(0, 500) };
  await fencedWrite(deps.database, claim, underWay, set, { againInMs: pause });
}

const giveUp = (deps: AdvanceCheckDeps, work: CheckAtWork, claim: Claim, why: string): Promise<void> =>
  failCheck(deps, work, claim, {
    code: CheckFailureCode.NOT_FOLLOWED,
    message: `Stateward could not go on with it (${why}). Look into the log of the worker, then ask again.`,
  });

/** Another worker has it. */
async function quietly(write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (!(error instanceof ClaimLost)) throw error;
  }
}

/** For a task: claims the row and takes a step; where another worker owns its cluster, wakes that one instead. */
export async function advanceCheckNow(deps: AdvanceCheckDeps & { workerId: string }, checkId: string): Promise<void> {
  const claim = await claimOne(deps.database, deps.workerId, 'compatibility_check', checkId);
  if (claim) await advanceCheck(deps, claim);
  else await wake(deps.database, 'compatibility_check', checkId);
}
