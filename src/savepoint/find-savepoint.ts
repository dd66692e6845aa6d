import type { Sql } from '../db/database.js';
import { Savepoint } from './savepoint.entity.js';

/** What other nouns may ask of savepoints. */
export const findSavepoint = (sql: Sql, id: string) =>
  sql.entity(Savepoint, 'select * from savepoint where id = $1', [id]);
export const findSavepoints = (sql: Sql, ids: readonly string[]) =>
  sql.entities(Savepoint, 'select * from savepoint where id = any($1)', [ids]);
