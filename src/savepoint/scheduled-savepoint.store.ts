import type { Transaction } from '../db/database.js';
import type { SavepointFormat } from '../deployment/savepoint-format.js';
import type { JobState } from '../job/job.entity.js';

/** What the row of a scheduled savepoint holds besides. */

/** How often it was tried, what is under way included; an attempt that never left is none. */
export async function triesOf(
  tx: Transaction,
  id: string,
): Promise<{ tries: number; allowed: number; jobState: JobState; stopping: boolean }> {
  const row = await tx.row<{ tries: number; allowed: number; jobState: JobState; stopping: boolean }>(
    `select (select count(*)::int from savepoint_attempt a where a.savepoint_id = s.id and a.outcome is distinct from 'NEVER_SENT') as tries,
            s.attempts_allowed as allowed, j.state as "jobState",
            exists (select 1 from stop t where t.job_id = j.id and t.state in ('WAITING', 'IN_PROGRESS')) as stopping
       from savepoint s join job j on j.id = s.job_id where s.id = $1`,
    [id],
  );
  if (!row) throw new Error(`Savepoint ${id} has vanished`);
  return row;
}

export const notBefore = (tx: Transaction, id: string, inMs: number) =>
  tx.changed(`update savepoint set not_before = now() + $2 * interval '1 ms' where id = $1`, [id, inMs]);

/** Durations of the last ten of each deployment in a format, newest first. */
export async function lastDurationsOfMany(
  tx: Transaction,
  all: readonly { deploymentId: string; format: SavepointFormat }[],
): Promise<number[][]> {
  const rows = await tx.rows<{ durations: number[] }>(
    `select array(select s.duration_ms::float8 from savepoint s
                   where s.deployment_id = w.deployment_id and s.format = w.format and s.duration_ms is not null
                   order by s.created_at desc, s.id desc limit 10) as durations
       from unnest($1::uuid[], $2::text[]) with ordinality as w(deployment_id, format, place) order by place`,
    [all.map(({ deploymentId }) => deploymentId), all.map(({ format }) => format)],
  );
  return rows.map(({ durations }) => durations);
}

export interface ScheduledRow {
  id: string;
  deploymentId: string;
  jobId: string;
  clusterId: string;
  scheduleId: string;
  slotAt: Date;
  notBefore: Date | null;
  attempts: number;
  format: SavepointFormat;
  expectedDurationMs: number | null;
  warnings: { code: string; message: string }[];
  lookInMs: number;
}

export const insertScheduled = (tx: Transaction, rows: readonly ScheduledRow[], actor: string) =>
  tx.changed(
    `insert into savepoint (id, deployment_id, job_id, cluster_id, origin, state, format, expected_duration_ms, warnings, actor,
                            schedule_id, slot_at, not_before, attempts_allowed, look_at)
     select r.id, r.deployment_id, r.job_id, r.cluster_id, 'SCHEDULED', 'PENDING', r.format, r.expected_duration_ms, r.warnings, $13,
            r.schedule_id, r.slot_at, r.not_before, r.attempts, coalesce(r.not_before, now()) + r.look_in * interval '1 ms'
       from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::bigint[], $7::jsonb[], $8::uuid[], $9::timestamptz[],
                   $10::timestamptz[], $11::int[], $12::int[])
            as r(id, deployment_id, job_id, cluster_id, format, expected_duration_ms, warnings, schedule_id, slot_at, not_before, attempts, look_in)`,
    [
      rows.map(({ id }) => id),
      rows.map(({ deploymentId }) => deploymentId),
      rows.map(({ jobId }) => jobId),
      rows.map(({ clusterId }) => clusterId),
      rows.map(({ format }) => format),
      rows.map(({ expectedDurationMs }) => expectedDurationMs),
      rows.map(({ warnings }) => JSON.stringify(warnings)),
      rows.map(({ scheduleId }) => scheduleId),
      rows.map(({ slotAt }) => slotAt),
      rows.map(({ notBefore }) => notBefore),
      rows.map(({ attempts }) => attempts),
      rows.map(({ lookInMs }) => lookInMs),
      actor,
    ],
  );
