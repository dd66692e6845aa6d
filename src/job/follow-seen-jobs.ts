import type { Cluster } from '../cluster/cluster.entity.js';
import { AppError } from '../errors.js';
import { EventType } from '../event/event-types.js';
import { recordEvent } from '../event/record-event.js';
import type { FlinkApi, FlinkJobOverview, Slots } from '../flink/flink.types.js';
import type { LookAtClusterDeps } from './cluster-follower.js';
import { endAbsent } from './end-absent-job.js';
import type { ObservedJob } from './find-job.js';
import { JobState } from './job.entity.js';
import { isLive, jobStateOf, waitingFor } from './job.lifecycle.js';
import { noteOverdue, touchJobs } from './job.store.js';
import { moveJobAsSeen } from './move-seen-job.js';
import { endOfFinished, lookAtStart } from './see-start-and-end.js';
import { lookForSource } from './source-of-adopted.js';

export interface SeenJobs {
  cluster: Cluster;
  /** Not CHANGED. */
  isTheRegistered: boolean;
  processMark: string | null;
  flinkVersion: string | null;
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
      if (seen.isTheRegistered) await endAbsent(deps, seen, job); // another cluster says nothing of what ran on this one
      continue;
    }
    const unlessTrouble = await lookUnlessTrouble(deps, seen, job, flinkJob);
    moving ||= unlessTrouble.moving;
    if (unlessTrouble.unchanged) unchanged.push(unlessTrouble.unchanged);
  }
  await touchJobs(deps.database, unchanged, seen);
  return { moving };
}

interface Looked {
  moving: boolean;
  /** To be written with the others: it is as it was. */
  unchanged: { id: string; waitingFor: string | null } | null;
}

/** One job about which Flink cannot be asked keeps none of the others; the next look tries again. */
async function lookUnlessTrouble(
  deps: LookAtClusterDeps,
  seen: SeenJobs,
  job: ObservedJob,
  flinkJob: FlinkJobOverview,
): Promise<Looked> {
  try {
    return await lookAtJob(deps, seen, job, flinkJob);
  } catch (error) {
    if (!(error instanceof AppError) || error.code === 'DATABASE_UNAVAILABLE') throw error;
    deps.log.warn(
      { err: error, job: job.id, cluster: seen.cluster.name },
      'a job could not be looked at; the next look tries again',
    );
    return { moving: true, unchanged: null };
  }
}

async function lookAtJob(
  deps: LookAtClusterDeps,
  seen: SeenJobs,
  job: ObservedJob,
  flinkJob: FlinkJobOverview,
): Promise<Looked> {
  if (job.overdueMs !== null) await tellOverdue(deps, job, flinkJob);
  let to = jobStateOf(flinkJob, job.startedAt !== null);
  let waits = isLive(to) ? waitingFor(flinkJob, seen.slots?.available ?? null) : null;
  if (job.stop && isLive(to)) to = JobState.STOPPING; // from its acceptance, whatever Flink still says
  if (isLive(to)) await lookForSource(deps, seen, job, to); // of one that has ended its last look at the checkpoints tells
  const start = await lookAtStart(deps, seen, job, to);
  if (start.verdict === 'WAIT') [to, waits] = [JobState.INITIALIZING, start.waitsFor];
  if (start.verdict === 'ENDED') return { moving: false, unchanged: null };
  if (to === JobState.FINISHED) {
    const end = await endOfFinished(deps, seen, job);
    if (end === 'NOT_YET') return { moving: true, unchanged: null };
    to = end;
  }
  const moving = isLive(to) && to !== JobState.RUNNING;
  if (to !== job.state || (start.verdict === 'TAKEN' && job.tookHoldAt === null)) {
    await moveJobAsSeen(deps, seen, job, flinkJob, { to, waits, columns: start.columns });
    return { moving, unchanged: null };
  }
  const news = hasNews(seen, job, waits, deps.clusterLoad.owned);
  return { moving, unchanged: news ? { id: job.id, waitingFor: waits } : null };
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

/** A start that takes longer than the deployment allows is told of, and goes on: the person decides. */
async function tellOverdue(deps: LookAtClusterDeps, job: ObservedJob, flinkJob: FlinkJobOverview): Promise<void> {
  await deps.database.transaction(async (tx) => {
    if (!(await noteOverdue(tx, job.id))) return;
    await recordEvent(tx, {
      type: EventType.START_OVERDUE,
      deploymentId: job.deploymentId,
      jobId: job.id,
      clusterId: job.clusterId,
      message:
        `Run ${job.run} has not taken hold for ${Math.round((job.overdueMs ?? 0) / 1000)} s; Flink shows it ${flinkJob.state}` +
        `${job.waitingFor ? ` and it waits for ${job.waitingFor}` : ''}. It goes on; stop it with WITHOUT_SAVEPOINT if it should not.`,
    });
  });
}
