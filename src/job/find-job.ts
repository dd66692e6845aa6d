import type { Sql } from '../db/database.js';
import { Job } from './job.entity.js';
import { liveJobStates } from './job.lifecycle.js';

/** What other nouns may ask of jobs. */
export const findJob = (sql: Sql, id: string) => sql.entity(Job, 'select * from job where id = $1', [id]);
export const findJobs = (sql: Sql, ids: readonly string[]) =>
  sql.entities(Job, 'select * from job where id = any($1)', [ids]);

export const liveJobsOf = (sql: Sql, clusterId: string) =>
  sql.entities(Job, `select * from job where cluster_id = $1 and state = any($2) order by id`, [
    clusterId,
    liveJobStates,
  ]);
