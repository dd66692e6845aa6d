import type { Processor, Queue, Worker, WorkerOptions } from 'bullmq';
import type { Config } from '../config.js';
import type { Logger } from '../logger.js';
import type { Envelope } from './define-task.js';
import { openPostgresTarget } from './postgres-target.js';
import { openRedisTarget } from './redis-target.js';

/** Where the queue lives: BullMQ on PostgreSQL (the default) or on Redis. It carries wake-ups, and may be emptied at any moment. */
export interface QueueTarget {
  /** The producer's side, for {@link ./task-queue.ts}. Adding a task must fail soon, or not at all: it never hangs. */
  openQueue(name: string): Queue<Envelope>;
  /** The consumer's side, for worker/run-task.ts. Waits for ever for a server that is away. */
  openWorker(name: string, run: Processor<Envelope>, options: Omit<WorkerOptions, 'connection'>): Worker<Envelope>;
  /** After everything that was opened here has been closed. */
  close(): Promise<void>;
}

/** `queues`: how many there will be. */
export function openQueueTarget(
  config: Pick<Config, 'redisUrl' | 'redisPrefix'>,
  databaseUrl: string,
  queues: number,
  log: Logger,
): Promise<QueueTarget> {
  return config.redisUrl
    ? openRedisTarget(config.redisUrl, config.redisPrefix, log)
    : openPostgresTarget(databaseUrl, queues, log);
}
