import type { DemoFlink } from './demo-flink.js';
import { bytes, say, seconds, table, title } from './screen.js';
import { startBeside, stopAndGoOn } from './tour-life.js';
import { keepOne } from './tour-retention.js';
import { scheduleSavepoints } from './tour-schedule.js';
import { counterArguments, PARALLELISM, showSavepoint, startAndWait } from './tour-steps.js';
import { askBeforeUpgrading } from './tour-upgrade.js';
import type { StatewardClient } from './stateward-client.js';

interface Savepoint {
  state: string;
  origin: string;
  description: string | null;
  data: string;
  proof: string | null;
  sizeBytes: number | null;
  durationMs: number | null;
  flinkCheckpointId: number | null;
  completedAt: string;
}

/** From nothing to a running job, through its savepoints, a stop and two starts from it, to what is made and deleted by rules; all through the API. */
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
    const input = { deploymentId: deployment.id, description };
    const savepoint = await client.change<{ id: string }>('createSavepoint', input, '... on Savepoint { id }');
    await showSavepoint(client, savepoint.id);
  }

  await askBeforeUpgrading(client, flink, deployment.id);
  await stopAndGoOn(client, flink, deployment.id);
  await startBeside(client, flink, { clusterId: cluster.id, artifactId: artifact.id, ofDeploymentId: deployment.id });
  await scheduleSavepoints(client, deployment.id);
  await keepOne(client, deployment.id);

  title('History');
  await showHistory(client, deployment.id);
}

async function showHistory(client: StatewardClient, deploymentId: string): Promise<void> {
  const { savepoints } = await client.ask<{ savepoints: { edges: { node: Savepoint }[] } }>(
    `query($id: ID!) { savepoints(first: 10, filter: { deploymentId: $id }) { edges { node {
       state origin description data proof sizeBytes durationMs flinkCheckpointId completedAt } } } }`,
    { id: deploymentId },
  );
  table([
    ['state', 'completed at', 'size', 'took', 'checkpoint', 'data', 'origin', 'description'],
    ...savepoints.edges.map(({ node }) => [
      node.state,
      node.completedAt,
      node.sizeBytes === null ? '-' : bytes(node.sizeBytes),
      node.durationMs === null ? '-' : seconds(node.durationMs),
      String(node.flinkCheckpointId ?? '-'),
      node.proof === null ? node.data : `gone, ${node.proof}`,
      node.origin,
      node.description ?? '',
    ]),
  ]);
}
