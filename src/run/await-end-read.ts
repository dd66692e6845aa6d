import type { Database } from '../db/database.js';
import type { EventWakeups } from '../event/event-wakeups.js';
import { StartStrategy } from '../job/start-strategy.js';

/** Flink's caches (3 s), the reading itself, and a look of the worker in between. */
const AT_MOST_MS = 8_000;
const ASK_EVERY_MS = 250;

/** What the last run retained at its end matters to these; savepoints are known without. */
export const needsEnd = ({ strategy, location }: { strategy: StartStrategy; location?: string | null }): boolean =>
  strategy === StartStrategy.LATEST_STATE ||
  strategy === StartStrategy.FROM_CHECKPOINT ||
  (strategy === StartStrategy.FROM_LOCATION && /\/chk-\d+(?:\/|$)/.test(location ?? ''));

/**
 * What a run retained is known only when Flink's statistics have been read after its end (SR-2). Whoever starts right after a
 * stop waits for that here; later, or with no worker, the start decides by what is known and says so.
 */
export async function awaitEndRead(
  { database, wakeups }: { database: Database; wakeups: EventWakeups },
  deploymentId: string,
): Promise<void> {
  const watch = wakeups.watch(`deployment:${deploymentId}`);
  const deadline = Date.now() + AT_MOST_MS;
  const never = new AbortController().signal;
  try {
    for (;;) {
      const row = await database.row<{ waits: boolean }>(
        `select j.end_read_at is null and j.took_hold_at is not null and j.ended_at is not null and j.state_since > now() - interval '1 min'
                and not exists (select 1 from savepoint s where s.job_id = j.id and s.state = 'COMPLETED' and not s.stop_failed_after
                                   and exists (select 1 from stop t where t.id = s.stop_id and t.state = 'COMPLETED')) as waits
           from deployment d join job j on j.id = d.current_job_id where d.id = $1`,
        [deploymentId],
      );
      if (!row?.waits || Date.now() > deadline) return;
      await watch.next(never, ASK_EVERY_MS);
    }
  } finally {
    watch.stop();
  }
}
