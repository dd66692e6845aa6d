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
/** Those that it has left too, behind the others: where what ran there has left its state. */
export const storagesEverOf = (sql: Sql, clusterId: string) =>
  sql.rows<ReachedStorage>(`${reached} where r.cluster_id = $1 order by r.left_at is not null, s.created_at, s.id`, [
    clusterId,
  ]);
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
