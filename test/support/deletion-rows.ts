import { randomUUID } from 'node:crypto';
import { insertJob } from './job-rows.js';
import type { Stateward } from './stateward.js';

/** Rows as they are after savepoints have completed: no Flink is asked of any. */

/** A run that has taken hold and completed a checkpoint of its own; the deployment is RUNNING. */
export async function insertRun(stateward: Stateward, deploymentId: string, clusterId: string): Promise<string> {
  const { database } = stateward.services;
  const jobId = await insertJob(stateward, deploymentId, clusterId, 'RUNNING');
  await database.changed(
    'update job set started_at = now(), took_hold_at = now(), checkpoint_interval_ms = 1000 where id = $1',
    [jobId],
  );
  await completeCheckpoint(stateward, jobId);
  return jobId;
}

export const completeCheckpoint = ({ services: { database } }: Stateward, jobId: string) =>
  database.changed(
    `insert into job_checkpoints (job_id, deployment_id, looked_at, first_completed_id) select id, deployment_id, now(), 7 from job where id = $1
     on conflict (job_id) do update set first_completed_id = 7`,
    [jobId],
  );

/** The run has ended, and what it left has been read; the deployment is stopped. */
export async function endRun({ services: { database } }: Stateward, jobId: string): Promise<void> {
  await database.changed(
    `update job set state = 'CANCELLED', ended_at = now(), end_read_at = now(), end_read_from = 'STATISTICS' where id = $1`,
    [jobId],
  );
  await database.changed(
    `update deployment set state = 'CANCELLED' where id = (select deployment_id from job where id = $1)`,
    [jobId],
  );
}

/** Columns of the row that are to be others. */
export type SavepointColumns = Record<string, unknown>;

/** A completed savepoint of a run, written where Flink was asked to; `hoursAgo` it was triggered. */
export async function insertCompleted(
  { services: { database } }: Stateward,
  jobId: string,
  hoursAgo: number,
  columns: SavepointColumns = {},
): Promise<string> {
  const id = randomUUID();
  await database.changed(
    `insert into savepoint (id, deployment_id, job_id, cluster_id, origin, state, format, actor, attempt, storage_id, path, location,
                            created_at, triggered_at, completed_at, size_bytes, details, flink_version)
     select $1::uuid, j.deployment_id, j.id, j.cluster_id, 'MANUAL', 'COMPLETED', 'CANONICAL', 'test', 1, c.savepoint_storage_id, p.path, r.uri || '/' || p.path,
            now() - $3 * interval '1 hour', now() - $3 * interval '1 hour', now() - $3 * interval '1 hour', 1000, 'REPORTED', '2.3.0'
       from job j join cluster c on c.id = j.cluster_id join storage_root r on r.cluster_id = c.id and r.storage_id = c.savepoint_storage_id,
            lateral (select j.deployment_id || '/' || $1 || '/1/savepoint-' || left(j.flink_job_id, 6) || '-' || left(replace($1, '-', ''), 12) as path) p
      where j.id = $2`,
    [id, jobId, hoursAgo],
  );
  await database.changed(
    `insert into savepoint_attempt (savepoint_id, number, trigger_id, storage_id, directory, stored_at, sent_at, sends)
     select id, 1, $2, storage_id, deployment_id || '/' || id || '/1', now(), now(), 1 from savepoint where id = $1`,
    [id, id.replaceAll('-', '')],
  );
  const names = Object.keys(columns);
  if (names.length > 0) {
    const set = names.map((name, index) => `${name} = $${index + 2}`).join(', ');
    await database.changed(`update savepoint set ${set} where id = $1`, [id, ...Object.values(columns)]);
  }
  return id;
}

/** One that was imported into the savepoint storage of a cluster. */
export async function insertImport(
  { services: { database } }: Stateward,
  clusterId: string,
  {
    deploymentId = null,
    kind = 'SAVEPOINT',
    verified = false,
  }: { deploymentId?: string | null; kind?: string; verified?: boolean } = {},
): Promise<string> {
  const id = randomUUID();
  await database.changed(
    `insert into savepoint (id, deployment_id, origin, state, kind, verified, actor, storage_id, path, location, completed_at, details, size_bytes)
     select $1::uuid, $3, 'IMPORTED', 'COMPLETED', $4, $5, 'test', c.savepoint_storage_id, p.path, r.uri || '/' || p.path, now(), 'NEVER_REPORTED', 1000
       from cluster c join storage_root r on r.cluster_id = c.id and r.storage_id = c.savepoint_storage_id,
            lateral (select 'old/' || $1 || '/' || case when $4 = 'CHECKPOINT' then 'chk-7' else 'savepoint-abc-def' end as path) p
      where c.id = $2`,
    [id, clusterId, deploymentId, kind, verified],
  );
  if (verified) await insertContents(database, id, { selfContained: true });
  return id;
}

/** What its `_metadata` has told, as far as deletions ask for it. */
export const insertContents = (
  database: Stateward['services']['database'],
  id: string,
  { selfContained }: { selfContained: boolean },
) =>
  database.changed(
    `insert into snapshot_contents (id, savepoint_id, source, self_contained, contents) values (gen_random_uuid(), $1, 'METADATA', $2, '{}')`,
    [id, selfContained],
  );

export async function statesOf({ services: { database } }: Stateward, ids: readonly string[]): Promise<string[]> {
  const rows = await database.rows<{ id: string; state: string }>(
    'select id, state from savepoint where id = any($1)',
    [ids],
  );
  const byId = new Map(rows.map(({ id, state }) => [id, state]));
  return ids.map((id) => byId.get(id) ?? 'NONE');
}
