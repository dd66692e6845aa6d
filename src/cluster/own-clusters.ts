import { hostname } from 'node:os';
import type { Database } from '../db/database.js';
import { failPoint } from '../fail-point.js';

/** How long a worker keeps a cluster without saying so again. */
const OWNERSHIP_MS = 6_000;
/** How often it says so; three may fail. */
export const RENEW_EVERY_MS = 1_500;

/**
 * One worker at a time looks after a cluster, so that its JobManager is asked by one process only. Renews what this
 * worker owns, takes over what nobody owns, up to a fair share of all clusters, and gives back what is above it.
 * Answers the clusters that were newly taken.
 */
export async function ownClusters(database: Database, worker: string): Promise<string[]> {
  await database.changed(
    `insert into worker_process (id, host, pid) values ($1, $2, $3) on conflict (id) do update set seen_at = now()`,
    [worker, hostname(), process.pid],
  );
  const rows = await database.rows<{ cluster_id: string }>(
    `with share as (
       select ceil((select count(*) from cluster_lease)::numeric / greatest(1, (
                select count(*) from worker_process where seen_at > now() - $2 * interval '1 ms')))::bigint as most),
     kept as (
       select cluster_id from cluster_lease where owner = $1 and owned_until > now() order by cluster_id
        limit (select most from share)),
     renewed as (
       update cluster_lease l set owned_until = now() + $2 * interval '1 ms' from kept k where l.cluster_id = k.cluster_id),
     given_back as (
       update cluster_lease set owner = null, owned_until = null
        where owner = $1 and owned_until > now() and cluster_id not in (select cluster_id from kept)),
     free as (
       select cluster_id from cluster_lease where owned_until is null or owned_until < now() order by cluster_id
        limit greatest(0, (select most from share) - (select count(*) from kept)) for update skip locked)
     update cluster_lease l set owner = $1, owned_until = now() + $2 * interval '1 ms' from free f
      where l.cluster_id = f.cluster_id returning l.cluster_id`,
    [worker, OWNERSHIP_MS],
  );
  if (rows.length > 0) failPoint('clusters.owned');
  return rows.map((row) => row.cluster_id);
}

/** How many clusters a worker looks after. */
export async function countOwned(database: Database, worker: string): Promise<number> {
  const row = await database.row<{ owned: number }>(
    'select count(*)::int as owned from cluster_lease where owner = $1 and owned_until > now()',
    [worker],
  );
  return row?.owned ?? 0;
}

/** A worker that stops: its clusters are free at once, and their watchers elsewhere are woken. */
export async function giveUpClusters(database: Database, worker: string): Promise<void> {
  await database.changed('update cluster_lease set owner = null, owned_until = null where owner = $1', [worker]);
  await database.changed('delete from worker_process where id = $1', [worker]);
}

/** Workers that were killed: their lines are dropped after an hour. */
export async function forgetDeadWorkers(database: Database): Promise<number> {
  return database.changed(`delete from worker_process where seen_at < now() - interval '1 hour'`);
}
