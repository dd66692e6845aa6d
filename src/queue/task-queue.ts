import {
  createPostgresBackend,
  type PostgresConnectionOptions,
  type Processor,
  type Queue,
  runMigrations,
  withBackend,
  type Worker,
  type WorkerOptions,
} from 'bullmq';
import pg from 'pg';
import type { Logger } from '../logger.js';
import type { Envelope, TaskDefinition } from './define-task.js';

/** Where the queue lives. BullMQ keeps its tables in a schema of its own, apart from ours. */
export interface QueueTarget {
  postgres: pg.Pool;
}

const SCHEMA = 'bullmq';

/**
 * Opens BullMQ's PostgreSQL back end. Each worker keeps one connection for LISTEN, so the pool must be larger than the
 * number of queues: too small a pool hangs without a word.
 */
export async function openQueueTarget(url: string, queues: number): Promise<QueueTarget> {
  const client = new pg.Client({ connectionString: url, application_name: 'stateward queue migrations' });
  await client.connect();
  try {
    await client.query('select pg_advisory_lock(7208003)');
    await client.query(`create schema if not exists ${SCHEMA}`);
    await runMigrations(client, SCHEMA);
  } finally {
    await client.end();
  }
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
  return { postgres: pool };
}

/** The producer's side of the queue. A task is a wake-up: whoever cannot submit one logs it, and the row's due time delivers anyway. */
export class TaskQueue {
  private readonly queues = new Map<string, Queue<Envelope>>();

  constructor(
    private readonly target: QueueTarget,
    private readonly log: Logger,
  ) {}

  /** Adds the task of this key; if it waits already nothing happens, if it runs now it runs once more when it ends. Never throws. */
  async submit<P>(task: TaskDefinition<P>, payload: P, requestId: string): Promise<void> {
    const data: Envelope = { payload: task.payload.parse(payload), requestId };
    try {
      await this.queue(task).add(task.name, data, {
        deduplication: { id: task.key(payload), keepLastIfActive: true },
        removeOnComplete: true, // history lives in our tables
        removeOnFail: { age: 86_400, count: 1_000 },
      });
    } catch (error) {
      this.log.warn(
        { err: error, task: task.name, key: task.key(payload), requestId },
        'the queue did not take a task; the row is due soon and will be found',
      );
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.queues.values()].map((queue) => queue.close()));
  }

  private queue<P>(task: TaskDefinition<P>): Queue<Envelope> {
    const known = this.queues.get(task.name);
    if (known) return known;
    const queue = openQueue(task.name, this.target);
    queue.on('error', (error) => this.log.warn({ err: error, task: task.name }, 'queue trouble'));
    this.queues.set(task.name, queue);
    return queue;
  }
}

// BullMQ's classes with PostgreSQL behind them. A pg.Pool is what they want; their type of it differs in an overload of query().
const postgresBackend = withBackend(createPostgresBackend);
const connectionOf = (target: QueueTarget) => target.postgres as unknown as PostgresConnectionOptions;

function openQueue(name: string, target: QueueTarget): Queue<Envelope> {
  // Nobody reads BullMQ's event stream; a maximum of 0 would mean "keep all" on PostgreSQL.
  const options = { connection: connectionOf(target), streams: { events: { maxLen: 100 } } };
  return new postgresBackend.Queue(name, options) as unknown as Queue<Envelope>;
}

/** The consumer's side, for worker/run-task.ts only. `drainDelay` 60 s: NOTIFY wakes every worker, so nothing waits for it. */
export function openQueueWorker(
  name: string,
  run: Processor<Envelope>,
  target: QueueTarget,
  options: Omit<WorkerOptions, 'connection'>,
): Worker<Envelope> {
  const all = { ...options, drainDelay: 60, connection: connectionOf(target) };
  return new postgresBackend.Worker(name, run as Processor, all) as unknown as Worker<Envelope>;
}
