import type { Sql } from '../db/database.js';
import { CompatibilityCheck } from './check.entity.js';

export const findCheck = (sql: Sql, id: string) =>
  sql.entity(CompatibilityCheck, 'select * from compatibility_check where id = $1', [id]);
