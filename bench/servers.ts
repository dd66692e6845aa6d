import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { type EmbeddedPostgres, openEmbeddedPostgres } from '../src/db/embedded-postgres.js';
import type { Open } from './benchmark.js';
import { type Child, messageOf, startProcess, startScript } from './child.js';
import { cpuMsOfFamily } from './process-cost.js';

/** The servers of a benchmark, all its own, each in a process of its own. */

export interface BenchPostgres {
  /** Of a database that may make others: each measurement takes one of its own (makeDatabase). */
  url: string;
  /** What it costs; empty when it is not ours (STATEWARD_BENCH_POSTGRES), and nothing can be read. */
  cpu: Record<string, () => number>;
}

export interface BenchRedis {
  url: string;
  cpu: Record<string, () => number>;
}

export type RunningApi = Child & { url: string };

export interface RunningProduct {
  api: RunningApi;
  worker: Child;
  stop(): Promise<void>;
}

const REDIS_WITHIN_MS = 10_000;

/** A folder that goes when the benchmark ends. */
export function makeFolder(open: Open): string {
  const folder = mkdtempSync(join(tmpdir(), 'stateward-bench-'));
  chmodSync(folder, 0o711); // started by root, PostgreSQL becomes another user, who must pass
  open(folder, () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The server of STATEWARD_BENCH_POSTGRES, or an embedded one in the folder. */
export async function openPostgres(open: Open, folder: string): Promise<BenchPostgres> {
  const given = process.env.STATEWARD_BENCH_POSTGRES;
  if (given) return { url: given, cpu: {} };
  const postgres = await openOwnPostgres(open, join(folder, 'postgres'));
  return { url: postgres.url, cpu: { PostgreSQL: () => cpuMsOfFamily(postgres.pid) } };
}

/** The embedded one. Noted before it runs: it would outlive an interruption of its start. */
export async function openOwnPostgres(open: Open, folder: string): Promise<EmbeddedPostgres> {
  const opening = openEmbeddedPostgres(folder);
  open('PostgreSQL', () =>
    opening.then(
      (postgres) => postgres.stop(),
      () => undefined, // it was never there, which the caller is told
    ),
  );
  return opening;
}

/** An empty database of its own on that server, dropped at the end. */
export async function makeDatabase(open: Open, server: string, name: string): Promise<string> {
  const unique = `${name}_${process.pid}`;
  open(`database ${unique}`, () => asAdmin(server, `drop database if exists ${unique} with (force)`));
  await asAdmin(server, `create database ${unique}`);
  const url = new URL(server);
  url.pathname = `/${unique}`;
  return url.href;
}

async function asAdmin(server: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** Persistent and never evicting, as BullMQ wants it. */
export async function startRedis(open: Open, folder: string): Promise<BenchRedis> {
  const port = await freePort();
  const settings = {
    port: String(port),
    bind: '127.0.0.1',
    dir: folder,
    appendonly: 'yes',
    'maxmemory-policy': 'noeviction',
    hz: '100',
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const redis = startProcess('redis-server', args, { name: 'redis', folder });
  open('Redis', () => redis.stop());
  for (const deadline = Date.now() + REDIS_WITHIN_MS; !redis.output().includes('Ready to accept connections');) {
    if (redis.process.exitCode !== null || Date.now() > deadline)
      throw new Error(`redis-server is not ready:\n${redis.output().slice(-2_000)}`);
    await sleep(20);
  }
  return { url: `redis://127.0.0.1:${port}`, cpu: { Redis: redis.cpuMs } };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

export interface ProductOptions {
  folder: string;
  databaseUrl: string;
  redisUrl?: string | undefined;
  /** Where the worker's CPU profile is written when it ends. */
  profile?: string | undefined;
}

/** API and worker from dist, as operators run them. */
export async function startProduct(open: Open, options: ProductOptions): Promise<RunningProduct> {
  const api = await startApi(open, options);
  const worker = await startWorker(open, options);
  return {
    api,
    worker,
    stop: async () => {
      await worker.stop();
      await api.stop();
    },
  };
}

export async function startApi(open: Open, options: ProductOptions): Promise<RunningApi> {
  const api = startScript('../src/main.js', { name: 'api', folder: options.folder, env: productEnv(options) });
  open('API', () => api.stop());
  const { url } = await messageOf<{ url: string }>(api, 'The API');
  return { ...api, url };
}

export async function startWorker(open: Open, options: ProductOptions): Promise<Child> {
  const { folder, profile } = options;
  const nodeOptions = profile ? ['--cpu-prof', `--cpu-prof-dir=${profile}`] : [];
  const worker = startScript('../worker/main.js', { name: 'worker', folder, env: productEnv(options), nodeOptions });
  open('worker', () => worker.stop());
  await messageOf(worker, 'The worker');
  return worker;
}

const productEnv = ({ folder, databaseUrl, redisUrl }: ProductOptions): Record<string, string> => ({
  DATABASE_URL: databaseUrl,
  STATEWARD_DATA_FOLDER: join(folder, 'data'),
  STATEWARD_PORT: '0',
  STATEWARD_LOG_LEVEL: 'warn',
  // One benchmark stands for all clients.
  STATEWARD_SOCKETS_PER_CLIENT: '1000',
  STATEWARD_SUBSCRIPTIONS_PER_CLIENT: '10000',
  ...(redisUrl && { REDIS_URL: redisUrl }),
});
