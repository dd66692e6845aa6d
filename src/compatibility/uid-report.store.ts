import type { Sql } from '../db/database.js';
import type { RunSettings } from '../deployment/run-settings.js';
import { fromStored, type SnapshotContents, type StoredContents } from '../savepoint/snapshot-contents.js';

export interface NewestContents {
  deploymentId: string;
  run: number;
  /** null: a checkpoint. */
  savepointId: string | null;
  location: string | null;
  contents: SnapshotContents;
  readAt: Date;
  /** Of that run. */
  settings: RunSettings;
  cluster: { flinkVersion: string | null; configuration: Record<string, string> };
}

const RUN_SETTINGS = `jsonb_build_object('artifactId', j.artifact_id, 'entryClass', j.entry_class, 'programArguments', to_jsonb(j.program_arguments),
  'parallelism', j.parallelism, 'flinkConfiguration', j.flink_configuration)`;
const CLUSTER = `jsonb_build_object('flinkVersion', c.flink_version, 'configuration', c.configuration)`;

/** Of each of some deployments the newest snapshot of its own runs whose `_metadata` was read: of the newest such run, the one read last. */
export async function newestContentsOf(sql: Sql, deploymentIds: readonly string[]): Promise<NewestContents[]> {
  const rows = await sql.rows<Omit<NewestContents, 'contents'> & { contents: StoredContents }>(
    `select wanted.id as "deploymentId", n.run, n."savepointId", n.location, n.contents, n."readAt", ${RUN_SETTINGS} as settings, ${CLUSTER} as cluster
       from unnest($1::uuid[]) wanted(id) cross join lateral (
       select * from (
         select j.id as job_id, j.run, s.id as "savepointId", s.location, c.contents, c.read_at as "readAt"
           from savepoint s join snapshot_contents c on c.savepoint_id = s.id and c.source = 'METADATA' join job j on j.id = s.job_id
          where s.deployment_id = wanted.id and j.deployment_id = wanted.id and s.origin <> 'IMPORTED'
         union all
         select j.id, j.run, null, j.own_snapshot ->> 'location', c.contents, c.read_at
           from job j join snapshot_contents c on c.storage_id = (j.own_snapshot ->> 'storageId')::uuid and c.path = j.own_snapshot ->> 'path'
          where j.deployment_id = wanted.id and j.own_snapshot is not null and c.source = 'METADATA') one
        order by run desc, "readAt" desc limit 1) n
       join job j on j.id = n.job_id join cluster c on c.id = j.cluster_id`,
    [deploymentIds],
  );
  return rows.map((row) => ({ ...row, contents: fromStored(row.contents) }));
}
