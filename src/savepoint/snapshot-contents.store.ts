import { randomUUID } from 'node:crypto';
import type { Sql, Transaction } from '../db/database.js';
import type { Place } from './find-savepoint.js';
import { fromStored, type SnapshotContents, type StoredContents, toStored } from './snapshot-contents.js';

/** A savepoint of ours by its id, whatever else a place; a checkpoint by its place alone. */
export type SnapshotKey = { savepointId: string } | Place;

export interface ReadContents {
  contents: SnapshotContents;
  /** When it was read, and its files were looked for, on the database's clock. */
  readAt: Date;
}

const SAME_METADATA = ['checkpointId', 'metadataBytes']
  .map((name) => `coalesce(c.contents #> '{metadata,${name}}' = excluded.contents #> '{metadata,${name}}', false)`)
  .join(' and ');

/**
 * What is known better is not overwritten: what the statistics tell stands back behind what `_metadata` told before; and what a look at
 * its own folder alone tells (`ownFolderOnly`), where the very same `_metadata` was read before, behind what was seen of all its files.
 */
export async function keepContents(
  tx: Transaction,
  key: SnapshotKey,
  contents: SnapshotContents,
  { ownFolderOnly = false } = {},
): Promise<void> {
  const bySavepoint = 'savepointId' in key;
  const conflict = bySavepoint ? '(savepoint_id)' : '(storage_id, path)';
  await tx.changed(
    `insert into snapshot_contents as c (id, savepoint_id, storage_id, path, source, self_contained, contents)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict ${conflict} do update
        set source = excluded.source, self_contained = excluded.self_contained, contents = excluded.contents, read_at = now()
      where (excluded.source = 'METADATA' or c.source = 'REST') and not ($8 and ${SAME_METADATA})`,
    [
      randomUUID(),
      bySavepoint ? key.savepointId : null,
      bySavepoint ? null : key.storageId,
      bySavepoint ? null : key.path,
      contents.source,
      contents.source === 'METADATA' ? contents.files.selfContained : null,
      JSON.stringify(toStored(contents)),
      ownFolderOnly,
    ],
  );
}

/** Of a savepoint, else of one of the places where the snapshot lies; null: it was never read. */
export async function readContents(
  sql: Sql,
  { savepointId, places }: { savepointId: string | null; places: readonly Place[] },
): Promise<ReadContents | null> {
  const row = await sql.row<{ contents: StoredContents; readAt: Date }>(
    `select contents, read_at as "readAt" from snapshot_contents
      where savepoint_id = $1
         or ($1::uuid is null and (storage_id, path) in (select * from unnest($2::uuid[], $3::text[])))
      order by read_at desc limit 1`,
    [savepointId, places.map(({ storageId }) => storageId), places.map(({ path }) => path)],
  );
  return row ? { contents: fromStored(row.contents), readAt: row.readAt } : null;
}

/** Whether its `_metadata` was ever read. */
export async function wasRead(sql: Sql, key: SnapshotKey): Promise<boolean> {
  const place = 'savepointId' in key ? null : key;
  const row = await sql.row(
    `select 1 from snapshot_contents where source = 'METADATA' and (savepoint_id = $1 or (storage_id, path) = ($2::uuid, $3))`,
    ['savepointId' in key ? key.savepointId : null, place?.storageId ?? null, place?.path ?? null],
  );
  return row !== undefined;
}

/** Of savepoints, by their ids. */
export async function contentsOfSavepoints(sql: Sql, ids: readonly string[]): Promise<Map<string, ReadContents>> {
  const rows = await sql.rows<{ id: string; contents: StoredContents; readAt: Date }>(
    `select savepoint_id as id, contents, read_at as "readAt" from snapshot_contents where savepoint_id = any($1)`,
    [ids],
  );
  return new Map(rows.map(({ id, contents, readAt }) => [id, { contents: fromStored(contents), readAt }]));
}
