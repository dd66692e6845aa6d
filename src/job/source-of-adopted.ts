import type { Sql } from '../db/database.js';
import { AppError } from '../errors.js';
import type { CheckpointStatistics, RestoredEntry } from '../flink/flink.types.js';
import type { LookAtClusterDeps } from './cluster-follower.js';
import type { ObservedJob } from './find-job.js';
import type { SeenJobs } from './follow-seen-jobs.js';
import { JobOrigin, JobState } from './job.entity.js';
import { statisticsLagMs } from './restore-seen.js';

/** What Flink shows that a run was restored from; null: nothing, and its statistics would show it by now. */
export interface SeenSource {
  jobId: string;
  restored: RestoredEntry | null;
}

/**
 * What an adopted run was restored from. Flink's statistics lag, so that their silence counts only when it has lasted longer than that;
 * what they show later is recorded all the same, here or by whoever looks at its checkpoints. Flink may fail to tell them: that keeps
 * nothing else of the run from being seen, and the next look asks again.
 */
export async function lookForSource(
  { database, log }: Pick<LookAtClusterDeps, 'database' | 'log'>,
  seen: SeenJobs,
  job: ObservedJob,
  to: JobState,
): Promise<void> {
  if (job.origin !== JobOrigin.ADOPTED || job.sourceSeen) return;
  let statistics: CheckpointStatistics | null;
  try {
    statistics = await seen.flink.checkpoints(job.flinkJobId);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    log.warn(
      { err: error, job: job.id, cluster: seen.cluster.name },
      'what an adopted run was restored from could not be asked; the next look asks again',
    );
    return;
  }
  const restored = statistics?.latest.restored ?? null;
  const silentLongEnough =
    to === JobState.RUNNING && (job.startedForMs ?? 0) > statisticsLagMs(seen.cluster.configuration);
  if (restored || silentLongEnough) await noteSources(database, [{ jobId: job.id, restored }]);
}

/** The first that was seen stays: after a recovery Flink shows a checkpoint of the run's own. One statement; locks in the order of ids. */
export async function noteSources(sql: Sql, seen: readonly SeenSource[]): Promise<void> {
  if (seen.length === 0) return;
  await sql.changed(
    `with seen as (select * from unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::text[]) s(id, checkpoint_id, at, location)),
          locked as (select j.id from job j join seen s on s.id = j.id order by j.id for no key update of j)
     update job j set source_seen_at = coalesce(j.source_seen_at, now()), restored_checkpoint_id = s.checkpoint_id, restored_at = s.at,
            restored_location = s.location
       from seen s join locked l on l.id = s.id
      where j.id = s.id and j.origin = 'ADOPTED' and j.restored_at is null`,
    [
      seen.map(({ jobId }) => jobId),
      seen.map(({ restored }) => restored?.id ?? null),
      seen.map(({ restored }) => (restored ? new Date(restored.restoredAt) : null)),
      seen.map(({ restored }) => restored?.location ?? null),
    ],
  );
}
