import { parseArgs } from 'node:util';
import { benchmark, type Open } from './benchmark.js';
import { startFleet } from './fake-fleet.js';
import { askThemAll, followToTheEnd, type Run } from './in-flight-run.js';
import { measurePolling } from './in-flight-reference.js';
import { reportRun } from './in-flight-report.js';
import { requireLinux, residentBytesOf } from './process-cost.js';
import { seedDeployments } from './seed-deployments.js';
import { makeDatabase, makeFolder, openPostgres, startProduct, startRedis } from './servers.js';
import { watchCosts } from './watch-costs.js';

/** What thousands of savepoints that take a minute cost one worker while they are in flight. */

const { values } = parseArgs({
  options: {
    clusters: { type: 'string', default: '200' },
    jobs: { type: 'string', default: '50' },
    seconds: { type: 'string', default: '60' },
    'at-once': { type: 'string', default: '50' },
    'answer-ms': { type: 'string', default: '2' },
    'fake-processes': { type: 'string', default: '1' },
    'give-up-s': { type: 'string', default: '900' },
    redis: { type: 'boolean', default: false },
    files: { type: 'boolean', default: false },
    profile: { type: 'string' },
    check: { type: 'boolean', default: false },
  },
});

const QUIET_MS = 10_000;

const wanted = {
  clusters: Number(values.clusters),
  jobs: Number(values.jobs),
  savepointMs: Number(values.seconds) * 1000,
  atOnce: Number(values['at-once']),
  giveUpMs: Number(values['give-up-s']) * 1000,
};

async function measure(open: Open): Promise<boolean> {
  requireLinux();
  const folder = makeFolder(open);
  const postgres = await openPostgres(open, folder);
  const redis = values.redis ? await startRedis(open, folder) : undefined;
  const databaseUrl = await makeDatabase(open, postgres.url, 'in_flight');
  const fleet = await startFleet(open, folder, Number(values['fake-processes']), {
    clusters: wanted.clusters,
    jobs: wanted.jobs,
    savepointMs: wanted.savepointMs,
    answerMs: Number(values['answer-ms']),
    writesFiles: values.files,
  });
  const product = await startProduct(open, { folder, databaseUrl, redisUrl: redis?.url, profile: values.profile });
  const costs = watchCosts({
    cpuMs: { worker: product.worker.cpuMs, API: product.api.cpuMs, ...postgres.cpu, ...redis?.cpu, ...fleet.cpu },
    memoryOf: product.worker.pid,
  });
  open('the watch on costs', () => costs.stop());

  console.log(`\nbegun    ${new Date().toISOString()}; ${values.redis ? 'queue on Redis' : 'queue on PostgreSQL'}`);
  await costs.during('idle, no cluster', QUIET_MS);
  const idleBytes = residentBytesOf(product.worker.pid);
  const deployments = await seedDeployments(product.api.url, databaseUrl, fleet.clusters, wanted.jobs);
  await costs.during('settling', QUIET_MS);
  await costs.during('watching, no savepoint', QUIET_MS);
  console.log(`${deployments.length} deployments run on ${wanted.clusters} clusters; asking for their savepoints …`);

  await fleet.forget(wanted.savepointMs);
  const run: Run = { ...wanted, deployments, databaseUrl, apiUrl: product.api.url, fleet, costs, idleBytes };
  const asked = await askThemAll(run);
  const ended = await followToTheEnd(run, asked);
  const tally = await fleet.tally();
  costs.stop();
  const reference = await measurePolling(open, folder, { databaseUrl, deployments, tally });
  await product.stop(); // also writes the profile
  const passed = await reportRun(run, { asked, ended, tally, reference, workerLog: product.worker.output() });
  return passed || !values.check;
}

await benchmark(measure);
