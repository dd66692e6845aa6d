import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Open } from './benchmark.js';
import type { Child } from './child.js';
import type { OpenClusters } from './fake-clusters.js';
import { type FakeFleet, startFleet } from './fake-fleet.js';
import { type BenchPostgres, makeDatabase, startApi, startRedis, startWorker } from './servers.js';
import { type CostWatch, watchCosts } from './watch-costs.js';

/** All that a part of schedules.ts runs on: a database of its own, the queue, fake clusters, the API and two workers. */
export interface Stage {
  databaseUrl: string;
  /** undefined: the queue is on PostgreSQL. */
  redisUrl: string | undefined;
  apiUrl: string;
  workers: readonly Child[];
  fleet: FakeFleet;
  costs: CostWatch;
  /** Ends API and workers; also writes the profiles. */
  stop(): Promise<void>;
}

export interface StageOptions {
  folder: string;
  postgres: BenchPostgres;
  name: string;
  clusters: Omit<OpenClusters, 'first' | 'writesFiles'>;
  profile: string | undefined;
}

const WORKERS = 2;

export async function startStage(open: Open, options: StageOptions): Promise<Stage> {
  const { postgres, name, profile } = options;
  const folder = join(options.folder, name);
  mkdirSync(folder);
  const databaseUrl = await makeDatabase(open, postgres.url, name);
  const redis = hasRedis() ? await startRedis(open, folder) : undefined;
  if (!redis) console.log('There is no redis-server on this machine: the queue is on PostgreSQL.');
  const fleet = await startFleet(open, folder, 1, { ...options.clusters, writesFiles: false });
  const product = { folder, databaseUrl, redisUrl: redis?.url, profile };
  const api = await startApi(open, product);
  const workers: Child[] = [];
  for (let number = 0; number < WORKERS; number++) workers.push(await startWorker(open, product));
  const costs = watchCosts({
    cpuMs: {
      workers: () => workers.reduce((sum, worker) => sum + worker.cpuMs(), 0),
      API: api.cpuMs,
      ...postgres.cpu,
      ...redis?.cpu,
      ...fleet.cpu,
    },
    memoryOf: workers[0]?.pid ?? process.pid,
  });
  open('the watch on costs', () => costs.stop());
  return {
    databaseUrl,
    redisUrl: redis?.url,
    apiUrl: api.url,
    workers,
    fleet,
    costs,
    stop: async () => {
      costs.stop();
      await Promise.all(workers.map((worker) => worker.stop()));
      await api.stop();
    },
  };
}

const hasRedis = () => spawnSync('redis-server', ['--version']).error === undefined;
