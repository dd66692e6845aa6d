import {
  createPostgresBackend,
  type PostgresConnectionOptions,
  type Processor,
  type Queue,
  runMigrations,
  withBackend,
  type Worker,
} from 'bullmq';
import pg from 'pg';
import type { Logger } from '../logger.js';
import type { Envelope } from './define-task.js';
import type { QueueTarget } from './queue-target.js';

/** BullMQ keeps its tables in a schema of its own, apart from ours. */
const SCHEMA = 'bullmq';
const MIGRATION_LOCK = 7_208_003;

/**
 * BullMQ's PostgreSQL back end. Each worker keeps one connection for LISTEN, so the pool must be larger than the number
 * of queues: too small a pool hangs without a word.
 */
export async function openPostgresTarget(url: string, queues: number, log: Logger): Promise<QueueTarget> {
  await migrate(url);
  const pool = new pg.Pool({
    connectionString: url,
    max: queues + 6,
    idleTimeoutMillis: 0,
    keepAlive: true,
    connectionTimeoutMillis: 5_000,
    options: `-c search_path=${SCHEMA}`,
    application_name: 'stateward queue',
  });
  pool.setMaxListeners(0);
  pool.on('error', (error) =>
    log.warn({ err: error }, 'a connection of the queue was lost; it is opened again when needed'),
  );
  const backend = withBackend(createPostgresBackend);
  // A pg.Pool is what BullMQ wants; its type of it differs in an overload of query().
  const connection = pool as unknown as PostgresConnectionOptions;
  return {
    // Nobody reads BullMQ's event stream; a maximum of 0 would mean "keep all" here.
    openQueue: (name) =>
      new backend.Queue(name, { connection, streams: { events: { maxLen: 100 } } }) as unknown as Queue<Envelope>,
    // NOTIFY wakes every worker, so nothing waits for the drain delay (seconds).
    openWorker: (name, run, options) =>
      new backend.Worker(name, run as Processor, {
        ...options,
        drainDelay: 60,
        connection,
      }) as unknown as Worker<Envelope>,
    close: () => pool.end(),
  };
}

async function migrate(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, application_name: 'stateward queue migrations' });
  await client.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await client.query(`create schema if not exists ${SCHEMA}`);
    await runMigrations(client, SCHEMA);
  } finally {
    await client.end(); // and with the session its lock
  }
}
