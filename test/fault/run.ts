import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedPostgres } from '../../src/db/embedded-postgres.js';
import { whyNoRedis } from '../support/redis-server.js';
import { readOptions } from './options.js';
import { doRun, nameOf, type PlannedRun } from './one-run.js';
import { scenarios } from './plan.js';
import { appendResult, lineOf, passedBefore, type Result, summaryOf } from './results.js';

/** The fault suite: runs what was asked for, some at once, prints a line for each, and ends with 1 when a promise was broken. */
async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  const runs = planOf(options);
  if (options.list) {
    for (const run of runs) console.log(nameOf(run));
    return;
  }
  if (runs.length === 0) throw new Error('No run has such a name. --list names them all.');
  const before = options.resume
    ? passedBefore(options.resultsFile, options.sources, options.all)
    : new Map<string, Result>();
  const closeServer = await openSharedServer();
  process.once('uncaughtException', (error) => {
    console.error(error); // a fault of the suite itself; its processes end with the channel to this one, the server would not
    void closeServer().finally(() => process.exit(1));
  });
  const results: Result[] = [];
  const work = async (waiting: PlannedRun[]): Promise<void> => {
    for (let run = waiting.shift(); run && !interrupted; run = waiting.shift()) {
      const name = nameOf(run);
      const startedAt = Date.now();
      const known = before.get(name);
      const outcome = known ?? (await doRun(run, options.logFolder, options.all));
      const ms = known?.ms ?? Date.now() - startedAt;
      const result: Result = { ...outcome, name, sources: options.sources, full: options.all, ms };
      results.push(result);
      if (!known) appendResult(options.resultsFile, result);
      print(result, options.without);
    }
  };
  try {
    const together = runs.filter(({ scenario }) => !scenario.alone);
    await Promise.all(Array.from({ length: options.atOnce }, () => work(together)));
    await work(runs.filter(({ scenario }) => scenario.alone));
  } finally {
    await closeServer();
  }
  console.log(`\n${summaryOf(results)}`);
  if (interrupted) console.log('Interrupted: not everything ran. --resume goes on.');
  if (interrupted || results.some(({ violations }) => violations.length > 0)) process.exitCode = 1;
}

let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    interrupted = true;
    console.log('Ending the runs that are under way …');
  });
}

function planOf({ only, seed, seeds, without }: ReturnType<typeof readOptions>): PlannedRun[] {
  const noRedis = whyNoRedis();
  if (noRedis) console.log(`Without the runs on Redis: ${noRedis}.`);
  const first = seed ?? 1;
  const seedsWanted = seed === null ? seeds : 1;
  return scenarios
    .flatMap((scenario) =>
      scenario.backEnds
        .filter((backEnd) => backEnd !== 'redis' || !noRedis)
        .flatMap((backEnd) =>
          Array.from({ length: seedsWanted }, (_, more): PlannedRun => ({ scenario, backEnd, seed: first + more })),
        ),
    )
    .filter((run) => (only ?? without?.noticedBy)?.test(nameOf(run)) ?? true);
}

function print(result: Result, without: { name: string } | null): void {
  console.log(lineOf(result));
  if (result.violations.length === 0) return;
  for (const violation of result.violations.slice(0, 20)) console.log(`       ${violation}`);
  if (result.violations.length > 20) console.log(`       … and ${result.violations.length - 20} more`);
  const [, name, , seed] = /^(.*) (postgres|redis) seed (\d+)$/.exec(result.name) ?? [];
  const more = without ? ` --without ${without.name}` : '';
  console.log(`       again: npm run fault -- --only '^${name} ' --seed ${seed}${more}; logs: .cache/fault-logs`);
}

/** The PostgreSQL that runs share: the one of the tests around us, or one of our own. */
async function openSharedServer(): Promise<() => Promise<void>> {
  if (process.env.STATEWARD_TEST_POSTGRES) return async () => undefined;
  const folder = mkdtempSync(join(tmpdir(), 'stateward-fault-server-'));
  chmodSync(folder, 0o711); // started by root, PostgreSQL becomes another user, who must pass
  const server = await openEmbeddedPostgres(folder);
  process.env.STATEWARD_TEST_POSTGRES = server.url;
  return async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  };
}

main()
  .catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  })
  // A socket whose other end has vanished may keep the process for minutes.
  .finally(() => process.exit());
