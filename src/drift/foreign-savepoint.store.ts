import type { Sql } from '../db/database.js';
import type { Placed } from '../db/pages.js';
import type { Place } from '../savepoint/find-savepoint.js';
import { type Asked, type List, listOf, merged, placed } from './drift-list.js';
import { placeKey } from './drift.store.js';

export interface ForeignSavepoint {
  jobId: string;
  run: number;
  flinkCheckpointId: number;
  deploymentId: string;
  deploymentName: string;
  clusterId: string;
  clusterName: string;
  /** Epoch ms, on the database's clock: when the run was asked for. */
  ranSince: number;
  location: string;
  bytes: number | null;
}

/** Completed savepoints in Flink's history that no savepoint of ours is linked to, and those that ended runs have left. Of all storages. */
export function foreignSavepoints(sql: Sql, asked: Asked): Promise<Placed<ForeignSavepoint & { at: Date }>[]> {
  const values: unknown[] = [];
  const columns = (row: string) =>
    `${row}.job_id as "jobId", j.run, ${row}.flink_checkpoint_id::float8 as "flinkCheckpointId", ${row}.deployment_id as "deploymentId", d.name as "deploymentName",
     j.cluster_id as "clusterId", k.name as "clusterName", extract(epoch from j.created_at)::float8 * 1000 as "ranSince", ${row}.location, ${row}.state_bytes::float8 as bytes`;
  const from = (table: string, row: string) =>
    `${table} ${row} join job j on j.id = ${row}.job_id join deployment d on d.id = ${row}.deployment_id join cluster k on k.id = j.cluster_id`;
  const key = (row: string) => `${row}.job_id::text || ':' || ${row}.flink_checkpoint_id`;
  const seen: List = {
    columns: columns('c'),
    from: from('checkpoint', 'c'),
    where: `c.kind = 'SAVEPOINT' and c.state = 'COMPLETED' and c.savepoint_id is null and not c.discarded and c.location is not null`,
    at: 'c.triggered_at',
    key: key('c'),
  };
  // its day may have been dropped from the history
  const left: List = {
    columns: columns('r'),
    from: from('retained_checkpoint', 'r'),
    where: `r.kind = 'SAVEPOINT' and r.data <> 'MISSING' and not exists (
              select 1 from checkpoint c where c.job_id = r.job_id and c.triggered_at = r.triggered_at and c.flink_checkpoint_id = r.flink_checkpoint_id)`,
    at: 'r.triggered_at',
    key: key('r'),
  };
  return placed(sql, merged([listOf(seen, asked, values), listOf(left, asked, values)], asked.limit, values), values);
}

/** Of some places, and locations (normalised) outside all storages, those of which there is a record, or was one of an import. */
export async function recordedAt(sql: Sql, places: readonly Place[], locations: readonly string[]) {
  const arrays = [places.map(({ storageId }) => storageId), places.map(({ path }) => path)];
  const at = '(storage_id, path) in (select * from unnest($1::uuid[], $2::text[]))';
  const rows = await sql.rows<{ storageId: string; path: string }>(
    `select storage_id as "storageId", path from savepoint where ${at} and state <> 'DELETED'
     union all select storage_id, path from savepoint where ${at} and state = 'DELETED' and origin = 'IMPORTED'`,
    arrays,
  );
  const outside =
    locations.length === 0
      ? []
      : await sql.rows<{ location: string }>(
          `select location from savepoint where storage_id is null and location = any($1)`,
          [locations],
        );
  return {
    places: new Set(rows.map(placeKey)),
    locations: new Set(outside.map(({ location }) => location)),
  };
}
