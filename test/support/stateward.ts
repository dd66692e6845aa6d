import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import type { CheckLimits } from '../../src/check/check-deps.js';
import { createSchema } from '../../src/api/schema.js';
import { createApi } from '../../src/api/server.js';
import type { TransportLimits } from '../../src/api/transport-limits.js';
import { type Config, loadConfig } from '../../src/config.js';
import { createLogger } from '../../src/logger.js';
import { openServices, type Services } from '../../src/services.js';
import { startWorker } from '../../worker/start-worker.js';
import { type GraphqlError, graphqlClient, type GraphqlClient } from './graphql-client.js';
import { createTestDatabase } from './test-database.js';

export interface Stateward extends GraphqlClient {
  url: string;
  databaseUrl: string;
  services: Services;
  /** Uploads bytes as a jar; answers the HTTP reply. */
  upload(name: string, bytes: Buffer, headers?: Record<string, string>): Promise<{ status: number; body: UploadReply }>;
  startWorker(): { workerId: string; stop(): Promise<void> };
  stop(): Promise<void>;
}

export interface UploadReply {
  artifact?: { id: string; name: string; sha256: string; sizeBytes: number; mainClass: string | null };
  error?: { code: string; message: string };
  errors?: GraphqlError[];
}

export interface StatewardOptions {
  worker?: boolean;
  env?: Record<string, string>;
  limits?: TransportLimits;
  checkLimits?: Partial<CheckLimits>;
  /** What no setting says. */
  config?: Partial<Pick<Config, 'leftBehindAfterMs'>>;
}

/** The whole product in this process, on a database of its own: API on a free port and, unless told otherwise, a worker. */
export async function startStateward(options: StatewardOptions = {}): Promise<Stateward> {
  const database = await createTestDatabase();
  const folder = await mkdtemp(join(tmpdir(), 'stateward-data-'));
  const level = process.env.STATEWARD_TEST_LOG ?? 'fatal';
  const config: Config = {
    ...loadConfig({ STATEWARD_DATA_FOLDER: folder, STATEWARD_LOG_LEVEL: level, ...options.env }),
    port: 0,
    ...options.config,
  };
  const services = await openServices(config, database.url, createLogger(level, 'api'), 'api');
  const api = await createApi(services, await createSchema(services), options.limits);
  const url = await api.listen();
  const workers: { stop(): Promise<void> }[] = [];
  const begin = () => {
    const worker = startWorker(services, options.checkLimits);
    workers.push(worker);
    return worker;
  };
  if (options.worker !== false) begin();

  return {
    url,
    databaseUrl: database.url,
    services,
    ...graphqlClient(url, config.apiToken),
    upload: async (name, bytes, headers = {}) => {
      const { statusCode, body } = await request(`${url}/artifacts/${name}`, {
        method: 'PUT',
        body: bytes,
        headers: { ...(config.apiToken ? { authorization: `Bearer ${config.apiToken}` } : {}), ...headers },
      });
      return { status: statusCode, body: (await body.json()) as UploadReply };
    },
    startWorker: begin,
    stop: async () => {
      await Promise.all(workers.map((worker) => worker.stop()));
      await api.close();
      await services.close();
      await database.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
