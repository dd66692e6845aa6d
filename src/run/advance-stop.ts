import { type Cluster, ClusterState } from '../cluster/cluster.entity.js';
import { lockCluster } from '../cluster/find-cluster.js';
import { NOW } from '../db/assign.js';
import {
  type Claim,
  ClaimLost,
  claimOne,
  countOutage,
  fencedWrite,
  OWN_FAILURES,
  wake,
  wakeWatchers,
} from '../db/claims.js';
import type { Database } from '../db/database.js';
import { AppError } from '../errors.js';
import { recordInOrder } from '../event/record-event.js';
import { failPoint } from '../fail-point.js';
import { findJob } from '../job/find-job.js';
import { JobFailureCode, JobState } from '../job/job.entity.js';
import { isLive } from '../job/job.lifecycle.js';
import { makeStopSavepoint } from '../savepoint/make-stop-savepoint.js';
import { SavepointState } from '../savepoint/savepoint.enums.js';
import { cancelRun } from './cancel-run.js';
import { endStop, failStop } from './end-stop.js';
import { settleStopSavepoint } from './settle-stop-savepoint.js';
import type { AdvanceStopDeps } from './stop-deps.js';
import { StopFailureCode, StopMode, StopOutcome, StopState } from './stop.enums.js';
import { type StopAtWork, stopAtWork } from './stop.store.js';
import { lookAgain } from './wait-in-stop.js';

const LIVE = [StopState.WAITING, StopState.IN_PROGRESS];
/** Whoever ends a savepoint or a run wakes the stop; these looks only make sure that none is forgotten. */
const WOKEN_LOOKS_EVERY_MS = 10_000;
const CHANGED_LOOKS_EVERY_MS = 5_000;

/** Takes the step that the state of a claimed stop allows. Called by a task at once, and by the watcher when the row is due. */
export async function advanceStop(deps: AdvanceStopDeps, claim: Claim): Promise<void> {
  const work = await stopAtWork(deps.database, claim);
  if (!work) return; // somebody else has it now
  try {
    await step(deps, work, claim);
  } catch (error) {
    if (error instanceof ClaimLost) return;
    if (!(error instanceof AppError) || error.code === 'DATABASE_UNAVAILABLE') throw error;
    await comeAgain(deps.database, work, claim, `the cluster: ${error.message}`, countOutage(work.failures));
  }
}

/** Ended by the word of a person: Flink may never tell of its savepoint, which is looked for on its own. */
const givenUp: readonly JobFailureCode[] = [JobFailureCode.DECLARED_LOST, JobFailureCode.CLUSTER_REPLACED];

const isUnderWay = (one: { state: SavepointState } | null): boolean =>
  one !== null && (one.state === SavepointState.PENDING || one.state === SavepointState.IN_PROGRESS);

async function step(deps: AdvanceStopDeps, work: StopAtWork, claim: Claim): Promise<void> {
  if (!LIVE.includes(work.state)) return fencedWrite(deps.database, claim, [work.state], {}, 'REST');
  if (!isLive(work.job.state)) {
    // What Flink says of its savepoint belongs to the outcome.
    const given = work.job.failureCode !== null && givenUp.includes(work.job.failureCode);
    if (isUnderWay(work.savepoint) && !given) return waitForSavepoint(deps, work, claim);
    return endStop(deps, work, claim);
  }
  if (isUnderWay(work.waitsFor)) {
    return lookAgain(deps.database, work, claim, work.waitingFor, WOKEN_LOOKS_EVERY_MS);
  }
  if (work.mode === StopMode.WITHOUT_SAVEPOINT || work.cancelSentAgoMs !== null) return cancelRun(deps, work, claim);
  if (work.savepoint === null) return beginSavepoint(deps, work, claim);
  if (isUnderWay(work.savepoint)) return waitForSavepoint(deps, work, claim);
  return settleStopSavepoint(deps, work, claim);
}

const waitForSavepoint = (deps: AdvanceStopDeps, work: StopAtWork, claim: Claim) =>
  lookAgain(deps.database, work, claim, `its savepoint ${work.savepoint?.id}`, WOKEN_LOOKS_EVERY_MS);

/** Intent before effect: the savepoint with its trigger id is stored, and sent by the steps of any savepoint. */
async function beginSavepoint(deps: AdvanceStopDeps, work: StopAtWork, claim: Claim): Promise<void> {
  if (work.cluster.state === ClusterState.CHANGED) {
    const what = 'the cluster to be the one that was registered (CLUSTER_CHANGED)';
    return lookAgain(deps.database, work, claim, what, CHANGED_LOOKS_EVERY_MS);
  }
  const stored = await deps.database.transaction(async (tx) => {
    const cluster = await lockCluster(tx, work.cluster.id);
    const job = await findJob(tx, work.job.id);
    if (!cluster || !job || work.format === null)
      throw new Error(`Stop ${work.id} has lost its cluster, run or format`);
    if (!hasRoot(cluster)) return false;
    const set = { state: StopState.IN_PROGRESS, waiting_for: null, failures: 0, ...stateSince(work) };
    await fencedWrite(tx, claim, LIVE, set, { againInMs: WOKEN_LOOKS_EVERY_MS });
    const { events } = await makeStopSavepoint(tx, cluster, {
      stopId: work.id,
      deploymentName: work.deploymentName,
      job,
      format: work.format,
      description: work.description,
      drained: work.mode === StopMode.WITH_DRAIN,
      actor: work.actor,
    });
    await wakeWatchers(tx);
    await recordInOrder(tx, events);
    return true;
  });
  failPoint('stop.savepoint-stored');
  if (stored) return;
  await failStop(deps, work, claim, {
    code: StopFailureCode.SAVEPOINT_FAILED,
    outcome: StopOutcome.STILL_RUNNING,
    message: `Cluster "${work.cluster.name}" has no place for savepoints any more (NO_SAVEPOINT_ROOT). The job runs on.`,
    rootCause: null,
    jobState: JobState.RUNNING,
  });
}

const hasRoot = (cluster: Cluster): cluster is Cluster & { savepointStorageId: string } =>
  cluster.savepointStorageId !== null;

const stateSince = (work: StopAtWork) => (work.state === StopState.IN_PROGRESS ? {} : { state_since: NOW });

/** Flink is in trouble, or we are: asked again later, which changes no state. */
async function comeAgain(
  database: Database,
  work: StopAtWork,
  claim: Claim,
  trouble: string,
  failures: number,
): Promise<void> {
  const pause = Math.min(5_000, 500 * 2 ** Math.min(work.failures, 10));
  const set = { failures, waiting_for: trouble.slice(0, 500) };
  try {
    await fencedWrite(database, claim, [work.state], set, { againInMs: pause });
  } catch (error) {
    if (!(error instanceof ClaimLost)) throw error;
  }
}

/** After an error of our own: counts it on the row and looks again later; after {@link OWN_FAILURES} in a row the stop is given up. */
export async function recoverStop(deps: AdvanceStopDeps, claim: Claim, error: unknown): Promise<void> {
  const work = await stopAtWork(deps.database, claim);
  if (!work) return;
  const message = error instanceof Error ? error.message : String(error);
  if (work.failures + 1 < OWN_FAILURES || !LIVE.includes(work.state)) {
    return comeAgain(deps.database, work, claim, `a look after an error of Stateward (${message})`, work.failures + 1);
  }
  try {
    await failStop(deps, work, claim, {
      code: StopFailureCode.NOT_FOLLOWED,
      outcome: null,
      message: `Stateward could not follow it (${message}). Look at the deployment and in Flink for what became of the job.`,
      rootCause: null,
      jobState: work.job.started ? JobState.RUNNING : JobState.INITIALIZING,
    });
  } catch (failed) {
    if (!(failed instanceof ClaimLost)) throw failed;
  }
}

/** For a task: claims the row and takes a step; where another worker owns its cluster, wakes that one instead. */
export async function advanceStopNow(deps: AdvanceStopDeps & { workerId: string }, stopId: string): Promise<void> {
  const claim = await claimOne(deps.database, deps.workerId, 'stop', stopId);
  if (claim) await advanceStop(deps, claim);
  else await wake(deps.database, 'stop', stopId);
}
