import { clustersReaching } from '../cluster/clusters-reaching.js';
import type { Sql } from '../db/database.js';
import { liveJobStates } from './job.lifecycle.js';

/** A live job that writes checkpoints to a place, and deletes them there when newer ones have completed. */
export interface LiveWriter {
  /** The run of ours; null: it is none. */
  jobId: string | null;
  flinkJobId: string;
  /** Of our run, or as Flink calls it. */
  state: string;
}

/**
 * Flink writes checkpoints to `<checkpoint dir>/<job id>/chk-<n>` (1.20 and 2.x). null: the location is of no such form; with
 * execution.checkpointing.create-subdir false the path does not tell whose it is.
 */
export const flinkJobIdIn = (location: string): string | null =>
  /(?:^|\/)([0-9a-f]{32})\/chk-\d+$/.exec(location)?.[1] ?? null;

/** The live job that a checkpoint is of, by the job id in its path: a run of ours, or another job as of the last look at its cluster. null: none is known. */
export async function liveWriterOf(sql: Sql, location: string): Promise<LiveWriter | null> {
  const flinkJobId = flinkJobIdIn(location);
  if (flinkJobId === null) return null;
  const row = await sql.row<LiveWriter>(
    `select id as "jobId", flink_job_id as "flinkJobId", state from job where cluster_id = any($1) and flink_job_id = $2 and state = any($3)
     union all
     select null, flink_job_id, state from foreign_job where cluster_id = any($1) and flink_job_id = $2
      order by 1 nulls last limit 1`,
    [await clustersReaching(sql, location), flinkJobId, liveJobStates],
  );
  return row ?? null;
}

/** Who writes there, in words for a person. */
export const writerInWords = ({ jobId, flinkJobId, state }: LiveWriter): string =>
  jobId === null
    ? `job ${flinkJobId} of Flink, no run of Stateward, is ${state}`
    : `run ${jobId} (Flink job ${flinkJobId}) is ${state}`;
