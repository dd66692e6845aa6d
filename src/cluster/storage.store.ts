import type { Sql, Transaction } from '../db/database.js';
import { type Page, pageOf } from '../db/pages.js';
import { Storage, type StorageMove } from './storage.entity.js';
import { wakeDeletions } from './wake-deletions.js';

export const storagePage = (sql: Sql, page: Page) => pageOf(sql, Storage, 'storage', page);

export const findStorageByName = (sql: Sql, name: string) =>
  sql.entity(Storage, 'select * from storage where name = $1', [name]);

/** In the order of their ids, so that two callers never wait for each other. */
export const lockStorages = (tx: Transaction, ids: readonly string[]) =>
  tx.entities(Storage, 'select * from storage where id = any($1) order by id for update', [ids]);

export async function insertStorage(
  tx: Transaction,
  storage: { id: string; name: string; readRoot: string | null; injectsEntropy?: boolean },
  roots: readonly { clusterId: string; uri: string }[],
): Promise<void> {
  await tx.changed(
    `insert into storage (id, name, read_root, read_state, injects_entropy)
     values ($1, $2, $3, case when $3::text is null then 'NONE' else 'UNPROVEN' end, $4)`,
    [storage.id, storage.name, storage.readRoot, storage.injectsEntropy ?? false],
  );
  for (const { clusterId, uri } of roots) await setRoot(tx, storage.id, clusterId, uri);
}

/** The root under which a cluster reaches a storage from now on. */
export async function setRoot(tx: Transaction, storageId: string, clusterId: string, uri: string): Promise<void> {
  await tx.changed(
    `insert into storage_root (storage_id, cluster_id, uri) values ($1, $2, $3)
     on conflict (storage_id, cluster_id) do update set uri = excluded.uri, left_at = null`,
    [storageId, clusterId, uri],
  );
  await wakeDeletions(tx, [storageId]);
}

export const renameStorage = (tx: Transaction, id: string, name: string) =>
  tx.changed('update storage set name = $2 where id = $1', [id, name]);

export const markStorage = (tx: Transaction, id: string, injectsEntropy: boolean) =>
  tx.changed('update storage set injects_entropy = $2 where id = $1', [id, injectsEntropy]);

/** What was proven of the old place says nothing of the new one. */
export const moveStorage = (tx: Transaction, id: string, readRoot: string | null, move: Omit<StorageMove, 'at'>) =>
  tx.changed(
    `update storage set read_root = $2, read_state = case when $2::text is null then 'NONE' else 'UNPROVEN' end,
            last_move = $3::jsonb || jsonb_build_object('at', now()) where id = $1`,
    [id, readRoot, JSON.stringify(move)],
  );

/** The newest savepoints that should lie in a storage. */
export const newestIn = (sql: Sql, storageId: string, limit: number) =>
  sql.rows<{ id: string; path: string }>(
    `select id, path from savepoint where storage_id = $1 and path is not null and state = 'COMPLETED'
      order by completed_at desc limit $2`,
    [storageId, limit],
  );

/** Savepoints of a cluster that Flink may be writing into some storages. */
export async function underWayIn(sql: Sql, storageIds: readonly string[], clusterId: string): Promise<string[]> {
  const rows = await sql.rows<{ id: string }>(
    `select s.id from savepoint s join savepoint_attempt a on a.savepoint_id = s.id and a.number = s.attempt
      where s.cluster_id = $2 and (s.state = 'IN_PROGRESS' or s.in_flight) and a.storage_id = any($1) order by s.id`,
    [storageIds, clusterId],
  );
  return rows.map(({ id }) => id);
}

/** From UNPROVEN to PROVEN or MISMATCH, once. Answers whether this call changed it. */
export const setStorageAccess = async (tx: Transaction, id: string, access: 'PROVEN' | 'MISMATCH') =>
  (await tx.changed(`update storage set read_state = $2 where id = $1 and read_state = 'UNPROVEN'`, [id, access])) ===
  1;

/** Roots of some storages, those that their clusters have left too: what two of them may be compared by. */
export const everyRootOf = (sql: Sql, ids: readonly string[]) =>
  sql.rows<{ storageId: string; clusterId: string; uri: string; left: boolean }>(
    `select storage_id as "storageId", cluster_id as "clusterId", uri, left_at is not null as left from storage_root where storage_id = any($1)`,
    [ids],
  );

/** Roots that are no folder of a host, of all storages. */
export const comparableRoots = (sql: Sql) =>
  sql.rows<{ storageId: string; uri: string }>(
    `select storage_id as "storageId", uri from storage_root where uri !~* '^(file:|/)'`,
  );

/** Lets one storage stand in the place of others: their roots become its own where it has none of that cluster, and they are gone. */
export async function absorb(tx: Transaction, keep: string, others: readonly string[]): Promise<void> {
  await tx.changed(
    `insert into storage_root as own (storage_id, cluster_id, uri, left_at, since)
     select distinct on (cluster_id) $1::uuid, cluster_id, uri, left_at, min(since) over (partition by cluster_id)
       from storage_root where storage_id = any($2)
      order by cluster_id, left_at desc nulls first
     on conflict (storage_id, cluster_id) do update
        set uri = case when own.left_at is not null and excluded.left_at is null then excluded.uri else own.uri end,
            left_at = case when own.left_at is null or excluded.left_at is null then null else greatest(own.left_at, excluded.left_at) end,
            since = least(own.since, excluded.since)`,
    [keep, others],
  );
  await tx.changed('delete from storage_root where storage_id = any($1)', [others]);
  await tx.changed(
    `update cluster set savepoint_storage_id = case when savepoint_storage_id = any($2) then $1 else savepoint_storage_id end,
            checkpoint_storage_id = case when checkpoint_storage_id = any($2) then $1 else checkpoint_storage_id end
      where savepoint_storage_id = any($2) or checkpoint_storage_id = any($2)`,
    [keep, others],
  );
  await tx.changed(
    `update storage set injects_entropy = true
      where id = $1 and exists (select 1 from storage where id = any($2) and injects_entropy)`,
    [keep, others],
  );
  await tx.changed('delete from storage where id = any($1)', [others]);
  await wakeDeletions(tx, [keep]);
}

/** Where a storage has nothing to be read by, it is read as one that it has taken in was. */
export const readAs = (tx: Transaction, id: string, other: Pick<Storage, 'readRoot' | 'access'>) =>
  tx.changed(`update storage set read_root = $2, read_state = $3 where id = $1 and read_root is null`, [
    id,
    other.readRoot,
    other.access,
  ]);
