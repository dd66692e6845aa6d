import type { Sql } from '../db/database.js';

/** Deletions that wait for a cluster, or for an answer of one, may go on: those of savepoints in some storages. */
export async function wakeDeletions(sql: Sql, storageIds: readonly string[]): Promise<void> {
  if (storageIds.length === 0) return;
  await sql.rows(
    `with waiting as (
       select d.id from deletion d join savepoint s on s.id = d.id
        where s.storage_id = any($1) and d.state in ('WAITING', 'DISPOSING') order by d.id for no key update of d),
          woken as (
       update deletion d set wakes = d.wakes + 1, look_at = least(d.look_at, now()) from waiting w where d.id = w.id returning 1)
     select pg_notify('stateward', 'due') from woken limit 1`,
    [storageIds],
  );
}
