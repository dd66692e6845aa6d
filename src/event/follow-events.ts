import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../errors.js';
import { DeploymentEvent } from './event.entity.js';
import { EVENTS_AT_ONCE, type EventReader } from './event-reader.js';
import type { EventWakeups } from './event-wakeups.js';

/** A wake-up may be lost with its connection: read again after this. */
const READ_AT_LEAST_EVERY_MS = 15_000;
/** Of a database in trouble, until the subscriber is told. */
const PATIENT_FOR_MS = 30_000;
const READ_AGAIN_MS = 500;

/** Replays what came after `after`, then follows. A number that is missing is said, never skipped over in silence. */
export async function* followEvents(
  { eventReader, wakeups }: { eventReader: EventReader; wakeups: EventWakeups },
  deploymentId: string,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<DeploymentEvent> {
  const watch = wakeups.watch(`deployment:${deploymentId}`); // before the first read, so that nothing falls between
  try {
    for (let cursor = after; !signal.aborted;) {
      const events = await readPatiently(() => eventReader.after(deploymentId, cursor), signal);
      for (const event of events) {
        const number = event.number ?? cursor + 1;
        yield new DeploymentEvent(event, number !== cursor + 1);
        cursor = number;
      }
      if (events.length < EVENTS_AT_ONCE) await watch.next(signal, READ_AT_LEAST_EVERY_MS);
    }
  } finally {
    watch.stop();
  }
}

/** A subscriber need not begin anew because the database was away for a moment: what it missed comes when it is back. */
export async function readPatiently<T>(read: () => Promise<T[]>, signal: AbortSignal): Promise<T[]> {
  for (const patientUntil = performance.now() + PATIENT_FOR_MS; ;) {
    try {
      return await read();
    } catch (error) {
      const isTrouble = error instanceof AppError && error.retryable;
      if (!isTrouble || signal.aborted || performance.now() > patientUntil) throw error;
      await sleep(READ_AGAIN_MS, undefined, { signal }).catch(() => undefined); // the end of the subscription ends the pause
    }
  }
}

/** An async generator that waits cannot be ended from outside: `return()` queues behind the wait. This one aborts the wait first. */
export function endable<T>(start: (signal: AbortSignal) => AsyncGenerator<T>): AsyncGenerator<T> {
  const ending = new AbortController();
  const inner = start(ending.signal);
  const end = inner.return.bind(inner);
  inner.return = (value) => {
    ending.abort();
    return end(value);
  };
  return inner;
}
