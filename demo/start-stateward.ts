import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export interface StartedStateward {
  /** Where it answers, once it does; rejects when it ends before, or takes too long. */
  ready: Promise<string>;
  /** At any time, also while it is still starting. */
  stop(): Promise<void>;
}

/** Takes one line at a time, without its end. */
export interface LineTakers {
  onLine: (line: string) => void;
  onErrorLine: (line: string) => void;
}

const READY_WITHIN_MS = 60_000;
/** For the last words of a process that has ended, which another that it started may keep from ending. */
const LAST_WORDS_MS = 500;
/** The least that cron knows: nobody waits for ten minutes to see a schedule fire. */
const LEAST_SLOT_INTERVAL_S = 60;
const READY = /GraphQL at (http:\/\/\S+)\/graphql/;

/** Starts the whole product as `npm start` does, on a data folder of its own, whatever the environment says. */
export async function startStateward(dataFolder: string, takers: LineTakers): Promise<StartedStateward> {
  const port = await choosePort(Number(process.env.STATEWARD_PORT || 4000));
  const child = spawn(process.execPath, [fileURLToPath(new URL('../src/standalone.js', import.meta.url))], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // Ctrl-C reaches the demo alone, which stops things in their order
    env: {
      ...process.env,
      DATABASE_URL: '',
      REDIS_URL: '',
      STATEWARD_API_TOKEN: '',
      STATEWARD_HOST: '127.0.0.1',
      STATEWARD_DATA_FOLDER: dataFolder,
      STATEWARD_ARTIFACT_FOLDER: '',
      STATEWARD_PORT: String(port),
      STATEWARD_LEAST_SLOT_INTERVAL_S: String(LEAST_SLOT_INTERVAL_S),
      STATEWARD_LOG_LEVEL: process.env.STATEWARD_LOG_LEVEL || 'warn',
    },
  });
  createInterface(child.stderr).on('line', takers.onErrorLine);
  return { ready: readUrl(child, takers.onLine), stop: () => endProcess(child) };
}

function readUrl(
  child: ChildProcessByStdio<null, Readable, Readable>,
  onLine: (line: string) => void,
): Promise<string> {
  return new Promise<string>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`Stateward was not ready within ${READY_WITHIN_MS / 1000} s.`)),
      READY_WITHIN_MS,
    );
    createInterface(child.stdout).on('line', (line) => {
      onLine(line);
      const url = READY.exec(line)?.[1];
      if (!url) return;
      clearTimeout(timer);
      resolve(url);
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      reject(new Error(`Stateward ended with ${signal ?? code} before it was ready; see above.`));
    });
  });
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, 'close');
  child.kill('SIGTERM');
  await once(child, 'exit');
  await Promise.race([closed, pause(LAST_WORDS_MS)]);
}

/** The wanted port, or any free one. */
async function choosePort(wanted: number): Promise<number> {
  for (const port of [wanted, 0]) {
    const server = createServer().listen(port, '127.0.0.1');
    const free = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!free) continue;
    const chosen = (server.address() as AddressInfo).port;
    await new Promise((resolve) => server.close(resolve));
    return chosen;
  }
  throw new Error('There is no free port on 127.0.0.1.');
}
