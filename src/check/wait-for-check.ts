import type { Database } from '../db/database.js';
import type { EventWakeups } from '../event/event-wakeups.js';
import type { CompatibilityCheck } from './check.entity.js';
import { findCheck } from './find-check.js';

const READ_AT_LEAST_EVERY_MS = 2_000;

/** Answers when the check has ended or the time is up. */
export async function waitForCheck(
  { database, wakeups }: { database: Database; wakeups: EventWakeups },
  id: string,
  waitMs: number,
  signal: AbortSignal,
): Promise<CompatibilityCheck | null> {
  const watch = wakeups.watch(`check:${id}`);
  const deadline = Date.now() + waitMs;
  try {
    for (;;) {
      const check = await findCheck(database, id);
      const left = deadline - Date.now();
      if (!check || check.endedAt !== null || left <= 0 || signal.aborted) return check;
      await watch.next(signal, Math.min(left, READ_AT_LEAST_EVERY_MS));
    }
  } finally {
    watch.stop();
  }
}
