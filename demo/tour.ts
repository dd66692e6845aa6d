import { access } from 'node:fs/promises';
import type { DemoFlink } from './demo-flink.js';
import { bytes, say, seconds, table, title } from './screen.js';
import { counterArguments, PARALLELISM, showProgress, startAndWait } from './tour-steps.js';
import { startBeside, stopAndGoOn } from './tour-life.js';
import type { StatewardClient } from './stateward-client.js';

interface Savepoint {
  id: string;
  state: string;
  description: string | null;
  location: string;
  data: string;
  sizeBytes: number | null;
  durationMs: number | null;
  flinkCheckpointId: number | null;
  completedAt: string;
  failure: { code: string; message: string } | null;
}

const SAVEPOINT =
  'id state description location data sizeBytes durationMs flinkCheckpointId completedAt failure { code message }';

/** From nothing to a running job, through its savepoints, a stop and two starts from it; all through the API. */
export async function tour(client: StatewardClient, flink: Omit<DemoFlink, 'stop'>): Promise<void> {
  const { url, jar } = flink;
  title('Registering the cluster');
  const cluster = await client.change<{ id: string; flinkVersion: string; savepointRoot: string }>(
    'registerCluster',
    { name: 'demo', url },
    '... on Cluster { id flinkVersion savepointRoot }',
  );
  say(`Flink ${cluster.flinkVersion} at ${url}, savepoints below ${cluster.savepointRoot}`);

  title('Uploading the job and creating its deployment');
  const artifact = await client.upload(jar);
  say(`${jar.split('/').at(-1)}: ${bytes(artifact.sizeBytes)}, SHA-256 ${artifact.sha256.slice(0, 12)}…`);
  const programArguments = counterArguments(flink, 'first');
  const deployment = await client.change<{ id: string }>(
    'createDeployment',
    { name: 'counter', clusterId: cluster.id, artifactId: artifact.id, programArguments, parallelism: PARALLELISM },
    '... on Deployment { id }',
  );
  say(`deployment "counter" (${deployment.id}): a keyed counter whose snapshots are slow on purpose`);

  title('Starting it, explicitly without state (strategy NONE)');
  const job = await startAndWait(client, deployment.id, { strategy: 'NONE' });
  say(`Flink job ${job.flinkJobId} runs, every task of it; state backend ${job.stateBackend}`);

  for (const description of ['before the upgrade', 'once more, now with an expected duration']) {
    title(`Taking a savepoint: "${description}"`);
    const savepoint = await takeSavepoint(client, deployment.id, description);
    if (savepoint.state !== 'COMPLETED')
      throw new Error(`The savepoint is ${savepoint.state}: ${savepoint.failure?.message}`);
    say(`COMPLETED: ${savepoint.location}`);
    const metadata = `${savepoint.location.replace(/^file:/, '')}/_metadata`;
    await access(metadata);
    say(`on disk:   ${metadata}`);
  }

  await stopAndGoOn(client, flink, deployment.id);
  await startBeside(client, flink, { clusterId: cluster.id, artifactId: artifact.id, ofDeploymentId: deployment.id });

  title('History');
  await showHistory(client, deployment.id);
}

async function takeSavepoint(client: StatewardClient, deploymentId: string, description: string): Promise<Savepoint> {
  const { id } = await client.change<{ id: string }>(
    'createSavepoint',
    { deploymentId, description },
    '... on Savepoint { id }',
  );
  await showProgress(client, id);
  const { savepoint } = await client.ask<{ savepoint: Savepoint }>(
    `query($id: ID!) { savepoint(id: $id, waitMs: 60000, details: true) { ${SAVEPOINT} } }`,
    { id },
  );
  return savepoint;
}

async function showHistory(client: StatewardClient, deploymentId: string): Promise<void> {
  const { savepoints } = await client.ask<{ savepoints: { edges: { node: Savepoint }[] } }>(
    `query($id: ID!) { savepoints(first: 10, filter: { deploymentId: $id }) { edges { node { ${SAVEPOINT} } } } }`,
    { id: deploymentId },
  );
  table([
    ['state', 'completed at', 'size', 'took', 'checkpoint', 'data', 'description'],
    ...savepoints.edges.map(({ node }) => [
      node.state,
      node.completedAt,
      node.sizeBytes === null ? '-' : bytes(node.sizeBytes),
      node.durationMs === null ? '-' : seconds(node.durationMs),
      String(node.flinkCheckpointId ?? '-'),
      node.data,
      node.description ?? '',
    ]),
  ]);
}
