import { isLeftBehind } from '../checkpoint/checkpoint-page.js';
import type { Sql } from '../db/database.js';
import { StateBytes, StorageBytes } from './state-bytes.types.js';

/** What is stored in all, and where, as it is recorded. */
export async function readStateBytes(sql: Sql): Promise<StateBytes> {
  const byStorage = await sql.rows<StorageBytes>(
    `select storage_id as "storageId", coalesce(sum(size_bytes), 0)::float8 as "savepointBytes",
            coalesce(sum(size_bytes) filter (where state <> 'COMPLETED'), 0)::float8 as "deletingBytes",
            (count(*) filter (where state = 'DELETION_FAILED'))::int as "deletionsFailed",
            (count(*) filter (where size_bytes is null))::int as "ofUnknownSize"
       from savepoint where state in ('COMPLETED', 'DELETING', 'DELETION_FAILED')
      group by storage_id order by 2 desc, 1`,
  );
  const leftBehind = await sql.row<{ bytes: number; unknown: number }>(
    `select coalesce(sum(r.state_bytes), 0)::float8 as bytes, (count(*) filter (where r.state_bytes is null))::int as unknown
       from retained_checkpoint r join job e on e.id = r.job_id where ${isLeftBehind('r', 'e')}`,
  );
  const sum = (field: Exclude<keyof StorageBytes, 'storageId'>) => byStorage.reduce((all, one) => all + one[field], 0);
  const leftBehindBytes = leftBehind?.bytes ?? 0;
  return Object.assign(new StateBytes(), {
    storedBytes: sum('savepointBytes') + leftBehindBytes,
    savepointBytes: sum('savepointBytes'),
    deletingBytes: sum('deletingBytes'),
    deletionsFailed: sum('deletionsFailed'),
    leftBehindBytes,
    ofUnknownSize: sum('ofUnknownSize') + (leftBehind?.unknown ?? 0),
    byStorage: byStorage.map((one) => Object.assign(new StorageBytes(), one)),
  });
}
