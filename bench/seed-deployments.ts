import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { StatewardClient } from '../demo/stateward-client.js';
import type { OpenedCluster } from './fake-clusters.js';

export interface SeededDeployment {
  id: string;
  cluster: OpenedCluster;
  flinkJobId: string;
}

const AT_ONCE = 20;

/**
 * Registers the clusters through the API, and writes their deployments with a running job each straight into the tables:
 * thousands of uploads, submissions and starts are not what is measured here. The rows are as a start leaves them.
 */
export async function seedDeployments(
  apiUrl: string,
  databaseUrl: string,
  clusters: readonly OpenedCluster[],
  savepointBudget: number,
): Promise<SeededDeployment[]> {
  const client = new StatewardClient(apiUrl);
  const registered: { id: string; cluster: OpenedCluster }[] = [];
  await forEachAtOnce(clusters, AT_ONCE, async (cluster, at) => {
    const input = { name: `bench ${at}`, url: cluster.url, savepointBudget };
    registered.push({
      id: (await client.change<{ id: string }>('registerCluster', input, '... on Cluster { id }')).id,
      cluster,
    });
  });
  const database = new pg.Client({ connectionString: databaseUrl });
  await database.connect();
  try {
    const seeded: SeededDeployment[][] = [];
    for (const { id, cluster } of registered) seeded.push(await insertRunning(database, id, cluster));
    await database.query('analyze'); // as the statistics of a system that was not filled a second ago
    return inTurn(seeded);
  } finally {
    await database.end();
  }
}

/** The first of each cluster, then the second of each, …: whoever takes them in this order asks all clusters alike. */
function inTurn(ofClusters: readonly SeededDeployment[][]): SeededDeployment[] {
  const longest = Math.max(...ofClusters.map((some) => some.length));
  return Array.from({ length: longest }, (_, at) => ofClusters.flatMap((some) => some.slice(at, at + 1))).flat();
}

async function insertRunning(
  database: pg.Client,
  clusterId: string,
  cluster: OpenedCluster,
): Promise<SeededDeployment[]> {
  const rows = cluster.jobIds.map((flinkJobId) => ({ id: randomUUID(), jobId: randomUUID(), flinkJobId }));
  await database.query(
    `with given as (select * from unnest($1::uuid[], $2::uuid[], $3::text[]) as g(id, job_id, flink_job_id)),
     deployments as (
       insert into deployment (id, name, cluster_id, runs) select id, 'bench ' || id, $4, 1 from given returning id)
     insert into job (id, deployment_id, cluster_id, run, flink_job_id, flink_start_time, state, strategy, parallelism,
                      process_mark, submitted_at, started_at, observed_at, state_backend, checkpoint_interval_ms,
                      checkpoint_timeout_ms, actor)
     select g.job_id, d.id, $4, 1, g.flink_job_id, now(), 'RUNNING', 'NONE', 1, $5, now(), now(), now(), 'HASHMAP', 60000, 600000, 'bench'
       from given g join deployments d using (id)`,
    [
      rows.map(({ id }) => id),
      rows.map(({ jobId }) => jobId),
      rows.map((row) => row.flinkJobId),
      clusterId,
      cluster.processMark,
    ],
  );
  await database.query(
    `update deployment d set state = 'RUNNING', current_job_id = j.id, observed_at = now()
       from job j where j.deployment_id = d.id and d.cluster_id = $1`,
    [clusterId],
  );
  return rows.map(({ id, flinkJobId }) => ({ id, cluster, flinkJobId }));
}

/** Works on every item, so many at once, in their order. */
export async function forEachAtOnce<T>(
  items: readonly T[],
  atOnce: number,
  work: (item: T, at: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const run = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) await work(items[at] as T, at);
  };
  await Promise.all(Array.from({ length: atOnce }, run));
}
