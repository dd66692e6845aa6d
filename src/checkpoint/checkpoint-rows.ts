import type { SavepointFormat } from '../deployment/savepoint-format.js';
import type { JobState } from '../job/job.entity.js';
import { isLive } from '../job/job.lifecycle.js';
import type { SnapshotKind } from '../job/snapshot-kind.js';
import type { CheckpointState } from './checkpoint.enums.js';
import { Checkpoint } from './checkpoint.types.js';
import type { SavepointToJudge } from './restorable.js';

/**
 * A checkpoint is told of by its row in the history, by the account of its run, and by what its run left behind. Each of
 * these selects the same columns, so that they are completed and read in one way. c, a and r are their tables.
 */
export const ofHistory = `c.job_id, c.deployment_id, c.flink_checkpoint_id, c.kind, c.type, c.format, c.state, c.triggered_at, c.ended_at,
  c.duration_ms, c.checkpointed_bytes, c.state_bytes, c.subtasks, c.acknowledged_subtasks, c.location, c.failure_message, c.discarded, c.savepoint_id`;

export const ofLeftBehind = `r.job_id, r.deployment_id, r.flink_checkpoint_id, r.kind, null::text as type, null::text as format, 'COMPLETED' as state,
  r.triggered_at, r.ended_at, ${between('r.triggered_at', 'r.ended_at')} as duration_ms, r.checkpointed_bytes, r.state_bytes, null::integer as subtasks,
  null::integer as acknowledged_subtasks, r.location, null::text as failure_message, false as discarded, null::uuid as savepoint_id`;

export const ofLastCompleted = `a.job_id, a.deployment_id, a.last_completed_id as flink_checkpoint_id, 'CHECKPOINT' as kind, null::text as type,
  null::text as format, 'COMPLETED' as state, a.last_completed_triggered_at as triggered_at, a.last_completed_at as ended_at,
  a.last_completed_duration_ms as duration_ms, a.last_completed_bytes as checkpointed_bytes, a.last_completed_state_bytes as state_bytes,
  null::integer as subtasks, null::integer as acknowledged_subtasks, a.last_completed_location as location, null::text as failure_message,
  false as discarded, null::uuid as savepoint_id`;

export const ofLastFailed = `a.job_id, a.deployment_id, a.last_failed_id as flink_checkpoint_id, 'CHECKPOINT' as kind, null::text as type,
  null::text as format, 'FAILED' as state, coalesce(a.last_failed_triggered_at, a.last_failed_at) as triggered_at, a.last_failed_at as ended_at,
  a.last_failed_duration_ms as duration_ms, a.last_failed_bytes as checkpointed_bytes,
  a.last_failed_state_bytes as state_bytes, null::integer as subtasks, null::integer as acknowledged_subtasks, null::text as location,
  a.last_failed_message as failure_message, false as discarded, null::uuid as savepoint_id`;

/** What another run was started from is remembered with that run (u, of the maker m). */
export const ofSource = `u.start_job_id as job_id, m.deployment_id, u.start_checkpoint_id as flink_checkpoint_id,
  case when u.start_location ~ '/chk-[0-9]+$' then 'CHECKPOINT' else 'SAVEPOINT' end as kind, null::text as type, null::text as format,
  'COMPLETED' as state, u.start_triggered_at as triggered_at, null::timestamptz as ended_at, null::bigint as duration_ms,
  null::bigint as checkpointed_bytes, null::bigint as state_bytes, null::integer as subtasks, null::integer as acknowledged_subtasks,
  u.start_location as location, null::text as failure_message, false as discarded, u.start_savepoint_id as savepoint_id`;

function between(from: string, to: string): string {
  return `(extract(epoch from ${to} - ${from}) * 1000)::bigint`;
}

/** What the verdicts hang on, beside such columns: joined to the few rows that were picked. */
export const completed = (picked: string) =>
  `select p.*, j.state as job_state, j.end_read_at is not null as end_read, (j.checkpointing ->> 'inJobManagerMemory')::boolean as in_memory,
          l.data as left_behind, l.kind = 'CHECKPOINT' and j.checkpoints_going_at is not null as going, s.kind as savepoint_kind, s.state as savepoint_state, s.data as savepoint_data,
          s.location as savepoint_location, s.drained as savepoint_drained, s.verified as savepoint_verified
     from (${picked}) p
     join job j on j.id = p.job_id
     left join retained_checkpoint l on l.job_id = p.job_id and l.flink_checkpoint_id = p.flink_checkpoint_id
     left join savepoint s on s.id = p.savepoint_id`;

/** As PostgreSQL's driver reads them (bigint as text), or inside JSON (times as text). */
export interface CompletedRow {
  job_id: string;
  deployment_id: string;
  flink_checkpoint_id: string | number;
  kind: SnapshotKind;
  type: string | null;
  format: SavepointFormat | null;
  state: CheckpointState;
  triggered_at: Date | string;
  ended_at: Date | string | null;
  duration_ms: string | number | null;
  checkpointed_bytes: string | number | null;
  state_bytes: string | number | null;
  subtasks: number | null;
  acknowledged_subtasks: number | null;
  location: string | null;
  failure_message: string | null;
  discarded: boolean;
  savepoint_id: string | null;
  job_state: JobState;
  end_read: boolean;
  in_memory: boolean | null;
  left_behind: 'NOT_CHECKED' | 'PRESENT' | 'MISSING' | null;
  going: boolean | null;
  savepoint_kind: SavepointToJudge['kind'] | null;
  savepoint_state: SavepointToJudge['state'] | null;
  savepoint_data: SavepointToJudge['data'] | null;
  savepoint_location: string | null;
  savepoint_drained: boolean | null;
  savepoint_verified: boolean | null;
}

export function toCheckpoint(row: CompletedRow): Checkpoint {
  return new Checkpoint({
    jobId: row.job_id,
    deploymentId: row.deployment_id,
    flinkCheckpointId: Number(row.flink_checkpoint_id),
    kind: row.kind,
    type: row.type,
    format: row.format,
    state: row.state,
    triggeredAt: new Date(row.triggered_at),
    endedAt: row.ended_at === null ? null : new Date(row.ended_at),
    durationMs: numberOf(row.duration_ms),
    checkpointedBytes: numberOf(row.checkpointed_bytes),
    stateBytes: numberOf(row.state_bytes),
    subtasks: row.subtasks,
    acknowledgedSubtasks: row.acknowledged_subtasks,
    location: row.location,
    failureMessage: row.failure_message,
    discarded: row.discarded,
    savepointId: row.savepoint_id,
    run: { live: isLive(row.job_state), endRead: row.end_read, inJobManagerMemory: row.in_memory },
    retained: row.left_behind && { data: row.left_behind, going: row.going ?? false },
    savepoint: savepointOf(row),
  });
}

function savepointOf(row: CompletedRow): SavepointToJudge | null {
  const { savepoint_kind: kind, savepoint_state: state, savepoint_data: data } = row;
  if (kind === null || state === null || data === null) return null;
  return {
    kind,
    state,
    data,
    location: row.savepoint_location,
    drained: row.savepoint_drained ?? false,
    verified: row.savepoint_verified ?? true,
  };
}

const numberOf = (value: string | number | null): number | null => (value === null ? null : Number(value));
