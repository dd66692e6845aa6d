import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../db/database.js';
import type { EventWakeups } from '../event/event-wakeups.js';
import { readPatiently } from '../event/follow-events.js';
import type { StateOverview } from './overview.types.js';
import { readOverviews } from './read-overview.js';

/** A wake-up may be lost with its connection: read again after this. */
const READ_AT_LEAST_EVERY_MS = 15_000;
/** Ten savepoints and a checkpoint at once are one change. */
const READ_AT_MOST_EVERY_MS = 500;

/** The overview of a deployment now, and each time that something in it has changed, at most twice a second. */
export async function* followOverview(
  { database, wakeups }: { database: Database; wakeups: EventWakeups },
  deploymentId: string,
  signal: AbortSignal,
): AsyncGenerator<StateOverview> {
  const watch = wakeups.watch(`deployment:${deploymentId}`, `checkpoints:${deploymentId}`); // before the first read
  let shown = '';
  try {
    while (!signal.aborted) {
      const [overview] = await readPatiently(
        async () => [...(await readOverviews(database, [deploymentId])).values()],
        signal,
      );
      if (!overview) return;
      if (overview.fingerprint !== shown) yield overview;
      shown = overview.fingerprint;
      await sleep(READ_AT_MOST_EVERY_MS, undefined, { signal }).catch(() => undefined); // the end of the subscription ends the pause
      await watch.next(signal, READ_AT_LEAST_EVERY_MS);
    }
  } finally {
    watch.stop();
  }
}
