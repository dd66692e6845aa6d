import { assign } from '../db/assign.js';
import { wakeWatchers } from '../db/claims.js';
import type { Sql, Transaction } from '../db/database.js';
import { type Page, pageOf } from '../db/pages.js';
import { Cluster } from './cluster.entity.js';

export const findClusterByUrl = (sql: Sql, url: string) =>
  sql.entity(Cluster, 'select * from cluster where url = $1 and removed_at is null', [url]);
export const findClusterByName = (sql: Sql, name: string) =>
  sql.entity(Cluster, 'select * from cluster where name = $1 and removed_at is null', [name]);

export const clusterPage = (sql: Sql, page: Page) => pageOf(sql, Cluster, 'cluster', page, ['removed_at is null']);

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

/** Locked against everything, holders ({@link holdCluster}) included: for its removal. */
export const lockForRemoval = (tx: Transaction, id: string) =>
  tx.entity(Cluster, 'select * from cluster where id = $1 for update', [id]);

/** Writes a cluster without a claim, and takes it away from the look that is at it, whose view of it is stale now. Holders of its lock only. */
export async function changeCluster(
  tx: Transaction,
  id: string,
  set: Record<string, unknown>,
  then: 'LOOK_NOW' | 'REST',
): Promise<void> {
  const values: unknown[] = [id];
  const columns = [
    ...assign(set, values),
    'claim = claim + 1',
    'claimed_until = null',
    then === 'REST' ? 'look_at = null' : 'look_at = now()',
  ];
  await tx.changed(`update cluster set ${columns.join(', ')} where id = $1`, values);
  if (then === 'LOOK_NOW') await wakeWatchers(tx);
}

/** Nobody looks after it any more. */
export const dropLease = (tx: Transaction, clusterId: string) =>
  tx.changed('delete from cluster_lease where cluster_id = $1', [clusterId]);

/** Its roots stay, for what was begun under them and for whoever compares them; it reaches these storages no more. */
export const leaveStorages = (tx: Transaction, clusterId: string) =>
  tx.changed('update storage_root set left_at = now() where cluster_id = $1 and left_at is null', [clusterId]);

/** What needs a cluster: ids of each kind, the first of many, and how many there are. */
export interface Holders {
  deployments: { ids: string[]; count: number };
  jobs: { ids: string[]; count: number };
  savepoints: { ids: string[]; count: number };
}
const first = (ids: string) =>
  `jsonb_build_object('ids', coalesce((array_agg(${ids} order by created_at))[1:20], '{}'), 'count', count(*)::int)`;

/** Deployments that are not archived, live runs, savepoints under way: of the later nouns, what a removal must respect. */
export async function holdersOfCluster(tx: Transaction, id: string): Promise<Holders> {
  const row = await tx.row<Holders>(
    `select (select ${first('id::text')} from deployment where cluster_id = $1 and archived_at is null) as deployments,
            (select ${first('id::text')} from job where cluster_id = $1
                and state in ('SUBMITTING', 'INITIALIZING', 'RUNNING', 'RESTARTING', 'STOPPING')) as jobs,
            (select ${first('id::text')} from savepoint where cluster_id = $1 and state in ('PENDING', 'IN_PROGRESS', 'DELETING')) as savepoints`,
    [id],
  );
  if (!row) throw new Error('A select without from answers a row');
  return row;
}

/** Deployments that have a live run on a cluster. */
export async function deploymentsLiveOn(tx: Transaction, id: string): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>(
    `select distinct deployment_id as id from job where cluster_id = $1
        and state in ('SUBMITTING', 'INITIALIZING', 'RUNNING', 'RESTARTING', 'STOPPING')`,
    [id],
  );
  return rows.map((row) => row.id);
}
