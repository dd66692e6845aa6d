import { secretsIn } from './deployment/secrets.js';
import { resolve } from 'node:path';
import { z } from 'zod';
import { AppError } from './errors.js';
import type { S3Settings } from './storage/s3-client.js';

const MiB = 1024 * 1024;

const port = z.coerce.number().int().min(0).max(65_535);
const optionalText = z.string().trim().min(1).optional();

/** Every setting, its default, and what it means. `.env.example` and README's table are checked against this schema. */
export const settings = z.object({
  DATABASE_URL: optionalText
    .refine(
      (url) => url === undefined || /^postgres(ql)?:\/\//.test(url),
      'must begin with postgres:// or postgresql://',
    )
    .describe('PostgreSQL to use instead of the embedded one.'),
  REDIS_URL: optionalText
    .refine((url) => url === undefined || /^rediss?:\/\//.test(url), 'must begin with redis:// or rediss://')
    .describe('Redis to carry the queue instead of PostgreSQL.'),
  REDIS_PREFIX: z
    .string()
    .regex(/^[\w.-]{1,64}$/, 'takes up to 64 letters, digits, dots, dashes and underscores')
    .default('stateward')
    .describe('Prefix of all keys in Redis: another one for each Stateward that shares it.'),
  STATEWARD_HOST: z
    .string()
    .default('127.0.0.1')
    .describe('Address that the API listens on. Any other than loopback needs STATEWARD_API_TOKEN.'),
  STATEWARD_PORT: port.default(4000).describe('Port of the API.'),
  STATEWARD_API_TOKEN: z
    .string()
    .min(32, 'needs at least 32 characters; make one with: openssl rand -hex 32')
    .optional()
    .describe('When set, every request must carry it as a bearer token.'),
  STATEWARD_DATA_FOLDER: z
    .string()
    .min(1)
    .default('.stateward')
    .describe('Folder of the embedded database and of uploaded jars.'),
  STATEWARD_ARTIFACT_FOLDER: optionalText.describe(
    'Folder of uploaded jars, shared by all API and worker processes. Default: artifacts/ in the data folder.',
  ),
  STATEWARD_ARTIFACT_MAX_BYTES: z.coerce
    .number()
    .int()
    .min(1)
    .default(512 * MiB)
    .describe('Largest jar that is accepted.'),
  STATEWARD_REQUEST_MAX_BYTES: z.coerce
    .number()
    .int()
    .min(1024)
    .default(256 * 1024)
    .describe('Largest GraphQL request that is accepted.'),
  STATEWARD_SOCKETS_PER_CLIENT: z.coerce
    .number()
    .int()
    .min(1)
    .default(50)
    .describe('Most WebSockets of one client. Behind a proxy all clients have its address: raise it there.'),
  STATEWARD_SUBSCRIPTIONS_PER_CLIENT: z.coerce
    .number()
    .int()
    .min(1)
    .default(200)
    .describe('Most operations that one client has under way on its WebSockets.'),
  STATEWARD_DATABASE_CONNECTIONS: z.coerce
    .number()
    .int()
    .min(4)
    .max(200)
    .default(10)
    .describe('Most database connections of one process, its queue apart.'),
  STATEWARD_CHECKPOINT_DAYS: z.coerce
    .number()
    .int()
    .min(1)
    .max(3650)
    .default(30)
    .describe('For how many days what was seen of checkpoints is kept.'),
  STATEWARD_LEAST_SLOT_INTERVAL_S: z.coerce
    .number()
    .int()
    .min(1)
    .max(600)
    .default(600)
    .describe('Least time between two slots of a schedule. Below 600 it is for tests alone, and the API says so.'),
  STATEWARD_PLAN_JARS: z
    .enum(['true', 'false'])
    .default('true')
    .describe(
      'false: checkCompatibility has no cluster run main() of a jar for its plan, and goes by what is known without.',
    ),
  STATEWARD_S3_ENDPOINT: optionalText
    .refine(
      (url) => url === undefined || /^https?:\/\/[^/?#@\s]+\/?$/.test(url),
      'must be http:// or https:// and a host, with its port if it has one, and nothing else: no bucket, no credentials',
    )
    .describe('Where S3 is reached, for storages that are read there. Default: that of AWS.'),
  STATEWARD_S3_REGION: optionalText
    .refine(
      (region) => region === undefined || /^[a-z0-9-]{1,63}$/.test(region),
      'takes small letters, digits and dashes, such as eu-central-1',
    )
    .describe('Region of the buckets. Default: that of AWS_REGION or of the profile.'),
  STATEWARD_S3_PATH_STYLE: z
    .enum(['true', 'false'])
    .default('false')
    .describe('true: buckets are named in the path and not in the host, as most object stores outside of AWS need it.'),
  STATEWARD_LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal'])
    .default('info')
    .describe('Least level that is logged.'),
});

export interface Config {
  /** What `${secret:NAME}` in arguments and settings of a job stands for; of the worker alone. */
  secrets: ReadonlyMap<string, string>;
  databaseUrl: string | undefined;
  redisUrl: string | undefined;
  redisPrefix: string;
  host: string;
  port: number;
  apiToken: string | undefined;
  dataFolder: string;
  artifactFolder: string;
  artifactMaxBytes: number;
  requestMaxBytes: number;
  socketsPerClient: number;
  subscriptionsPerClient: number;
  databaseConnections: number;
  checkpointDays: number;
  /** Between two slots of a schedule; 10 minutes unless lowered for tests. */
  leastSlotIntervalMs: number;
  /** From the first checkpoint of a later run on, what a run has left behind is kept for so long. No setting: a test gives another. */
  leftBehindAfterMs: number;
  /** Whether a cluster may be asked to run a program's main() for its plan alone. */
  planJars: boolean;
  s3: S3Settings;
  logLevel: z.infer<typeof settings>['STATEWARD_LOG_LEVEL'];
}

const loopback = new Set(['127.0.0.1', '::1', 'localhost']);

/** Reads the environment once. Throws BAD_CONFIGURATION naming every problem at once. An empty variable counts as absent. */
export function loadConfig(env: Record<string, string | undefined>): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const parsed = settings.safeParse(given);
  const problems = parsed.success
    ? []
    : parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  if (parsed.success && !loopback.has(parsed.data.STATEWARD_HOST) && !parsed.data.STATEWARD_API_TOKEN) {
    problems.push(
      `STATEWARD_HOST: ${parsed.data.STATEWARD_HOST} can be reached from outside this machine, and whoever reaches the API can run code on your Flink clusters. ` +
        'Set STATEWARD_API_TOKEN (make one with: openssl rand -hex 32), or listen on 127.0.0.1.',
    );
  }
  if (!parsed.success || problems.length > 0) {
    throw new AppError(
      'BAD_CONFIGURATION',
      `The configuration cannot be used:\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
    );
  }
  const data = parsed.data;
  const dataFolder = resolve(data.STATEWARD_DATA_FOLDER);
  return {
    databaseUrl: data.DATABASE_URL,
    redisUrl: data.REDIS_URL,
    redisPrefix: data.REDIS_PREFIX,
    host: data.STATEWARD_HOST,
    port: data.STATEWARD_PORT,
    apiToken: data.STATEWARD_API_TOKEN,
    dataFolder,
    artifactFolder: data.STATEWARD_ARTIFACT_FOLDER
      ? resolve(data.STATEWARD_ARTIFACT_FOLDER)
      : resolve(dataFolder, 'artifacts'),
    artifactMaxBytes: data.STATEWARD_ARTIFACT_MAX_BYTES,
    requestMaxBytes: data.STATEWARD_REQUEST_MAX_BYTES,
    socketsPerClient: data.STATEWARD_SOCKETS_PER_CLIENT,
    subscriptionsPerClient: data.STATEWARD_SUBSCRIPTIONS_PER_CLIENT,
    databaseConnections: data.STATEWARD_DATABASE_CONNECTIONS,
    checkpointDays: data.STATEWARD_CHECKPOINT_DAYS,
    leastSlotIntervalMs: data.STATEWARD_LEAST_SLOT_INTERVAL_S * 1_000,
    leftBehindAfterMs: 24 * 3_600_000,
    planJars: data.STATEWARD_PLAN_JARS === 'true',
    s3: {
      endpoint: data.STATEWARD_S3_ENDPOINT,
      region: data.STATEWARD_S3_REGION,
      pathStyle: data.STATEWARD_S3_PATH_STYLE === 'true',
    },
    secrets: secretsIn(env),
    logLevel: data.STATEWARD_LOG_LEVEL,
  };
}

/** For the processes that cannot do without a database of their own choosing (API and worker when started apart). */
export function requireDatabaseUrl(config: Config): string {
  if (config.databaseUrl) return config.databaseUrl;
  throw new AppError(
    'BAD_CONFIGURATION',
    'DATABASE_URL is not set. API and worker started by themselves need a PostgreSQL; `npm start` brings its own.',
  );
}
