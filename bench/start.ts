import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { projectFolder } from '../demo/project-folder.js';
import { benchmark, type Open } from './benchmark.js';
import { judge, mebibytes, percentile, printTable, seconds } from './figures.js';
import { measureIdle } from './idle-cost.js';
import { requireLinux } from './process-cost.js';
import { makeFolder, openOwnPostgres } from './servers.js';
import { startStandalone } from './standalone-process.js';

/** How long `npm start` takes to be ready, warm and cold, and what it costs while nothing is asked of it. */

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    'cold-runs': { type: 'string', default: '1' },
    'idle-after-s': { type: 'string', default: '300' },
    'idle-over-s': { type: 'string', default: '60' },
    check: { type: 'boolean', default: false },
  },
});

const MiB = 1024 ** 2;
const IDLE_CORES = 0.01;
const IDLE_BYTES = 150 * MiB;
/** Not part of a checkout as it is cloned. */
const NOT_COPIED = ['node_modules', 'dist', 'dist.new', '.git', '.cache', '.stateward', '.stateward-demo'];

const project = projectFolder();

async function measure(open: Open): Promise<boolean> {
  requireLinux();
  const folder = makeFolder(open);
  console.log(`begun    ${new Date().toISOString()}`);
  const runs = Array.from({ length: Number(values.runs) }, (_, number) => number);
  const coldRuns = Array.from({ length: Number(values['cold-runs']) }, (_, number) => number);
  const timeStart = async (where: string, dataFolder: string): Promise<number> => {
    const { readyMs, stop } = await startStandalone(open, where, dataFolder);
    await stop();
    return readyMs;
  };

  const times = {
    warm: [] as number[],
    fresh: [] as number[],
    cold: [] as number[],
    node: [] as number[],
    npm: [] as number[],
    openDatabase: [] as number[],
    makeDatabase: [] as number[],
    compile: [] as number[],
  };
  const dataFolder = join(folder, 'data');
  await timeStart(project, dataFolder); // makes the data folder, and builds what is not built
  for (const number of runs) {
    times.node.push(await timeOf(() => run(process.execPath, ['-e', ''])));
    times.npm.push(await timeOf(() => run('npm', ['run', 'prestart'])));
    times.openDatabase.push(await timeDatabase(open, dataFolder));
    times.warm.push(await timeStart(project, dataFolder));
    times.makeDatabase.push(await timeDatabase(open, join(folder, `reference-${number}`)));
    times.fresh.push(await timeStart(project, join(folder, `fresh-${number}`)));
  }
  for (const number of coldRuns) {
    const compiled = copyCheckout(join(folder, `compiled-${number}`));
    times.compile.push(await timeOf(() => run(process.execPath, [join(compiled, 'prepare.mjs')])));
    times.cold.push(await timeStart(copyCheckout(join(folder, `checkout-${number}`)), join(folder, `cold-${number}`)));
  }
  const line = (name: string, ms: readonly number[]) => [
    name,
    String(ms.length),
    ...[0.5, 0, 1].map((share) => (ms.length > 0 ? seconds(percentile(ms, share)) : '-')),
  ];
  printTable('From `npm start` to its ready line', [
    ['', 'runs', 'median', 'min', 'max'],
    line('warm: built, data folder exists', times.warm),
    line('built, fresh data folder', times.fresh),
    line('cold: fresh checkout with node_modules, fresh data folder', times.cold),
    line('reference: an empty Node process', times.node),
    line('reference: npm and prepare.mjs alone', times.npm),
    line('reference: PostgreSQL alone opened', times.openDatabase),
    line('reference: PostgreSQL alone made and opened', times.makeDatabase),
    line('reference: installed packages checked and built, alone', times.compile),
  ]);

  const running = await startStandalone(open, project, dataFolder);
  const idle = await measureIdle(
    open,
    running,
    Number(values['idle-after-s']) * 1000,
    Number(values['idle-over-s']) * 1000,
  );
  await running.stop();
  const cores = (value: number) => `${(value * 100).toFixed(2)} % of a core`;
  const passed = judge([
    { what: 'idle CPU of supervisor, API and worker', value: idle.cores, atMost: IDLE_CORES, show: cores },
    { what: 'idle memory of the API', value: idle.apiBytes, atMost: IDLE_BYTES, show: mebibytes },
    { what: 'idle memory of the worker', value: idle.workerBytes, atMost: IDLE_BYTES, show: mebibytes },
  ]);
  return passed || !values.check;
}

async function timeOf(work: () => Promise<void>): Promise<number> {
  const begunAt = performance.now();
  await work();
  return performance.now() - begunAt;
}

async function run(program: string, args: string[]): Promise<void> {
  const child = spawn(program, args, { cwd: project, stdio: 'ignore' });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}`);
}

async function timeDatabase(open: Open, folder: string): Promise<number> {
  const begunAt = performance.now();
  const database = await openOwnPostgres(open, folder);
  const tookMs = performance.now() - begunAt;
  await database.stop();
  return tookMs;
}

/** As a clone after `npm ci`: nothing built; the packages are linked, since copying them is not what is measured. */
function copyCheckout(to: string): string {
  mkdirSync(to);
  for (const name of readdirSync(project))
    if (!NOT_COPIED.includes(name)) cpSync(join(project, name), join(to, name), { recursive: true });
  symlinkSync(join(project, 'node_modules'), join(to, 'node_modules'));
  return to;
}

await benchmark(measure);
