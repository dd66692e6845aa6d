import { access, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DemoFlink } from './demo-flink.js';
import { say, seconds, title } from './screen.js';
import type { StatewardClient } from './stateward-client.js';
import {
  COUNTS_EVERY,
  counterArguments,
  countsFile,
  folderOf,
  PARALLELISM,
  showProgress,
  startAndWait,
} from './tour-steps.js';

type Flink = Pick<DemoFlink, 'countsFolder'>;

interface Stop {
  state: string;
  outcome: string | null;
  failure: { message: string } | null;
  savepoint: { id: string; location: string } | null;
}

interface Plan {
  state: { location: string; why: string; ageMs: number | null };
  findings: { severity: string; message: string }[];
}

const COUNTED_WITHIN_MS = 60_000;

/** Stops the job with a savepoint, shows what a start would do, starts from it, and looks whether its counters go on. */
export async function stopAndGoOn(client: StatewardClient, flink: Flink, deploymentId: string): Promise<void> {
  title('Stopping it with a savepoint');
  const { savepoint } = await stop(client, deploymentId);
  if (!savepoint) throw new Error('The stop has made no savepoint.');
  say(`STOPPED: ${savepoint.location}`);
  await access(`${folderOf(savepoint.location)}/_metadata`);

  title('What would a start with LATEST_STATE do?');
  await showPlan(client, deploymentId, { strategy: 'LATEST_STATE' });

  title('Starting from that savepoint');
  const start = {
    strategy: 'FROM_SAVEPOINT',
    savepointId: savepoint.id,
    programArguments: counterArguments(flink, 'second'),
  };
  const job = await startAndWait(client, deploymentId, start);
  say(`run ${job.run}, Flink job ${job.flinkJobId}: every task runs, and Flink shows the savepoint as restored`);
  await showCounters(flink, 'first', 'second');
}

/** A/B: a second deployment from the newest savepoint of the first, which runs on. */
export async function startBeside(
  client: StatewardClient,
  flink: Flink,
  { clusterId, artifactId, ofDeploymentId }: { clusterId: string; artifactId: string; ofDeploymentId: string },
): Promise<void> {
  title('A/B: a second deployment from the same savepoint');
  const { savepoints } = await client.ask<{ savepoints: { edges: { node: { id: string } }[] } }>(
    'query($id: ID!) { savepoints(first: 1, filter: { deploymentId: $id, states: [COMPLETED] }) { edges { node { id } } } }',
    { id: ofDeploymentId },
  );
  const savepointId = savepoints.edges[0]?.node.id;
  const { id } = await client.change<{ id: string }>(
    'createDeployment',
    {
      name: 'counter-b',
      clusterId,
      artifactId,
      programArguments: counterArguments(flink, 'beside'),
      parallelism: PARALLELISM,
    },
    '... on Deployment { id }',
  );
  const start = { strategy: 'FROM_SAVEPOINT', savepointId };
  await showPlan(client, id, start);
  const job = await startAndWait(client, id, start);
  say(`"counter-b" runs beside "counter" as Flink job ${job.flinkJobId}`);
  await showCounters(flink, 'first', 'beside');
}

async function stop(client: StatewardClient, deploymentId: string): Promise<Stop> {
  const input = { deploymentId, mode: 'WITH_SAVEPOINT', description: 'stopped for the upgrade' };
  const { id } = await client.change<{ id: string }>('stopDeployment', input, '... on Stop { id }');
  const fields = 'state outcome failure { message } savepoint { id location }';
  // Its savepoint is made when its turn has come: no later than the next look.
  let now: Stop | null = null;
  while (!now?.savepoint && now?.state !== 'FAILED') {
    ({ stop: now } = await client.ask<{ stop: Stop }>(`query($id: ID!) { stop(id: $id) { ${fields} } }`, { id }));
    await sleep(100);
  }
  if (now.savepoint) await showProgress(client, now.savepoint.id);
  const { stop: ended } = await client.ask<{ stop: Stop }>(
    `query($id: ID!) { stop(id: $id, waitMs: 60000) { ${fields} } }`,
    { id },
  );
  if (ended.outcome !== 'STOPPED')
    throw new Error(`The stop is ${ended.state}: ${ended.failure?.message ?? ended.outcome}`);
  return ended;
}

async function showPlan(client: StatewardClient, deploymentId: string, start: object): Promise<void> {
  const { restorePlan: plan } = await client.ask<{ restorePlan: Plan & { message?: string } }>(
    `query($id: ID!, $start: StartInput!) { restorePlan(deploymentId: $id, start: $start) {
       ... on RestorePlan { state { location why ageMs } findings { severity message } } ... on UserError { message } } }`,
    { id: deploymentId, start },
  );
  if (plan.message) throw new Error(`No plan: ${plan.message}`);
  const { location, why, ageMs } = plan.state;
  say(`plan: ${location}`);
  say(`      ${why}${ageMs === null ? '' : `; it goes back ${seconds(ageMs)}`}`);
  for (const { severity, message } of plan.findings) say(`      ${severity}: ${message}`);
}

/** The state is proven by the job itself: each counter goes on with the very next number. */
async function showCounters(flink: Flink, before: string, after: string): Promise<void> {
  const [file, next] = [countsFile(flink, before), countsFile(flink, after)];
  if (!file || !next) return say('(no counter runs here: on a real Flink each goes on with the very next number)');
  const counted = await readCounts(file);
  for (const deadline = Date.now() + COUNTED_WITHIN_MS; ; await sleep(500)) {
    const going = await readCounts(next);
    const known = [...counted].filter(([key]) => going.has(key));
    if (known.length === counted.size || Date.now() > deadline) {
      const right = known.filter(([key, { last }]) => going.get(key)?.first === last + COUNTS_EVERY).length;
      const [key, { last }] = known[0] ?? ['-', { last: 0 }];
      say(`counters: key ${key} had written ${last} before the stop, and goes on with ${going.get(key)?.first}`);
      say(`          ${right} of ${counted.size} keys go on with the very next number`);
      if (right < counted.size) throw new Error('The state did not come back whole.');
      return;
    }
  }
}

/** The first and the last number that each key has written. */
async function readCounts(file: string): Promise<Map<string, { first: number; last: number }>> {
  const counts = new Map<string, { first: number; last: number }>();
  let text = '';
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error; // nothing was written yet
  }
  for (const line of text.split('\n').slice(0, -1)) {
    const [key = '', value = ''] = line.split('=');
    counts.set(key, { first: counts.get(key)?.first ?? Number(value), last: Number(value) });
  }
  return counts;
}
