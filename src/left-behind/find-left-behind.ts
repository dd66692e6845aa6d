import type { Sql } from '../db/database.js';
import { LeftBehindDisposal } from './left-behind.entity.js';

/** Those that have not come to their end, the oldest first. */
export const unfinishedLeftBehind = (sql: Sql, deploymentId: string) =>
  sql.entities(
    LeftBehindDisposal,
    `select * from left_behind where deployment_id = $1 and state <> 'DONE' order by asked_at, id`,
    [deploymentId],
  );

/** They go by the ids of their runs. */
export const findLeftBehind = (sql: Sql, jobIds: readonly string[]) =>
  sql.entities(LeftBehindDisposal, 'select * from left_behind where id = any($1)', [jobIds]);
