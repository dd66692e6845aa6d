import { randomUUID } from 'node:crypto';
import type { FakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { jarOf } from '../support/jars.js';
import { ask } from './client.js';
import type { RunDatabase } from './run-database.js';

/** What is there before anything breaks. */

export async function registerCluster(url: string, flinkUrl: string, budget: number): Promise<string> {
  const { answer } = await ask<{ answer: { id?: string } }>(
    url,
    `mutation($input: RegisterClusterInput!) {
       answer: registerCluster(input: $input) { ... on Cluster { id } ... on UserError { code message } } }`,
    { input: { name: 'cluster', url: flinkUrl, savepointBudget: budget } },
  );
  return idOf(answer);
}

export async function addStoppedDeployments(url: string, clusterId: string, count: number): Promise<string[]> {
  const uploaded = await fetch(`${url}/artifacts/job.jar`, { method: 'PUT', body: new Uint8Array(jarOf()) });
  const { artifact } = (await uploaded.json()) as { artifact?: { id: string } };
  if (!artifact) throw new Error(`The jar was not taken: HTTP ${uploaded.status}`);
  const ids: string[] = [];
  for (let number = 1; number <= count; number++) {
    const { answer } = await ask<{ answer: { id?: string } }>(
      url,
      `mutation($input: CreateDeploymentInput!) {
         answer: createDeployment(input: $input) { ... on Deployment { id } ... on UserError { code message } } }`,
      { input: { name: `job ${number}`, clusterId, artifactId: artifact.id, parallelism: 1 } },
    );
    ids.push(idOf(answer));
  }
  return ids;
}

function idOf(answer: { id?: string }): string {
  if (!answer.id) throw new Error(`The set-up was declined: ${JSON.stringify(answer)}`);
  return answer.id;
}

/** Straight into the tables, as a start leaves them: twenty starts are not what such a run is about. */
export async function addRunningDeployments(
  database: RunDatabase,
  flink: FakeFlink,
  clusterId: string,
  count: number,
): Promise<string[]> {
  const ids: string[] = [];
  for (let number = 1; number <= count; number++) {
    const [id, jobId, name] = [randomUUID(), randomUUID(), `job ${number}`];
    const flinkJobId = flink.addJob({ name, tasks: 2, parallelism: 1 });
    await database.rows('insert into deployment (id, name, cluster_id, runs) values ($1, $2, $3, 1)', [
      id,
      name,
      clusterId,
    ]);
    await database.rows(
      `insert into job (id, deployment_id, cluster_id, run, flink_job_id, flink_start_time, state, strategy, parallelism,
                        process_mark, submitted_at, started_at, observed_at, state_backend, checkpoint_interval_ms,
                        checkpoint_timeout_ms, actor)
       values ($1, $2, $3, 1, $4, now(), 'RUNNING', 'NONE', 1, $5, now(), now(), now(), 'HASHMAP', 60000, 600000, 'test')`,
      [jobId, id, clusterId, flinkJobId, flink.processMark],
    );
    await database.rows(
      `update deployment set state = 'RUNNING', current_job_id = $2, observed_at = now() where id = $1`,
      [id, jobId],
    );
    ids.push(id);
  }
  await database.rows(`select pg_notify('stateward', 'due')`);
  return ids;
}

/** A daily schedule, whose slots a run moves to when it needs them, and a policy that keeps the newest savepoint. */
export async function addUpkeep(database: RunDatabase, deploymentIds: readonly string[]): Promise<void> {
  await database.rows(
    `insert into savepoint_schedule (id, deployment_id, expression, zone, actor, mean_interval_ms, next_slot_at)
     select gen_random_uuid(), id, $2, 'UTC', 'test', 86400000, now() + interval '12 hours' from unnest($1::uuid[]) as t(id)`,
    [deploymentIds, `0 ${(new Date().getUTCHours() + 12) % 24} * * *`],
  );
  await database.rows('update job set took_hold_at = now() where deployment_id = any($1)', [deploymentIds]);
  await database.rows(
    `insert into retention_policy (deployment_id, max_count, actor) select id, 1, 'test' from unnest($1::uuid[]) as t(id)`,
    [deploymentIds],
  );
}
