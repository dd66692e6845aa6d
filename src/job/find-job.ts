import type { Sql } from '../db/database.js';
import { Job } from './job.entity.js';
import { liveJobStates } from './job.lifecycle.js';

/** What other nouns may ask of jobs. */
export const findJob = (sql: Sql, id: string) => sql.entity(Job, 'select * from job where id = $1', [id]);
export const findJobs = (sql: Sql, ids: readonly string[]) =>
  sql.entities(Job, 'select * from job where id = any($1)', [ids]);

/** What a look at a cluster needs to know of a run. */
export type ObservedJob = Pick<
  Job,
  | 'id'
  | 'deploymentId'
  | 'clusterId'
  | 'run'
  | 'state'
  | 'flinkJobId'
  | 'startedAt'
  | 'observedAt'
  | 'processMark'
  | 'waitingFor'
  | 'missingAnswers'
> & {
  /** It was written down so long ago that it was seen; null: never. */
  observedAgoMs: number | null;
};

export const liveJobsOf = (sql: Sql, clusterId: string) =>
  sql.rows<ObservedJob>(
    `select id, deployment_id as "deploymentId", cluster_id as "clusterId", run, state, flink_job_id as "flinkJobId",
            started_at as "startedAt", observed_at as "observedAt", process_mark as "processMark", waiting_for as "waitingFor",
            missing_answers as "missingAnswers", (extract(epoch from now() - observed_at) * 1000)::float8 as "observedAgoMs"
       from job where cluster_id = $1 and state = any($2) order by id`,
    [clusterId, liveJobStates],
  );
