import type { Sql, Transaction } from '../db/database.js';
import { type Page, pageOf } from '../db/pages.js';
import { Cluster } from './cluster.entity.js';
import { Storage } from './storage.entity.js';

export const findClusterByUrl = (sql: Sql, url: string) =>
  sql.entity(Cluster, 'select * from cluster where url = $1', [url]);
export const findClusterByName = (sql: Sql, name: string) =>
  sql.entity(Cluster, 'select * from cluster where name = $1', [name]);

export const clusterPage = (sql: Sql, page: Page) => pageOf(sql, Cluster, 'cluster', page);
export const storagePage = (sql: Sql, page: Page) => pageOf(sql, Storage, 'storage', page);

export async function insertCluster(
  tx: Transaction,
  cluster: Pick<Cluster, 'id' | 'name' | 'url' | 'state' | 'savepointBudget'>,
) {
  await tx.changed('insert into cluster (id, name, url, state, budget, look_at) values ($1, $2, $3, $4, $5, now())', [
    cluster.id,
    cluster.name,
    cluster.url,
    cluster.state,
    cluster.savepointBudget,
  ]);
  await tx.changed('insert into cluster_lease (cluster_id) values ($1)', [cluster.id]);
}

export async function insertStorage(
  tx: Transaction,
  storage: { id: string; name: string; readRoot: string | null },
  root: { clusterId: string; uri: string },
) {
  await tx.changed(
    `insert into storage (id, name, read_root, read_state) values ($1, $2, $3, case when $3::text is null then 'NONE' else 'UNPROVEN' end)`,
    [storage.id, storage.name, storage.readRoot],
  );
  await tx.changed('insert into storage_root (storage_id, cluster_id, uri) values ($1, $2, $3)', [
    storage.id,
    root.clusterId,
    root.uri,
  ]);
}

export const storageNameTaken = async (sql: Sql, name: string) =>
  (await sql.row('select 1 from storage where name = $1', [name])) !== undefined;

/** From UNPROVEN to PROVEN or MISMATCH, once. Answers whether this call changed it. */
export const setStorageAccess = async (tx: Transaction, id: string, access: 'PROVEN' | 'MISMATCH') =>
  (await tx.changed(`update storage set read_state = $2 where id = $1 and read_state = 'UNPROVEN'`, [id, access])) ===
  1;
