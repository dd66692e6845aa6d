import type { Sql } from '../db/database.js';
import {
  completed,
  type CompletedRow,
  ofHistory,
  ofLastCompleted,
  ofLastFailed,
  ofLeftBehind,
  ofSource,
  toCheckpoint,
} from './checkpoint-rows.js';
import type { Checkpoint } from './checkpoint.types.js';

/** One checkpoint. With its trigger time, where that is known, only the day that holds it is looked into. */
export interface CheckpointKey {
  jobId: string;
  flinkCheckpointId: number;
  triggeredAt: Date | null;
}

/**
 * Each from its row in the history; when that day is dropped, from what its run left behind or is remembered for,
 * or from a run that was started from it. null:
 * nothing is known of it.
 */
export async function readCheckpoints(sql: Sql, keys: readonly CheckpointKey[]): Promise<(Checkpoint | null)[]> {
  const rows = await sql.rows<CompletedRow>(completed(picked), [
    JSON.stringify(
      keys.map(({ jobId, flinkCheckpointId, triggeredAt }) => ({
        job_id: jobId,
        id: flinkCheckpointId,
        at: triggeredAt,
      })),
    ),
  ]);
  const found = new Map(rows.map((row) => [keyOf(row.job_id, row.flink_checkpoint_id), toCheckpoint(row)]));
  return keys.map(({ jobId, flinkCheckpointId }) => found.get(keyOf(jobId, flinkCheckpointId)) ?? null);
}

const keyOf = (jobId: string, id: number | string) => `${jobId.toLowerCase()}:${id}`;

/** Keys as JSON: planned once, not for each number of keys anew. */
const picked = `
  select one.* from json_to_recordset($1::json) as asked(job_id uuid, id bigint, at timestamptz)
   cross join lateral (
     select * from (
       (select 1 as place, ${ofHistory} from checkpoint c
         where c.job_id = asked.job_id and c.flink_checkpoint_id = asked.id
           and c.triggered_at between coalesce(asked.at, '-infinity') and coalesce(asked.at, 'infinity')
         order by c.triggered_at desc limit 1)
       union all
       (select 2 as place, ${ofLeftBehind} from retained_checkpoint r where r.job_id = asked.job_id and r.flink_checkpoint_id = asked.id)
       union all
       (select 3 as place, ${ofLastCompleted} from job_checkpoints a where a.job_id = asked.job_id and a.last_completed_id = asked.id)
       union all
       (select 4 as place, ${ofLastFailed} from job_checkpoints a where a.job_id = asked.job_id and a.last_failed_id = asked.id)
       union all
       (select 5 as place, ${ofSource} from job u join job m on m.id = u.start_job_id
         where u.start_job_id = asked.job_id and u.start_checkpoint_id = asked.id and u.start_triggered_at is not null limit 1)
     ) known order by place limit 1) one`;
