import { randomUUID } from 'node:crypto';
import type { Database } from '../../src/db/database.js';
import { insertCluster, insertDeployment } from './rows.js';

/** What a worker that observes checkpoints leaves behind, as rows: each test makes the history that it needs. */
export interface Run {
  clusterId: string;
  deploymentId: string;
  jobId: string;
}

const insert = async (database: Database, table: string, row: object): Promise<void> => {
  const columns = Object.keys(row);
  await database.changed(
    `insert into ${table} (${columns.join(', ')}) values (${columns.map((_, at) => `$${at + 1}`).join(', ')})`,
    Object.values(row),
  );
};

/** A run, of a new deployment on a new cluster unless told otherwise; live unless `columns` say that it has ended. */
export async function insertRun(
  database: Database,
  columns: Record<string, unknown> = {},
  of?: { clusterId: string; deploymentId: string },
): Promise<Run> {
  const clusterId = of?.clusterId ?? (await insertCluster(database));
  const deploymentId = of?.deploymentId ?? (await insertDeployment(database, clusterId));
  const jobId = randomUUID();
  const row = await database.row<{ runs: number }>(
    'update deployment set runs = runs + 1 where id = $1 returning runs',
    [deploymentId],
  );
  await insert(database, 'job', {
    id: jobId,
    deployment_id: deploymentId,
    cluster_id: clusterId,
    run: row?.runs,
    flink_job_id: jobId.replaceAll('-', ''),
    state: 'RUNNING',
    strategy: 'NONE',
    actor: 'test',
    ...columns,
  });
  await database.changed('update deployment set current_job_id = $2 where id = $1', [deploymentId, jobId]);
  return { clusterId, deploymentId, jobId };
}

/** It is over, and what it left behind has been read. */
export const endRun = (database: Database, { jobId }: Run) =>
  database.changed(
    `update job set state = 'CANCELLED', ended_at = now(), end_read_at = now(), end_read_from = 'STATISTICS' where id = $1`,
    [jobId],
  );

/** One that was completed, at a time on the JobManager's clock. */
export const insertCheckpoint = (
  database: Database,
  { jobId, deploymentId }: Run,
  flinkCheckpointId: number,
  triggeredAt: Date,
  columns: Record<string, unknown> = {},
) =>
  insert(database, 'checkpoint', {
    job_id: jobId,
    deployment_id: deploymentId,
    flink_checkpoint_id: flinkCheckpointId,
    triggered_at: triggeredAt,
    kind: 'CHECKPOINT',
    type: 'CHECKPOINT',
    state: 'COMPLETED',
    ended_at: new Date(triggeredAt.getTime() + 250),
    duration_ms: 250,
    checkpointed_bytes: 1_000,
    state_bytes: 5_000,
    subtasks: 4,
    acknowledged_subtasks: 4,
    location: `file:///checkpoints/${jobId}/chk-${flinkCheckpointId}`,
    ...columns,
  });

export const insertLeftBehind = (
  database: Database,
  { jobId, deploymentId }: Run,
  flinkCheckpointId: number,
  triggeredAt: Date,
  columns: Record<string, unknown> = {},
) =>
  insert(database, 'retained_checkpoint', {
    job_id: jobId,
    deployment_id: deploymentId,
    flink_checkpoint_id: flinkCheckpointId,
    triggered_at: triggeredAt,
    kind: 'CHECKPOINT',
    ended_at: new Date(triggeredAt.getTime() + 250),
    state_bytes: 5_000,
    checkpointed_bytes: 1_000,
    location: `file:///checkpoints/${jobId}/chk-${flinkCheckpointId}`,
    source: 'STATISTICS',
    ...columns,
  });

export const insertAccount = (
  database: Database,
  { jobId, deploymentId }: Run,
  columns: Record<string, unknown> = {},
) => insert(database, 'job_checkpoints', { job_id: jobId, deployment_id: deploymentId, ...columns });

export async function insertGap(
  database: Database,
  { jobId, deploymentId }: Run,
  from: Date,
  to: Date,
  columns: Record<string, unknown> = {},
): Promise<string> {
  const id = randomUUID();
  await insert(database, 'checkpoint_gap', {
    id,
    job_id: jobId,
    deployment_id: deploymentId,
    from_at: from,
    to_at: to,
    missing: 3,
    reason: 'COUNTED_MORE',
    ...columns,
  });
  return id;
}

/** A savepoint of a run that is COMPLETED unless told otherwise. */
export async function insertSavepointOf(
  database: Database,
  { jobId, deploymentId, clusterId }: Run,
  columns: Record<string, unknown> = {},
): Promise<string> {
  const id = randomUUID();
  await insert(database, 'savepoint', {
    id,
    deployment_id: deploymentId,
    job_id: jobId,
    cluster_id: clusterId,
    origin: 'MANUAL',
    state: 'COMPLETED',
    format: 'CANONICAL',
    actor: 'test',
    data: 'PRESENT',
    location: `file:///savepoints/${id}/savepoint-012345-abcdef`,
    triggered_at: new Date('2026-02-01T00:00:00Z'),
    completed_at: new Date('2026-02-01T00:00:09Z'),
    size_bytes: 7_000,
    duration_ms: 900,
    ...columns,
  });
  return id;
}

/** The partition of the day that begins then, under the name that housekeeping gives it. */
export async function makeDay(database: Database, day: string): Promise<void> {
  const name = `checkpoint_${day.replaceAll('-', '')}`;
  await database.changed(
    `create table if not exists ${name} partition of checkpoint for values from ('${day}T00:00:00Z') to (timestamptz '${day}T00:00:00Z' + interval '1 day')`,
  );
}
