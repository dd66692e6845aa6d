import { NOW } from '../db/assign.js';
import type { CheckpointStatistics, RestoredEntry } from '../flink/flink.types.js';
import type { LookAtClusterDeps } from './cluster-follower.js';
import type { SeenJobs } from './follow-seen-jobs.js';
import type { ObservedJob } from './find-job.js';
import { JobFailureCode, JobOrigin, JobState } from './job.entity.js';
import { awaitStatistics } from './job.store.js';
import { commitMove } from './move-seen-job.js';
import { EventType } from '../event/event-types.js';
import { restoreSeen, statisticsLagMs } from './restore-seen.js';

export type StartLook =
  /** Nothing to look at: it has taken hold before, or not every task runs. */
  | { verdict: 'NOTHING'; columns: Record<string, unknown> }
  /** Every task runs, and what was chosen is restored. */
  | { verdict: 'TAKEN'; columns: Record<string, unknown> }
  | { verdict: 'WAIT'; waitsFor: string; columns: Record<string, unknown> }
  /** It ran without the chosen state, and was ended. */
  | { verdict: 'ENDED'; columns: Record<string, unknown> };

/**
 * A start is finished when every task runs and Flink shows the chosen state as restored (SR-8). A job that runs without it is cancelled
 * at once; the statistics may lag behind, so that their silence counts only when it has lasted longer.
 */
export async function lookAtStart(
  deps: LookAtClusterDeps,
  seen: SeenJobs,
  job: ObservedJob,
  to: JobState,
): Promise<StartLook> {
  if (job.tookHoldAt !== null || to !== JobState.RUNNING) return { verdict: 'NOTHING', columns: {} };
  if (job.origin === JobOrigin.ADOPTED) return { verdict: 'TAKEN', columns: { took_hold_at: NOW } }; // nothing was chosen
  const statistics = await seen.flink.checkpoints(job.flinkJobId);
  const restored = statistics?.latest.restored ?? null;
  const chosen =
    job.startLocation === null ? null : { location: job.startLocation, checkpointId: job.startCheckpointId };
  const verdict = restoreSeen(chosen, restored);
  if (verdict === 'TAKEN') return { verdict, columns: { took_hold_at: NOW, ...columnsOf(restored) } };
  if (verdict === 'PENDING' && !(await hasWaited(deps, seen, job))) {
    return { verdict: 'WAIT', waitsFor: 'Flink to show the chosen state as restored', columns: {} };
  }
  await endUnrestored(deps, seen, job, restored);
  return { verdict: 'ENDED', columns: {} };
}

/** Whether what was seen has waited long enough for the statistics to show all that there is. */
async function hasWaited({ database }: LookAtClusterDeps, seen: SeenJobs, job: ObservedJob): Promise<boolean> {
  if (job.awaitedForMs === null) await awaitStatistics(database, job.id);
  return (job.awaitedForMs ?? 0) > statisticsLagMs(seen.cluster.configuration);
}

const columnsOf = (restored: RestoredEntry | null) =>
  restored && {
    restored_checkpoint_id: restored.id,
    restored_at: new Date(restored.restoredAt),
    restored_location: restored.location,
  };

async function endUnrestored(
  deps: LookAtClusterDeps,
  seen: SeenJobs,
  job: ObservedJob,
  restored: RestoredEntry | null,
): Promise<void> {
  const reply = await seen.flink.cancelJob(job.flinkJobId);
  const what = restored
    ? `Flink restored ${restored.location ?? `checkpoint ${restored.id}`} instead`
    : 'Flink restored no state';
  const cancelled =
    reply.outcome === 'ACCEPTED'
      ? 'It was cancelled at once'
      : `Its cancel was declined with HTTP ${reply.status}: cancel it in Flink`;
  const message = `It ran without the state that it was to start from (${job.startLocation}): ${what}. ${cancelled}. Look whether main() sets the state itself, then start the deployment again.`;
  await commitMove(deps, seen.cluster.id, job, JobState.FAILED, {
    set: {
      ended_at: NOW,
      waiting_for: null,
      failure_code: JobFailureCode.RESTORE_NOT_TAKEN,
      failure_message: message,
      ...columnsOf(restored),
    },
    event: { type: EventType.JOB_FAILED, message: `Run ${job.run} failed (RESTORE_NOT_TAKEN): ${message}` },
    cause: null,
    inFlink: 'CANCELLING',
  });
}

/**
 * What Flink's FINISHED means here. A stop ended it when one of ours has made its savepoint, or when its newest snapshot is that of a
 * stop by somebody else; which the statistics show only when their cache has passed.
 */
export async function endOfFinished(
  deps: LookAtClusterDeps,
  seen: SeenJobs,
  job: ObservedJob,
): Promise<JobState.FINISHED | JobState.CANCELLED | 'NOT_YET'> {
  if (job.stop?.savepointCompleted) return JobState.CANCELLED;
  if (!(await hasWaited(deps, seen, job))) return 'NOT_YET';
  return endedByStop(await seen.flink.checkpoints(job.flinkJobId)) ? JobState.CANCELLED : JobState.FINISHED;
}

/** After a drain one more checkpoint may follow the savepoint, mostly a failed one (2.3.0 and 1.20.5). */
function endedByStop(statistics: CheckpointStatistics | null): boolean {
  const newest = statistics?.history.find(({ status }) => status === 'COMPLETED');
  return newest?.type === 'SYNC_SAVEPOINT';
}
