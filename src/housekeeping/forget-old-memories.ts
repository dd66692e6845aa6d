import { LIVE } from '../checkpoint/checkpoint-page.js';
import type { Sql } from '../db/database.js';

/*
 * What was read of snapshots, and what Flink has told of programs: each run and each check adds to it. What nobody is shown any more goes;
 * should somebody ask for it after all, it is read again where it is still there.
 */

const CONTENTS_KEPT_FOR = '30 days';
const PLANS_KEPT_FOR = '90 days';
const AT_ONCE = 1_000;

/** What a run holds is shown while it lives, and of the last run of a deployment for as long as there is no other. */
const IS_SHOWN = `(j.state in ${LIVE} or exists (select 1 from deployment d where d.current_job_id = j.id and d.archived_at is null))`;

/** Of savepoints that were deleted long ago. */
const OF_DELETED = `
  select c.id from snapshot_contents c join savepoint s on s.id = c.savepoint_id
   where s.state = 'DELETED' and coalesce(s.deleted_at, s.state_since) < now() - interval '${CONTENTS_KEPT_FOR}'
     and not exists (select 1 from job j where j.own_snapshot ->> 'savepointId' = s.id::text and ${IS_SHOWN})`;

/** Of checkpoints that were read long ago, unless an ended run has left one there: it may be started from. */
const OF_PLACES = `
  select c.id from snapshot_contents c
   where c.savepoint_id is null and c.read_at < now() - interval '${CONTENTS_KEPT_FOR}'
     and not exists (select 1 from job j where j.own_snapshot ->> 'storageId' = c.storage_id::text and j.own_snapshot ->> 'path' = c.path and ${IS_SHOWN})
     -- by the end of its path, whatever the root is called there; the name alone is what PostgreSQL can join by
     and not exists (select 1 from retained_checkpoint r
                      where r.data <> 'MISSING' and substring(r.location from '[^/]*$') = substring(c.path from '[^/]*$')
                        and right(r.location, length(c.path) + 1) = '/' || c.path)`;

export async function forgetOldContents(sql: Pick<Sql, 'changed'>): Promise<number> {
  let forgotten = 0;
  for (const which of [OF_DELETED, OF_PLACES])
    forgotten += await inBatches(sql, `delete from snapshot_contents where id in (${which} limit ${AT_ONCE})`);
  return forgotten;
}

/** By their age alone: whether a deployment would ask for just this one again is not to be seen here, and it can be made anew. */
export const forgetOldPlans = (sql: Pick<Sql, 'changed'>): Promise<number> =>
  inBatches(
    sql,
    `delete from program_plan where (artifact_id, settings_hash, flink_version) in (
       select artifact_id, settings_hash, flink_version from program_plan where planned_at < now() - interval '${PLANS_KEPT_FOR}' limit ${AT_ONCE})`,
  );

/** Many transactions, none of which lasts. */
async function inBatches(sql: Pick<Sql, 'changed'>, text: string): Promise<number> {
  for (let all = 0; ;) {
    const some = await sql.changed(text);
    all += some;
    if (some < AT_ONCE) return all;
  }
}
