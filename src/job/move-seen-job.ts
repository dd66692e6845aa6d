import type { Cluster } from '../cluster/cluster.entity.js';
import { lockCluster, recordClock } from '../cluster/find-cluster.js';
import { NOW } from '../db/assign.js';
import { keepText } from '../db/long-text.js';
import { EventType } from '../event/event-types.js';
import type { FlinkApi, FlinkCause, FlinkJobOverview, FlinkJobState } from '../flink/flink.types.js';
import type { LookAtClusterDeps } from './cluster-follower.js';
import type { ObservedJob } from './find-job.js';
import { JobFailureCode, JobState } from './job.entity.js';
import { isLive } from './job.lifecycle.js';
import { type AskedJobManager, moveJob } from './job.store.js';
import { aboutJob, became, tellDeployments } from './tell-deployment.js';

interface Place extends AskedJobManager {
  cluster: Cluster;
  flink: FlinkApi;
}

interface Seen {
  to: JobState;
  waits: string | null;
  /** What else was learned with it. */
  columns: Record<string, unknown>;
}

/** Writes that a run has moved, with what is read of it at such moments: its checkpointing when it starts, the cause when it fails. */
export async function moveJobAsSeen(
  deps: LookAtClusterDeps,
  { cluster, processMark, flinkVersion, flink }: Place,
  job: ObservedJob,
  flinkJob: FlinkJobOverview,
  { to, waits, columns }: Seen,
): Promise<void> {
  const set: Record<string, unknown> = {
    observed_at: NOW,
    missing_since: null,
    missing_answers: 0,
    process_mark: processMark,
    waiting_for: waits,
    flink_start_time: new Date(flinkJob.startTime),
    flink_name: flinkJob.name,
    ...columns,
  };
  let cause: FlinkCause | null = null;
  if (to === JobState.RUNNING && job.startedAt === null)
    Object.assign(set, await readStarted(deps, cluster.id, job, flink));
  if (to === JobState.RUNNING) set.failure_root_cause = null;
  if (to === JobState.RESTARTING) {
    cause = await flink.jobFailure(job.flinkJobId);
    set.failure_root_cause = cause?.summary ?? null;
  }
  if (isLive(to)) set.flink_version = flinkVersion; // one that has ended may have done so before it wrote anything on this version
  if (!isLive(to)) set.ended_at = flinkJob.endTime === null ? NOW : new Date(flinkJob.endTime);
  if (to === JobState.CANCELLED) set.drained = flinkJob.state === 'FINISHED' && job.stop?.mode === 'WITH_DRAIN';
  if (to === JobState.FAILED) {
    cause = await flink.jobFailure(job.flinkJobId);
    set.failure_code = JobFailureCode.FLINK_FAILED;
    set.failure_message = `The job failed in Flink${cause ? `: ${cause.summary}` : ', which names no cause'}. Mend the cause, then start the deployment again.`;
    set.failure_root_cause = cause?.summary ?? null;
  }
  const event = eventOf(job, to, waits, cause);
  await commitMove(deps, cluster.id, job, to, { set, event, cause, inFlink: flinkJob.state });
}

/** RUNNING promises that backend and timeout are known: a savepoint's format and deadline need them, a cancel the retention. */
async function readStarted(deps: LookAtClusterDeps, clusterId: string, job: ObservedJob, flink: FlinkApi) {
  const [config, details] = await Promise.all([flink.checkpointConfig(job.flinkJobId), flink.job(job.flinkJobId)]);
  if (details) await recordClock(deps.database, clusterId, details.now);
  return {
    started_at: NOW,
    state_backend: config?.stateBackend ?? null,
    checkpoint_interval_ms: config?.intervalMs ?? null,
    checkpoint_timeout_ms: config?.timeoutMs ?? null,
    checkpointing: config && JSON.stringify(config),
  };
}

export interface Move {
  set: Record<string, unknown>;
  event: { type: EventType; message: string } | null;
  cause: FlinkCause | null;
  /** As Flink shows it; null: it does not know it. */
  inFlink: FlinkJobState | null;
}

export async function commitMove(
  deps: LookAtClusterDeps,
  clusterId: string,
  job: ObservedJob,
  to: JobState,
  { set, event, cause, inFlink }: Move,
): Promise<void> {
  await deps.database.transaction(async (tx) => {
    await lockCluster(tx, clusterId);
    if (!(await moveJob(tx, job.id, job.state, to, set))) return; // moved by somebody else meanwhile: the next look sees it
    if (cause) await keepText(tx, job.id, 'FAILURE', cause.fullText);
    const events = await deps.clusterFollower.jobChanged(tx, { job, from: job.state, to, inFlink });
    if (event) events.push({ ...event, ...aboutJob(job) });
    await tellDeployments(tx, [became(job, to)], events);
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
        ? {
            type: EventType.JOB_STARTED,
            message: `${run} has started: every task runs${job.startLocation === null ? '' : `, with the state of ${job.startLocation}`}.`,
          }
        : { type: EventType.JOB_RUNNING_AGAIN, message: `${run} runs again: every task runs.` };
    case JobState.RESTARTING:
      return {
        type: EventType.JOB_RESTARTING,
        message: `${run} is being recovered by Flink${cause ? ` after ${cause.summary}` : ''}${waits ? `; it waits for ${waits}` : ''}.`,
      };
    case JobState.STOPPING:
      return job.stop ? null : { type: EventType.JOB_STOPPING, message: `${run} is being cancelled in Flink.` };
    case JobState.CANCELLED:
      return {
        type: EventType.JOB_ENDED,
        message: `${run} was ${job.stop?.mode === 'WITH_SAVEPOINT' || job.stop?.mode === 'WITH_DRAIN' ? 'stopped' : 'cancelled'}.`,
      };
    case JobState.FINISHED:
      return { type: EventType.JOB_ENDED, message: `${run} has finished.` };
    case JobState.FAILED:
      return { type: EventType.JOB_FAILED, message: `${run} failed: ${cause?.summary ?? 'Flink names no cause'}.` };
    case JobState.SUBMITTING:
    case JobState.INITIALIZING:
      return null;
  }
}
