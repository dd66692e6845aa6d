import type { Sql, Transaction } from '../db/database.js';
import { SavepointSchedule } from './schedule.entity.js';

/** Wakes the watchers of slots when the transaction commits: a slot may come earlier than they know. */
export const wakeSlotWatchers = (sql: Sql) => sql.rows(`select pg_notify('stateward', 'slots')`);

/** The one in force. The cluster's row is locked, which orders all that is decided about the deployment. */
export const lockScheduleOf = (tx: Transaction, deploymentId: string) =>
  tx.entity(
    SavepointSchedule,
    'select * from savepoint_schedule where deployment_id = $1 and removed_at is null for no key update',
    [deploymentId],
  );

/** The time of the transaction, on the database's clock, and the last slot of whatever schedule a deployment has had; epoch ms. */
export async function lastSlotOf(sql: Sql, deploymentId: string | null): Promise<{ now: number; last: number | null }> {
  const row = await sql.row<{ now: number; last: number | null }>(
    `select extract(epoch from now())::float8 * 1000 as now,
            (select extract(epoch from max(last_slot_at))::float8 * 1000 from (
               select last_slot_at from savepoint_schedule where deployment_id = $1 and removed_at is null
               union all
               select last_slot_at from savepoint_schedule where deployment_id = $1 and removed_at is not null) s) as last`,
    [deploymentId],
  );
  if (!row) throw new Error('The database told no time');
  return row;
}

export const insertSchedule = (
  tx: Transaction,
  s: Pick<
    SavepointSchedule,
    | 'id'
    | 'deploymentId'
    | 'expression'
    | 'zone'
    | 'catchUp'
    | 'jitterSeconds'
    | 'blackouts'
    | 'attempts'
    | 'format'
    | 'pausedAt'
    | 'pausedBy'
    | 'pauseReason'
    | 'actor'
    | 'warnings'
    | 'meanIntervalMs'
    | 'lastSlotAt'
    | 'nextSlotAt'
  >,
) =>
  tx.changed(
    `insert into savepoint_schedule (id, deployment_id, expression, zone, catch_up, jitter_seconds, blackouts, attempts, format,
                                     paused_at, paused_by, pause_reason, actor, warnings, mean_interval_ms, last_slot_at, next_slot_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
    [
      s.id,
      s.deploymentId,
      s.expression,
      s.zone,
      s.catchUp,
      s.jitterSeconds,
      JSON.stringify(s.blackouts),
      s.attempts,
      s.format,
      s.pausedAt,
      s.pausedBy,
      s.pauseReason,
      s.actor,
      JSON.stringify(s.warnings),
      Math.round(s.meanIntervalMs),
      s.lastSlotAt,
      s.nextSlotAt,
    ],
  );

export const markRemoved = (tx: Transaction, id: string, actor: string) =>
  tx.changed(
    'update savepoint_schedule set removed_at = now(), removed_by = $2, next_slot_at = null where id = $1 and removed_at is null',
    [id, actor],
  );

export const markPaused = (tx: Transaction, id: string, actor: string, reason: string | null) =>
  tx.changed(
    'update savepoint_schedule set paused_at = now(), paused_by = $2, pause_reason = $3 where id = $1 and paused_at is null',
    [id, actor, reason],
  );

export const markResumed = (tx: Transaction, id: string) =>
  tx.changed('update savepoint_schedule set paused_at = null, paused_by = null, pause_reason = null where id = $1', [
    id,
  ]);

/**
 * How many savepoints the schedules of a cluster keep in flight on average, that of one deployment aside: of each, how long its
 * savepoints usually take, over the time between two of its slots. Deployments of which none is known do not count.
 */
export async function demandOn(sql: Sql, clusterId: string, butDeploymentId: string): Promise<number> {
  const row = await sql.row<{ demand: number }>(
    `select coalesce(sum(u.usual / s.mean_interval_ms), 0)::float8 as demand
       from deployment d
       join savepoint_schedule s on s.deployment_id = d.id and s.removed_at is null and s.paused_at is null
      cross join lateral (
        select percentile_cont(0.5) within group (order by l.duration_ms) as usual from (
          select duration_ms from savepoint where deployment_id = d.id and duration_ms is not null order by created_at desc, id desc limit 10) l) u
      where d.cluster_id = $1 and d.archived_at is null and d.id <> $2`,
    [clusterId, butDeploymentId],
  );
  return row?.demand ?? 0;
}
