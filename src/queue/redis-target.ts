import { Queue, Worker } from 'bullmq';
import { once } from 'node:events';
import { Redis, type RedisOptions } from 'ioredis';
import type { Logger } from '../logger.js';
import type { Envelope } from './define-task.js';
import type { QueueTarget } from './queue-target.js';
import { risksOf } from './redis-risks.js';

/** A start waits so long for Redis, and then goes on without it. */
const READY_WITHIN_MS = 1_000;
/** A task that is not taken within this is not taken: a request must not wait for a Redis that hangs. */
const COMMAND_WITHIN_MS = 800;
const CONNECT_WITHIN_MS = 2_000;
const RECONNECT_MAX_MS = 1_000;

/** BullMQ's Redis back end. `prefix` keeps several Statewards on one Redis apart. */
export async function openRedisTarget(url: string, prefix: string, log: Logger): Promise<QueueTarget> {
  const shared: RedisOptions = {
    connectTimeout: CONNECT_WITHIN_MS,
    keepAlive: 5_000,
    retryStrategy: (times) => Math.min(100 * times, RECONNECT_MAX_MS),
  };
  // Fails fast: no queue of commands while Redis is away, and an answer within a second or none.
  const producer = new Redis(url, {
    ...shared,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    commandTimeout: COMMAND_WITHIN_MS,
  });
  const consumer = new ConsumerConnection(url, { ...shared, maxRetriesPerRequest: null }); // waits for ever
  tellOutages(producer, log);
  consumer.on('error', () => undefined); // the producer's connection tells the same, once
  await ready(producer);
  return {
    openQueue: (name) =>
      new Queue<Envelope>(name, {
        connection: producer,
        prefix,
        skipWaitingForReady: true,
        streams: { events: { maxLen: 100 } }, // nobody reads BullMQ's event stream
      }),
    // A wake-up is a marker that one blocked client pops; popped for a frozen process it is lost for the drain delay (seconds).
    openWorker: (name, run, options) =>
      new Worker<Envelope>(name, run, { ...options, drainDelay: 5, connection: consumer, prefix }),
    close: async () => {
      producer.disconnect();
      consumer.disconnectAll();
    },
  };
}

/** BullMQ makes a blocking copy for each worker, and of a Redis that is away it never takes leave: kept, so that it can be ended here. */
class ConsumerConnection extends Redis {
  private readonly copies: Redis[] = [];

  override duplicate(override?: Partial<RedisOptions>): Redis {
    const copy = super.duplicate(override);
    this.copies.push(copy);
    return copy;
  }

  disconnectAll(): void {
    // One that has ended is left alone: ioredis waits 2 s for the close of its socket, which has been, and keeps the process so long.
    for (const connection of [this, ...this.copies]) if (connection.status !== 'end') connection.disconnect();
  }
}

async function ready(redis: Redis): Promise<void> {
  if (redis.status === 'ready') return;
  await once(redis, 'ready', { signal: AbortSignal.timeout(READY_WITHIN_MS) }).catch(() => undefined); // away: told by tellOutages
}

/** Once when it goes, once when it is back: ioredis says "error" at each of its attempts. */
function tellOutages(redis: Redis, log: Logger): void {
  let away = false;
  redis.on('error', (error) => {
    if (away) return;
    away = true;
    log.error(
      { err: error },
      'Redis (REDIS_URL) does not answer. Requests are taken and work goes on, some seconds slower, driven by the database; look after Redis',
    );
  });
  redis.on('ready', () => {
    if (away) log.info('Redis answers again');
    away = false;
    void tellRisks(redis, log);
  });
}

/** Whether this Redis keeps what is put into it; asked at every connect, since another one may answer. */
async function tellRisks(redis: Redis, log: Logger): Promise<void> {
  try {
    const [memory, persistence, save] = await Promise.all([
      redis.info('memory'),
      redis.info('persistence'),
      redis.config('GET', 'save').then(
        (answer) => (answer as string[])[1] ?? null,
        () => null, // managed services refuse CONFIG
      ),
    ]);
    for (const risk of risksOf(`${memory}\n${persistence}`, save)) log.warn(risk);
  } catch (error) {
    log.warn({ err: error }, 'Redis could not be asked for its memory policy and persistence');
  }
}
