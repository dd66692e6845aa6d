import type { Sql } from '../db/database.js';
import { mayStillBeFound } from '../savepoint/savepoint.lifecycle.js';
import { type Asked, listOf, merged, placed } from './drift-list.js';

export interface AttemptRow {
  savepointId: string;
  number: number;
  deploymentId: string;
  storageId: string;
  directory: string;
  outcome: string;
  heartbeatMs: number;
  clusterId: string;
  clusterRemoved: boolean;
  /** Under which its cluster reaches the storage, or did. */
  rootUri: string | null;
  state: string;
  /** Where the data of the savepoint lie, by the record. */
  path: string | null;
  homeId: string | null;
  /** It is the last one of its savepoint, which is FAILED and may still become COMPLETED. */
  adoptable: boolean;
  /** That is looked for by Stateward itself. */
  sought: boolean;
  /** A completed savepoint below the directory, by Flink's history; not asked where the storage can be read. */
  toldLocation: string | null;
  toldBytes: number | null;
  toldAt: Date | null;
  forgottenAt: Date | null;
  forgottenBy: string | null;
  forgottenReason: string | null;
}

/** The clocks of JobManager and database may differ by so much; the history is kept by the day. */
const TOLD_WITHIN = `interval '1 day'`;

/**
 * Attempts whose directory may hold what is not the data of their savepoint: they did not become them, or may have been made twice.
 * Flink was asked, it is over, and the TaskManagers' heartbeat timeout has passed since: tasks go on writing until then (CL-4).
 */
export function attemptsThatMayHaveLeft(
  sql: Sql,
  asked: Asked,
  { readable, includeForgotten }: { readable: readonly string[]; includeForgotten: boolean },
) {
  const values: unknown[] = [asked.storageId, readable, mayStillBeFound];
  const list = (which: string) =>
    listOf(
      {
        columns:
          'a.*, s.deployment_id, s.cluster_id, s.state, s.path, s.storage_id as home_id, s.job_id, s.failure_code, s.look_at, s.attempt, k.heartbeat_timeout_ms, k.removed_at',
        from: 'savepoint_attempt a join savepoint s on s.id = a.savepoint_id join cluster k on k.id = s.cluster_id',
        where: `${which} and ($1::uuid is null or a.storage_id = $1) ${includeForgotten ? '' : 'and a.left_forgotten_at is null'}
          and s.state not in ('PENDING', 'IN_PROGRESS') and not s.in_flight
          and a.ended_at < now() - k.heartbeat_timeout_ms * interval '1 ms'`,
        at: 'a.ended_at',
        key: `a.savepoint_id::text || '/' || a.number`,
      },
      asked,
      values,
    );
  const twice = `select savepoint_id from event where type = 'SAVEPOINT_MADE_TWICE'`;
  const text = merged(
    [
      list(`a.sends > 0 and a.outcome <> 'COMPLETED'`),
      list(`a.sends > 1 and a.outcome = 'COMPLETED'`),
      list(`a.sends = 1 and a.outcome = 'COMPLETED' and a.savepoint_id in (${twice})`),
    ],
    asked.limit,
    values,
  );
  return placed<AttemptRow>(
    sql,
    `select y.savepoint_id as "savepointId", y.number, y.deployment_id as "deploymentId", y.storage_id as "storageId", y.directory, y.outcome,
            y.heartbeat_timeout_ms::float8 as "heartbeatMs", y.cluster_id as "clusterId", y.removed_at is not null as "clusterRemoved", r.uri as "rootUri",
            y.state, y.path, y.home_id as "homeId",
            y.state = 'FAILED' and y.number = y.attempt and y.failure_code = any($3) as adoptable, y.state = 'FAILED' and y.look_at is not null as sought,
            t.location as "toldLocation", t.state_bytes::float8 as "toldBytes", t.ended_at as "toldAt",
            y.left_forgotten_at as "forgottenAt", y.left_forgotten_by as "forgottenBy", y.left_forgotten_reason as "forgottenReason", y.at, y.key, y.place_at
       from (${text}) y
       left join storage_root r on r.storage_id = y.storage_id and r.cluster_id = y.cluster_id
       left join lateral (
         select c.location, c.state_bytes, c.ended_at from checkpoint c
          where y.storage_id <> all($2::uuid[]) and y.outcome <> 'COMPLETED'
            and c.deployment_id = y.deployment_id and c.kind = 'SAVEPOINT' and c.state = 'COMPLETED' and not c.discarded
            and c.triggered_at between y.stored_at - ${TOLD_WITHIN} and y.ended_at + ${TOLD_WITHIN}
            and c.savepoint_id = y.savepoint_id and position('/' || y.directory || '/' in c.location) > 0
          order by c.triggered_at desc limit 1) t on true
      order by y.at desc, y.key desc`,
    values,
  );
}
