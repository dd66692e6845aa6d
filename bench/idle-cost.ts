import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Open } from './benchmark.js';
import { mebibytes, printTable } from './figures.js';
import { cpuMsOf, cpuMsOfFamily, residentBytesOf } from './process-cost.js';
import type { Standalone } from './standalone-process.js';

export interface IdleCost {
  /** Of supervisor, API and worker together. */
  cores: number;
  apiBytes: number;
  workerBytes: number;
}

/** A Node process that only lives: the least that one can cost. */
const EMPTY = 'setInterval(() => undefined, 1000)';

/** Waits, then measures what a Stateward without any cluster costs, beside an empty Node process. */
export async function measureIdle(
  open: Open,
  { supervisor, api, worker, postgres }: Standalone,
  afterMs: number,
  overMs: number,
): Promise<IdleCost> {
  const empty = spawn(process.execPath, ['-e', EMPTY], { stdio: 'ignore' });
  const emptyPid = empty.pid;
  if (emptyPid === undefined) throw new Error('Node could not be started');
  open('the empty Node process', () => void empty.kill());
  console.log(`\nidle: measured ${afterMs / 1000} s after the start, over ${overMs / 1000} s …`);
  await sleep(afterMs);
  const readers: [string, () => number, number | null][] = [
    ['supervisor', () => cpuMsOf(supervisor), supervisor],
    ['API', () => cpuMsOf(api), api],
    ['worker', () => cpuMsOf(worker), worker],
    ['PostgreSQL and its children', () => cpuMsOfFamily(postgres), null], // their memory is shared: a sum would count it many times
    ['reference: an empty Node process', () => cpuMsOf(emptyPid), emptyPid],
  ];
  const before = readers.map(([, read]) => read());
  const begunAt = performance.now();
  await sleep(overMs);
  const wallMs = performance.now() - begunAt;
  const cores = readers.map(([, read], at) => (read() - (before[at] ?? 0)) / wallMs);
  const bytes = readers.map(([, , pid]) => (pid === null ? null : residentBytesOf(pid)));
  printTable('Idle, no cluster registered', [
    ['', 'CPU, % of a core', 'memory'],
    ...readers.map(([name], at) => {
      const resident = bytes[at];
      return [
        name,
        ((cores[at] ?? 0) * 100).toFixed(2),
        resident === null || resident === undefined ? '-' : mebibytes(resident),
      ];
    }),
  ]);
  const own = cores.slice(0, 3);
  return {
    cores: own.reduce((sum, value) => sum + value, 0),
    apiBytes: bytes[1] ?? Number.NaN,
    workerBytes: bytes[2] ?? Number.NaN,
  };
}
