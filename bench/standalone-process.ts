import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Open } from './benchmark.js';
import { commandOf, familyOf } from './process-cost.js';

/** `npm start`, as an operator types it, and the processes that come of it. */
export interface Standalone {
  /** From the spawn of npm to the line that says ready. */
  readyMs: number;
  supervisor: number;
  api: number;
  worker: number;
  postgres: number;
  stop(): Promise<void>;
}

const READY = /^Stateward is ready: /;
const READY_WITHIN_MS = 180_000;
const END_WITHIN_MS = 15_000;

/** Runs `npm start` in that folder, on that data folder and a free port, and waits for its ready line. */
export async function startStandalone(open: Open, folder: string, dataFolder: string): Promise<Standalone> {
  const begunAt = performance.now();
  const npm = spawn('npm', ['start'], {
    cwd: folder,
    detached: true, // Ctrl-C is the bench's
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      STATEWARD_DATA_FOLDER: dataFolder,
      STATEWARD_PORT: '0',
      STATEWARD_LOG_LEVEL: 'warn',
    },
  });
  const stop = () => stopStandalone(npm);
  open('npm start', stop);
  await readyLine(npm);
  const readyMs = performance.now() - begunAt;
  const family = familyOf(npm.pid ?? 0);
  return {
    readyMs,
    supervisor: findProcess(family, /^\S*node \S*standalone\.js/),
    api: findProcess(family, /^\S*node \S*src\/main\.js/),
    worker: findProcess(family, /^\S*node \S*worker\/main\.js/),
    postgres: Number(readFileSync(join(dataFolder, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]),
    stop,
  };
}

function readyLine(npm: ChildProcess): Promise<void> {
  let output = '';
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`npm start ${why}:\n${output.slice(-2_000)}`));
    const late = setTimeout(() => fail(`was not ready within ${READY_WITHIN_MS / 1000} s`), READY_WITHIN_MS);
    npm.once('error', (error) => fail(error.message));
    npm.once('exit', (code, signal) => (clearTimeout(late), fail(`ended with ${signal ?? code}`)));
    npm.stderr?.on('data', (bytes: Buffer) => (output += bytes.toString()));
    if (!npm.stdout) return fail('has no output');
    createInterface(npm.stdout).on('line', (line) => {
      output += `${line}\n`;
      if (!READY.test(line)) return;
      clearTimeout(late);
      resolve();
    });
  });
}

function findProcess(family: readonly number[], pattern: RegExp): number {
  const found = family.find((pid) => pattern.test(commandOf(pid)));
  if (found === undefined) throw new Error(`npm start has no process like ${pattern}`);
  return found;
}

/** Asks the supervisor, since npm passes no SIGTERM on; npm ends with it. */
async function stopStandalone(npm: ChildProcess): Promise<void> {
  if (npm.pid === undefined || npm.exitCode !== null || npm.signalCode !== null) return;
  const ended = once(npm, 'exit');
  const family = familyOf(npm.pid);
  const supervisor = family.find((pid) => /^\S*node \S*standalone\.js/.test(commandOf(pid)));
  process.kill(supervisor ?? npm.pid, 'SIGTERM');
  if ((await Promise.race([ended, sleep(END_WITHIN_MS, 'late', { ref: false })])) !== 'late') return;
  for (const pid of family.reverse()) process.kill(pid, 'SIGKILL');
  await ended;
  throw new Error(`npm start did not end within ${END_WITHIN_MS / 1000} s and was killed`);
}
