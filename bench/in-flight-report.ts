import { cores, judge, mebibytes, percentile, printTable, seconds, spread } from './figures.js';
import type { FleetTally } from './fake-fleet.js';
import type { PollingCost } from './in-flight-reference.js';
import { type Asked, type Ended, query, type Run } from './in-flight-run.js';
import { coresOf, printCosts, type Sample } from './watch-costs.js';

export interface Outcome {
  asked: Asked;
  ended: Ended;
  tally: FleetTally;
  reference: PollingCost;
  /** What the worker said, warnings and worse only. */
  workerLog: string;
}

const MiB = 1024 ** 2;
const WORKER_CORES = 0.5;
const WORKER_MORE_BYTES = 200 * MiB;
const REQUESTS_AT_ONCE = 4;

/** Prints what a run has cost and whether it was right; answers whether every target was met. */
export async function reportRun(run: Run, outcome: Outcome): Promise<boolean> {
  const { asked, ended, tally, reference, workerLog } = outcome;
  const count = run.deployments.length;
  printCosts(run.costs.spans);
  await printTimes(run, asked, ended);
  const polls = tally.requests.status + tally.requests.statistics + tally.requests.overview;
  const whole = run.costs.spans.find(({ name }) => name === 'whole run');
  const peakBytes = Math.max(...run.costs.samples.map(({ residentBytes }) => residentBytes));
  const perRequest = (cpuMs: number, requests: number) => `${((cpuMs / requests) * 1000).toFixed(0)} µs`;
  printTable('Requests to the fake clusters', [
    ['', 'requests', 'CPU per request'],
    ['worker, whole run', String(tally.total), perRequest(whole?.cpuMs.worker ?? Number.NaN, tally.total)],
    ['reference: bare undici loop', String(reference.requests), perRequest(reference.cpuMs, reference.requests)],
  ]);
  console.log(
    `  of the worker's: ${Object.entries(tally.requests)
      .map(([kind, number]) => `${kind} ${number}`)
      .join(', ')}; ${(polls / count).toFixed(1)} polls per savepoint\n` +
      `  the reference took ${seconds(reference.wallMs)}, that is ${cores(reference.cpuMs, reference.wallMs)}`,
  );
  const perSavepoint = (who: string) => `${((whole?.cpuMs[who] ?? Number.NaN) / count).toFixed(1)} ms`;
  printTable('CPU per savepoint, whole run', [
    ['worker', perSavepoint('worker')],
    ['API', perSavepoint('API')],
    ['PostgreSQL', perSavepoint('PostgreSQL')],
  ]);
  printTable('Memory of the worker', [
    ['idle, no cluster', mebibytes(run.idleBytes)],
    ['peak', mebibytes(peakBytes)],
  ]);
  printWarnings(workerLog);
  const wrong = await countWrong(run, tally);
  const plateau = ended.plateau && run.costs.spans.find(({ name }) => name === 'at least 90 % in flight');
  const number = (value: number) => String(value);
  const inCores = (value: number) => `${value.toFixed(3)} cores`;
  return judge([
    { what: 'savepoints not COMPLETED', value: wrong.notCompleted, atMost: 0, show: number },
    { what: 'jobs without exactly one savepoint', value: wrong.notOnce, atMost: 0, show: number },
    {
      what: 'requests at once at a JobManager',
      value: tally.maxConcurrentRequests,
      atMost: REQUESTS_AT_ONCE,
      show: number,
    },
    {
      what: 'CPU of the worker while they are in flight',
      value: coresOf(plateau, 'worker'),
      atMost: WORKER_CORES,
      show: inCores,
    },
    {
      what: 'CPU of the worker over the whole run',
      value: coresOf(whole, 'worker'),
      atMost: WORKER_CORES,
      show: inCores,
    },
    {
      what: 'memory of the worker above idle',
      value: peakBytes - run.idleBytes,
      atMost: WORKER_MORE_BYTES,
      show: mebibytes,
    },
  ]);
}

const LONGEST_WARNING = 3_000;

/** How often the worker complained of what, and its first words about it. */
export function printWarnings(workerLog: string): void {
  const first = new Map<string, string>();
  const counts = new Map<string, number>();
  for (const line of workerLog.split('\n').filter(Boolean)) {
    const said = /"message":"([^"]*)"/.exec(line)?.[1] ?? /"msg":"([^"]*)"/.exec(line)?.[1] ?? line;
    const kind = said.replace(/[0-9a-f-]{32,36}/g, '…');
    if (!first.has(kind)) first.set(kind, line);
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  for (const [kind, line] of first)
    console.log(`\nThe worker logged ${counts.get(kind)} times: ${kind}\n  ${line.slice(0, LONGEST_WARNING)}`);
}

async function printTimes(run: Run, asked: Asked, ended: Ended): Promise<void> {
  const since = (sample: Sample | null) => (sample ? seconds(sample.at - asked.began.at) : 'never');
  printTable('Times, from the first mutation', [
    ['all mutations answered', since(asked.answered)],
    ['all triggers at the clusters', since(ended.triggered)],
    ['first savepoint made', since(ended.firstMade)],
    ['last savepoint made', since(ended.lastMade)],
    ['every row has ended', since(ended.settled)],
    ['at most in flight at once', String(ended.peakInFlight)],
  ]);
  // Whole milliseconds of one clock, the database's. A fake savepoint begins between sent_at and the reply to it.
  const rows = await query<{ admitted: number; late: number | null }>(
    run.databaseUrl,
    `select extract(epoch from a.sent_at - s.created_at)::float8 * 1000 as admitted,
            extract(epoch from s.completed_at - a.sent_at)::float8 * 1000 - ${run.savepointMs} as late
       from savepoint s join savepoint_attempt a on a.savepoint_id = s.id and a.number = s.attempt where a.sent_at is not null`,
  );
  const late = rows.flatMap((row) => (row.late === null ? [] : [row.late]));
  printTable('Of each savepoint', [
    ['', 'p50', 'p99', 'max'],
    ['mutation answered', ...spread(asked.mutationMs)],
    ['from its row to its trigger', ...spread(rows.map(({ admitted }) => admitted))],
    ['end noted after the end in Flink', ...spread(late)],
  ]);
  if (rows.length > 0 && percentile(late, 0) < 0) console.log('  (a negative one: a savepoint ended before its time)');
}

async function countWrong(run: Run, tally: FleetTally): Promise<{ notCompleted: number; notOnce: number }> {
  const states = await query<{ state: string; count: number }>(
    run.databaseUrl,
    'select state, count(*)::int as count from savepoint group by state order by state',
  );
  console.log(`\nStates: ${states.map(({ state, count }) => `${state} ${count}`).join(', ')}`);
  const completed = states.find(({ state }) => state === 'COMPLETED')?.count ?? 0;
  return {
    notCompleted: run.deployments.length - completed,
    notOnce: run.deployments.filter(({ flinkJobId }) => tally.madeOf.get(flinkJobId) !== 1).length,
  };
}
