import type { Sql } from '../db/database.js';
import { type Page, pageOf, type Placed } from '../db/pages.js';
import { Job } from './job.entity.js';
import { liveJobStates } from './job.lifecycle.js';

/** What other nouns may ask of jobs. */
export const findJob = (sql: Sql, id: string) => sql.entity(Job, 'select * from job where id = $1', [id]);
export const findJobs = (sql: Sql, ids: readonly string[]) =>
  sql.entities(Job, 'select * from job where id = any($1)', [ids]);

/** Runs of a deployment, newest first. */
export const runsOf = (sql: Sql, deploymentId: string, limit: number) =>
  sql.entities(Job, 'select * from job where deployment_id = $1 order by run desc limit $2', [deploymentId, limit]);

/** What runs were started from: a savepoint of ours, a snapshot that Flink's history showed, or anything that a run made. */
export type StartSource = { savepointId: string } | { jobId: string; flinkCheckpointId?: number };

/** Runs that were started from it, newest first. */
export function runsStartedFrom(sql: Sql, page: Page, source: StartSource): Promise<Placed<Job>[]> {
  if ('savepointId' in source) return pageOf(sql, Job, 'job', page, ['start_savepoint_id = $1'], [source.savepointId]);
  const { jobId, flinkCheckpointId } = source;
  return flinkCheckpointId === undefined
    ? pageOf(sql, Job, 'job', page, ['start_job_id = $1'], [jobId])
    : pageOf(sql, Job, 'job', page, ['start_job_id = $1', 'start_checkpoint_id = $2'], [jobId, flinkCheckpointId]);
}

/** What a look at a cluster needs to know of a run. */
export type ObservedJob = Pick<
  Job,
  | 'id'
  | 'deploymentId'
  | 'clusterId'
  | 'run'
  | 'origin'
  | 'strategy'
  | 'state'
  | 'flinkJobId'
  | 'startedAt'
  | 'tookHoldAt'
  | 'startLocation'
  | 'startCheckpointId'
  | 'observedAt'
  | 'processMark'
  | 'waitingFor'
  | 'missingAnswers'
> & {
  /** It was written down so long ago that it was seen; null: never. */
  observedAgoMs: number | null;
  /** What was seen of it waits for so long for Flink's statistics, which lag; null: it does not. */
  awaitedForMs: number | null;
  /** Every task has been seen to run for so long; null: not yet. */
  startedForMs: number | null;
  /** It is known what it was restored from, or that it was from nothing. */
  sourceSeen: boolean;
  /** The start has taken so much longer than the deployment allows, and that was not told yet; null: nothing to tell. */
  overdueMs: number | null;
  /** A stop of ours that was accepted and has not ended. */
  stop: { id: string; mode: 'WITH_SAVEPOINT' | 'WITH_DRAIN' | 'WITHOUT_SAVEPOINT'; savepointCompleted: boolean } | null;
};

const ageOf = (moment: string) => `(extract(epoch from now() - ${moment}) * 1000)::float8`;

/** All in one statement; what it reads of the later nouns deployment and stop is what a look must respect. */
export const liveJobsOf = (sql: Sql, clusterId: string) =>
  sql.rows<ObservedJob>(
    `select j.id, j.deployment_id as "deploymentId", j.cluster_id as "clusterId", j.run, j.origin, j.strategy, j.state,
            j.flink_job_id as "flinkJobId", j.started_at as "startedAt", j.took_hold_at as "tookHoldAt",
            j.start_location as "startLocation", j.start_checkpoint_id::float8 as "startCheckpointId", j.observed_at as "observedAt",
            j.process_mark as "processMark", j.waiting_for as "waitingFor", j.missing_answers as "missingAnswers",
            ${ageOf('j.observed_at')} as "observedAgoMs", ${ageOf('j.statistics_awaited_since')} as "awaitedForMs",
            ${ageOf('j.started_at')} as "startedForMs", j.source_seen_at is not null as "sourceSeen",
            case when j.took_hold_at is null and j.deadline_told_at is null
                  and now() > j.created_at + d.start_deadline_ms * interval '1 ms' then ${ageOf('j.created_at')} end as "overdueMs",
            case when s.id is null then null else jsonb_build_object('id', s.id, 'mode', s.mode, 'savepointCompleted', coalesce(p.state = 'COMPLETED', false)) end as stop
       from job j
       join deployment d on d.id = j.deployment_id
       left join stop s on s.job_id = j.id and s.state in ('WAITING', 'IN_PROGRESS')
       left join savepoint p on p.id = s.savepoint_id
      where j.cluster_id = $1 and j.state = any($2) order by j.id`,
    [clusterId, liveJobStates],
  );
