import type { Sql } from '../db/database.js';
import { type Asked, listOf, merged, placed } from './drift-list.js';

/** A root under which records are compared: `text` tells apart what must not be. */
export interface ComparedRoot {
  storageId: string;
  clusterId: string;
  text: string;
}

export interface TwoRecords {
  storageId: string;
  path: string;
  otherStorageId: string;
  id: string;
  otherId: string;
  origin: string;
  otherOrigin: string;
  deploymentId: string | null;
  bytes: number | null;
  text: string;
  /** One cluster reaches both: it is one place. Else their texts are equal, which proves nothing. */
  certain: boolean;
}

export function twoRecords(sql: Sql, roots: readonly ComparedRoot[], asked: Asked) {
  const values: unknown[] = [
    roots.map(({ storageId }) => storageId),
    roots.map(({ clusterId }) => clusterId),
    roots.map(({ text }) => text),
    asked.storageId,
  ];
  const pairs = `(
    with place as (
      select s.id, s.storage_id, s.path, s.origin, s.deployment_id, s.size_bytes, s.created_at, r.cluster_id, r.text || '/' || s.path as text
        from unnest($1::uuid[], $2::uuid[], $3::text[]) r(storage_id, cluster_id, text)
        join savepoint s on s.storage_id = r.storage_id and s.path is not null and s.state <> 'DELETED')
    select a.id, b.id as "otherId", min(a.storage_id::text) as "storageId", min(b.storage_id::text) as "otherStorageId", min(a.path) as path,
           min(a.origin) as origin, min(b.origin) as "otherOrigin", min(a.deployment_id::text) as "deploymentId", max(a.size_bytes)::float8 as bytes,
           min(a.text) as text, bool_or(a.cluster_id = b.cluster_id) as certain, greatest(max(a.created_at), max(b.created_at)) as since
      from place a join place b on b.text = a.text and b.storage_id <> a.storage_id and b.id > a.id
     where $4::uuid is null or $4 in (a.storage_id, b.storage_id)
     group by a.id, b.id) p`;
  const list = listOf(
    { columns: 'p.*', from: pairs, where: 'true', at: 'p.since', key: `p.id::text || p."otherId"` },
    asked,
    values,
  );
  return placed<TwoRecords>(sql, merged([list], asked.limit, values), values);
}
