import type { Database, Sql, Transaction } from '../db/database.js';
import { wakeUpFor } from '../db/wake-up.js';

export type EndReadFrom = 'STORAGE' | 'STATISTICS' | 'RECORD';

export interface RetainedToWrite {
  id: number;
  kind: 'CHECKPOINT' | 'SAVEPOINT';
  triggeredAt: Date;
  endedAt: Date | null;
  stateBytes: number | null;
  checkpointedBytes: number | null;
  location: string;
  source: 'STATISTICS' | 'STORAGE';
  data: 'NOT_CHECKED' | 'PRESENT' | 'MISSING';
}

export interface RecordedEntry {
  id: number;
  kind: 'CHECKPOINT' | 'SAVEPOINT';
  triggeredAt: Date;
  endedAt: Date | null;
  stateBytes: number;
  checkpointedBytes: number;
  location: string | null;
  ours: boolean;
}

const columns = `flink_checkpoint_id::float8 as id, kind, triggered_at as "triggeredAt", ended_at as "endedAt", state_bytes::float8 as "stateBytes",
  checkpointed_bytes::float8 as "checkpointedBytes", location, savepoint_id is not null as ours`;

/** What is recorded of these ids of a run. */
export const recordedOf = (sql: Sql, runId: string, ids: readonly number[]) =>
  sql.rows<RecordedEntry>(`select ${columns} from checkpoint where job_id = $1 and flink_checkpoint_id = any($2)`, [
    runId,
    ids,
  ]);

/** Savepoints in the history of a run that somebody else took: whole as long as he leaves them. */
export const foreignSavepointsOf = (sql: Sql, deploymentId: string, runId: string) =>
  sql.rows<RecordedEntry>(
    `select ${columns} from checkpoint
      where deployment_id = $1 and job_id = $2 and kind = 'SAVEPOINT' and state = 'COMPLETED' and savepoint_id is null and location is not null`,
    [deploymentId, runId],
  );

/**
 * What an ended run has left is known now, in place of what was known before. False: it has come back to life, or somebody else was
 * quicker.
 */
export async function writeEnd(
  database: Database,
  run: { id: string; deploymentId: string },
  retained: readonly RetainedToWrite[],
  from: EndReadFrom,
): Promise<boolean> {
  return database.transaction(async (tx) => {
    const ended = await tx.changed(
      `update job set end_read_at = now(), end_read_from = $2
        where id = $1 and end_read_at is null and state in ('CANCELLED', 'FINISHED', 'FAILED')`,
      [run.id, from],
    );
    if (ended === 0) return false;
    await tx.changed('delete from retained_checkpoint where job_id = $1', [run.id]);
    await insertRetained(tx, run, retained);
    if (from !== 'RECORD') await discardOthers(tx, run.id, retained);
    await endPending(tx, run.id);
    await tx.rows(wakeUpFor('select unnest($1::text[])'), [
      [`checkpoints:${run.deploymentId}`, `deployment:${run.deploymentId}`, `job:${run.id}`],
    ]);
    return true;
  });
}

const insertRetained = (
  tx: Transaction,
  run: { id: string; deploymentId: string },
  retained: readonly RetainedToWrite[],
) =>
  tx.changed(
    `insert into retained_checkpoint (job_id, deployment_id, flink_checkpoint_id, kind, triggered_at, ended_at, state_bytes, checkpointed_bytes,
            location, source, data, data_checked_at)
     select $1, $2, *, case when data <> 'NOT_CHECKED' then now() end
       from unnest($3::bigint[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::bigint[], $8::bigint[], $9::text[], $10::text[], $11::text[])
            t(id, kind, triggered, ended, size, written, location, source, data)`,
    [
      run.id,
      run.deploymentId,
      retained.map(({ id }) => id),
      retained.map(({ kind }) => kind),
      retained.map(({ triggeredAt }) => triggeredAt),
      retained.map(({ endedAt }) => endedAt),
      retained.map(({ stateBytes }) => stateBytes),
      retained.map(({ checkpointedBytes }) => checkpointedBytes),
      retained.map(({ location }) => location),
      retained.map(({ source }) => source),
      retained.map(({ data }) => data),
    ],
  );

/** Rows may have left Flink's list before they were seen discarded. */
const discardOthers = (tx: Transaction, runId: string, retained: readonly RetainedToWrite[]) =>
  tx.changed(
    `update checkpoint set discarded = true
      where job_id = $1 and kind = 'CHECKPOINT' and state = 'COMPLETED' and not discarded and flink_checkpoint_id <> all($2)`,
    [runId, retained.map(({ id }) => id)],
  );

/** What was in progress when it was last seen cannot complete any more. */
const endPending = (tx: Transaction, runId: string) =>
  tx.changed(
    `update checkpoint set state = 'FAILED', failure_message = 'The job had ended when its end was looked for.'
      where job_id = $1 and state = 'IN_PROGRESS'`,
    [runId],
  );
