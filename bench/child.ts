import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { cpuMsOf } from './process-cost.js';

export interface Child {
  readonly pid: number;
  readonly process: ChildProcess;
  /** What it has used so far. */
  cpuMs(): number;
  /** What it has written so far. */
  output(): string;
  /** Asks it to end (SIGTERM unless told otherwise), and kills it when it has not after 10 s. */
  stop(by?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

export interface ChildOptions {
  /** Its name in messages and the name of its log. */
  name: string;
  folder: string;
  env?: Record<string, string>;
  nodeOptions?: string[];
}

const END_WITHIN_MS = 10_000;

/** Where a built script lies, seen from dist/bench. */
export const scriptOf = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Starts a Node process with an IPC channel; what it writes goes to a file, so that a pipe of ours costs it nothing. */
export const startScript = (script: string, options: ChildOptions): Child =>
  startProcess(process.execPath, [...(options.nodeOptions ?? []), scriptOf(script)], options, true);

/** Starts any program. In a process group of its own: Ctrl-C reaches the bench alone, which closes things in their order. */
export function startProcess(program: string, args: string[], options: ChildOptions, ipc = false): Child {
  const logFile = join(options.folder, `${options.name}.log`);
  const log = openSync(logFile, 'a');
  const child = spawn(program, args, {
    detached: true,
    cwd: options.folder,
    stdio: ['ignore', log, log, ...(ipc ? (['ipc'] as const) : [])],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...options.env },
  });
  closeSync(log);
  child.on('error', () => undefined); // there is no pid then, which is said below
  if (child.pid === undefined) throw new Error(`${program} could not be started. Is it installed, and in the PATH?`);
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  const { pid } = child;
  return {
    pid,
    cpuMs: () => {
      if (hasEnded())
        throw new Error(`${describeEnd(options.name, child)}:\n${readFileSync(logFile, 'utf8').slice(-2_000)}`);
      return cpuMsOf(pid);
    },
    process: child,
    output: () => readFileSync(logFile, 'utf8'),
    stop: async (by = 'SIGTERM') => {
      if (hasEnded()) return;
      const ended = once(child, 'exit');
      child.kill(by);
      if ((await Promise.race([ended, sleep(END_WITHIN_MS, 'late', { ref: false })])) !== 'late') return;
      child.kill('SIGKILL');
      await ended;
    },
  };
}

const describeEnd = (name: string, { exitCode, signalCode }: ChildProcess) =>
  `${name} ended with ${signalCode ?? exitCode}`;

/** The next message of a child; throws when it ends instead. */
export function messageOf<T>(child: Child, name: string): Promise<T> {
  const { process: running } = child;
  return new Promise<T>((resolve, reject) => {
    const settle = (finish: () => void) => {
      running.off('message', onMessage);
      running.off('exit', onExit);
      finish();
    };
    const onMessage = (message: unknown) => settle(() => resolve(message as T));
    const onExit = () =>
      settle(() => reject(new Error(`${describeEnd(name, running)}:\n${child.output().slice(-2_000)}`)));
    running.on('message', onMessage);
    running.on('exit', onExit);
  });
}
