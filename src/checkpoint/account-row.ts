import type { CheckpointAccount, Pending, RememberedSnapshot } from './account.types.js';

/** An account as job_checkpoints (a) keeps it, read together with its cluster (k): times in epoch ms. */
export interface AccountRow {
  looks: string | number;
  process_mark: string | null;
  looked: number;
  newest_id: number | null;
  newest: number | null;
  told_total: number;
  told_completed: number;
  told_failed: number;
  recorded_completed: number;
  recorded_failed: number;
  failed_without_entry: number;
  pending: Pending[];
  first_completed_id: number | null;
  completed: RememberedSnapshot | null;
  failed: RememberedSnapshot | null;
  failed_in_a_row: number;
}

const ms = (column: string) => `(extract(epoch from ${column}) * 1000)::float8`;

/** looked_at is on the database's clock, everything else on the JobManager's: so is what is made of it. */
export const accountColumns = `a.looks, a.process_mark, coalesce(${ms('a.looked_at')}, 0) + coalesce(k.clock_offset_ms, 0) as looked,
  a.newest_id::float8, ${ms('a.newest_triggered_at')} as newest, a.told_total::float8, a.told_completed::float8, a.told_failed::float8,
  a.recorded_completed::float8, a.recorded_failed::float8, a.failed_without_entry::float8, a.pending, a.first_completed_id::float8, a.failed_in_a_row,
  case when a.last_completed_id is not null then jsonb_build_object('id', a.last_completed_id, 'triggeredAt', ${ms('a.last_completed_triggered_at')},
    'latestAckAt', ${ms('a.last_completed_at')}, 'failedAt', null, 'durationMs', a.last_completed_duration_ms, 'checkpointedBytes', a.last_completed_bytes,
    'stateBytes', a.last_completed_state_bytes, 'location', a.last_completed_location, 'failureMessage', null) end as completed,
  case when a.last_failed_id is not null then jsonb_build_object('id', a.last_failed_id, 'triggeredAt', ${ms('a.last_failed_triggered_at')},
    'latestAckAt', null, 'failedAt', ${ms('a.last_failed_at')}, 'durationMs', a.last_failed_duration_ms, 'checkpointedBytes', a.last_failed_bytes,
    'stateBytes', a.last_failed_state_bytes, 'location', null, 'failureMessage', a.last_failed_message) end as failed`;

export const toAccount = (row: AccountRow): CheckpointAccount => ({
  processMark: row.process_mark,
  lookedAt: row.looked,
  newestId: row.newest_id,
  newestTriggeredAt: row.newest,
  toldTotal: row.told_total,
  toldCompleted: row.told_completed,
  toldFailed: row.told_failed,
  recordedCompleted: row.recorded_completed,
  recordedFailed: row.recorded_failed,
  failedWithoutEntry: row.failed_without_entry,
  pending: row.pending,
  firstCompletedId: row.first_completed_id,
  lastCompleted: row.completed,
  lastFailed: row.failed,
  failedInARow: row.failed_in_a_row,
});

/** Column names and values of job_checkpoints; `ago_ms` in place of looked_at. */
export function toAccountRow(
  about: { jobId: string; deploymentId: string; looks: number; agoMs: number },
  account: CheckpointAccount,
) {
  const { lastCompleted: completed, lastFailed: failed } = account;
  return {
    job_id: about.jobId,
    deployment_id: about.deploymentId,
    looks: about.looks,
    ago_ms: about.agoMs,
    process_mark: account.processMark,
    newest_id: account.newestId,
    newest_triggered_at: iso(account.newestTriggeredAt),
    told_total: account.toldTotal,
    told_completed: account.toldCompleted,
    told_failed: account.toldFailed,
    recorded_completed: account.recordedCompleted,
    recorded_failed: account.recordedFailed,
    failed_without_entry: account.failedWithoutEntry,
    pending: account.pending,
    first_completed_id: account.firstCompletedId,
    last_completed_id: completed?.id ?? null,
    last_completed_triggered_at: iso(completed?.triggeredAt),
    last_completed_at: iso(completed && endOf(completed)),
    last_completed_duration_ms: whole(completed?.durationMs),
    last_completed_bytes: whole(completed?.checkpointedBytes),
    last_completed_state_bytes: whole(completed?.stateBytes),
    last_completed_location: completed?.location ?? null,
    last_failed_id: failed?.id ?? null,
    last_failed_triggered_at: iso(failed?.triggeredAt),
    last_failed_at: iso(failed?.failedAt),
    last_failed_duration_ms: whole(failed?.durationMs),
    last_failed_bytes: whole(failed?.checkpointedBytes),
    last_failed_state_bytes: whole(failed?.stateBytes),
    last_failed_message: failed?.failureMessage ? textOf(failed.failureMessage) : null,
    failed_in_a_row: account.failedInARow,
  };
}

const endOf = ({ latestAckAt, triggeredAt, durationMs }: RememberedSnapshot) =>
  latestAckAt ?? (durationMs === null ? null : triggeredAt + durationMs);
const iso = (moment: number | null | undefined) =>
  moment === null || moment === undefined ? null : new Date(moment).toISOString();
const whole = (figure: number | null | undefined) =>
  figure === null || figure === undefined ? null : Math.trunc(figure);

const LONGEST_TEXT = 2_000;
/** Within what a row should hold, and without what PostgreSQL takes in no text. */
export const textOf = (text: string): string => text.replaceAll('\0', '').slice(0, LONGEST_TEXT);
