import type { Database, Sql, Transaction } from '../db/database.js';
import type { WholePolicy as Limits } from './retention-choice.js';
import { RetentionPolicy } from './retention.entity.js';

export const findPolicy = (sql: Sql, deploymentId: string) =>
  sql.entity(RetentionPolicy, 'select * from retention_policy where deployment_id = $1', [deploymentId]);

export const findPolicies = (sql: Sql, deploymentIds: readonly string[]) =>
  sql.entities(RetentionPolicy, 'select * from retention_policy where deployment_id = any($1)', [deploymentIds]);

/** One pass or change at a time; after its cluster's row in the order of locks. */
export const lockPolicy = (tx: Transaction, deploymentId: string) =>
  tx.entity(RetentionPolicy, 'select * from retention_policy where deployment_id = $1 for no key update', [
    deploymentId,
  ]);

/** It is swept at once; `confirmedToken`: of the pass that its preview showed. */
export async function putPolicy(
  tx: Transaction,
  deploymentId: string,
  { maxCount, maxAgeMs, includeStop, whileStopped, leftBehind }: Limits,
  { actor, confirmedToken }: { actor: string; confirmedToken: string | null },
): Promise<void> {
  await tx.changed(
    `insert into retention_policy (deployment_id, max_count, max_age_ms, include_stop, while_stopped, actor, confirmed_token, confirmed_by, left_behind)
     values ($1, $2, $3, $4, $5, $6, $7, case when $7::text is not null then $6 end, $8)
     on conflict (deployment_id) do update
        set max_count = $2, max_age_ms = $3, include_stop = $4, while_stopped = $5, left_behind = $8, actor = $6, updated_at = now(), sweep_at = now(),
            waiting_since = null, waiting_token = null, confirmed_token = $7, confirmed_by = case when $7::text is not null then $6 end`,
    [deploymentId, maxCount, maxAgeMs, includeStop, whileStopped, actor, confirmedToken, leftBehind],
  );
}

export const deletePolicy = (tx: Transaction, deploymentId: string) =>
  tx.changed('delete from retention_policy where deployment_id = $1', [deploymentId]);

export const confirmPass = (tx: Transaction, deploymentId: string, token: string, actor: string) =>
  tx.changed(
    'update retention_policy set confirmed_token = $2, confirmed_by = $3, sweep_at = now() where deployment_id = $1',
    [deploymentId, token, actor],
  );

/** A pass has been made. `waitingToken`: of one that was too large. */
export async function endPass(
  tx: Transaction,
  deploymentId: string,
  { nextInMs, waitingToken }: { nextInMs: number; waitingToken: string | null },
): Promise<void> {
  await tx.changed(
    `update retention_policy
        set swept_at = now(), sweep_at = now() + $2 * interval '1 ms', waiting_token = $3,
            waiting_since = case when $3::text is null then null else coalesce(waiting_since, now()) end,
            confirmed_token = null, confirmed_by = null
      where deployment_id = $1`,
    [deploymentId, nextInMs, waitingToken],
  );
}

/** Takes what is due, so that no other worker comes to it in the next minute; whoever dies meanwhile loses nothing. */
export async function takeDuePolicies(database: Database, limit: number): Promise<string[]> {
  const rows = await database.rows<{ id: string }>(
    `update retention_policy set sweep_at = now() + interval '1 min'
      where deployment_id in (select deployment_id from retention_policy where sweep_at <= now() order by sweep_at limit $1
                                 for update skip locked)
     returning deployment_id as id`,
    [limit],
  );
  return rows.map(({ id }) => id);
}

/** How a deployment stands, as far as cleaning waits for that (RT-4). */
export interface Standing {
  name: string;
  stopped: boolean;
  unseen: boolean;
  firstCheckpointSinceStart: boolean;
  /** Epoch ms on the database's clock. */
  now: number;
}

/** Unseen for 10 min: its cluster is away, or nobody has looked at that or at its live run, for so long. */
export const standingOf = (sql: Sql, deploymentId: string) =>
  sql.row<Standing>(
    `select d.name, d.state in ('CANCELLED', 'FINISHED', 'FAILED') as stopped,
            (k.state <> 'REACHABLE' and k.state_since < now() - interval '10 min')
              or coalesce(k.observed_at < now() - interval '10 min', false)
              or coalesce(d.observed_at < now() - interval '10 min' and d.state not in ('CANCELLED', 'FINISHED', 'FAILED'), false) as unseen,
            j.id is not null and j.took_hold_at is not null
              and (a.first_completed_id is not null or j.checkpoint_interval_ms is null) as "firstCheckpointSinceStart",
            (extract(epoch from now()) * 1000)::float8 as now
       from deployment d
       join cluster k on k.id = d.cluster_id
       left join job j on j.id = d.current_job_id
       left join job_checkpoints a on a.job_id = j.id
      where d.id = $1`,
    [deploymentId],
  );

/** Deployments of a cluster that have a policy. */
export async function policiesOnCluster(tx: Transaction, clusterId: string): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>(
    'select p.deployment_id as id from retention_policy p join deployment d on d.id = p.deployment_id where d.cluster_id = $1',
    [clusterId],
  );
  return rows.map(({ id }) => id);
}
