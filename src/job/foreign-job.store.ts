import type { Sql, Transaction } from '../db/database.js';
import type { FlinkJobOverview } from '../flink/flink.types.js';

/** A live job that Flink shows and that is no current run of ours. */
export interface ForeignJob {
  flinkJobId: string;
  name: string;
  startedAt: Date;
}

/** Writes down what is there now, and drops what is not; one statement for a cluster. Answers how many there were before, and
 * of how many deployments it was not clear which is theirs: there is something to look at while that is not 0. */
export async function recordForeignJobs(
  sql: Sql,
  clusterId: string,
  seen: readonly FlinkJobOverview[],
): Promise<number> {
  const row = await sql.row<{ before: number }>(
    `with seen as (select * from unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[]) as s(flink_job_id, name, state, started_at)),
          gone as (delete from foreign_job where cluster_id = $1 and flink_job_id not in (select flink_job_id from seen)),
          written as (
     insert into foreign_job (cluster_id, flink_job_id, name, state, started_at)
     select $1, flink_job_id, name, state, started_at from seen
     on conflict (cluster_id, flink_job_id) do update set name = excluded.name, state = excluded.state, started_at = excluded.started_at,
        seen_at = now(), told_at = case when foreign_job.started_at = excluded.started_at then foreign_job.told_at end)
     select (select count(*) from foreign_job where cluster_id = $1)::int
            + (select count(*) from deployment where cluster_id = $1 and archived_at is null and ambiguous_since is not null)::int as before`,
    [
      clusterId,
      seen.map(({ jobId }) => jobId),
      seen.map(({ name }) => name),
      seen.map(({ state }) => state),
      seen.map(({ startTime }) => new Date(startTime)),
    ],
  );
  return row?.before ?? 0;
}

/** An ended run of ours whose Flink id lives again, and the live run that its deployment has beside it, if any. */
export interface RevivedRun {
  id: string;
  deploymentId: string;
  run: number;
  flinkJobId: string;
  state: string;
  currentRun: number | null;
  /** Its deployment is archived, or was moved to another cluster. */
  elsewhere: boolean;
}

const live = `('SUBMITTING', 'INITIALIZING', 'RUNNING', 'RESTARTING', 'STOPPING')`;
/** A run that is submitted between two readings is ours, although its job was seen as foreign. */
const notOurs = `not exists (select 1 from job o where o.cluster_id = f.cluster_id and o.flink_job_id = f.flink_job_id and o.state in ${live})`;

/** Those of the foreign jobs that have an id of ours and of which nothing was told yet. What has just ended may still be on its way out. */
export const revivedRuns = (sql: Sql, clusterId: string) =>
  sql.rows<RevivedRun>(
    `select distinct on (f.flink_job_id) j.id, j.deployment_id as "deploymentId", j.run, j.flink_job_id as "flinkJobId", j.state,
            l.run as "currentRun", d.archived_at is not null or d.cluster_id <> f.cluster_id as elsewhere
       from foreign_job f
       join job j on j.cluster_id = f.cluster_id and j.flink_job_id = f.flink_job_id
       join deployment d on d.id = j.deployment_id
       left join job l on l.deployment_id = j.deployment_id and l.state in ${live}
      where f.cluster_id = $1 and f.told_at is null and f.state <> 'CANCELLING' and j.state_since < now() - interval '5 s' and ${notOurs}
      order by f.flink_job_id, j.run desc`,
    [clusterId],
  );

export const noteTold = (tx: Transaction, clusterId: string, flinkJobId: string) =>
  tx.changed('update foreign_job set told_at = now() where cluster_id = $1 and flink_job_id = $2', [
    clusterId,
    flinkJobId,
  ]);

export const dropForeign = (tx: Transaction, clusterId: string, flinkJobId: string) =>
  tx.changed('delete from foreign_job where cluster_id = $1 and flink_job_id = $2', [clusterId, flinkJobId]);

/** A deployment that follows a job which others start, and what Flink shows under its rule. */
export interface FollowedName {
  deploymentId: string;
  name: string;
  followsId: string | null;
  followsName: string | null;
  ambiguous: boolean;
  /** Its own live run there; null: none. */
  liveFlinkJobId: string | null;
  found: { flinkJobId: string; startedAt: string }[];
}

/** Adoption rules of a cluster with what answers to them. */
export const followedNames = (sql: Sql, clusterId: string) =>
  sql.rows<FollowedName>(
    `select d.id as "deploymentId", d.name, d.adopted_job_id as "followsId", d.adopted_job_name as "followsName",
            d.ambiguous_since is not null as ambiguous, l.flink_job_id as "liveFlinkJobId",
            coalesce((select jsonb_agg(jsonb_build_object('flinkJobId', f.flink_job_id, 'startedAt', f.started_at) order by f.flink_job_id)
                        from foreign_job f
                       where f.cluster_id = d.cluster_id and f.state <> 'CANCELLING' and ${notOurs}
                         and (f.flink_job_id = d.adopted_job_id or (d.adopted_job_name is not null and f.name = d.adopted_job_name))), '[]') as found
       from deployment d
       left join job l on l.deployment_id = d.id and l.state in ${live}
      where d.cluster_id = $1 and d.archived_at is null and (d.adopted_job_id is not null or d.adopted_job_name is not null)
      order by d.id`,
    [clusterId],
  );

/** Live jobs of a cluster that bear a name or one of several ids, and are no current run of any deployment here. */
export const foreignJobsLike = (sql: Sql, clusterId: string, name: string, flinkJobIds: readonly string[]) =>
  sql.rows<ForeignJob>(
    `select f.flink_job_id as "flinkJobId", f.name, f.started_at as "startedAt" from foreign_job f
      where f.cluster_id = $1 and (f.name = $2 or f.flink_job_id = any($3)) and ${notOurs} order by f.flink_job_id`,
    [clusterId, name, flinkJobIds],
  );
