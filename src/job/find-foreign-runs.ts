import type { Sql } from '../db/database.js';
import type { FlinkJobOverview } from '../flink/flink.types.js';
import { type ForeignJob, foreignJobsLike } from './foreign-job.store.js';
import { liveJobStates } from './job.lifecycle.js';

/** What identifies the runs of a deployment in Flink; null: it never had one. */
export async function identityOf(
  sql: Sql,
  deploymentId: string,
): Promise<{ name: string; flinkJobIds: string[] } | null> {
  const row = await sql.row<{ name: string | null; ids: string[] }>(
    `select (array_agg(coalesce(j.flink_name, d.name) order by j.run desc) filter (where j.submitted_at is not null))[1] as name,
            array_agg(j.flink_job_id) as ids
       from job j join deployment d on d.id = j.deployment_id where j.deployment_id = $1`,
    [deploymentId],
  );
  return row?.name ? { name: row.name, flinkJobIds: row.ids } : null;
}

/** Live jobs on a cluster that look like a run of the deployment and are no current run of any, as of the last look (SR-7). */
export async function findForeignRuns(sql: Sql, deploymentId: string, clusterId: string): Promise<ForeignJob[]> {
  const identity = await identityOf(sql, deploymentId);
  return identity ? foreignJobsLike(sql, clusterId, identity.name, identity.flinkJobIds) : [];
}

/** The same, of what Flink shows now. */
export async function liveRunsAmong(
  sql: Sql,
  { id, deploymentId, cluster }: { id: string; deploymentId: string; cluster: { id: string } },
  overview: readonly FlinkJobOverview[],
): Promise<FlinkJobOverview[]> {
  const identity = await identityOf(sql, deploymentId);
  const alike = overview.filter(
    (job) => identity && isAlive(job) && (job.name === identity.name || identity.flinkJobIds.includes(job.jobId)),
  );
  if (alike.length === 0) return [];
  const ours = await sql.rows<{ flink_job_id: string }>(
    `select flink_job_id from job where cluster_id = $1 and flink_job_id = any($2) and (state = any($3) or id = $4)`,
    [cluster.id, alike.map(({ jobId }) => jobId), liveJobStates, id],
  );
  const known = new Set(ours.map((row) => row.flink_job_id));
  return alike.filter(({ jobId }) => !known.has(jobId));
}

const isAlive = ({ state }: FlinkJobOverview) => !['FAILED', 'CANCELED', 'FINISHED', 'CANCELLING'].includes(state);

/** The deployment whose live run has one of the ids, or that follows one of them or the name; null: none does. */
export async function managerOf(
  sql: Sql,
  clusterId: string,
  { flinkJobIds, jobName }: { flinkJobIds: readonly string[]; jobName?: string },
): Promise<{ id: string; name: string } | null> {
  const row = await sql.row<{ id: string; name: string }>(
    `select d.id, d.name from deployment d
      where d.archived_at is null
        and (d.id in (select deployment_id from job where cluster_id = $1 and flink_job_id = any($2) and state = any($4))
             or (d.cluster_id = $1 and (d.adopted_job_id = any($2) or d.adopted_job_name = $3)))
      order by d.created_at limit 1`,
    [clusterId, flinkJobIds, jobName ?? null, liveJobStates],
  );
  return row ?? null;
}
