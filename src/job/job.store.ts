import { assign } from '../db/assign.js';
import type { Sql, Transaction } from '../db/database.js';
import { type Page, pageOf } from '../db/pages.js';
import { Job, type JobState } from './job.entity.js';

export interface JobFilter {
  deploymentId?: string | null;
  clusterId?: string | null;
  states?: JobState[] | null;
}

export function jobPage(sql: Sql, page: Page, { deploymentId, clusterId, states }: JobFilter) {
  const where: string[] = [];
  const values: unknown[] = [];
  if (deploymentId) where.push(`deployment_id = $${values.push(deploymentId)}`);
  if (clusterId) where.push(`cluster_id = $${values.push(clusterId)}`);
  if (states) where.push(`state = any($${values.push(states)})`);
  return pageOf(sql, Job, 'job', page, where, values);
}

/**
 * Writes what was seen of a job, if it still has the state that the decision was made from. `set` maps column names (of our code) to
 * values. False: somebody else moved it meanwhile, and this look is stale.
 */
export async function moveJob(
  tx: Transaction,
  id: string,
  from: JobState,
  to: JobState,
  set: Record<string, unknown>,
): Promise<boolean> {
  const values: unknown[] = [id, from, to];
  const columns = [
    'state = $3',
    'state_since = case when state = $3 then state_since else now() end',
    'statistics_awaited_since = null',
    ...assign(set, values),
  ];
  const changed = await tx.changed(`update job set ${columns.join(', ')} where id = $1 and state = $2`, values);
  return changed === 1;
}

/** Of the JobManager that was asked. */
export interface AskedJobManager {
  processMark: string | null;
  flinkVersion: string | null;
}

/** Live jobs that were seen and have not changed: one statement for all of a cluster. */
export async function touchJobs(
  sql: Sql,
  seen: { id: string; waitingFor: string | null }[],
  { processMark, flinkVersion }: AskedJobManager,
): Promise<void> {
  if (seen.length === 0) return;
  await sql.rows(
    `with seen as (select * from unnest($1::uuid[], $2::text[]) as s(id, waiting_for)),
          locked as (select j.id, s.waiting_for from job j join seen s on s.id = j.id order by j.id for no key update of j),
          touched as (
            update job j set observed_at = now(), missing_since = null, missing_answers = 0, process_mark = $3, flink_version = $4, waiting_for = l.waiting_for
              from locked l where j.id = l.id returning j.id, j.deployment_id),
          free as (
            -- a deployment that somebody writes to just now is observed by the next look: waiting here could be a deadlock
            select d.id from deployment d join touched t on d.id = t.deployment_id and d.current_job_id = t.id
             for no key update of d skip locked)
     update deployment d set observed_at = now() from free f where d.id = f.id`,
    [seen.map(({ id }) => id), seen.map(({ waitingFor }) => waitingFor), processMark, flinkVersion],
  );
}

/** One more answer of a leader that does not know the job. Answers how many, and over how long, by the database's clock. */
export async function countMissing(sql: Sql, id: string): Promise<{ answers: number; forMs: number }> {
  const row = await sql.row<{ answers: number; for_ms: number }>(
    `update job set missing_since = coalesce(missing_since, now()), missing_answers = missing_answers + 1 where id = $1
     returning missing_answers as answers, extract(epoch from now() - missing_since)::float8 * 1000 as for_ms`,
    [id],
  );
  return { answers: row?.answers ?? 0, forMs: row?.for_ms ?? 0 };
}

/** A run that somebody else started; the next look tells its state. */
export async function insertAdopted(
  tx: Transaction,
  job: { id: string; deploymentId: string; clusterId: string; run: number; flinkJobId: string; startedAt: string },
): Promise<void> {
  await tx.changed(
    `insert into job (id, deployment_id, cluster_id, run, origin, flink_job_id, flink_start_time, state, actor, submitted_at, flink_version)
     select $1, $2, id, $4, 'ADOPTED', $5, $6, 'INITIALIZING', 'stateward', $6, flink_version from cluster where id = $3`,
    [job.id, job.deploymentId, job.clusterId, job.run, job.flinkJobId, job.startedAt],
  );
}

/** From now on what was seen of a run waits for Flink's statistics. */
export const awaitStatistics = (sql: Sql, id: string) =>
  sql.changed('update job set statistics_awaited_since = coalesce(statistics_awaited_since, now()) where id = $1', [
    id,
  ]);

/** False: somebody else has told of it. */
export async function noteOverdue(tx: Transaction, id: string): Promise<boolean> {
  return (
    (await tx.changed('update job set deadline_told_at = now() where id = $1 and deadline_told_at is null', [id])) === 1
  );
}

/** An ended run that is alive in Flink; the next look tells its state. False: its deployment has a live run meanwhile. */
export async function revive(tx: Transaction, id: string): Promise<boolean> {
  const changed = await tx.changed(
    `update job j set state = case when started_at is null then 'INITIALIZING' else 'RESTARTING' end, state_since = now(), ended_at = null,
            failure_code = null, failure_message = null, failure_root_cause = null, drained = false, end_read_at = null, end_read_from = null,
            checkpoints_going_at = null, missing_since = null, missing_answers = 0, look_at = case when own_look = 'DUE' then now() end
      where id = $1 and state in ('CANCELLED', 'FINISHED', 'FAILED')
        and not exists (select 1 from job o where o.deployment_id = j.deployment_id
                           and o.state in ('SUBMITTING', 'INITIALIZING', 'RUNNING', 'RESTARTING', 'STOPPING'))`,
    [id],
  );
  return changed === 1;
}
