import type { FakeFlink } from '../../demo/fake-flink/fake-flink.js';
import type { Stateward } from './stateward.js';
import { jarOf } from './jars.js';

export interface Scenario {
  clusterId: string;
  artifactId: string;
  deploymentId: string;
  jobId: string;
  flinkJobId: string;
}

export async function registerCluster(
  stateward: Stateward,
  url: string,
  name = 'test',
  more: object = {},
): Promise<string> {
  // The port of a Flink of an earlier test may come again: the cluster that was there is another one.
  await stateward.services.database.changed(`update cluster set url = url || '/gone/' || id where url = $1`, [url]);
  const { registerCluster: cluster } = await stateward.ask(
    `mutation($input: RegisterClusterInput!) { registerCluster(input: $input) { __typename ... on Cluster { id } ... on UserError { code message } } }`,
    { input: { name, url, ...more } },
  );
  if (!cluster.id) throw new Error(`Not registered: ${JSON.stringify(cluster)}`);
  return cluster.id as string;
}

let jars = 0;
export async function uploadJob(stateward: Stateward): Promise<string> {
  const { body } = await stateward.upload('job.jar', jarOf('org.example.Job', { 'unique.txt': String(jars++) }));
  if (!body.artifact) throw new Error(`Not taken: ${JSON.stringify(body)}`);
  return body.artifact.id;
}

export async function createDeployment(
  stateward: Stateward,
  clusterId: string,
  artifactId: string,
  name = 'counter',
  more: object = {},
): Promise<string> {
  const { createDeployment: deployment } = await stateward.ask(
    `mutation($input: CreateDeploymentInput!) { createDeployment(input: $input) { __typename ... on Deployment { id } ... on UserError { code message } } }`,
    { input: { name, clusterId, artifactId, ...more } },
  );
  if (!deployment.id) throw new Error(`Not created: ${JSON.stringify(deployment)}`);
  return deployment.id as string;
}

/** Starts with NONE and waits until every task runs. */
export async function startDeployment(
  stateward: Stateward,
  deploymentId: string,
): Promise<{ jobId: string; flinkJobId: string }> {
  const { startDeployment: started } = await stateward.ask(
    `mutation($id: ID!) { startDeployment(input: { deploymentId: $id, start: { strategy: NONE } }) { __typename ... on Job { id } ... on UserError { code message } } }`,
    { id: deploymentId },
  );
  if (!started.id) throw new Error(`Not started: ${JSON.stringify(started)}`);
  const { job } = await stateward.ask(
    `query($id: ID!) { job(id: $id, waitMs: 20000) { state flinkJobId waitingFor failureMessage } }`,
    { id: started.id },
  );
  if (job.state !== 'RUNNING') throw new Error(`Did not start: ${JSON.stringify(job)}`);
  return { jobId: started.id as string, flinkJobId: job.flinkJobId as string };
}

/** A cluster, a jar, a deployment, and a run of it in which every task runs. */
export async function runningDeployment(stateward: Stateward, flink: Pick<FakeFlink, 'url'>): Promise<Scenario> {
  const clusterId = await registerCluster(stateward, flink.url);
  const artifactId = await uploadJob(stateward);
  const deploymentId = await createDeployment(stateward, clusterId, artifactId);
  return { clusterId, artifactId, deploymentId, ...(await startDeployment(stateward, deploymentId)) };
}

const SAVEPOINT = `id state location data detailsState sizeBytes durationMs flinkCheckpointId eventCursor
  failure { code message rootCause } attempts { number triggerId sends outcome directory }`;

export async function createSavepoint(stateward: Stateward, deploymentId: string, more: object = {}) {
  const { createSavepoint: savepoint } = await stateward.ask(
    `mutation($input: CreateSavepointInput!) { createSavepoint(input: $input) { __typename ... on Savepoint { ${SAVEPOINT} }
       ... on SavepointInProgress { savepointId } ... on UserError { code message } } }`,
    { input: { deploymentId, ...more } },
  );
  return savepoint;
}

export async function endOfSavepoint(stateward: Stateward, id: string, waitMs = 20_000) {
  const { savepoint } = await stateward.ask(
    `query($id: ID!, $waitMs: Int) { savepoint(id: $id, waitMs: $waitMs, details: true) { ${SAVEPOINT} } }`,
    { id, waitMs },
  );
  return savepoint;
}
