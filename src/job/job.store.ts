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
    ...assign(set, values),
  ];
  const changed = await tx.changed(`update job set ${columns.join(', ')} where id = $1 and state = $2`, values);
  return changed === 1;
}

/** Jobs that were seen and have not changed: one statement for all of a cluster. */
export async function touchJobs(
  sql: Sql,
  seen: { id: string; waitingFor: string | null }[],
  processMark: string | null,
): Promise<void> {
  if (seen.length === 0) return;
  await sql.rows(
    `with seen as (select * from unnest($1::uuid[], $2::text[]) as s(id, waiting_for)),
          touched as (
            update job j set observed_at = now(), missing_since = null, missing_answers = 0, process_mark = $3, waiting_for = s.waiting_for
              from seen s where j.id = s.id returning j.id, j.deployment_id),
          free as (
            -- a deployment that somebody writes to just now is observed by the next look: waiting here could be a deadlock
            select d.id from deployment d join touched t on d.id = t.deployment_id and d.current_job_id = t.id
             for no key update of d skip locked)
     update deployment d set observed_at = now() from free f where d.id = f.id`,
    [seen.map(({ id }) => id), seen.map(({ waitingFor }) => waitingFor), processMark],
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
