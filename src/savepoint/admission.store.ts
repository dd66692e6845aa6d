import type { LockedCluster } from '../cluster/find-cluster.js';
import type { Transaction } from '../db/database.js';

/** What admission reads and writes, of any number of clusters at once; their rows are locked. */

/** Whether any waits. Asked under the cluster's lock, which every request takes before it makes one. */
export async function somePending(tx: Transaction, clusterId: string): Promise<boolean> {
  const row = await tx.row(`select 1 as one from savepoint where cluster_id = $1 and state = 'PENDING' limit 1`, [
    clusterId,
  ]);
  return row !== undefined;
}

/** How many Flink may be at, by cluster; a cluster with none is left out. */
export async function countInFlight(tx: Transaction, clusterIds: readonly string[]): Promise<Map<string, number>> {
  const rows = await tx.rows<{ id: string; count: number }>(
    'select cluster_id as id, count(*)::int as count from savepoint where cluster_id = any($1) and in_flight group by cluster_id',
    [clusterIds],
  );
  return new Map(rows.map(({ id, count }) => [id, count]));
}

export interface NextPending {
  id: string;
  clusterId: string;
  deploymentId: string;
  jobId: string;
  attempt: number;
}

/**
 * Of each cluster, as many as have room, of those that wait, whose time has come and whose job runs fully: manual ones before
 * scheduled ones, which go in the order of their slots.
 */
export const nextPending = (tx: Transaction, room: readonly { clusterId: string; free: number }[]) =>
  tx.rows<NextPending>(
    `select n.* from unnest($1::uuid[], $2::int[]) as f(cluster_id, free)
      cross join lateral (
        select s.id, s.cluster_id as "clusterId", s.deployment_id as "deploymentId", s.job_id as "jobId", s.attempt
          from savepoint s join job j on j.id = s.job_id
         where s.cluster_id = f.cluster_id and s.state = 'PENDING' and j.state = 'RUNNING' and (s.not_before is null or s.not_before <= now())
         order by (s.origin = 'SCHEDULED'), coalesce(s.slot_at, s.created_at), s.id limit f.free for update of s skip locked) n`,
    [room.map(({ clusterId }) => clusterId), room.map(({ free }) => free)],
  );

export interface BegunAttempt {
  savepointId: string;
  number: number;
  triggerId: string;
  directory: string;
  storageId: string;
  cluster: Pick<LockedCluster, 'processMark' | 'flinkVersion'>;
}

/** From PENDING, as which they were locked, to IN_PROGRESS, each with its attempt; taken away from a look that still sees them PENDING. */
export async function beginAttempts(
  tx: Transaction,
  attempts: readonly BegunAttempt[],
  lookInMs: number,
): Promise<void> {
  await tx.changed(
    `with begun as (
       select * from unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::text[])
                  as b(id, number, trigger_id, directory, storage_id, process_mark, flink_version)),
          moved as (
       update savepoint s set state = 'IN_PROGRESS', state_since = now(), attempt = b.number, in_flight = true, flink_version = b.flink_version,
              claim = claim + 1, claimed_until = null, look_at = now() + $8 * interval '1 ms'
         from begun b where s.id = b.id)
     insert into savepoint_attempt (savepoint_id, number, trigger_id, storage_id, directory, process_mark, stored_at)
     select id, number, trigger_id, storage_id, directory, process_mark, now() from begun order by id`,
    [
      attempts.map(({ savepointId }) => savepointId),
      attempts.map(({ number }) => number),
      attempts.map(({ triggerId }) => triggerId),
      attempts.map(({ directory }) => directory),
      attempts.map(({ storageId }) => storageId),
      attempts.map(({ cluster }) => cluster.processMark),
      attempts.map(({ cluster }) => cluster.flinkVersion),
      lookInMs,
    ],
  );
}
