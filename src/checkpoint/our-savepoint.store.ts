import type { Sql } from '../db/database.js';
import type { SnapshotEntry } from '../flink/flink.types.js';

/** Statistics and our own clock may differ by so much. */
const CLOCK_TOLERANCE_MS = 1_500;

export interface EntryOfRun {
  run: { id: string };
  entry: Pick<SnapshotEntry, 'id' | 'triggeredAt' | 'isSavepoint' | 'status' | 'type' | 'format'>;
}

/**
 * Links entries in Flink's history that carry no path, of savepoints under way and of failed ones, to the savepoint of ours whose attempt
 * they are. What can be known of them (as in SP-5, times on the JobManager's clock): the entry begins between the call of one attempt of
 * ours and its end, no other attempt is as near, and no other savepoint that may be that attempt began between the two; a stop is told
 * from a savepoint, and one format from the other. Where that does not tell, the entry is left as somebody else's. One that completes
 * has a path, and then that alone counts.
 */
export async function linkOurs(sql: Sql, entries: readonly EntryOfRun[]): Promise<void> {
  const asked = entries.filter(({ entry }) => entry.isSavepoint && entry.status !== 'COMPLETED');
  if (asked.length === 0) return;
  await sql.changed(
    `with asked as (
       select c.job_id, c.triggered_at as at, c.flink_checkpoint_id as id, c.state, c.type, c.format, j.deployment_id,
              coalesce(k.clock_offset_ms, 0) * interval '1 ms' as ahead
         from json_to_recordset($1::json) as t(job uuid, at float8, id bigint)
         join checkpoint c on c.job_id = t.job and c.triggered_at = to_timestamp(t.at / 1000.0) and c.flink_checkpoint_id = t.id
         join job j on j.id = c.job_id join cluster k on k.id = j.cluster_id
        where c.savepoint_id is null and c.state <> 'COMPLETED'),
     attempt as (
       select e.*, s.id as savepoint, a.sent_at + e.ahead as begun, a.ended_at + e.ahead as ended,
              greatest(a.sent_at + e.ahead - e.at, e.at - (a.ended_at + e.ahead), interval '0') as beside
         from asked e
         join savepoint s on s.deployment_id = e.deployment_id and s.job_id = e.job_id
          and (e.type is null or (e.type = 'SYNC_SAVEPOINT') = (s.origin = 'STOP')) and (e.format is null or s.format = e.format)
         join savepoint_attempt a on a.savepoint_id = s.id and a.sent_at is not null
          -- declined before Flink made an entry; complete, and so no failed one
          and a.outcome is distinct from 'TASKS_NOT_RUNNING' and (e.state = 'IN_PROGRESS' or a.outcome is distinct from 'COMPLETED')),
     nearest as (
       select n.*, rank() over (partition by job_id, at, id order by beside) as place, count(*) over (partition by job_id, at, id, beside) as equals
         from attempt n where beside <= $2 * interval '1 ms')
     update checkpoint c set savepoint_id = n.savepoint
       from nearest n
      where c.job_id = n.job_id and c.triggered_at = n.at and c.flink_checkpoint_id = n.id and n.place = 1 and n.equals = 1
        and not exists (
          select 1 from checkpoint o
           where o.job_id = n.job_id and o.triggered_at between n.begun and coalesce(n.ended, 'infinity') and o.kind = 'SAVEPOINT'
             and o.flink_checkpoint_id <> n.id and (o.savepoint_id is null or o.savepoint_id = n.savepoint)
             and (o.type is null or n.type is null or o.type = n.type) and (o.format is null or n.format is null or o.format = n.format))`,
    [
      JSON.stringify(asked.map(({ run, entry }) => ({ job: run.id, at: entry.triggeredAt, id: entry.id }))),
      CLOCK_TOLERANCE_MS,
    ],
  );
}
