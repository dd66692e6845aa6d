import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export type Part = 'api' | 'worker';
const scripts: Record<Part, string> = { api: '../../src/main.js', worker: '../../worker/main.js' };

/** An API or a worker of the build for faults, as operators run it. */
export interface ProductProcess {
  readonly pid: number;
  readonly startedAt: number;
  /** Its address; empty for a worker. Throws when the process ends before it is ready. */
  readonly ready: Promise<string>;
  /** When it became ready (epoch ms). */
  readonly readyAt: Promise<number>;
  /** When it passed its fail point (epoch ms); never settles when it does not. */
  readonly passed: Promise<number>;
  /** Settles with the time (epoch ms). */
  readonly ended: Promise<number>;
  isAlive(): boolean;
  signal(name: NodeJS.Signals): void;
}

/** `arm`: see armed-fail-point.ts. Everything that it writes is appended to `logFile`. */
export function startProductProcess(
  part: Part,
  env: Record<string, string>,
  logFile: string,
  arm?: string,
): ProductProcess {
  const startedAt = Date.now();
  const child = fork(fileURLToPath(new URL(scripts[part], import.meta.url)), {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: true, // Ctrl-C reaches the runner alone, which ends things in their order
    execArgv: [],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env, ...(arm && { STATEWARD_FAULT: arm }) },
  });
  const log = createWriteStream(logFile, { flags: 'a' });
  log.write(`--- ${new Date().toISOString()} ${part} ${child.pid} ${arm ?? ''}\n`);
  let text = '';
  const passed = new Promise<number>((resolve) => {
    child.stderr?.on('data', (bytes: Buffer) => {
      text = (text + bytes.toString()).slice(-4_000);
      if (text.includes('FAIL POINT')) resolve(Date.now());
    });
  });
  for (const stream of [child.stdout, child.stderr]) stream?.pipe(log, { end: false });
  const ended = new Promise<number>((resolve) => {
    child.once('exit', (code, signal) => {
      log.end(`--- ${new Date().toISOString()} ${part} ${child.pid} ended with ${signal ?? code}\n`);
      resolve(Date.now());
    });
  });
  const ready = Promise.race([
    once(child, 'message').then(([message]) => (message as { url?: string }).url ?? ''),
    ended.then(() => Promise.reject(new Error(`The ${part} ended before it was ready: ${text.trim().slice(-500)}`))),
  ]);
  const readyAt = ready.then(() => Date.now());
  readyAt.catch(() => undefined);
  ready.catch(() => undefined); // whoever waits for it is told; a process that is killed early has nobody who waits
  return {
    pid: child.pid ?? -1,
    startedAt,
    ready,
    readyAt,
    passed,
    ended,
    isAlive: () => child.exitCode === null && child.signalCode === null,
    signal: (name) => void child.kill(name),
  };
}

const RESTART_AFTER_MS = 100;
const STOP_WITHIN_MS = 10_000;

/** A part that is started again whenever it has ended, as its supervisor would. */
export interface Supervised {
  /** The process of now. */
  readonly now: ProductProcess;
  /** When one ended (epoch ms), in their order. */
  readonly ends: number[];
  /** When the process of now, or one that comes after it, is ready: how long it took to start (ms). */
  ready(): Promise<number>;
  /** Resolves when so many have ended. */
  hasEnded(times: number): Promise<number>;
  /** SIGTERM, and SIGKILL after 10 s; no other is started. */
  stop(): Promise<void>;
}

/** `start` gets 0 for the first process, 1 for the next and so on. */
export function supervise(start: (generation: number) => ProductProcess): Supervised {
  const ends: number[] = [];
  let stopping = false;
  let current = start(0);
  const told: { times: number; resolve(at: number): void }[] = [];
  const follow = async (): Promise<void> => {
    for (;;) {
      const at = await current.ended;
      ends.push(at);
      for (const { times, resolve } of told) if (ends.length >= times) resolve(ends[times - 1] ?? at);
      if (stopping) return;
      await sleep(RESTART_AFTER_MS);
      if (stopping) return;
      current = start(ends.length);
    }
  };
  const done = follow();
  return {
    get now() {
      return current;
    },
    ends,
    ready: async () => {
      for (;;) {
        const asked = current;
        const isReady = await asked.ready.then(
          () => true,
          () => false, // killed before; the next one is asked then
        );
        if (isReady && asked.isAlive()) return (await asked.readyAt) - asked.startedAt;
        await sleep(RESTART_AFTER_MS);
      }
    },
    hasEnded: (times) =>
      new Promise((resolve) => {
        const known = ends[times - 1];
        if (known !== undefined) resolve(known);
        else told.push({ times, resolve });
      }),
    stop: async () => {
      stopping = true;
      const { signal, ended } = current;
      signal('SIGCONT'); // a frozen one cannot hear
      signal('SIGTERM');
      const late = setTimeout(() => signal('SIGKILL'), STOP_WITHIN_MS);
      await Promise.all([ended, done]);
      clearTimeout(late);
    },
  };
}
