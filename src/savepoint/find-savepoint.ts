import type { Sql } from '../db/database.js';
import { Savepoint } from './savepoint.entity.js';
import { conditionsOf, type SavepointFilter } from './savepoint.store.js';

/** What other nouns may ask of savepoints. */
export const findSavepoint = (sql: Sql, id: string) =>
  sql.entity(Savepoint, 'select * from savepoint where id = $1', [id]);
export const findSavepoints = (sql: Sql, ids: readonly string[]) =>
  sql.entities(Savepoint, 'select * from savepoint where id = any($1)', [ids]);

/** Ids of those that meet a filter, the oldest first; limit null: all. */
export async function oldestMatching(
  sql: Sql,
  { ids, ...filter }: SavepointFilter & { ids?: readonly string[] | null },
  limit: number | null,
): Promise<string[]> {
  const values: unknown[] = [limit];
  const where = conditionsOf(filter, values);
  if (ids) where.push(`id = any($${values.push(ids)}::uuid[])`);
  const rows = await sql.rows<{ id: string }>(
    `select id from savepoint where ${where.join(' and ') || 'true'} order by created_at, id limit $1`,
    values,
  );
  return rows.map(({ id }) => id);
}

/** Whether one of ours with this id, or an imported one at one of these places, was deleted with its data. */
export async function isProvenGone(sql: Sql, id: string | null, places: readonly Place[]): Promise<boolean> {
  const row = await sql.row<{ gone: boolean }>(
    `select exists (select 1 from savepoint s where s.id = $1 and s.state = 'DELETED' and s.proof in ('EMPTY', 'FLINK_CONFIRMED'))
         or exists (select 1 from savepoint s join unnest($2::uuid[], $3::text[]) p(storage_id, path) on s.storage_id = p.storage_id and s.path = p.path
                     where s.state = 'DELETED' and s.origin = 'IMPORTED' and s.proof in ('EMPTY', 'FLINK_CONFIRMED')) as gone`,
    [id, places.map(({ storageId }) => storageId), places.map(({ path }) => path)],
  );
  return row?.gone ?? false;
}

/** A place that a location may be: a storage, and the path below its root there. */
export interface Place {
  storageId: string;
  path: string;
}

/**
 * The savepoint, in any state but DELETED, that lies at one of some places, or at this location (normalised) outside all storages, of
 * one cluster if it is named; or one of which nothing was seen yet and that is to be found below the directory of its attempt. Where
 * several are recorded, what speaks against a start from it comes first.
 */
export function savepointAt(sql: Sql, places: readonly Place[], location: string, clusterId: string | null = null) {
  const above = places.flatMap(({ storageId, path }) =>
    path.split('/').map((_, index, segments) => ({ storageId, path: segments.slice(0, index).join('/') })),
  );
  return sql.entity(
    Savepoint,
    `select s.* from savepoint s
      where s.id in (
        select id from savepoint where (storage_id, path) in (select * from unnest($1::uuid[], $2::text[])) and state <> 'DELETED'
        union all
        select id from savepoint where storage_id is null and location = $3 and state <> 'DELETED' and ($6::uuid is null or cluster_id = $6)
        union all
        select o.id from savepoint o join savepoint_attempt a on a.savepoint_id = o.id
         where (a.storage_id, a.directory) in (select * from unnest($4::uuid[], $5::text[]))
           and (o.state in ('PENDING', 'IN_PROGRESS') or (o.state = 'FAILED' and o.look_at is not null)))
      order by s.state <> 'COMPLETED' desc, s.drained desc, s.created_at limit 1`,
    [
      places.map(({ storageId }) => storageId),
      places.map(({ path }) => path),
      location,
      above.map(({ storageId }) => storageId),
      above.map(({ path }) => path),
      clusterId,
    ],
  );
}
