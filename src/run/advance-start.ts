import { stat } from 'node:fs/promises';
import { artifactPath } from '../artifact/find-artifact.js';
import { ClusterState } from '../cluster/cluster.entity.js';
import { readFactsSoon } from '../cluster/find-cluster.js';
import { NOW } from '../db/assign.js';
import {
  type Claim,
  ClaimLost,
  claimOne,
  countOutage,
  fencedWrite,
  leaseAllowsEffect,
  OWN_FAILURES,
  wake,
} from '../db/claims.js';
import type { Database } from '../db/database.js';
import { MissingSecrets, resolveSecrets } from '../deployment/secrets.js';
import { AppError } from '../errors.js';
import { failPoint } from '../fail-point.js';
import type { FlinkApi } from '../flink/flink.types.js';
import { JobFailureCode, JobState } from '../job/job.entity.js';
import type { AdvanceStartDeps } from './start-deps.js';
import { liveRunsAmong } from '../job/find-foreign-runs.js';
import { lookAfterStart, recoverLookAfterStart } from './look-after-start.js';
import { lookAtStartState } from './look-at-start-state.js';
import { type SubmissionAtWork, submissionAtWork } from './run.store.js';
import { declined, failStart, submitAnew, submitted, withdrawStart } from './settle-start.js';

const SUBMITTING = [JobState.SUBMITTING];
/** As long as a run call may last: until then an interrupted one may still bring the job. */
const RUN_TIMEOUT_MS = 10 * 60_000;
const SUBMISSIONS = 3;

/** Takes the step that the state of a claimed run allows: of its submission, and after that of the look at what came of it. */
export async function advanceStart(deps: AdvanceStartDeps, claim: Claim): Promise<void> {
  const work = await submissionAtWork(deps.database, claim);
  if (!work) return;
  try {
    if (work.state !== JobState.SUBMITTING) {
      await lookAfterStart(deps, claim);
    } else if (work.runSentAgoMs !== null) {
      await lookUp(deps, work, claim);
    } else if (work.stopId !== null) {
      await withdrawStart(deps, work, claim, deps.flinkClients.at(work.cluster.url));
    } else {
      await submit(deps, work, claim);
    }
  } catch (error) {
    if (error instanceof ClaimLost) return;
    if (work.state !== JobState.SUBMITTING || !(error instanceof AppError) || error.code === 'DATABASE_UNAVAILABLE')
      throw error;
    await comeAgain(deps.database, work, claim, error.message, countOutage(work.failures));
  }
}

/** The order is what keeps it single: id and send are written down before the call leaves, and afterwards the id is asked for, not sent again. */
async function submit(deps: AdvanceStartDeps, work: SubmissionAtWork, claim: Claim): Promise<void> {
  const { database, flinkClients, longCalls } = deps;
  if (work.cluster.state === ClusterState.CHANGED) {
    return giveBack(database, claim, 'the cluster to be the one that was registered (CLUSTER_CHANGED)', 5_000);
  }
  if (!longCalls.hasRoom) return giveBack(database, claim, 'other submissions of this worker', 1_000);
  const flink = flinkClients.at(work.cluster.url);
  const processMark = await flink.processMark();
  if (processMark !== work.cluster.processMark) {
    await database.transaction((tx) => readFactsSoon(tx, work.cluster.id));
    return giveBack(database, claim, 'a look at the cluster, whose JobManager was restarted', 300);
  }
  const resolved = resolveSecrets(work, deps.config.secrets); // for this call alone: neither stored nor logged
  if (resolved instanceof MissingSecrets) {
    const failure = { code: JobFailureCode.SECRET_MISSING, message: resolved.message, cause: null };
    return failStart(deps, work, claim, flink, failure);
  }
  if (await anotherRunIsLive(deps, work, claim, flink)) return;
  if (!(await lookAtStartState(deps, work, claim, flink))) return;
  const jarId =
    work.jarId !== null && work.processMark === processMark
      ? work.jarId
      : await upload(deps, work, claim, flink, processMark);
  if (jarId === null) return;

  await fencedWrite(
    database,
    claim,
    SUBMITTING,
    { run_sent_at: NOW, process_mark: processMark, waiting_for: 'the JobManager to run main()' },
    'HOLD',
  );
  failPoint('start.run-stored');
  if (!leaseAllowsEffect(claim)) return;
  const reply = await longCalls.hold(claim, (signal) =>
    flink.runJar(
      jarId,
      {
        jobId: work.flinkJobId,
        entryClass: work.entryClass,
        programArguments: resolved.programArguments,
        parallelism: work.parallelism,
        flinkConfiguration: { 'pipeline.name': work.deploymentName, ...resolved.flinkConfiguration },
        ...(work.startLocation !== null && {
          savepointPath: work.startLocation,
          allowNonRestoredState: work.allowNonRestoredState,
        }),
      },
      signal,
    ),
  );
  failPoint('start.run-made');
  const sent = { ...work, jarId };
  if (reply.outcome === 'ACCEPTED') return submitted(deps, sent, claim, flink);
  return declined(deps, sent, claim, flink, reply);
}

/** Asked of Flink itself right before the submission: a job may have come alive since the start was accepted (SR-7). */
async function anotherRunIsLive(
  deps: AdvanceStartDeps,
  work: SubmissionAtWork,
  claim: Claim,
  flink: FlinkApi,
): Promise<boolean> {
  if (work.allowSecondRun) return false;
  const others = await liveRunsAmong(deps.database, work, await flink.jobs());
  if (others.length === 0) return false;
  const message =
    `Flink runs ${others.map(({ jobId, name }) => `${jobId} ("${name}")`).join(', ')}, which looks like another run of this deployment: nothing was submitted. ` +
    'Adopt it (adoptJob), cancel it in Flink, or start with allowSecondRun: true.';
  await failStart(deps, work, claim, flink, { code: JobFailureCode.ANOTHER_RUN_IS_LIVE, message, cause: null });
  return true;
}

/** Streams the jar to the cluster. null: that ended the start. */
async function upload(
  deps: AdvanceStartDeps,
  work: SubmissionAtWork,
  claim: Claim,
  flink: FlinkApi,
  processMark: string | null,
): Promise<string | null> {
  const { database, longCalls, config } = deps;
  const path = work.artifact && artifactPath(config.artifactFolder, work.artifact.sha256);
  if (!work.artifact || !path || !(await isFile(path))) {
    const message = `The jar of ${work.deploymentName} is not at ${path ?? 'any place'}. Upload it again (the same bytes become the same artifact), then start the deployment.`;
    await failStart(deps, work, claim, flink, { code: JobFailureCode.ARTIFACT_MISSING, message, cause: null });
    return null;
  }
  await fencedWrite(
    database,
    claim,
    SUBMITTING,
    { waiting_for: `the upload of ${work.artifact?.name} to the cluster` },
    'HOLD',
  );
  const { name } = work.artifact;
  const reply = await longCalls.hold(claim, (signal) => flink.uploadJar({ path, name }, signal));
  failPoint('start.uploaded');
  if (reply.outcome === 'REFUSED') {
    await declined(deps, work, claim, flink, reply);
    return null;
  }
  await fencedWrite(database, claim, SUBMITTING, { jar_id: reply.jarId, process_mark: processMark }, 'HOLD');
  return reply.jarId;
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
}

/** The run call left, or was about to, and its end is not known: only the id tells. */
async function lookUp(deps: AdvanceStartDeps, work: SubmissionAtWork, claim: Claim): Promise<void> {
  const flink = deps.flinkClients.at(work.cluster.url);
  const processMark = await flink.processMark(); // before the job is asked for, so that a restart in between cannot hide it
  if (await flink.job(work.flinkJobId)) return submitted(deps, work, claim, flink);
  const sentAgoMs = work.runSentAgoMs ?? 0;
  const restarted = processMark !== work.processMark;
  if (restarted && work.submission < SUBMISSIONS) {
    return submitAnew(deps, work, claim, flink, 'the JobManager that was asked was restarted');
  }
  if (!restarted && sentAgoMs < RUN_TIMEOUT_MS) {
    const until = Math.ceil((RUN_TIMEOUT_MS - sentAgoMs) / 60_000);
    const pause = Math.min(5_000, Math.max(500, sentAgoMs / 10));
    const what = `the job to appear: the submission got no answer, and main() may still run (up to ${until} min more)`;
    return giveBack(deps.database, claim, what, pause);
  }
  // Never sent again to the same process: Flink does not end a main() whose caller has gone, and each would bring a job.
  const message = restarted
    ? `The JobManager was restarted while it ran main(), and this was submission ${work.submission}: it is not tried again. Look whether main() ends it (System.exit, out of memory), then start the deployment again.`
    : `The submission got no answer, and job ${work.flinkJobId} did not appear within 10 min. Look in Flink whether main() still runs before you start the deployment again.`;
  return failStart(deps, work, claim, flink, { code: JobFailureCode.SUBMISSION_LOST, message, cause: null });
}

async function giveBack(database: Database, claim: Claim, waitingFor: string, againInMs: number): Promise<void> {
  await fencedWrite(database, claim, SUBMITTING, { waiting_for: waitingFor }, { againInMs });
}

async function comeAgain(
  database: Database,
  work: SubmissionAtWork,
  claim: Claim,
  trouble: string,
  failures: number,
): Promise<void> {
  const pause = Math.min(5_000, 500 * 2 ** Math.min(work.failures, 10));
  try {
    await fencedWrite(
      database,
      claim,
      [work.state],
      { failures, waiting_for: `the cluster: ${trouble}`.slice(0, 500) },
      { againInMs: pause },
    );
  } catch (error) {
    if (!(error instanceof ClaimLost)) throw error;
  }
}

/** After an error of our own: counts it on the row and looks again later; after {@link OWN_FAILURES} in a row the start is given up. */
export async function recoverStart(deps: AdvanceStartDeps, claim: Claim, error: unknown): Promise<void> {
  const work = await submissionAtWork(deps.database, claim);
  if (!work) return;
  if (work.state !== JobState.SUBMITTING) return recoverLookAfterStart(deps, claim, error);
  const message = error instanceof Error ? error.message : String(error);
  if (work.failures + 1 < OWN_FAILURES) return comeAgain(deps.database, work, claim, message, work.failures + 1);
  const flink = deps.flinkClients.at(work.cluster.url);
  const failure = {
    code: JobFailureCode.SUBMISSION_LOST,
    message: `Stateward could not follow the submission (${message}). Look in Flink for job ${work.flinkJobId} before starting again.`,
    cause: null,
  };
  try {
    await failStart(deps, work, claim, flink, failure);
  } catch (failed) {
    if (!(failed instanceof ClaimLost)) throw failed;
  }
}

/** For a task: claims the row and takes a step; where another worker owns its cluster, wakes that one instead. */
export async function advanceStartNow(deps: AdvanceStartDeps & { workerId: string }, jobId: string): Promise<void> {
  const claim = await claimOne(deps.database, deps.workerId, 'job', jobId);
  if (claim) await advanceStart(deps, claim);
  else await wake(deps.database, 'job', jobId);
}
