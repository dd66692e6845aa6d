import type { Database } from '../db/database.js';
import type { EventWakeups } from '../event/event-wakeups.js';
import type { Stop } from './stop.entity.js';
import { StopState } from './stop.enums.js';
import { findStop } from './find-stop.js';

const READ_AT_LEAST_EVERY_MS = 2_000;

/** Answers when the stop has ended or the time is up. */
export async function waitForStop(
  { database, wakeups }: { database: Database; wakeups: EventWakeups },
  id: string,
  waitMs: number,
  signal: AbortSignal,
): Promise<Stop | null> {
  const watch = wakeups.watch(`stop:${id}`);
  const deadline = Date.now() + waitMs;
  try {
    for (;;) {
      const stop = await findStop(database, id);
      const left = deadline - Date.now();
      const ended = stop?.state === StopState.COMPLETED || stop?.state === StopState.FAILED;
      if (!stop || ended || left <= 0 || signal.aborted) return stop;
      await watch.next(signal, Math.min(left, READ_AT_LEAST_EVERY_MS));
    }
  } finally {
    watch.stop();
  }
}
