import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FailPoint } from '../../src/fail-point.js';
import { buildFaultSuite } from '../fault/build.mjs';
import { waitFor } from './wait-for.js';

const MAIN = fileURLToPath(new URL('../../dist/worker/main.js', import.meta.url));

/** A worker in a process of its own, as operators run it, so that it can be killed. Runs what `npm run build` has built. */
export interface WorkerProcess {
  readonly pid: number;
  signal(name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT' | 'SIGTERM'): void;
  /** What it has logged until now. */
  output(): string;
  /** Resolves when the process has ended. */
  readonly ended: Promise<void>;
}

export async function startWorkerProcess(
  databaseUrl: string,
  dataFolder: string,
  env: Record<string, string> = {},
  main = MAIN,
): Promise<WorkerProcess> {
  const child = spawn(process.execPath, [main], {
    env: {
      PATH: process.env.PATH,
      DATABASE_URL: databaseUrl,
      STATEWARD_DATA_FOLDER: dataFolder,
      STATEWARD_LOG_LEVEL: 'info',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'exit').then(() => undefined);
  const output = collect(child);
  const { pid } = child;
  if (pid === undefined) throw new Error(`${main} could not be started.`);
  await waitFor(
    () => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${output()}`);
      return output().includes('the worker runs');
    },
    { what: 'the worker process to run', timeoutMs: 20_000 },
  );
  return { pid, ended, output, signal: (name) => void child.kill(name) };
}

/** One of the build of the fault suite, which stops itself when it passes the point for the first time. */
export const startFreezingWorker = (
  databaseUrl: string,
  dataFolder: string,
  point: FailPoint,
): Promise<WorkerProcess> =>
  startWorkerProcess(
    databaseUrl,
    dataFolder,
    { STATEWARD_FAULT: `${point}:1:freeze` },
    join(buildFaultSuite().folder, 'worker', 'main.js'),
  );

/** It has passed the point at which it stops. */
export const isFrozen = (worker: WorkerProcess): boolean => worker.output().includes('FAIL POINT');

function collect(child: ChildProcess): () => string {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes: Buffer) => (text += bytes.toString()));
  return () => text;
}

/** Whether the operating system still knows the process. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}
