import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { benchmark, type Open } from './benchmark.js';
import type { CheckpointQuestion, CheckpointTally } from './checkpoint-clusters.js';
import { type Child, messageOf, startScript } from './child.js';
import type { OpenedCluster } from './fake-clusters.js';
import { judge, milliseconds, percentile, printTable, spread } from './figures.js';
import { requireLinux } from './process-cost.js';
import { seedDeployments } from './seed-deployments.js';
import { makeDatabase, makeFolder, openPostgres, startProduct } from './servers.js';
import { coresOf, printCosts, type Span, watchCosts } from './watch-costs.js';

/**
 * What it takes to record every checkpoint of thousands of jobs, and what becomes of it when some of the clusters answer so slowly that
 * Stateward gives up waiting.
 */

const { values } = parseArgs({
  options: {
    clusters: { type: 'string', default: '200' },
    jobs: { type: 'string', default: '50' },
    'interval-s': { type: 'string', default: '10' },
    'over-s': { type: 'string', default: '120' },
    'settle-s': { type: 'string', default: '45' },
    'slow-percent': { type: 'string', default: '10' },
    'slow-answer-ms': { type: 'string', default: '10000' },
    profile: { type: 'string' },
    check: { type: 'boolean', default: false },
  },
});

const wanted = {
  clusters: Number(values.clusters),
  jobs: Number(values.jobs),
  intervalMs: Number(values['interval-s']) * 1000,
};
const WORKER_CORES = 0.6;
const LAG_FACTOR = 1.3;
/** The longest pause between two looks at a job, and what follows it. */
const RECORDED_WITHIN_MS = 35_000;

interface Window {
  span: Span;
  tally: CheckpointTally;
  recorded: Recorded;
}

async function measure(open: Open): Promise<boolean> {
  requireLinux();
  const folder = makeFolder(open);
  const postgres = await openPostgres(open, folder);
  const databaseUrl = await makeDatabase(open, postgres.url, 'collector');
  const fake = startScript('./checkpoint-clusters.js', { name: 'checkpoint-clusters', folder });
  open('fake clusters', () => fake.stop());
  const clusters = await ask<OpenedCluster[]>(fake, { ask: 'open', first: 0, ...wanted });
  const product = await startProduct(open, { folder, databaseUrl, profile: values.profile });
  const costs = watchCosts({
    cpuMs: { worker: product.worker.cpuMs, API: product.api.cpuMs, ...postgres.cpu, 'fake clusters': fake.cpuMs },
    memoryOf: product.worker.pid,
  });
  open('the watch on costs', () => costs.stop());
  const deployments = await seedDeployments(product.api.url, databaseUrl, clusters, 4);
  await sql(databaseUrl, 'update job set checkpoint_interval_ms = $1, took_hold_at = now()', [wanted.intervalMs]);
  console.log(`\nbegun    ${new Date().toISOString()}; ${deployments.length} jobs on ${wanted.clusters} clusters`);

  await ask(fake, { ask: 'begin' });
  await sleep(Number(values['settle-s']) * 1000);
  const over = async (name: string): Promise<Window> => {
    await ask(fake, { ask: 'forget' });
    const span = await costs.during(name, Number(values['over-s']) * 1000);
    const tally = await ask<CheckpointTally>(fake, { ask: 'tally', untilAgoMs: RECORDED_WITHIN_MS });
    return { span, tally, recorded: await countRecorded(databaseUrl, tally) };
  };
  const fast = await over('every cluster answers');
  const slowClusters = Math.round((wanted.clusters * Number(values['slow-percent'])) / 100);
  await ask(fake, { ask: 'slow', clusters: slowClusters, answerMs: Number(values['slow-answer-ms']) });
  await sleep(Number(values['settle-s']) * 1000);
  const slow = await over(`${slowClusters} clusters answer after ${values['slow-answer-ms']} ms`);
  costs.stop();
  await product.stop();
  return report(fast, slow, costs.spans) || !values.check;
}

function report(fast: Window, slow: Window, spans: readonly Span[]): boolean {
  printCosts(spans);
  const line = (name: string, { span, tally, recorded }: Window) => [
    name,
    `${recorded.recorded} of ${recorded.made}`,
    String(recorded.gaps),
    (tally.statisticsAnswered / (span.wallMs / 1000)).toFixed(0),
    String(tally.maxConcurrentRequests),
    ...spread(tally.lagsMs),
  ];
  printTable('Checkpoints, on the clusters that answer', [
    ['', 'recorded', 'gaps', 'looks/s', 'at once', 'p50 until told', 'p99', 'max'],
    line('every cluster answers', fast),
    line('some are slow', slow),
  ]);
  const median = (window: Window) => percentile(window.tally.lagsMs, 0.5);
  const missing = ({ recorded: { made, recorded } }: Window) => 1 - recorded / made;
  const share = (value: number) => `${(value * 100).toFixed(3)} %`;
  const cores = (value: number) => `${value.toFixed(3)} cores`;
  return judge([
    { what: 'not recorded', value: missing(fast), atMost: 0, show: share },
    { what: 'not recorded beside slow clusters', value: missing(slow), atMost: 0, show: share },
    { what: 'worker', value: coresOf(fast.span, 'worker'), atMost: WORKER_CORES, show: cores },
    {
      what: 'median lag beside slow clusters',
      value: median(slow),
      atMost: median(fast) * LAG_FACTOR,
      show: milliseconds,
    },
  ]);
}

interface Recorded {
  made: number;
  recorded: number;
  gaps: number;
}

/** Of what was triggered long enough ago, on the clusters that are not slow. */
async function countRecorded(databaseUrl: string, { until, slow, made }: CheckpointTally): Promise<Recorded> {
  const [row] = await sql<{ recorded: string; gaps: string }>(
    databaseUrl,
    `with told as (select j.id from job j join cluster k on k.id = j.cluster_id where k.url <> all($1))
     select (select count(*) from checkpoint c join told t on t.id = c.job_id where c.state = 'COMPLETED' and c.triggered_at <= $2) as recorded,
            (select count(*) from checkpoint_gap g join told t on t.id = g.job_id) as gaps`,
    [slow, new Date(until)],
  );
  return { made, recorded: Number(row?.recorded ?? 0), gaps: Number(row?.gaps ?? 0) };
}

async function sql<T>(databaseUrl: string, text: string, values: unknown[]): Promise<T[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return (await client.query(text, values)).rows as T[];
  } finally {
    await client.end();
  }
}

async function ask<T>(child: Child, question: CheckpointQuestion): Promise<T> {
  const answering = messageOf<{ value?: T; error?: string }>(child, 'The process of fake clusters');
  child.process.send(question);
  const { value, error } = await answering;
  if (error !== undefined) throw new Error(`The process of fake clusters failed: ${error}`);
  return value as T;
}

await benchmark(measure);
