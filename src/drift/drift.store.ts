import { Storage } from '../cluster/storage.entity.js';
import type { Sql, Transaction } from '../db/database.js';
import { folderName } from '../deletion/place-index.js';
import { liveJobStates } from '../job/job.lifecycle.js';
import type { Place } from '../savepoint/find-savepoint.js';
import { Savepoint } from '../savepoint/savepoint.entity.js';
import type { DataState } from '../savepoint/savepoint.enums.js';
import { type Asked, listOf, merged, placed } from './drift-list.js';

/** By the database's clock, in epoch ms. */
export async function databaseNow(sql: Sql): Promise<number> {
  const row = await sql.row<{ now: number }>('select extract(epoch from now())::float8 * 1000 as now');
  return row?.now ?? 0;
}

/** One, or the newest. */
export const storagesAsked = (sql: Sql, storageId: string | null, limit: number) =>
  sql.entities(
    Storage,
    'select * from storage where $1::uuid is null or id = $1 order by created_at desc, id desc limit $2',
    [storageId, limit],
  );

export const placeKey = ({ storageId, path }: Place) => `${storageId}/${path}`;

/** Of some places those where a savepoint is recorded now: what is whole there is no left-over. */
export async function keptAt(sql: Sql, places: readonly Place[]): Promise<Set<string>> {
  const rows = await sql.rows<Place>(
    `select storage_id as "storageId", path from savepoint
      where (storage_id, path) in (select * from unnest($1::uuid[], $2::text[])) and state <> 'DELETED'`,
    [places.map(({ storageId }) => storageId), places.map(({ path }) => path)],
  );
  return new Set(rows.map(placeKey));
}

/** What live runs, and the last runs of stopped deployments, were started from or show as restored: nobody should remove that by hand. */
export const sourcesOfRuns = (sql: Sql) =>
  sql.rows<{ clusterId: string; location: string; run: number; deploymentName: string }>(
    `select j.cluster_id as "clusterId", l.location, j.run, d.name as "deploymentName"
       from job j join deployment d on d.id = j.deployment_id
      cross join lateral unnest(array[j.start_location, j.restored_location]) l(location)
      where (j.state = any($1) or (j.id = d.current_job_id and d.archived_at is null)) and l.location is not null`,
    [liveJobStates],
  );

/** Runs that somebody else has started from a location whose last folder is one of these: with CLAIM it was Flink's from then on. */
export const mayHaveClaimed = (sql: Sql, folders: readonly string[]) =>
  sql.rows<{ location: string; run: number; deploymentName: string }>(
    `select j.restored_location as location, j.run, d.name as "deploymentName"
       from job j join deployment d on d.id = j.deployment_id
      where j.origin = 'ADOPTED' and ${folderName('j.restored_location')} = any($1) order by j.created_at desc`,
    [folders],
  );

export interface RecordRow {
  id: string;
  origin: string;
  deploymentId: string | null;
  storageId: string | null;
  path: string | null;
  location: string | null;
  bytes: number | null;
  data: string;
  /** Its last attempt; null: it has none. */
  attempt: number | null;
  failureCode: string | null;
  failureMessage: string | null;
  /** Of a deletion: where something of it was seen, or may lie, and how much. */
  leftLocation: string | null;
  leftBytes: number | null;
  forgottenAt: Date | null;
  forgottenBy: string | null;
  forgottenReason: string | null;
}

const recordColumns = `s.id, s.origin, s.deployment_id as "deploymentId", s.storage_id as "storageId", s.path, s.location,
  s.size_bytes::float8 as bytes, s.data, a.number as attempt, g.failure_code as "failureCode", g.failure_message as "failureMessage",
  g.left_path as "leftLocation", g.left_bytes::float8 as "leftBytes",
  f.at as "forgottenAt", f.by as "forgottenBy", f.reason as "forgottenReason"`;
/** What was said of an attempt before its savepoint was deleted was said of something else that lay there. */
const recordFrom = `savepoint s left join deletion g on g.id = s.id left join savepoint_attempt a on a.savepoint_id = s.id and a.number = s.attempt
  left join lateral (select a.left_forgotten_at, a.left_forgotten_by, a.left_forgotten_reason where a.left_forgotten_at >= s.deleted_at) f(at, by, reason) on true`;

const recordList = (sql: Sql, asked: Asked, where: string, at: string) => {
  const values: unknown[] = [asked.storageId];
  const list = listOf(
    {
      columns: recordColumns,
      from: recordFrom,
      where: `($1::uuid is null or s.storage_id = $1) and ${where}`,
      at,
      key: 's.id::text',
    },
    asked,
    values,
  );
  return placed<RecordRow>(sql, merged([list], asked.limit, values), values);
};

export const withoutData = (sql: Sql, asked: Asked) =>
  recordList(
    sql,
    asked,
    `s.state = 'COMPLETED' and s.data in ('MISSING', 'DAMAGED')`,
    'coalesce(s.data_checked_at, s.completed_at, s.created_at)',
  );

export const deletionsFailed = (sql: Sql, asked: Asked) =>
  recordList(sql, asked, `s.state = 'DELETION_FAILED'`, 'coalesce(g.asked_at, s.state_since)');

/** Unless it was imported again since. */
export const deletionsForgotten = (sql: Sql, asked: Asked, includeForgotten: boolean) =>
  recordList(
    sql,
    asked,
    `s.state = 'DELETED' and s.proof = 'NONE' ${includeForgotten ? '' : 'and f.at is null'}
       and not exists (select 1 from savepoint o where o.storage_id = s.storage_id and o.path = s.path and o.state <> 'DELETED')`,
    'coalesce(s.deleted_at, s.state_since)',
  );

export interface AttemptFacts {
  storageId: string;
  directory: string;
  ended: boolean;
}

export const findAttempt = (sql: Sql, savepointId: string, number: number) =>
  sql.row<AttemptFacts>(
    'select storage_id as "storageId", directory, ended_at is not null as ended from savepoint_attempt where savepoint_id = $1 and number = $2',
    [savepointId, number],
  );

/** Answers whether this call changed it. What was said before its savepoint was deleted was said of something else. */
export const forgetAttempt = async (
  tx: Transaction,
  savepointId: string,
  number: number,
  actor: string,
  reason: string,
) =>
  (await tx.changed(
    `update savepoint_attempt a set left_forgotten_at = now(), left_forgotten_by = $3, left_forgotten_reason = $4
       from savepoint s where s.id = a.savepoint_id and a.savepoint_id = $1 and a.number = $2
        and (a.left_forgotten_at is null or a.left_forgotten_at < s.deleted_at)`,
    [savepointId, number, actor, reason],
  )) === 1;

/** Nobody's look writes to it until the transaction ends. */
export const lockSavepointRow = (tx: Transaction, id: string) =>
  tx.entity(Savepoint, 'select * from savepoint where id = $1 for no key update', [id]);

/** A FAILED one is looked for once more, as those are whose result was lost. */
export const seekAgain = (tx: Transaction, id: string) =>
  tx.changed(`update savepoint set look_at = now(), wakes = wakes + 1 where id = $1 and state = 'FAILED'`, [id]);

export const recordData = (tx: Transaction, id: string, data: DataState) =>
  tx.changed('update savepoint set data = $2, data_checked_at = now() where id = $1', [id, data]);
