import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { waitFor } from './wait-for.js';

export interface RedisServer {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** kill -9; resolves when it is gone. */
  kill(): Promise<void>;
  /** Again on the same port, with what it had kept on disk. */
  start(): Promise<void>;
  freeze(): void;
  thaw(): void;
  /** FLUSHALL. */
  flush(): Promise<void>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

/** null when a Redis can be started here; else the reason, for the name of a skipped test. */
export function whyNoRedis(): string | null {
  return spawnSync('redis-server', ['--version']).status === 0 ? null : 'redis-server not found';
}

/** As docs and docker-compose.yml tell to run it. */
const shipped = ['--appendonly', 'yes', '--maxmemory-policy', 'noeviction', '--hz', '100'];

/** A Redis of its own on a free port of 127.0.0.1, in a temporary folder. */
export async function startRedis(options: { args?: string[] } = {}): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'stateward-redis-'));
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  let child = await run();

  async function run(): Promise<ChildProcess> {
    const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', ''];
    const started = spawn('redis-server', [...args, ...(options.args ?? shipped)], { stdio: 'ignore' });
    await waitFor(
      () => {
        if (started.exitCode !== null) throw new Error(`redis-server ended with ${started.exitCode}`);
        return answers(url);
      },
      { what: `Redis on port ${port} to answer`, timeoutMs: 20_000 },
    );
    return started;
  }

  async function kill(): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  return {
    url,
    port,
    get pid() {
      return child.pid ?? -1;
    },
    kill,
    start: async () => {
      await kill();
      child = await run();
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    flush: () => withClient(url, (client) => client.flushall()).then(() => undefined),
    stop: async () => {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await withClient(url, (client) => client.ping())) === 'PONG';
  } catch {
    return false; // not up yet, or still reading its file
  }
}

export async function withClient<T>(url: string, work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null });
  client.on('error', () => undefined); // connect() throws the same
  try {
    await client.connect();
    return await work(client);
  } finally {
    if (client.status !== 'end') client.disconnect(); // else a timer of ioredis is left for 2 s
  }
}
