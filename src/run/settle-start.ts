import { randomBytes } from 'node:crypto';
import { lockCluster } from '../cluster/find-cluster.js';
import { NOW } from '../db/assign.js';
import { type Claim, fencedWrite, wake } from '../db/claims.js';
import { keepText } from '../db/long-text.js';
import { secretsNamed, withoutSecrets } from '../deployment/secrets.js';
import { AppError } from '../errors.js';
import { EventType } from '../event/event-types.js';
import type { FlinkApi, FlinkCause, FlinkReply } from '../flink/flink.types.js';
import { tellDeployment } from '../job/tell-deployment.js';
import { JobFailureCode, JobState } from '../job/job.entity.js';
import type { SubmissionAtWork } from './run.store.js';
import type { AdvanceStartDeps } from './start-deps.js';
import { lockStopOf, wakeStops } from './stop.store.js';

const SUBMITTING = [JobState.SUBMITTING];
/** Answers that say "not now" (404, 503 and the like), until they count as the answer. */
const NOT_NOW = 10;

/** Flink has the job: from here on it is observed like any other. */
export async function submitted(
  deps: AdvanceStartDeps,
  work: SubmissionAtWork,
  claim: Claim,
  flink: FlinkApi,
): Promise<void> {
  await deps.database.transaction(async (tx) => {
    await lockCluster(tx, work.cluster.id);
    await fencedWrite(
      tx,
      claim,
      SUBMITTING,
      {
        state: JobState.INITIALIZING,
        state_since: NOW,
        submitted_at: NOW,
        flink_version: work.cluster.flinkVersion,
        observed_at: NOW,
        waiting_for: null,
        failures: 0,
      },
      'REST',
    );
    await wake(tx, 'cluster', work.cluster.id);
    const stop = await lockStopOf(tx, work.id); // one may have been accepted since the submission was read
    await tellDeployment(tx, aboutJob(work), stop === null ? JobState.INITIALIZING : JobState.STOPPING, {
      type: EventType.JOB_SUBMITTED,
      message: `Run ${work.run} was taken by Flink as job ${work.flinkJobId} on ${work.cluster.name}.${lookInWords(work)}`,
    });
  });
  await removeJar(deps, work, flink);
}

/** Flink said no. That does not prove that nothing runs (2.3.0: a second execute() in main() is a 400 while the first job runs), so the id is looked up. */
export async function declined(
  deps: AdvanceStartDeps,
  work: SubmissionAtWork,
  claim: Claim,
  flink: FlinkApi,
  { status, cause: told }: Extract<FlinkReply<object>, { outcome: 'REFUSED' }>,
): Promise<void> {
  const job = await flink.job(work.flinkJobId);
  if (job && job.state !== 'FAILED') return submitted(deps, work, claim, flink);
  const cause = withoutSecretsIn(told, secretsNamed(work, deps.config.secrets));
  const notNow = status !== 400 && status !== 500 && status !== 413;
  if (notNow && work.submission < NOT_NOW) {
    return submitAnew(deps, work, claim, flink, `Flink answered HTTP ${status}: ${cause.summary}`);
  }
  const message = `Flink declined the submission with HTTP ${status}: ${cause.summary}. Mend the cause, then start the deployment again.`;
  return failStart(deps, work, claim, flink, { code: JobFailureCode.SUBMISSION_REFUSED, message, cause });
}

/** main() may say with which arguments it failed. */
const withoutSecretsIn = (cause: FlinkCause, secrets: ReadonlyMap<string, string>): FlinkCause => ({
  ...cause,
  summary: withoutSecrets(cause.summary, secrets),
  messages: cause.messages.map((message) => withoutSecrets(message, secrets)),
  fullText: withoutSecrets(cause.fullText, secrets),
});

/** Once more, under a new Flink job id: one that was refused or may have been seen is used up. */
export async function submitAnew(
  deps: AdvanceStartDeps,
  work: SubmissionAtWork,
  claim: Claim,
  flink: FlinkApi,
  why: string,
): Promise<void> {
  const pause = Math.min(10_000, 500 * 2 ** Math.min(work.submission, 10));
  await deps.database.transaction(async (tx) => {
    await fencedWrite(
      tx,
      claim,
      SUBMITTING,
      {
        flink_job_id: randomBytes(16).toString('hex'),
        submission: work.submission + 1,
        jar_id: null,
        run_sent_at: null,
        process_mark: null,
        waiting_for: `its next submission (${why})`.slice(0, 500),
      },
      { againInMs: pause },
    );
  });
  await removeJar(deps, work, flink);
}

/** What the look at its state could not tell, or told in vain. */
function lookInWords({ stateLook }: SubmissionAtWork): string {
  if (stateLook === null || stateLook.result === 'WHOLE') return '';
  return stateLook.result === 'DAMAGED'
    ? ` Its state was found damaged before (${stateLook.why}), and was to be tried all the same (ignoreFindings).`
    : ` Whether all files of its state are there was not told: ${stateLook.why}.`;
}

export interface StartFailure {
  code: JobFailureCode;
  message: string;
  cause: FlinkCause | null;
}

export async function failStart(
  deps: AdvanceStartDeps,
  work: SubmissionAtWork,
  claim: Claim,
  flink: FlinkApi,
  failure: StartFailure,
): Promise<void> {
  await deps.database.transaction(async (tx) => {
    await lockCluster(tx, work.cluster.id);
    await fencedWrite(
      tx,
      claim,
      SUBMITTING,
      {
        state: JobState.FAILED,
        state_since: NOW,
        ended_at: NOW,
        waiting_for: null,
        failure_code: failure.code,
        failure_message: failure.message,
        failure_root_cause: failure.cause?.summary ?? null,
      },
      'REST',
    );
    if (failure.cause) await keepText(tx, work.id, 'FAILURE', failure.cause.fullText);
    await wakeStops(tx, { jobId: work.id }); // one may have been accepted since the submission was read
    await tellDeployment(tx, aboutJob(work), JobState.FAILED, {
      type: EventType.JOB_FAILED,
      message: `Run ${work.run} failed (${failure.code}): ${failure.message}`,
    });
  });
  await removeJar(deps, work, flink);
}

/** A stop was accepted before the submission left: there is nothing to cancel in Flink. */
export async function withdrawStart(
  deps: AdvanceStartDeps,
  work: SubmissionAtWork,
  claim: Claim,
  flink: FlinkApi,
): Promise<void> {
  await deps.database.transaction(async (tx) => {
    await lockCluster(tx, work.cluster.id);
    const set = { state: JobState.CANCELLED, state_since: NOW, ended_at: NOW, waiting_for: null };
    await fencedWrite(tx, claim, SUBMITTING, set, 'REST');
    await wakeStops(tx, { jobId: work.id });
    await tellDeployment(tx, aboutJob(work), JobState.CANCELLED, {
      type: EventType.JOB_ENDED,
      message: `Run ${work.run} was stopped before it was submitted.`,
    });
  });
  await removeJar(deps, work, flink);
}

const aboutJob = (work: SubmissionAtWork) => ({
  id: work.id,
  deploymentId: work.deploymentId,
  clusterId: work.cluster.id,
});

/** Jars are uploaded per submission. One that cannot be removed costs the JobManager disk until it restarts: said in the log, and no reason to fail a start. */
async function removeJar({ log }: AdvanceStartDeps, work: SubmissionAtWork, flink: FlinkApi): Promise<void> {
  if (work.jarId === null) return;
  try {
    if (await flink.deleteJar(work.jarId)) return;
    log.warn(
      { jar: work.jarId, cluster: work.cluster.name },
      'the cluster did not remove an uploaded jar; it stays until the JobManager restarts',
    );
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    log.warn(
      { err: error, jar: work.jarId, cluster: work.cluster.name },
      'an uploaded jar could not be removed; it stays until the JobManager restarts',
    );
  }
}
