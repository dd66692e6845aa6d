import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface RunningStateward {
  url: string;
  stop(): Promise<void>;
}

const READY_WITHIN_MS = 60_000;
const READY = /GraphQL at (http:\/\/\S+)\/graphql/;

/** Starts the whole product as `npm start` does, on a data folder of its own. */
export async function startStateward(dataFolder: string, onLine: (line: string) => void): Promise<RunningStateward> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('../src/standalone.js', import.meta.url))], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true, // Ctrl-C reaches the demo alone, which stops things in their order
    env: {
      ...process.env,
      DATABASE_URL: '',
      STATEWARD_API_TOKEN: '',
      STATEWARD_HOST: '127.0.0.1',
      STATEWARD_DATA_FOLDER: dataFolder,
      STATEWARD_PORT: String(await choosePort(Number(process.env.STATEWARD_PORT ?? 4000))),
      STATEWARD_LOG_LEVEL: process.env.STATEWARD_LOG_LEVEL ?? 'warn',
    },
  });
  const stop = () => endProcess(child);
  try {
    const url = await ready(child, onLine);
    return { url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function ready(child: ChildProcess, onLine: (line: string) => void): Promise<string> {
  if (!child.stdout) throw new Error('Stateward was started without an output');
  const lines = createInterface(child.stdout);
  return new Promise<string>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`Stateward was not ready within ${READY_WITHIN_MS / 1000} s.`)),
      READY_WITHIN_MS,
    );
    lines.on('line', (line) => {
      onLine(line);
      const url = READY.exec(line)?.[1];
      if (!url) return;
      clearTimeout(timer);
      resolve(url);
    });
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      reject(new Error(`Stateward ended with ${signal ?? code} before it was ready; see above.`));
    });
  });
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
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
