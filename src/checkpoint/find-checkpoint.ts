import type { Sql } from '../db/database.js';
import type { SnapshotKind } from '../job/snapshot-kind.js';

/** What other nouns may ask of checkpoints. Times are on the JobManager's clock. */
export interface CheckpointFacts {
  jobId: string;
  flinkCheckpointId: number;
  kind: SnapshotKind;
  state: 'IN_PROGRESS' | 'COMPLETED' | 'FAILED';
  triggeredAt: Date;
  endedAt: Date | null;
  durationMs: number | null;
  stateBytes: number;
  checkpointedBytes: number;
  location: string | null;
  failureMessage: string | null;
  discarded: boolean;
  /** Ours. */
  savepointId: string | null;
}

const columns = `job_id as "jobId", flink_checkpoint_id::float8 as "flinkCheckpointId", kind, state, triggered_at as "triggeredAt", ended_at as "endedAt",
  duration_ms::float8 as "durationMs", state_bytes::float8 as "stateBytes", checkpointed_bytes::float8 as "checkpointedBytes", location,
  failure_message as "failureMessage", discarded, savepoint_id as "savepointId"`;

/** The newest that are recorded of a run; days that were dropped are not among them. */
export const checkpointsOf = (sql: Sql, jobId: string, limit: number) =>
  sql.rows<CheckpointFacts>(
    `select ${columns} from checkpoint where job_id = $1 order by triggered_at desc, flink_checkpoint_id desc limit $2`,
    [jobId, limit],
  );

export async function findCheckpoint(sql: Sql, jobId: string, flinkId: number): Promise<CheckpointFacts | null> {
  const row = await sql.row<CheckpointFacts>(
    `select ${columns} from checkpoint where job_id = $1 and flink_checkpoint_id = $2 order by triggered_at desc limit 1`,
    [jobId, flinkId],
  );
  return row ?? null;
}

export interface RetainedFacts {
  jobId: string;
  flinkCheckpointId: number;
  kind: SnapshotKind;
  triggeredAt: Date;
  endedAt: Date | null;
  stateBytes: number | null;
  location: string;
  source: 'STATISTICS' | 'STORAGE';
  data: 'NOT_CHECKED' | 'PRESENT' | 'MISSING';
}

/** What ended runs have left behind, newest first. Of a run that lives again it is out of date. */
export const retainedOf = (sql: Sql, jobIds: readonly string[]) =>
  sql.rows<RetainedFacts>(
    `select job_id as "jobId", flink_checkpoint_id::float8 as "flinkCheckpointId", kind, triggered_at as "triggeredAt", ended_at as "endedAt",
            state_bytes::float8 as "stateBytes", location, source, data
       from retained_checkpoint where job_id = any($1) order by triggered_at desc`,
    [jobIds],
  );

export interface AccountFacts {
  jobId: string;
  /** On the database's clock: when Flink last answered about its checkpoints. */
  lookedAt: Date | null;
  firstCompletedId: number | null;
  lastCompletedId: number | null;
  lastCompletedTriggeredAt: Date | null;
  lastCompletedAt: Date | null;
  lastCompletedLocation: string | null;
  lastFailedId: number | null;
  lastFailedAt: Date | null;
  failedInARow: number;
  /** Failed attempts without an entry in Flink's history. */
  failedWithoutEntry: number;
}

/** What is remembered of a run's checkpoints, however old; null: Flink never told of any. */
export async function accountOf(sql: Sql, jobId: string): Promise<AccountFacts | null> {
  const row = await sql.row<AccountFacts>(
    `select job_id as "jobId", looked_at as "lookedAt", first_completed_id::float8 as "firstCompletedId", last_completed_id::float8 as "lastCompletedId",
            last_completed_triggered_at as "lastCompletedTriggeredAt", last_completed_at as "lastCompletedAt",
            last_completed_location as "lastCompletedLocation", last_failed_id::float8 as "lastFailedId", last_failed_at as "lastFailedAt",
            failed_in_a_row as "failedInARow",
            (failed_without_entry + greatest(0, told_failed - recorded_failed))::float8 as "failedWithoutEntry"
       from job_checkpoints where job_id = $1`,
    [jobId],
  );
  return row ?? null;
}
