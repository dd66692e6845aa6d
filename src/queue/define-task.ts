import type { z } from 'zod';

/** What a task is, as data, known to both processes; what it does is known to the worker alone (worker/handlers.ts). */
export interface TaskDefinition<P = unknown> {
  name: string;
  payload: z.ZodType<P>;
  /** At most one unfinished task per key in the queue. No mutual exclusion: that is the claim on the row. */
  key: (payload: P) => string;
  /** Failures in a row, crashes of the worker included, until `exhausted`. A run that ends without error starts the count again. */
  attempts: number;
  /** First pause after a failure; doubles, with jitter, up to two minutes. */
  backoffMs: number;
  /** Runs at once in one worker process. */
  concurrency: number;
}

export const defineTask = <P>(definition: TaskDefinition<P>): TaskDefinition<P> => definition;

/** What travels: ids only, and what run-task needs to count failures in a row. */
export interface Envelope {
  payload: unknown;
  requestId: string;
  failures?: number;
}

export interface TaskContext {
  requestId: string;
  /** Aborted when the queue gave the task to somebody else, or the worker stops. */
  signal: AbortSignal;
}

export interface Handler<P> {
  run(payload: P, context: TaskContext): Promise<void>;
  /** Attempts ran out, or it can never work. Must be safe to call twice. */
  exhausted(payload: P, error: unknown): Promise<void>;
}

type PayloadOf<T> = T extends TaskDefinition<infer P> ? P : never;
/** One handler per task: a missing one, or one for another payload, does not compile. */
export type Handlers<T> = { [K in keyof T]: Handler<PayloadOf<T[K]>> };
