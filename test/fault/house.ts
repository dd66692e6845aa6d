import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { type FaultyNetwork, startFaultyNetwork } from '../support/faulty-network.js';
import { type RedisServer, startRedis } from '../support/redis-server.js';
import { startFlinkOfRun } from './flink-of-run.js';
import { type Follower, followAll } from './follower.js';
import { openRunDatabase, type RunDatabase } from './run-database.js';
import { type Part, startProductProcess, type Supervised, supervise } from './product-process.js';
import { type Dice, seeded } from './seeded.js';
import { addRunningDeployments, addStoppedDeployments, addUpkeep, registerCluster } from './set-up.js';

export type BackEnd = 'postgres' | 'redis';
/** Between which two parts the network can be broken. */
export const links = [
  'worker-flink',
  'worker-postgres',
  'worker-redis',
  'api-postgres',
  'api-redis',
  'client-api',
] as const;
export type Link = (typeof links)[number];

export interface HouseOptions {
  /** Of the run, for its logs and its dice. */
  name: string;
  seed: number;
  backEnd: BackEnd;
  logFolder: string;
  /** What clients ask for: savepoints of jobs that run, starts, or stops and the starts around them; or what happens by itself: slots and retention. */
  kind?: 'SAVEPOINT' | 'START' | 'STOP' | 'UPKEEP';
  deployments?: number;
  /** Savepoints that the cluster makes at once. */
  budget?: number;
  /** How long a savepoint lasts: from, to. */
  savepointMs?: [number, number];
  /** A link that can be broken. */
  breakable?: Link;
  /** A PostgreSQL of the run's own, which can be killed. */
  ownPostgres?: boolean;
}

/** A whole Stateward in processes of its own, with a Flink, a database, a queue and a client: what a run breaks. */
export interface House {
  readonly options: HouseOptions;
  readonly flink: FakeFlink;
  readonly database: RunDatabase;
  readonly redis: RedisServer | null;
  readonly network: FaultyNetwork | null;
  /** Where clients go. */
  readonly url: string;
  readonly deploymentIds: string[];
  readonly follower: Follower;
  /** The API, and every worker that was started, in their order. */
  readonly api: Supervised;
  readonly workers: Supervised[];
  dice(part: string): Dice;
  /** `arm`: the fail point of each process in turn (armed-fail-point.ts). Resolves when the first is ready. */
  startWorker(arm?: string[]): Promise<Supervised>;
  /** Stops the API and starts it again, armed. */
  rearmApi(arm: string): Promise<void>;
  /** Done first when the house is closed. */
  beforeClose(end: () => Promise<void>): void;
  close(): Promise<void>;
}

export async function openHouse(options: HouseOptions): Promise<House> {
  const { backEnd, logFolder, breakable } = options;
  const dice = (part: string) => seeded(options.name, options.seed, part);
  const open: (() => Promise<unknown> | void)[] = [];
  const keep = <T>(thing: T, close: (thing: T) => Promise<unknown> | void): T => {
    open.push(() => close(thing));
    return thing;
  };
  const close = async (): Promise<void> => {
    for (const end of open.splice(0).reverse()) await end();
  };
  mkdirSync(logFolder, { recursive: true });
  try {
    const folder = keep(mkdtempSync(join(tmpdir(), 'stateward-fault-')), (path) =>
      rmSync(path, { recursive: true, force: true }),
    );
    chmodSync(folder, 0o711); // started by root, PostgreSQL becomes another user, who must pass
    const database = keep(await openRunDatabase(folder, options.ownPostgres ?? false), (one) => one.close());
    const redis = backEnd === 'redis' ? keep(await startRedis(), (one) => one.stop()) : null;
    const flink = keep(
      await startFlinkOfRun(join(folder, 'flink'), dice('flink'), {
        savepointMs: options.savepointMs ?? [200, 3_000],
        checkpointMs: options.kind === 'STOP' || options.kind === 'UPKEEP' ? 1_000 : null,
      }),
      (one) => one.stop(),
    );
    let network: FaultyNetwork | null = null;
    const through = async (link: Link, url: string): Promise<string> => {
      if (link !== breakable) return url;
      network = keep(await startFaultyNetwork(url, dice('network')), (one) => one.stop());
      return network.url;
    };
    const envOf = async (part: Part): Promise<Record<string, string>> => ({
      DATABASE_URL: await through(`${part}-postgres`, database.url),
      STATEWARD_DATA_FOLDER: join(folder, 'data'),
      STATEWARD_LOG_LEVEL: 'info',
      ...(redis && { REDIS_URL: await through(`${part}-redis`, redis.url) }),
    });
    const [apiEnv, workerEnv] = [await envOf('api'), await envOf('worker')];
    const logOf = (part: string) => join(logFolder, `${part}.log`);

    let port = '0'; // any at first; then the same, as operators configure it
    const startApi = (arm?: string): Supervised =>
      supervise((generation) =>
        startProductProcess(
          'api',
          { ...apiEnv, STATEWARD_PORT: port, STATEWARD_SUBSCRIPTIONS_PER_CLIENT: '1000' }, // our client stands for many
          logOf('api'),
          generation === 0 ? arm : undefined,
        ),
      );
    let api = startApi();
    keep(null, () => api.stop());
    const ownUrl = await api.now.ready;
    port = new URL(ownUrl).port;
    const url = await through('client-api', ownUrl);
    const clusterId = await registerCluster(ownUrl, await through('worker-flink', flink.url), options.budget ?? 20);
    const count = options.deployments ?? 20;
    const { kind = 'SAVEPOINT' } = options;
    const deploymentIds =
      kind === 'START' || kind === 'STOP'
        ? await addStoppedDeployments(ownUrl, clusterId, count)
        : await addRunningDeployments(database, flink, clusterId, count);
    if (kind === 'UPKEEP') await addUpkeep(database, deploymentIds);
    const follower = keep(followAll(url, deploymentIds), (one) => one.stop());

    const workers: Supervised[] = [];
    const startWorker = async (arm: string[] = []): Promise<Supervised> => {
      const log = logOf(`worker-${workers.length + 1}`);
      const worker = keep(
        supervise((generation) => startProductProcess('worker', workerEnv, log, arm[generation])),
        (one) => one.stop(),
      );
      workers.push(worker);
      await worker.now.ready;
      return worker;
    };
    return {
      options,
      flink,
      database,
      redis,
      get network() {
        return network;
      },
      url,
      deploymentIds,
      follower,
      get api() {
        return api;
      },
      workers,
      dice,
      startWorker,
      rearmApi: async (arm) => {
        await api.stop();
        api = startApi(arm);
        await api.now.ready;
      },
      beforeClose: (end) => void open.push(end),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
