import type { Sql } from '../db/database.js';
import { type Page, pageOf } from '../db/pages.js';
import { Event } from './event.entity.js';
import type { EventType } from './event-types.js';

export interface EventFilter {
  deploymentId?: string | null;
  clusterId?: string | null;
  savepointId?: string | null;
  types?: EventType[] | null;
}

export function eventPage(sql: Sql, page: Page, { deploymentId, clusterId, savepointId, types }: EventFilter) {
  const where: string[] = [];
  const values: unknown[] = [];
  if (deploymentId) where.push(`deployment_id = $${values.push(deploymentId)}`);
  if (clusterId) where.push(`cluster_id = $${values.push(clusterId)}`);
  if (savepointId) where.push(`savepoint_id = $${values.push(savepointId)}`);
  if (types) where.push(`type = any($${values.push(types)})`);
  return pageOf(sql, Event, 'event', page, where, values, 'at');
}

export const eventsAfter = (sql: Sql, deploymentId: string, number: number, limit: number) =>
  sql.entities(Event, 'select * from event where deployment_id = $1 and number > $2 order by number limit $3', [
    deploymentId,
    number,
    limit,
  ]);

/** The number of the newest event of a deployment; null when there is no such deployment. */
export async function lastEventNumber(sql: Sql, deploymentId: string): Promise<number | null> {
  const row = await sql.row<{ last_event: string }>('select last_event from deployment where id = $1', [deploymentId]);
  return row ? Number(row.last_event) : null;
}

/** Just before the first event about a savepoint, a run or a stop: whoever follows from there misses nothing of it. */
export async function cursorBefore(
  sql: Sql,
  column: 'savepoint_id' | 'job_id' | 'stop_id',
  id: string,
): Promise<string> {
  const row = await sql.row<{ first: string | null }>(
    `select min(number) as first from event where ${column} = $1 and number is not null`,
    [id],
  );
  return String(Math.max(0, Number(row?.first ?? 1) - 1));
}
