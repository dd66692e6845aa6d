import { wakeWatchers } from '../db/claims.js';
import type { Transaction } from '../db/database.js';

/** The first snapshots of these runs are complete: whoever owns their clusters reads one of each. Once for each run. */
export async function ownLooksDue(tx: Transaction, jobIds: readonly string[]): Promise<void> {
  if (jobIds.length === 0) return;
  const due = await tx.changed(
    `update job j set own_look = 'DUE', own_look_since = now(), look_at = now(), wakes = wakes + 1
       from (select id from job where id = any($1) and own_look is null order by id for no key update) d where j.id = d.id`,
    [jobIds],
  );
  if (due > 0) await wakeWatchers(tx);
}
