import type { Sql } from '../db/database.js';
import type { JobState } from '../job/job.entity.js';
import type { RestorePoint, RunFacts } from './restore-choice.js';

/** How many runs back a start looks. */
const RUNS = 100;

const epoch = (column: string) => `(extract(epoch from ${column}) * 1000)::float8`;

/** A savepoint row as a point; `s` and the run `j` that made it. */
const savepointPoint = `jsonb_build_object('kind', s.kind, 'savepointId', s.id, 'jobId', s.job_id, 'flinkCheckpointId', s.flink_checkpoint_id,
  'triggeredAt', ${epoch('s.triggered_at')}, 'location', s.location,
  'storage', case when s.storage_id is null then null else jsonb_build_object('id', s.storage_id, 'path', s.path) end,
  'clusterId', s.cluster_id, 'locatedAt', ${epoch('s.created_at')}, 'bytes', s.size_bytes, 'drained', s.drained, 'stopFailedAfter', s.stop_failed_after, 'ofStop', exists (select 1 from stop t where t.id = s.stop_id and t.state = 'COMPLETED'), 'data', s.data,
  'format', s.format, 'stateBackend', s.state_backend, 'flinkVersion', s.flink_version)`;

/** A snapshot of a run that is no savepoint of ours: `c` with its columns and the run `j`. */
const foreignPoint = (
  data: string,
) => `jsonb_build_object('kind', c.kind, 'savepointId', null, 'jobId', j.id, 'flinkCheckpointId', c.flink_checkpoint_id,
  'triggeredAt', ${epoch('c.triggered_at')}, 'location', c.location, 'storage', null, 'clusterId', j.cluster_id, 'locatedAt', ${epoch('j.created_at')}, 'bytes', c.state_bytes,
  'drained', false, 'stopFailedAfter', false, 'ofStop', false, 'data', ${data}, 'format', case when c.kind = 'CHECKPOINT' then 'NATIVE' end,
  'stateBackend', j.state_backend, 'flinkVersion', j.flink_version)`;

/** Of `c` that run `j` has left: what is being disposed of is as good as gone, whatever of it is still there. */
const retainedData = (c: string, j: string) =>
  `case when ${c}.kind = 'CHECKPOINT' and ${j}.checkpoints_going_at is not null then 'MISSING' else ${c}.data end`;

/** The runs of a deployment, newest first, each with what it left that Flink or we still know. One statement. */
export async function runsWithPoints(sql: Sql, deploymentId: string): Promise<RunFacts[]> {
  const rows = await sql.rows<{ run: RunFacts }>(
    `select jsonb_build_object(
        'id', j.id, 'run', j.run, 'state', j.state, 'failureCode', j.failure_code, 'tookHold', j.took_hold_at is not null or (j.failure_code is distinct from 'RESTORE_NOT_TAKEN'
            and (j.state = 'FINISHED' or a.first_completed_id is not null)), 'drained', j.drained,
        'endedAt', ${epoch('j.ended_at')}, 'lookedAt', ${epoch('a.looked_at')}, 'checkpointIntervalMs', j.checkpoint_interval_ms,
        -- what it recovered from by itself is a checkpoint of its own
        'restored', case when j.origin = 'ADOPTED' and j.restored_location not like '%/' || j.flink_job_id || '/%'
            then jsonb_build_object('location', j.restored_location, 'flinkCheckpointId', j.restored_checkpoint_id,
                                    'clusterId', j.cluster_id, 'at', ${epoch('j.created_at')}) end,
        'endReadFrom', j.end_read_from,
        'unsettledAt', (select ${epoch('max(u.created_at)')} from savepoint u
            where u.job_id = j.id and (u.state in ('PENDING', 'IN_PROGRESS') or (u.state = 'FAILED' and u.in_flight))),
        'points', coalesce((select jsonb_agg(p.point) from (
            select ${savepointPoint} as point from savepoint s where s.job_id = j.id and s.state = 'COMPLETED' and s.origin <> 'IMPORTED'
            union all
            select ${foreignPoint(retainedData('c', 'j'))} from retained_checkpoint c where c.job_id = j.id
            union all
            select ${foreignPoint(`'NOT_CHECKED'`)} from checkpoint c
             where c.deployment_id = j.deployment_id and c.job_id = j.id and c.kind = 'SAVEPOINT' and c.savepoint_id is null and c.state = 'COMPLETED' and c.location is not null
               and not c.discarded and not exists (select 1 from retained_checkpoint r where r.job_id = c.job_id and r.flink_checkpoint_id = c.flink_checkpoint_id)
          ) p), '[]'),
        'start', case when j.start_location is null then null
                      when s.id is not null then ${savepointPoint} || jsonb_build_object('data', case when s.state = 'COMPLETED' then s.data else 'MISSING' end)
                      else jsonb_build_object('kind', case when j.start_checkpoint_id is null then 'SAVEPOINT' else 'CHECKPOINT' end, 'savepointId', null,
                             'jobId', j.start_job_id, 'flinkCheckpointId', j.start_checkpoint_id, 'triggeredAt', ${epoch('j.start_triggered_at')},
                             'location', j.start_location, 'storage', null, 'clusterId', j.cluster_id, 'locatedAt', ${epoch('j.created_at')}, 'bytes', null, 'drained', false,
                             'stopFailedAfter', false, 'ofStop', false, 'data', coalesce(${retainedData('r', 'm')}, 'NOT_CHECKED'), 'format', null, 'stateBackend', j.state_backend, 'flinkVersion', m.flink_version) end) as run
       from job j
       left join job_checkpoints a on a.job_id = j.id
       left join savepoint s on s.id = j.start_savepoint_id
       left join retained_checkpoint r on r.job_id = j.start_job_id and r.flink_checkpoint_id = j.start_checkpoint_id
       left join job m on m.id = j.start_job_id
      where j.deployment_id = $1 order by j.run desc limit ${RUNS}`,
    [deploymentId],
  );
  return rows.map((row) => row.run);
}

export interface NamedPoint {
  point: RestorePoint;
  state: string;
  imported: boolean;
}

/** A savepoint in whatever state; locked, so that whoever would delete it comes second. Of a plan it is not locked. */
export async function savepointAsPoint(sql: Sql, id: string, lock: boolean): Promise<NamedPoint | null> {
  const row = await sql.row<{ found: NamedPoint }>(
    `select jsonb_build_object('point', ${savepointPoint}, 'state', s.state, 'imported', s.origin = 'IMPORTED') as found
       from savepoint s where s.id = $1 ${lock ? 'for no key update of s' : ''}`,
    [id],
  );
  return row?.found ?? null;
}

export interface NamedCheckpoint {
  point: RestorePoint;
  jobState: JobState;
  flinkJobId: string;
  state: string;
  discarded: boolean;
  retained: boolean;
  /** What its run has left is being disposed of, or is gone by that. */
  going: boolean;
  /** Of an entry that is a savepoint of ours: what may be done with it stands there. */
  savepointId: string | null;
}

/** A checkpoint, or a savepoint of somebody else, by the run and the id that Flink gave it. */
export async function checkpointAsPoint(sql: Sql, jobId: string, flinkId: number): Promise<NamedCheckpoint | null> {
  const row = await sql.row<{ found: NamedCheckpoint }>(
    `select jsonb_build_object('point', ${foreignPoint(retainedData('c', 'j'))}, 'going', c.kind = 'CHECKPOINT' and j.checkpoints_going_at is not null, 'jobState', j.state, 'flinkJobId', j.flink_job_id, 'state', c.state, 'discarded', c.discarded, 'retained', c.retained, 'savepointId', c.savepoint_id) as found
       from (select job_id, flink_checkpoint_id, kind, triggered_at, location, state_bytes, data, 'COMPLETED' as state, false as discarded, true as retained, null::uuid as savepoint_id
               from retained_checkpoint where job_id = $1 and flink_checkpoint_id = $2
             union all
             select job_id, flink_checkpoint_id, kind, triggered_at, location, state_bytes, 'NOT_CHECKED', state, discarded, false, savepoint_id
               from checkpoint where job_id = $1 and flink_checkpoint_id = $2) c
       join job j on j.id = c.job_id
      order by c.retained desc limit 1`,
    [jobId, flinkId],
  );
  return row?.found ?? null;
}

/** A run that may have written a checkpoint whose place is known. */
export interface PossibleWriter {
  jobId: string;
  flinkJobId: string;
  state: JobState;
  clusterId: string;
  /** Epoch ms on the database's clock. */
  createdAt: number;
  /** Of the checkpoint that it was last seen to complete. */
  lastLocation: string | null;
}

/** Runs on some clusters that have a job id of Flink; without one, those whose checkpoints do not lie below their own. Newest first. */
export const possibleWriters = (sql: Sql, clusterIds: readonly string[], flinkJobId: string | null) =>
  sql.rows<PossibleWriter>(
    `select j.id as "jobId", j.flink_job_id as "flinkJobId", j.state, j.cluster_id as "clusterId", ${epoch('j.created_at')} as "createdAt",
            a.last_completed_location as "lastLocation"
       from job j left join job_checkpoints a on a.job_id = j.id
      where j.cluster_id = any($1)
        and case when $2::text is null then a.last_completed_location not like '%/' || j.flink_job_id || '/chk-%' else j.flink_job_id = $2 end
      order by j.created_at desc`,
    [clusterIds, flinkJobId],
  );

/** The run that made a snapshot, as far as a start from it needs to know. */
export interface Maker {
  jobId: string;
  run: number;
  state: JobState;
  endedAt: number | null;
  deploymentId: string;
  deploymentName: string;
  artifactId: string | null;
  entryClass: string | null;
  programArguments: string[];
  parallelism: number | null;
  flinkConfiguration: Record<string, string>;
  origin: 'STARTED' | 'ADOPTED';
  clockOffsetMs: number | null;
  /** A run of that deployment is live, this one or a later one. */
  deploymentRuns: boolean;
}

export const makerOf = (sql: Sql, jobId: string) =>
  sql.row<Maker>(
    `select j.id as "jobId", j.run, j.state, ${epoch('j.ended_at')} as "endedAt", j.deployment_id as "deploymentId", d.name as "deploymentName",
            j.artifact_id as "artifactId", j.entry_class as "entryClass", j.program_arguments as "programArguments", j.parallelism,
            j.flink_configuration as "flinkConfiguration", j.origin, k.clock_offset_ms::float8 as "clockOffsetMs",
            exists (select 1 from job l where l.deployment_id = j.deployment_id and l.state in ('SUBMITTING', 'INITIALIZING', 'RUNNING', 'RESTARTING', 'STOPPING')) as "deploymentRuns"
       from job j join deployment d on d.id = j.deployment_id join cluster k on k.id = j.cluster_id where j.id = $1`,
    [jobId],
  );

export async function databaseNow(sql: Sql): Promise<number> {
  const row = await sql.row<{ now: number }>(`select ${epoch('clock_timestamp()')} as now`);
  return row?.now ?? 0;
}
