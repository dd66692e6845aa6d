import type { Claim } from '../db/claims.js';
import type { Sql } from '../db/database.js';
import type { RunSettings } from '../deployment/run-settings.js';
import type { StartStrategy } from '../job/start-strategy.js';
import type { JobState } from '../job/job.entity.js';

/** A run whose first snapshot is to be read, with all that this needs; ages by the database's clock. */
export interface OwnLookAtWork {
  id: string;
  deploymentId: string;
  deploymentName: string;
  run: number;
  state: JobState;
  flinkJobId: string;
  origin: 'STARTED' | 'ADOPTED';
  strategy: StartStrategy | null;
  ownLook: 'DUE' | 'DONE' | null;
  dueForMs: number;
  failures: number;
  /** Epoch ms. */
  createdAt: number;
  allowNonRestoredState: boolean;
  startSavepointId: string | null;
  startLocation: string | null;
  /** Of an adopted run, what Flink showed as restored. */
  restoredLocation: string | null;
  restoredCheckpointId: number | null;
  settings: RunSettings;
  cluster: { id: string; flinkVersion: string | null; configuration: Record<string, string> };
}

/** null: the claim is not held any more. */
export async function ownLookAtWork(sql: Sql, claim: Claim): Promise<OwnLookAtWork | null> {
  const row = await sql.row<{ work: OwnLookAtWork }>(
    `select jsonb_build_object(
        'id', j.id, 'deploymentId', j.deployment_id, 'deploymentName', d.name, 'run', j.run, 'state', j.state, 'flinkJobId', j.flink_job_id,
        'origin', j.origin, 'strategy', j.strategy, 'ownLook', j.own_look, 'dueForMs', greatest(0, extract(epoch from now() - j.own_look_since) * 1000)::float8,
        'failures', j.failures, 'createdAt', (extract(epoch from j.created_at) * 1000)::float8,
        'allowNonRestoredState', j.allow_non_restored_state, 'startSavepointId', j.start_savepoint_id, 'startLocation', j.start_location,
        'restoredLocation', j.restored_location, 'restoredCheckpointId', j.restored_checkpoint_id,
        'settings', jsonb_build_object('artifactId', j.artifact_id, 'entryClass', j.entry_class, 'programArguments', to_jsonb(j.program_arguments),
                                       'parallelism', j.parallelism, 'flinkConfiguration', j.flink_configuration),
        'cluster', jsonb_build_object('id', c.id, 'flinkVersion', c.flink_version, 'configuration', c.configuration)) as work
       from job j join deployment d on d.id = j.deployment_id join cluster c on c.id = j.cluster_id
      where j.id = $1 and j.claim = $2`,
    [claim.id, claim.claim],
  );
  return row?.work ?? null;
}

/** Snapshots of a run's own that may be there, newest first: of checkpoints Flink keeps the newest alone. */
export interface OwnSnapshot {
  flinkCheckpointId: number | null;
  location: string | null;
  savepointId: string | null;
  storageId: string | null;
  path: string | null;
}

export const ownSnapshotsOf = (sql: Sql, jobId: string, limit: number) =>
  sql.rows<OwnSnapshot>(
    `select * from (
       select flink_checkpoint_id::float8 as "flinkCheckpointId", location, null::uuid as "savepointId", null::uuid as "storageId", null::text as path,
              triggered_at as at
         from checkpoint where job_id = $1 and state = 'COMPLETED' and not discarded and savepoint_id is null
       union all
       select flink_checkpoint_id::float8, location, id, storage_id, path, coalesce(triggered_at, created_at)
         from savepoint where job_id = $1 and state = 'COMPLETED' and origin <> 'IMPORTED') s
      order by at desc limit $2`,
    [jobId, limit],
  );
