import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { assembleFlink } from '../demo/local-flink/assemble.js';
import { compileFlinkJobs } from '../demo/local-flink/flink-jobs.js';
import { type LocalFlink, startLocalFlink } from '../demo/local-flink/local-flink.js';
import { StatewardClient } from '../demo/stateward-client.js';
import { startAndWait } from '../demo/tour-steps.js';
import { benchmark, type Open } from './benchmark.js';
import type { Child } from './child.js';
import { judge, printTable, seconds, spread } from './figures.js';
import { type Ended, followFlink, repeat, type Told } from './flink-truth.js';
import { requireLinux } from './process-cost.js';
import { failedAttempts, judgeView, type View, viewOfDatabase, viewOfPages } from './recorded-views.js';
import { type Restartable, restartable } from './restarts.js';
import { type BenchPostgres, makeDatabase, makeFolder, openPostgres, startApi, startWorker } from './servers.js';
import { printCosts, type Span } from './watch-costs.js';

/**
 * Whether a checkpoint gets lost, or is recorded twice: a job that makes one each second on a real Flink that remembers the last
 * ten, while the worker and the API are killed and restarted. The truth is what Flink itself tells, asked by the bench alone.
 */

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    flink: { type: 'string', default: '2.3.0' },
    check: { type: 'boolean', default: false },
  },
});
const watchedMs = Number(values.minutes) * 60_000;
const INTERVAL_MS = 1_000;
const HISTORY = 10;
const RECORDED_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 250;
/** The bench's next look at Flink is over by then. */
const ANSWERED_WITHIN_MS = 2_000;

/** At equal distances over the time. */
const RESTARTS = [
  { part: 'worker', by: 'SIGKILL' },
  { part: 'API', by: 'SIGKILL' },
  { part: 'worker', by: 'SIGTERM' },
  { part: 'API', by: 'SIGTERM' },
] as const;

type Parts = Record<'worker' | 'API', Restartable<Child>>;

async function measure(open: Open): Promise<boolean> {
  requireLinux();
  const folder = makeFolder(open);
  const flink = await openFlink(open, join(folder, 'flink'));
  const { StatefulCounter: jar } = await compileFlinkJobs(await assembleFlink(values.flink));
  if (!jar) throw new Error('The job StatefulCounter was not compiled.');
  const postgres = await openPostgres(open, folder);
  const databaseUrl = await makeDatabase(open, postgres.url, 'watch');
  const api = await restartable(() => startApi(open, { folder, databaseUrl }));
  const worker = await restartable(() => startWorker(open, { folder, databaseUrl }));

  const truth = followFlink(flink.url);
  open('the look at Flink', truth.stop);
  const run = await startJob(new StatewardClient(api.now.url), flink.url, jar);
  const database = new pg.Client({ connectionString: databaseUrl });
  await database.connect();
  open('the connection to the database', () => database.end());
  const recordedAt = followRecorded(open, database, run.jobId);
  console.log(`\nbegun    ${new Date().toISOString()}; a checkpoint each second for ${values.minutes} min`);
  const span = await watchOver({ worker, API: api }, postgres);

  const told = truth.told();
  const { newest } = told;
  for (const deadline = Date.now() + RECORDED_WITHIN_MS; !recordedAt.has(newest.id) && Date.now() < deadline;)
    await sleep(LOOK_EVERY_MS);
  const made = [...truth.ended.values()].filter(({ id }) => id <= newest.id);
  const client = new StatewardClient(api.now.url);
  const pages = await viewOfPages(client, run.deploymentId);
  const views = [await viewOfDatabase(database, run.jobId), pages];
  const failedShown = await failedAttempts(client, run.deploymentId, pages);
  await sleep(ANSWERED_WITHIN_MS);
  const failedSince = truth.told().failed - told.failed; // what Stateward has read may be newer than `told`
  printCosts([span]);
  const lags = made.flatMap(({ id, endedAt }) => (recordedAt.get(id) ?? Infinity) - endedAt).filter(Number.isFinite);
  printTable('From the end of a checkpoint until it was recorded, restarts included', [
    ['', 'p50', 'p99', 'max'],
    ['recorded', ...spread(lags)],
  ]);
  return report(told, made, views, { shown: failedShown, since: failedSince }) || !values.check;
}

/** When each that has ended was seen in the database (epoch ms). */
function followRecorded(open: Open, database: pg.Client, jobId: string): ReadonlyMap<number, number> {
  const recordedAt = new Map<number, number>();
  const stop = repeat(LOOK_EVERY_MS, async () => {
    const { rows } = await database.query<{ id: number }>(
      `select flink_checkpoint_id::int as id from checkpoint where job_id = $1 and state <> 'IN_PROGRESS'`,
      [jobId],
    );
    for (const { id } of rows) if (!recordedAt.has(id)) recordedAt.set(id, Date.now());
  });
  open('the look at the database', stop);
  return recordedAt;
}

/** It stops with the bench, also while it starts. */
async function openFlink(open: Open, folder: string): Promise<LocalFlink> {
  const stopping = new AbortController();
  const starting = startLocalFlink({
    version: values.flink,
    folder,
    slots: 1,
    configuration: { 'web.checkpoints.history': String(HISTORY) },
    onProgress: console.log,
    signal: stopping.signal,
  });
  open('Flink', () => {
    stopping.abort();
    return starting.then(
      (flink) => flink.stop(),
      () => undefined, // it was never there, which the caller is told
    );
  });
  return starting;
}

async function startJob(client: StatewardClient, url: string, jar: string) {
  const cluster = await client.change<{ id: string }>(
    'registerCluster',
    { name: 'bench', url },
    '... on Cluster { id }',
  );
  const artifact = await client.upload(jar);
  const input = {
    name: 'bench',
    clusterId: cluster.id,
    artifactId: artifact.id,
    programArguments: ['--parallelism', '1', '--checkpoint-interval-ms', String(INTERVAL_MS)],
    parallelism: 1,
  };
  const deployment = await client.change<{ id: string }>('createDeployment', input, '... on Deployment { id }');
  const job = await startAndWait(client, deployment.id, { strategy: 'NONE' });
  return { deploymentId: deployment.id, jobId: job.id };
}

/** The time itself, with its restarts: what it cost. */
async function watchOver(parts: Parts, postgres: BenchPostgres): Promise<Span> {
  const readers = { worker: parts.worker.cpuMs, API: parts.API.cpuMs, ...postgres.cpu };
  const read = () => Object.entries(readers).map(([name, cpuMs]) => [name, cpuMs()] as const);
  const before = new Map(read());
  const begunAt = performance.now();
  const until = (ms: number) => sleep(Math.max(0, begunAt + ms - performance.now()));
  const rows = [['', 'after', 'ended with', 'ready again in']];
  for (const [index, { part, by }] of RESTARTS.entries()) {
    await until((watchedMs * (index + 1)) / (RESTARTS.length + 1));
    const after = performance.now() - begunAt;
    const { endedWith, awayMs } = await parts[part].restart(by);
    rows.push([`${part}, ${by}`, seconds(after), endedWith, seconds(awayMs)]);
  }
  await until(watchedMs);
  const wallMs = performance.now() - begunAt;
  const cpuMs = Object.fromEntries(read().map(([name, ms]) => [name, ms - (before.get(name) ?? 0)]));
  printTable('Restarts', rows);
  return { name: 'with the restarts', wallMs, cpuMs };
}

function report(
  told: Told,
  made: readonly Ended[],
  views: readonly View[],
  failed: { shown: number; since: number },
): boolean {
  const count = (state: Ended['state']) => made.filter((one) => one.state === state).length;
  printTable(`Checkpoints up to ${told.newest.id}, as Flink tells`, [
    ['', 'completed', 'failed'],
    ['its counts', String(told.completed), String(told.failed)],
    ['its list, as the bench saw it', String(count('COMPLETED')), String(count('FAILED'))],
  ]);
  const verdicts = views.map((view) => ({ view, ...judgeView(view, made) }));
  printTable('What Stateward shows of them', [
    ['', 'recorded', 'missing', 'in no gap', 'twice', 'gaps', 'missing as they say'],
    ...verdicts.map(({ view, recorded, missing, outsideGaps, doubled, saidToBeMissing }) => [
      view.name,
      ...[recorded, missing, outsideGaps.length, doubled.length, view.gaps.length, saidToBeMissing].map(String),
    ]),
  ]);
  for (const { view, outsideGaps, doubled } of verdicts) {
    for (const { from, to, missing, reason } of view.gaps)
      console.log(`${view.name}: ${reason} ${from.toISOString()} to ${to.toISOString()}, ${missing ?? '?'} missing`);
    if (outsideGaps.length + doubled.length > 0)
      console.log(`${view.name}: in no gap ${outsideGaps.join(' ')}; twice ${doubled.join(' ')}`);
  }
  const failedMissing = Math.max(0, told.failed - failed.shown);
  const failedTooMany = Math.max(0, failed.shown - told.failed - failed.since);
  const none = { atMost: 0, show: String };
  return judge([
    { what: 'counted by Flink and not seen by the bench', value: told.completed - count('COMPLETED'), ...none },
    { what: 'failed attempts that are not shown, or are none', value: failedMissing + failedTooMany, ...none },
    ...verdicts.flatMap(({ view: { name }, missing, outsideGaps, doubled, saidToBeMissing }) => [
      { what: `${name}: missing, and in no gap`, value: outsideGaps.length, ...none },
      { what: `${name}: recorded twice`, value: doubled.length, ...none },
      { what: `${name}: said to be missing, and recorded`, value: Math.max(0, saidToBeMissing - missing), ...none },
    ]),
  ]);
}

await benchmark(measure);
