import { access } from 'node:fs/promises';
import type { DemoFlink } from './demo-flink.js';
import { bytes, live, say, seconds, table, title } from './screen.js';
import type { StatewardClient } from './stateward-client.js';

interface Progress {
  state: string;
  progress: {
    acknowledgedSubtasks: number | null;
    totalSubtasks: number | null;
    bytes: number | null;
    elapsedMs: number;
    expectedDurationMs: number | null;
    noProgress: string | null;
  } | null;
}

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

/** From nothing to two savepoints of a running job, all through the API. */
export async function tour(client: StatewardClient, { url, jar }: Pick<DemoFlink, 'url' | 'jar'>): Promise<void> {
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
  // Each of the counter's subtasks takes 2 s longer than the one before: progress that a person can watch.
  const programArguments = [
    ...['--rate', '2000', '--keys', '1000', '--state-bytes', '2000', '--parallelism', '4'],
    ...['--slow-snapshot-ms', '2000', '--checkpoint-interval-ms', '60000'],
  ];
  const deployment = await client.change<{ id: string }>(
    'createDeployment',
    { name: 'counter', clusterId: cluster.id, artifactId: artifact.id, programArguments, parallelism: 4 },
    '... on Deployment { id }',
  );
  say(`deployment "counter" (${deployment.id}): a keyed counter whose snapshots are slow on purpose`);

  title('Starting it, explicitly without state (strategy NONE)');
  const started = await client.change<{ id: string }>(
    'startDeployment',
    { deploymentId: deployment.id, start: { strategy: 'NONE' } },
    '... on Job { id }',
  );
  const { job } = await client.ask<{
    job: { state: string; flinkJobId: string; stateBackend: string; failureMessage: string | null };
  }>('query($id: ID!) { job(id: $id, waitMs: 60000) { state flinkJobId stateBackend failureMessage } }', {
    id: started.id,
  });
  if (job.state !== 'RUNNING')
    throw new Error(`The job is ${job.state}: ${job.failureMessage ?? 'it did not start within 60 s'}`);
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

  title('History');
  await showHistory(client, deployment.id);
}

async function takeSavepoint(client: StatewardClient, deploymentId: string, description: string): Promise<Savepoint> {
  const { id } = await client.change<{ id: string }>(
    'createSavepoint',
    { deploymentId, description },
    '... on Savepoint { id }',
  );
  await client.follow<{ savepointProgress: { savepoint: Progress } }>(
    `subscription($id: ID!) { savepointProgress(id: $id) { savepoint { state
       progress { acknowledgedSubtasks totalSubtasks bytes elapsedMs expectedDurationMs noProgress } } } }`,
    { id },
    ({ savepointProgress }) => live(progressLine(savepointProgress.savepoint)),
  );
  const { savepoint } = await client.ask<{ savepoint: Savepoint }>(
    `query($id: ID!) { savepoint(id: $id, waitMs: 60000, details: true) { ${SAVEPOINT} } }`,
    { id },
  );
  return savepoint;
}

function progressLine({ state, progress }: Progress): string {
  if (!progress) return state;
  const { acknowledgedSubtasks, totalSubtasks, elapsedMs, expectedDurationMs, noProgress } = progress;
  const expected =
    expectedDurationMs === null ? 'no earlier one to compare with' : `expected ${seconds(expectedDurationMs)}`;
  const elapsed = `${seconds(elapsedMs)} elapsed, ${expected}`;
  if (acknowledgedSubtasks === null || totalSubtasks === null)
    return `${state}: ${noProgress === 'NOT_YET_REPORTED' ? 'Flink has not reported it yet' : noProgress} · ${elapsed}`;
  const bar = '█'.repeat(Math.round((acknowledgedSubtasks / totalSubtasks) * 20)).padEnd(20, '░');
  return `${state}: ${bar} ${acknowledgedSubtasks} of ${totalSubtasks} subtasks, ${bytes(progress.bytes ?? 0)} · ${elapsed}`;
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
