import { forgetOldChecks } from '../check/forget-old-checks.js';
import { dropOldCheckpoints, makeCheckpointDays } from '../checkpoint/checkpoint-days.js';
import { forgetDeadWorkers } from '../cluster/own-clusters.js';
import type { Database } from '../db/database.js';
import { forgetOldKeys } from '../db/idempotency.js';
import { forgetOldReports } from '../deletion/delete-savepoints.js';
import { forgetOldContents, forgetOldPlans } from './forget-old-memories.js';

/** How often it is due. */
export const HOUSEKEEPING_EVERY_MS = 10 * 60_000;
/** A repeating task may come a little early. */
const EARLY_MS = 30_000;

/**
 * Drops what is not needed any more. Any number of workers and tasks may call it at any time: it does something once per
 * {@link HOUSEKEEPING_EVERY_MS}, by a row in the database. Answers whether it was due.
 */
export async function keepHouse(database: Database, keep: { checkpointDays: number }): Promise<boolean> {
  const due = await database.changed(
    `insert into chore (name, begun_at) values ('housekeeping', now())
     on conflict (name) do update set begun_at = now() where chore.begun_at < now() - $1 * interval '1 ms'`,
    [HOUSEKEEPING_EVERY_MS - EARLY_MS],
  );
  if (due === 0) return false;
  await forgetOldKeys(database);
  await forgetOldReports(database);
  await forgetOldChecks(database);
  await forgetOldContents(database);
  await forgetOldPlans(database);
  await forgetDeadWorkers(database);
  await makeCheckpointDays(database);
  await dropOldCheckpoints(database, keep.checkpointDays);
  return true;
}
