import { DelayedError, UnrecoverableError, type Job } from 'bullmq';
import { setTimeout as sleep } from 'node:timers/promises';
import { ZodError } from 'zod';
import { AppError } from '../src/errors.js';
import type { Logger } from '../src/logger.js';
import type { Envelope, Handler, TaskDefinition } from '../src/queue/define-task.js';
import type { QueueTarget } from '../src/queue/queue-target.js';

const BACKOFF_MAX_MS = 120_000;
// A killed worker's task is taken over after lockDuration to lockDuration + stalledInterval; both equal on all workers.
const timing = { lockDuration: 8_000, stalledInterval: 3_000, maxStalledCount: 1_000_000, runRetryDelay: 1_000 };

/** A queue that is away answers nothing, a goodbye included. */
const GOODBYE_WITHIN_MS = 700;

export interface RunningTask {
  /** Takes nothing new and waits for what runs. */
  close(): Promise<void>;
}

/** Parses, runs, times, counts failures and maps errors of one kind of task. BullMQ's own count adds up over a task's whole life, so failures in a row are counted here. */
export function runTask<P>(
  task: TaskDefinition<P>,
  handler: Handler<P>,
  target: QueueTarget,
  log: Logger,
): RunningTask {
  const underWay = new Set<Promise<void>>();
  async function run(job: Job<Envelope>, token?: string, signal?: AbortSignal): Promise<void> {
    const { payload, requestId, failures = 0 } = job.data;
    const strikes = failures + job.stalledCounter; // failures and crashes in a row before this run
    const startedAt = performance.now();
    const line = (more: object = {}) => ({
      task: task.name,
      key: job.deduplicationId,
      requestId,
      ms: Math.round(performance.now() - startedAt),
      ...more,
    });

    let failure: unknown;
    try {
      if (strikes >= task.attempts) {
        throw new AppError(
          'TASK_CRASHED',
          `The worker process ended ${strikes} times in a row during this task (${task.name}). It is not tried again.`,
        );
      }
      const running = handler.run(task.payload.parse(payload), {
        requestId,
        signal: signal ?? new AbortController().signal,
      });
      underWay.add(running);
      await running.finally(() => underWay.delete(running));
      log.debug(line(), 'task done');
      return;
    } catch (error) {
      failure = error ?? new Error('undefined was thrown');
    }

    const hopeless = failure instanceof ZodError || (failure instanceof AppError && !failure.retryable);
    if (!hopeless && strikes + 1 < task.attempts) {
      const pauseMs = Math.min(task.backoffMs * 2 ** strikes, BACKOFF_MAX_MS) * (0.75 + Math.random() / 2);
      log.warn(
        line({ err: failure, failures: strikes + 1, againInMs: Math.round(pauseMs) }),
        'task failed, will be tried again',
      );
      await job.updateData({ ...job.data, failures: failures + 1 });
      await job.moveToDelayed(Math.ceil(Date.now() + pauseMs), token); // whole ms: PostgreSQL refuses fractions
      throw new DelayedError(); // BullMQ's sign that the task was moved and the slot is free
    }
    log.error(line({ err: failure, failures: strikes + 1 }), 'task failed for good');
    const parsed = task.payload.safeParse(payload);
    if (parsed.success) await handler.exhausted(parsed.data, failure); // still under the lock: a crash in here comes back as a stall
    throw new UnrecoverableError(failure instanceof Error ? failure.message : String(failure));
  }

  const worker = target.openWorker(task.name, run, { ...timing, concurrency: task.concurrency });
  worker.on('error', (error) => log.warn({ err: error, task: task.name }, 'queue trouble'));
  worker.on('lockRenewalFailed', (ids) => ids.forEach((id) => worker.cancelJob(id, 'lock lost')));
  return {
    close: async () => {
      const closed = worker.close().then(() => true);
      await Promise.allSettled(underWay);
      if (await Promise.race([closed, sleep(GOODBYE_WITHIN_MS, false, { ref: false })])) return;
      log.warn({ task: task.name }, 'the queue does not answer; left without a goodbye');
    },
  };
}
