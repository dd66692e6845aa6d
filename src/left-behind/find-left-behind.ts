import type { Sql } from '../db/database.js';
import { LeftBehindDisposal } from './left-behind.entity.js';

/** They go by the ids of their runs. */
export const findLeftBehind = (sql: Sql, jobIds: readonly string[]) =>
  sql.entities(LeftBehindDisposal, 'select * from left_behind where id = any($1)', [jobIds]);
