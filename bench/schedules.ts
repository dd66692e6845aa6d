import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { benchmark, type Open } from './benchmark.js';
import { printWarnings } from './in-flight-report.js';
import { requireLinux } from './process-cost.js';
import { startStage } from './schedule-stage.js';
import { measureHerd } from './schedules-herd.js';
import { measureIdleSchedules } from './schedules-idle.js';
import { measureSpread } from './schedules-spread.js';
import { seedDeployments } from './seed-deployments.js';
import { seedPast } from './seed-schedules.js';
import { type BenchPostgres, makeFolder, openPostgres } from './servers.js';
import { printCosts } from './watch-costs.js';

/**
 * How late slots of schedules are decided and reach their clusters, spread out and all in the same second, with two workers; and what
 * schedules cost while none is due.
 */

const { values } = parseArgs({
  options: {
    parts: { type: 'string', default: 'spread,herd,idle' },
    clusters: { type: 'string', default: '500' },
    jobs: { type: 'string', default: '20' },
    budget: { type: 'string', default: '4' },
    past: { type: 'string', default: '10' },
    'answer-ms': { type: 'string', default: '2' },
    'spread-s': { type: 'string', default: '90' },
    'idle-schedules': { type: 'string', default: '10000,100000' },
    'idle-s': { type: 'string', default: '30' },
    profile: { type: 'string' },
    check: { type: 'boolean', default: false },
  },
});

const wanted = {
  clusters: Number(values.clusters),
  jobs: Number(values.jobs),
  budget: Number(values.budget),
  answerMs: Number(values['answer-ms']),
};
/** Of those that are spread out. */
const SAVEPOINT_MS = 2_000;
/** Longer than the herd is looked at: none ends, and none is admitted in its place. */
const ENDLESS_MS = 600_000;
const SETTLE_MS = 15_000;

async function measure(open: Open): Promise<boolean> {
  requireLinux();
  const folder = makeFolder(open);
  const postgres = await openPostgres(open, folder);
  const parts = values.parts.split(',');
  let passed = true;
  if (parts.includes('spread') || parts.includes('herd')) passed = await measureDue(open, folder, postgres, parts);
  if (parts.includes('idle')) passed = (await measureIdle(open, folder, postgres)) && passed;
  return passed || !values.check;
}

async function measureDue(open: Open, folder: string, postgres: BenchPostgres, parts: string[]): Promise<boolean> {
  const clusters = { ...wanted, savepointMs: SAVEPOINT_MS };
  const stage = await startStage(open, { folder, postgres, name: 'schedules', clusters, profile: values.profile });
  const { databaseUrl, fleet, costs, apiUrl } = stage;
  const deployments = await seedDeployments(apiUrl, databaseUrl, fleet.clusters, wanted.budget);
  await seedPast(databaseUrl, Number(values.past));
  console.log(`\nbegun    ${new Date().toISOString()}; ${deployments.length} jobs run on ${wanted.clusters} clusters`);
  await sleep(SETTLE_MS);
  await costs.during('watching, no schedule', SETTLE_MS);
  let passed = true;
  if (parts.includes('spread')) passed = await measureSpread(stage, deployments, Number(values['spread-s']) * 1000);
  if (parts.includes('herd')) {
    await fleet.forget(ENDLESS_MS);
    passed = (await measureHerd(open, folder, stage, { deployments, budget: wanted.budget })) && passed;
  } else await stage.stop();
  printCosts(costs.spans);
  printWarnings(stage.workers[0]?.output() ?? '');
  return passed;
}

async function measureIdle(open: Open, folder: string, postgres: BenchPostgres): Promise<boolean> {
  const clusters = { ...wanted, jobs: 0, savepointMs: SAVEPOINT_MS };
  const stage = await startStage(open, { folder, postgres, name: 'schedules_idle', clusters, profile: undefined });
  await seedDeployments(stage.apiUrl, stage.databaseUrl, stage.fleet.clusters, wanted.budget);
  const counts = values['idle-schedules'].split(',').map(Number);
  console.log(`\nbegun    ${new Date().toISOString()}; no job runs on ${wanted.clusters} clusters`);
  const passed = await measureIdleSchedules(stage, counts, Number(values['idle-s']) * 1000);
  await stage.stop();
  printCosts(stage.costs.spans);
  printWarnings(stage.workers[0]?.output() ?? '');
  return passed;
}

await benchmark(measure);
