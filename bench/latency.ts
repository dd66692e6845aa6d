import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { benchmark, type Open } from './benchmark.js';
import { messageOf, startScript } from './child.js';
import { startFleet } from './fake-fleet.js';
import { judgeLatency, type Measured, reportLatency } from './latency-report.js';
import { atOnce, driveBare, evenly, type Schedule, Taker } from './latency-run.js';
import { requireLinux } from './process-cost.js';
import { seedDeployments } from './seed-deployments.js';
import { type BenchPostgres, makeDatabase, makeFolder, openPostgres, startProduct, startRedis } from './servers.js';
import { watchCosts } from './watch-costs.js';

/**
 * What Stateward adds to a savepoint of two seconds, from the mutation to the event that says COMPLETED, above a bare
 * script that drives the same fake clusters. Rounds of both alternate, never at the same time: they share the cores.
 */

const { values } = parseArgs({
  options: {
    queue: { type: 'string', default: 'both' },
    rounds: { type: 'string', default: '2' },
    savepoints: { type: 'string', default: '300' },
    burst: { type: 'string', default: '100' },
    'per-second': { type: 'string', default: '50' },
    'savepoint-ms': { type: 'string', default: '2000' },
    'poll-ms': { type: 'string', default: '20' },
    'answer-ms': { type: 'string', default: '2' },
    clusters: { type: 'string', default: '10' },
    jobs: { type: 'string', default: '30' },
    profile: { type: 'string' },
    check: { type: 'boolean', default: false },
  },
});

type QueueKind = 'redis' | 'postgres';

const rounds = Number(values.rounds);
const pollMs = Number(values['poll-ms']);
const savepointMs = Number(values['savepoint-ms']);
const answerMs = Number(values['answer-ms']);
const clusters = Number(values.clusters);
const jobs = Number(values.jobs);
const schedules = {
  steady: evenly(Number(values.savepoints), Number(values['per-second'])),
  burst: atOnce(Number(values.burst)),
};
/** Between two rounds: what follows the end of a savepoint (its details) is over by then. */
const SETTLE_MS = 3_000;

function queuesAsked(): QueueKind[] {
  if (values.queue === 'both') return ['redis', 'postgres'];
  if (values.queue === 'redis' || values.queue === 'postgres') return [values.queue];
  throw new Error(`--queue ${values.queue} is none of redis, postgres and both.`);
}

async function measure(open: Open): Promise<boolean> {
  requireLinux();
  const queues = queuesAsked();
  if (jobs * clusters < Math.max(schedules.burst.length, schedules.steady.length))
    throw new Error('Each savepoint of a round needs a deployment of its own: give more --clusters or --jobs.');
  const folder = makeFolder(open);
  const postgres = await openPostgres(open, folder);
  console.log(
    `\na savepoint takes ${savepointMs} ms, an answer of a cluster ${answerMs} ms; the bare script asks each ${pollMs} ms with 4 connections to a cluster; ` +
      `steady: ${schedules.steady.length} savepoints, ${values['per-second']} begin in a second; burst: ${schedules.burst.length} at once; ` +
      `${rounds} rounds of each after one that does not count`,
  );
  let passed = true;
  for (const queue of queues) passed = judgeLatency(await measureQueue(open, folder, postgres, queue)) && passed;
  return passed || !values.check;
}

async function measureQueue(open: Open, folder: string, postgres: BenchPostgres, queue: QueueKind): Promise<Measured> {
  const databaseUrl = await makeDatabase(open, postgres.url, `latency_${queue}`);
  const redis = queue === 'redis' ? await startRedis(open, folder) : undefined;
  const fleet = await startFleet(open, folder, 1, { clusters, jobs, savepointMs, answerMs, writesFiles: false });
  const product = await startProduct(open, { folder, databaseUrl, redisUrl: redis?.url, profile: values.profile });
  const bare = startScript('./bare-driver.js', { name: 'bare-driver', folder });
  open('the bare driver', () => bare.stop());
  await messageOf(bare, 'The bare driver');
  const deployments = await seedDeployments(product.api.url, databaseUrl, fleet.clusters, jobs * 2);
  const taker = new Taker(product.api.url, deployments);
  open('the subscriptions', () => taker.close());
  const costs = watchCosts({
    cpuMs: {
      worker: product.worker.cpuMs,
      API: product.api.cpuMs,
      ...postgres.cpu,
      ...redis?.cpu,
      ...fleet.cpu,
      'bare script': bare.cpuMs,
    },
    memoryOf: product.worker.pid,
  });
  open('the watch on costs', () => costs.stop());

  const measured: Measured = { queue, databaseUrl, savepointMs, kinds: [], costs, maxConcurrentRequests: 0 };
  const warmUp = evenly(100, Number(values['per-second']));
  await driveBare(bare, deployments, warmUp, pollMs);
  await taker.takeAll(warmUp);
  await sleep(SETTLE_MS);
  for (const [name, schedule] of Object.entries(schedules) as [string, Schedule][]) {
    const kind: Measured['kinds'][number] = { name, bareMs: [], taken: [] };
    measured.kinds.push(kind);
    for (let round = 1; round <= rounds; round++) {
      const before = costs.take();
      kind.bareMs.push(...(await driveBare(bare, deployments, schedule, pollMs)));
      costs.note(`${name}, bare, round ${round}`, before);
      await sleep(SETTLE_MS);
      const between = costs.take();
      kind.taken.push(...(await taker.takeAll(schedule)));
      costs.note(`${name}, Stateward, round ${round}`, between);
      await sleep(SETTLE_MS);
    }
  }
  measured.maxConcurrentRequests = (await fleet.tally()).maxConcurrentRequests;
  costs.stop();
  await taker.close();
  await reportLatency(measured);
  await product.stop();
  return measured;
}

await benchmark(measure);
