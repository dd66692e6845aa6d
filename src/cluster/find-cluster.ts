import { wake } from '../db/claims.js';
import type { Sql, Transaction } from '../db/database.js';
import { Cluster } from './cluster.entity.js';
import { Storage } from './storage.entity.js';

/** What other nouns may ask of clusters and storages. */
export const findCluster = (sql: Sql, id: string) => sql.entity(Cluster, 'select * from cluster where id = $1', [id]);
export const findClusters = (sql: Sql, ids: readonly string[]) =>
  sql.entities(Cluster, 'select * from cluster where id = any($1)', [ids]);

/** One that may be used: kept from being removed until the transaction ends. */
export const holdCluster = (tx: Transaction, id: string) =>
  tx.entity(Cluster, 'select * from cluster where id = $1 and removed_at is null for key share', [id]);

/** Orders all admissions of a cluster. Taken before any row of a savepoint in the same transaction. */
export const lockCluster = (tx: Transaction, id: string) =>
  tx.entity(Cluster, 'select * from cluster where id = $1 for no key update', [id]);

/** The cluster of a deployment, locked; null when there is no such deployment. */
export const lockClusterOf = (tx: Transaction, deploymentId: string) =>
  tx.entity(
    Cluster,
    'select c.* from cluster c join deployment d on d.cluster_id = c.id where d.id = $1 for no key update of c',
    [deploymentId],
  );

/** What is decided about many deployments needs of each of their clusters. */
export type LockedCluster = Pick<
  Cluster,
  'id' | 'name' | 'state' | 'stateSince' | 'savepointStorageId' | 'savepointBudget' | 'processMark' | 'flinkVersion'
>;

/** Several, in the order of their ids. */
export const lockClusters = (tx: Transaction, ids: readonly string[]) =>
  tx.rows<LockedCluster>(
    `select id, name, state, state_since as "stateSince", savepoint_storage_id as "savepointStorageId", budget as "savepointBudget",
            process_mark as "processMark", flink_version as "flinkVersion"
       from cluster where id = any($1) order by id for no key update`,
    [ids],
  );

/** The same for whoever needs the order alone. */
export const lockClusterRow = (tx: Transaction, id: string) =>
  tx.changed('select 1 from cluster where id = $1 for no key update', [id]);

/** How long a cluster has had its state, by the database's clock. */
export async function stateAgeMs(sql: Sql, id: string): Promise<number> {
  const row = await sql.row<{ age: number }>(
    'select extract(epoch from now() - state_since)::float8 * 1000 as age from cluster where id = $1',
    [id],
  );
  return row?.age ?? 0;
}

export const findStorage = (sql: Sql, id: string) => sql.entity(Storage, 'select * from storage where id = $1', [id]);
export const findStorages = (sql: Sql, ids: readonly string[]) =>
  sql.entities(Storage, 'select * from storage where id = any($1)', [ids]);

/** Storages that a cluster reaches, with the root under which it does. */
export interface ReachedStorage {
  storageId: string;
  clusterId: string;
  uri: string;
  name: string;
  readRoot: string | null;
  readState: string;
}
const reached = `select r.storage_id as "storageId", r.cluster_id as "clusterId", r.uri, s.name, s.read_root as "readRoot", s.read_state as "readState"
                   from storage_root r join storage s on s.id = r.storage_id`;
/** Without those that a cluster has left. */
export const storagesOfCluster = (sql: Sql, clusterId: string) =>
  sql.rows<ReachedStorage>(`${reached} where r.cluster_id = $1 and r.left_at is null order by s.created_at, s.id`, [
    clusterId,
  ]);
/**
 * Those where what a cluster ran at a time (epoch ms) has left its state. Of one that was replaced or removed since, these are the
 * storages that the old one had until then, and not those of the new one, though their texts be equal (CL-2, CL-4). `replaced`:
 * another cluster answers there now.
 */
export async function storagesOfClusterAt(
  sql: Sql,
  clusterId: string,
  at: number,
): Promise<{ storages: ReachedStorage[]; replaced: boolean }> {
  const row = await sql.row<{ left: string | null }>(
    `select min(t)::text as left from (
       select replaced_at from cluster where id = $1 union all select left_at from storage_root where cluster_id = $1) x(t)
      where t >= to_timestamp($2::float8 / 1000)`,
    [clusterId, at],
  );
  const left = row?.left ?? null;
  const storages = await sql.rows<ReachedStorage>(
    `${reached} where r.cluster_id = $1 and case when $2::timestamptz is null then r.left_at is null
                   else r.since < $2::timestamptz and (r.left_at is null or r.left_at >= $2::timestamptz) end
      order by r.left_at nulls last, s.created_at, s.id`,
    [clusterId, left],
  );
  return { storages, replaced: left !== null };
}
export const rootsOfStorages = (sql: Sql, ids: readonly string[]) =>
  sql.rows<ReachedStorage>(`${reached} where r.storage_id = any($1) and r.left_at is null order by r.cluster_id`, [
    ids,
  ]);
/** Every root under which some cluster reaches some storage now. */
export const allRoots = (sql: Sql) =>
  sql.rows<ReachedStorage>(`${reached} where r.left_at is null order by s.created_at, s.id, r.cluster_id`);

/** The JobManager's clock, in epoch ms, as it has just been read: what remains of the difference is the network's delay. */
export const recordClock = (sql: Sql, clusterId: string, jobManagerNow: number) =>
  sql.changed(
    'update cluster set clock_offset_ms = $2 - (extract(epoch from clock_timestamp()) * 1000)::bigint where id = $1',
    [clusterId, jobManagerNow],
  );

/** Has version, configuration and process mark read again by the next look, which is due now. */
export async function readFactsSoon(tx: Transaction, clusterId: string): Promise<void> {
  await tx.changed(`update cluster set facts_read_at = facts_read_at - interval '1 day' where id = $1`, [clusterId]);
  await wake(tx, 'cluster', clusterId);
}
