import type { Sql } from '../db/database.js';
import { fromStored, type SnapshotContents, type StoredContents } from '../savepoint/snapshot-contents.js';

export interface NewestContents {
  deploymentId: string;
  run: number;
  /** null: a checkpoint. */
  savepointId: string | null;
  location: string | null;
  contents: SnapshotContents;
  readAt: Date;
}

/** Of each of some deployments the newest snapshot of its own runs whose `_metadata` was read: of the newest such run, the one read last. */
export async function newestContentsOf(sql: Sql, deploymentIds: readonly string[]): Promise<NewestContents[]> {
  const rows = await sql.rows<Omit<NewestContents, 'contents'> & { contents: StoredContents }>(
    `select wanted.id as "deploymentId", n.* from unnest($1::uuid[]) wanted(id) cross join lateral (
       select * from (
         select j.run, s.id as "savepointId", s.location, c.contents, c.read_at as "readAt"
           from savepoint s join snapshot_contents c on c.savepoint_id = s.id and c.source = 'METADATA' join job j on j.id = s.job_id
          where s.deployment_id = wanted.id and j.deployment_id = wanted.id and s.origin <> 'IMPORTED'
         union all
         select j.run, null, j.own_snapshot ->> 'location', c.contents, c.read_at
           from job j join snapshot_contents c on c.storage_id = (j.own_snapshot ->> 'storageId')::uuid and c.path = j.own_snapshot ->> 'path'
          where j.deployment_id = wanted.id and j.own_snapshot is not null and c.source = 'METADATA') one
        order by run desc, "readAt" desc limit 1) n`,
    [deploymentIds],
  );
  return rows.map((row) => ({ ...row, contents: fromStored(row.contents) }));
}
