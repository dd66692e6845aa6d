import type { Cluster } from '../cluster/cluster.entity.js';
import { lockCluster, recordClock } from '../cluster/find-cluster.js';
import { NOW } from '../db/assign.js';
import { keepText } from '../db/long-text.js';
import { AppError } from '../errors.js';
import { EventType } from '../event/event-types.js';
import type { FlinkApi, FlinkCause, FlinkJobOverview, Slots } from '../flink/flink.types.js';
import type { LookAtClusterDeps } from './cluster-follower.js';
import type { ObservedJob } from './find-job.js';
import { JobFailureCode, JobState } from './job.entity.js';
import { isLive, jobStateOf, waitingFor } from './job.lifecycle.js';
import { countMissing, moveJob, touchJobs } from './job.store.js';
import { tellDeployment } from './tell-deployment.js';

/** A job counts as gone only after so many answers of a leader that does not know it, over so long (CL-3). */
const GONE_AFTER_ANSWERS = 3;
const GONE_AFTER_MS = 30_000;

export interface SeenJobs {
  cluster: Cluster;
  /** Not CHANGED. */
  isTheRegistered: boolean;
  processMark: string | null;
  flink: FlinkApi;
  /** Live by our record. */
  jobs: ObservedJob[];
  overview: FlinkJobOverview[];
  slots: Slots | null;
}

/**
 * Compares what Flink runs with what we hold for live: moves what has moved, counts what is missing, and writes now and
 * then that the rest was seen. Answers whether any is on its way somewhere.
 */
export async function followSeenJobs(deps: LookAtClusterDeps, seen: SeenJobs): Promise<{ moving: boolean }> {
  let moving = false;
  const known = new Map(seen.overview.map((job) => [job.jobId, job]));
  const unchanged: { id: string; waitingFor: string | null }[] = [];
  for (const job of seen.jobs) {
    const flinkJob = known.get(job.flinkJobId);
    if (!flinkJob) {
      moving = true;
      if (seen.isTheRegistered) await countAbsence(deps, seen, job); // another cluster says nothing of what ran on this one
      continue;
    }
    const to = jobStateOf(flinkJob, job.startedAt !== null);
    const waits = isLive(to) ? waitingFor(flinkJob, seen.slots?.available ?? null) : null;
    moving ||= isLive(to) && to !== JobState.RUNNING;
    if (to === job.state) {
      if (hasNews(seen, job, waits, deps.clusterLoad.owned)) unchanged.push({ id: job.id, waitingFor: waits });
    } else await moveUnlessTrouble(deps, seen, job, flinkJob, to, waits);
  }
  await touchJobs(deps.database, unchanged, seen.processMark);
  return { moving };
}

/** With many runs a row per run and look would be most of what the database has to do: that nothing is new is then written every few seconds. */
function hasNews(seen: SeenJobs, job: ObservedJob, waits: string | null, ownedClusters: number): boolean {
  const writtenEveryMs = Math.min(15_000, ownedClusters * seen.jobs.length * 5);
  return (
    job.observedAgoMs === null ||
    job.observedAgoMs > writtenEveryMs ||
    job.missingAnswers > 0 ||
    job.waitingFor !== waits ||
    job.processMark !== seen.processMark
  );
}

/** One job about which Flink cannot be asked keeps none of the others; the next look tries again. */
async function moveUnlessTrouble(deps: LookAtClusterDeps, ...args: MoveArgs): Promise<void> {
  try {
    await move(deps, ...args);
  } catch (error) {
    if (!(error instanceof AppError) || error.code === 'DATABASE_UNAVAILABLE') throw error;
    const [{ cluster }, job] = args;
    deps.log.warn(
      { err: error, job: job.id, cluster: cluster.name },
      'a job could not be looked at; the next look tries again',
    );
  }
}

type MoveArgs = [seen: SeenJobs, job: ObservedJob, flinkJob: FlinkJobOverview, to: JobState, waits: string | null];

async function move(
  deps: LookAtClusterDeps,
  seen: SeenJobs,
  job: ObservedJob,
  flinkJob: FlinkJobOverview,
  to: JobState,
  waits: string | null,
): Promise<void> {
  const { flink, cluster } = seen;
  const set: Record<string, unknown> = {
    observed_at: NOW,
    missing_since: null,
    missing_answers: 0,
    process_mark: seen.processMark,
    waiting_for: waits,
    flink_start_time: new Date(flinkJob.startTime),
  };
  let cause: FlinkCause | null = null;
  if (to === JobState.RUNNING && job.startedAt === null) {
    // RUNNING promises that backend and timeout are known: a savepoint's format and deadline need them.
    const [config, details] = await Promise.all([flink.checkpointConfig(job.flinkJobId), flink.job(job.flinkJobId)]);
    set.started_at = NOW;
    set.state_backend = config?.stateBackend ?? null;
    set.checkpoint_interval_ms = config?.intervalMs ?? null;
    set.checkpoint_timeout_ms = config?.timeoutMs ?? null;
    if (details) await recordClock(deps.database, cluster.id, details.now);
  }
  if (!isLive(to)) set.ended_at = flinkJob.endTime === null ? NOW : new Date(flinkJob.endTime);
  if (to === JobState.FAILED) {
    cause = await flink.jobFailure(job.flinkJobId);
    set.failure_code = JobFailureCode.FLINK_FAILED;
    set.failure_message = `The job failed in Flink${cause ? `: ${cause.summary}` : ', which names no cause'}. Mend the cause, then start the deployment again.`;
    set.failure_root_cause = cause?.summary ?? null;
  }
  await commitMove(deps, cluster.id, job, to, set, eventOf(job, to, waits, cause), cause);
}

async function countAbsence(deps: LookAtClusterDeps, seen: SeenJobs, job: ObservedJob): Promise<void> {
  const { answers, forMs } = await countMissing(deps.database, job.id);
  if (answers < GONE_AFTER_ANSWERS || forMs < GONE_AFTER_MS) return;
  const newProcess = job.processMark !== seen.processMark;
  const lastSeen = job.observedAt?.toISOString() ?? 'never';
  const message = newProcess
    ? `A new JobManager process of cluster ${seen.cluster.name} does not know the job (last seen ${lastSeen}). Without high availability its jobs end with it. Start the deployment again.`
    : `Cluster ${seen.cluster.name} does not know the job any more (last seen ${lastSeen}): it ended unseen and Flink has dropped it. Start the deployment again.`;
  const code = newProcess ? JobFailureCode.JOB_LOST : JobFailureCode.END_UNKNOWN;
  const set = { ended_at: NOW, failure_code: code, failure_message: message, waiting_for: null };
  await commitMove(
    deps,
    seen.cluster.id,
    job,
    JobState.FAILED,
    set,
    { type: EventType.JOB_FAILED, message: `${code}: ${message}` },
    null,
  );
}

async function commitMove(
  deps: LookAtClusterDeps,
  clusterId: string,
  job: ObservedJob,
  to: JobState,
  set: Record<string, unknown>,
  event: { type: EventType; message: string } | null,
  cause: FlinkCause | null,
): Promise<void> {
  await deps.database.transaction(async (tx) => {
    await lockCluster(tx, clusterId);
    if (!(await moveJob(tx, job.id, job.state, to, set))) return; // moved by somebody else meanwhile: the next look sees it
    if (cause) await keepText(tx, job.id, 'FAILURE', cause.fullText);
    await deps.clusterFollower.jobChanged(tx, { job, from: job.state, to });
    await tellDeployment(tx, job, to, event);
  });
}

function eventOf(
  job: ObservedJob,
  to: JobState,
  waits: string | null,
  cause: FlinkCause | null,
): { type: EventType; message: string } | null {
  const run = `Run ${job.run}`;
  switch (to) {
    case JobState.RUNNING:
      return job.startedAt === null
        ? { type: EventType.JOB_STARTED, message: `${run} has started: every task runs.` }
        : { type: EventType.JOB_RUNNING_AGAIN, message: `${run} runs again: every task runs.` };
    case JobState.RESTARTING:
      return {
        type: EventType.JOB_RESTARTING,
        message: `${run} is being recovered by Flink${waits ? `; it waits for ${waits}` : ''}.`,
      };
    case JobState.STOPPING:
      return { type: EventType.JOB_STOPPING, message: `${run} is being cancelled in Flink.` };
    case JobState.CANCELLED:
      return { type: EventType.JOB_ENDED, message: `${run} was cancelled.` };
    case JobState.FINISHED:
      return { type: EventType.JOB_ENDED, message: `${run} has finished.` };
    case JobState.FAILED:
      return { type: EventType.JOB_FAILED, message: `${run} failed: ${cause?.summary ?? 'Flink names no cause'}.` };
    case JobState.SUBMITTING:
    case JobState.INITIALIZING:
      return null;
  }
}
