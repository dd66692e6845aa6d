import type { Sql } from '../db/database.js';
import { Deletion } from './deletion.entity.js';

/** Deletions go by the ids of their savepoints. */
export const findDeletion = (sql: Sql, savepointId: string) =>
  sql.entity(Deletion, 'select * from deletion where id = $1', [savepointId]);
export const findDeletions = (sql: Sql, savepointIds: readonly string[]) =>
  sql.entities(Deletion, 'select * from deletion where id = any($1)', [savepointIds]);
