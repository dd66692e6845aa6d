import { randomUUID } from 'node:crypto';
import { ownClusters } from '../../src/cluster/own-clusters.js';
import type { Database } from '../../src/db/database.js';

/** Deployments that run, each with a daily schedule of which a slot is due, as rows: as many as a test needs, in few statements. */
export interface Fleet {
  clusterIds: string[];
  deploymentIds: string[];
  scheduleIds: string[];
}

const ids = (count: number) => Array.from({ length: count }, () => randomUUID());

export async function insertFleet(
  database: Database,
  { clusters, perCluster, budget = 4 }: { clusters: number; perCluster: number; budget?: number },
): Promise<Fleet> {
  const clusterIds = ids(clusters);
  const count = clusters * perCluster;
  const [deploymentIds, jobIds, scheduleIds] = [ids(count), ids(count), ids(count)];
  const homes = deploymentIds.map((_, index) => clusterIds[index % clusters]);
  await database.changed(`insert into storage (id, name) select id, id::text from unnest($1::uuid[]) as t(id)`, [
    clusterIds,
  ]);
  await database.changed(
    `with made as (
       insert into cluster (id, name, url, state, process_mark, savepoint_storage_id, budget)
       select id, id::text, 'http://' || id, 'REACHABLE', 'a', id, $2 from unnest($1::uuid[]) as t(id) returning id)
     insert into cluster_lease (cluster_id) select id from made`,
    [clusterIds, budget],
  );
  await database.changed(
    `insert into storage_root (storage_id, cluster_id, uri) select id, id, 'file:///' || id from unnest($1::uuid[]) as t(id)`,
    [clusterIds],
  );
  await database.changed(
    `insert into deployment (id, name, cluster_id, state, runs)
     select id, id::text, cluster_id, 'RUNNING', 1 from unnest($1::uuid[], $2::uuid[]) as t(id, cluster_id)`,
    [deploymentIds, homes],
  );
  await database.changed(
    `insert into job (id, deployment_id, cluster_id, run, flink_job_id, state, strategy, actor, started_at, state_backend)
     select id, deployment_id, cluster_id, 1, replace(id::text, '-', ''), 'RUNNING', 'NONE', 'test', now(), 'HASHMAP'
       from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as t(id, deployment_id, cluster_id)`,
    [jobIds, deploymentIds, homes],
  );
  await database.changed('update deployment d set current_job_id = j.id from job j where j.deployment_id = d.id');
  await database.changed(
    `insert into savepoint_schedule (id, deployment_id, expression, zone, actor, mean_interval_ms, next_slot_at)
     select id, deployment_id, $3, 'UTC', 'test', 86400000, date_trunc('milliseconds', now())
       from unnest($1::uuid[], $2::uuid[]) as t(id, deployment_id)`,
    [scheduleIds, deploymentIds, `0 ${(new Date().getUTCHours() + 12) % 24} * * *`],
  );
  return { clusterIds, deploymentIds, scheduleIds };
}

/** A worker that owns every cluster that nobody owns. */
export async function newOwner(database: Database): Promise<string> {
  const worker = randomUUID();
  await ownClusters(database, worker);
  return worker;
}
