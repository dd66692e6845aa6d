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

interface Old {
  candidates: string;
  /** What keeps one of them, `c`. */
  unless: string[];
}

/** Of savepoints that were deleted long ago. */
const OF_DELETED: Old = {
  candidates: `select c.id, c.savepoint_id from snapshot_contents c join savepoint s on s.id = c.savepoint_id
                where s.state = 'DELETED' and coalesce(s.deleted_at, s.state_since) < now() - interval '${CONTENTS_KEPT_FOR}'`,
  unless: [`select 1 from job j where j.own_snapshot ->> 'savepointId' = c.savepoint_id::text and ${IS_SHOWN}`],
};

/** The folder and what it lies in: of many runs that have each left a chk-1 there is one. */
const endOf = (path: string) => `substring(${path} from '[^/]*/?[^/]*$')`;
/** Where an ended run has left one that may be started from; by the end of the path, whatever the root is called there. */
const LEFT = `select 1 from retained_checkpoint r where r.data <> 'MISSING' and right(r.location, length(c.path) + 1) = '/' || c.path`;

/** Of checkpoints that were read long ago. */
const OF_PLACES: Old = {
  candidates: `select c.id, c.storage_id, c.path from snapshot_contents c
                where c.savepoint_id is null and c.read_at < now() - interval '${CONTENTS_KEPT_FOR}'`,
  unless: [
    `select 1 from job j where j.own_snapshot ->> 'storageId' = c.storage_id::text and j.own_snapshot ->> 'path' = c.path and ${IS_SHOWN}`,
    `${LEFT} and ${endOf('r.location')} = ${endOf('c.path')}`,
    `${LEFT} and c.path not like '%/%'`,
  ],
};

export async function forgetOldContents(sql: Pick<Sql, 'row'>): Promise<number> {
  return (await forget(sql, OF_DELETED)) + (await forget(sql, OF_PLACES));
}

const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

/** Some at a time, in the order of their ids: those that stay are not in the way of the next. */
async function forget(sql: Pick<Sql, 'row'>, { candidates, unless }: Old): Promise<number> {
  const isOld = unless.map((one) => `not exists (${one})`).join(' and ');
  for (let [forgotten, after] = [0, BEFORE_ALL]; ;) {
    const some = await sql.row<{ gone: number; last: string | null }>(
      `with batch as materialized (${candidates} and c.id > $1 order by c.id limit ${AT_ONCE}),
            gone as (delete from snapshot_contents where id in (select c.id from batch c where ${isOld}) returning 1)
       select (select count(*)::int from gone) as gone, (select id from batch order by id desc limit 1) as last`,
      [after],
    );
    forgotten += some?.gone ?? 0;
    if (!some?.last) return forgotten;
    after = some.last;
  }
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
