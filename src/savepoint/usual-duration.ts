import type { Sql } from '../db/database.js';
import type { SavepointFormat } from '../deployment/savepoint-format.js';
import { expectedDurationMs } from './expectations.js';
import { lastDurationsMs } from './savepoint.store.js';

/** How long savepoints of a deployment in a format usually take; null: none was made yet. */
export const usualDurationMs = async (
  sql: Sql,
  deploymentId: string,
  format: SavepointFormat,
): Promise<number | null> => expectedDurationMs(await lastDurationsMs(sql, deploymentId, format));
