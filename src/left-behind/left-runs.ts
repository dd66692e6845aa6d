import { LIVE } from '../checkpoint/checkpoint-page.js';
import type { Sql } from '../db/database.js';
import { checkpointRun } from '../deletion/runs-from.js';
import { normaliseLocation } from '../flink/location.js';
import { JobFailureCode } from '../job/job.entity.js';
import { endedUnseen } from '../job/job.lifecycle.js';
import { latestStateOf } from '../run/latest-state.js';
import type { Heir, KeptSnapshot, LeftCheckpoint, LeftRun, UnseenSources } from './left-behind-choice.js';

/** Ended runs that have left checkpoints: of a deployment, those that are not going yet; or one alone, whatever is done with it. */
export type WhichRuns = { deploymentId: string } | { jobId: string };

/** A run as it was recorded, with what it takes to find its directory. */
export interface RecordedRun extends LeftRun {
  clusterId: string;
  /** When it began there. */
  createdAt: number;
  /** Where what may share its files lies, by its key. */
  placesOfShared: ReadonlyMap<string, PlaceToRead>;
}

/** As a run on a cluster wrote it at a time, or in a storage. */
export type PlaceToRead =
  | { jobId: string; clusterId: string; createdAt: number; location: string }
  | { storageId: string | null; path: string | null; location: string };

export interface LeftRuns {
  runs: RecordedRun[];
  unseen: UnseenSources;
  /** Epoch ms on the database's clock. */
  now: number;
}

/** A deployment may have left very much before somebody first looks at it: the oldest runs come first. */
const AT_MOST = 500;
const STOPPED = `('CANCELLED', 'FINISHED', 'FAILED')`;
const epoch = (column: string) => `(extract(epoch from ${column}) * 1000)::float8`;
const named = (j: string, d: string) => `'run ' || ${j}.run || ' of deployment "' || ${d}.name || '"'`;
/** What run `j` has left and is still there. */
const leftOf = (j: string) => `coalesce((
  select jsonb_agg(jsonb_build_object('flinkCheckpointId', r.flink_checkpoint_id, 'location', r.location, 'bytes', r.state_bytes) order by r.flink_checkpoint_id)
    from retained_checkpoint r where r.job_id = ${j}.id and r.kind = 'CHECKPOINT' and r.data <> 'MISSING'), '[]')`;

interface RunRow {
  run: Omit<RecordedRun, 'heirs' | 'latestStateOf' | 'mayShare' | 'placesOfShared' | 'end'> & {
    deploymentId: string;
    failureCode: JobFailureCode | null;
  };
}

/** Everything recorded that decides about them, read as it is now: whoever is about to dispose of them has locked their rows before. */
export async function leftRuns(sql: Sql, which: WhichRuns): Promise<LeftRuns> {
  const [where, id] =
    'jobId' in which
      ? ['j.id = $1', which.jobId]
      : ['j.deployment_id = $1 and j.checkpoints_going_at is null', which.deploymentId];
  const rows = await sql.rows<RunRow>(
    `select jsonb_build_object('jobId', j.id, 'run', j.run, 'flinkJobId', j.flink_job_id, 'clusterId', j.cluster_id, 'createdAt', ${epoch('j.created_at')},
        'deploymentId', d.id, 'deploymentName', d.name, 'stopped', d.state in ${STOPPED} and d.archived_at is null, 'failureCode', j.failure_code,
        'endReadFrom', j.end_read_from, 'checkpoints', ${leftOf('j')},
        'runsAgain', j.state in ${LIVE} or exists (select 1 from foreign_job f where f.flink_job_id = j.flink_job_id),
        'twins', (select count(*) from job o where o.flink_job_id = j.flink_job_id and o.id <> j.id),
        'laterCheckpointAt', (select ${epoch('min(a.first_completed_seen_at)')} from job l join job_checkpoints a on a.job_id = l.id
                               where l.deployment_id = j.deployment_id and l.run > j.run and a.first_completed_id is not null),
        'records', array(select s.id from savepoint s
                          where s.origin = 'IMPORTED' and s.state = 'COMPLETED' and s.location like '%/' || j.flink_job_id || '/%' order by s.id),
        'otherState', exists (select 1 from savepoint s where s.deployment_id = d.id and s.state = 'COMPLETED' and s.origin <> 'IMPORTED'
                                 and not s.drained and s.data not in ('MISSING', 'DAMAGED'))
                   or exists (select 1 from retained_checkpoint o join job e on e.id = o.job_id
                               where o.deployment_id = d.id and o.job_id <> j.id and o.data <> 'MISSING'
                                 and (o.kind = 'SAVEPOINT' or e.checkpoints_going_at is null))) as run
       from job j join deployment d on d.id = j.deployment_id
      where ${where} and (j.state not in ${LIVE} or $2)
        and exists (select 1 from retained_checkpoint r where r.job_id = j.id and r.kind = 'CHECKPOINT' and r.data <> 'MISSING')
      order by j.run limit ${AT_MOST}`,
    [id, 'jobId' in which],
  );
  const clock = await sql.row<{ now: number }>(`select ${epoch('now()')} as now`);
  const now = clock?.now ?? 0;
  if (rows.length === 0) return { runs: [], unseen: [], now };
  const found = rows.map(({ run }) => run);
  const heirs = await heirsOf(
    sql,
    found.map(({ jobId }) => jobId),
  );
  const anybodys = [...(await importsToRead(sql)), ...(await ofUnknownSource(sql))];
  const latest = await latestStatesOf(sql, found, [...heirs.values()].flat());
  return {
    now,
    unseen: (
      await sql.rows<{ named: string }>(
        `select ${named('j', 'd')} as named from job j join deployment d on d.id = j.deployment_id
          where j.origin = 'ADOPTED' and j.source_seen_at is null and j.state in ${LIVE} order by j.id limit 5`,
      )
    ).map((row) => row.named),
    runs: found.map(({ failureCode, ...run }) => {
      const own = heirs.get(run.jobId) ?? [];
      const shared = [...own.flatMap(snapshotsOf), ...anybodys].filter(({ of }) => of !== run.jobId);
      return {
        ...run,
        end: endOf(failureCode),
        heirs: own,
        latestStateOf: latest.get(run.jobId) ?? [],
        mayShare: shared.map(({ kept }) => kept),
        placesOfShared: new Map(shared.map(({ kept, place }) => [kept.key, place])),
      };
    }),
  };
}

/** Where the cluster answers and does not know the run any more, it is over; where nobody answers for it, it may not be. */
function endOf(code: JobFailureCode | null): LeftRun['end'] {
  const gone = code === JobFailureCode.JOB_LOST || code === JobFailureCode.END_UNKNOWN;
  if (gone) return 'GONE';
  return endedUnseen(code) || code === JobFailureCode.SUBMISSION_LOST ? 'NOT_KNOWN' : 'SEEN';
}

interface HeirRow extends Heir {
  deploymentId: string;
  deploymentName: string;
  /** It may be started again. */
  deploymentStopped: boolean;
  clusterId: string;
  createdAt: number;
  lastCompleted: { id: number; location: string | null } | null;
  /** One of its own checkpoints that was read before: what it does not use, those after it do not either. */
  readBefore: { key: string; location: string } | null;
  left: LeftCheckpoint[];
}

/** By run: those that were started from one of its checkpoints, or that Flink shows as restored from one, under whichever text it was named. */
async function heirsOf(sql: Sql, jobIds: readonly string[]): Promise<Map<string, HeirRow[]>> {
  const rows = await sql.rows<{ root: string; heir: HeirRow }>(
    `select r.id as root, jsonb_build_object('jobId', h.id, 'named', ${named('h', 'd')}, 'live', h.state in ${LIVE}, 'starting', h.took_hold_at is null,
        'claimMode', case when h.origin = 'ADOPTED' then 'NOT_KNOWN' else 'NO_CLAIM' end,
        'checkpointing', case when h.checkpoint_interval_ms is not null then 'PERIODIC' when h.started_at is null then 'NOT_READ' else 'NONE' end,
        'ownCheckpointCompleted', a.first_completed_id is not null,
        'deploymentId', d.id, 'deploymentName', d.name, 'deploymentStopped', d.state in ${STOPPED} and d.archived_at is null,
        'clusterId', h.cluster_id, 'createdAt', ${epoch('h.created_at')},
        'lastCompleted', case when a.last_completed_id is not null then jsonb_build_object('id', a.last_completed_id, 'location', a.last_completed_location) end,
        'readBefore', (select jsonb_build_object('key', s.snapshot, 'location', s.location) from snapshot_reach s where s.job_id = h.id limit 1),
        'left', ${leftOf('h')}) as heir
       from job r
      cross join lateral (select id from job where ${checkpointRun('start_location')} = r.flink_job_id
                          union
                          select id from job where ${checkpointRun('restored_location')} = r.flink_job_id) u
       join job h on h.id = u.id and h.id <> r.id
       join deployment d on d.id = h.deployment_id
       left join job_checkpoints a on a.job_id = h.id
      where r.id = any($1) order by r.id, h.created_at, h.id`,
    [jobIds],
  );
  const heirs = new Map<string, HeirRow[]>();
  for (const { root, heir } of rows) heirs.set(root, [...(heirs.get(root) ?? []), heir]);
  return heirs;
}

interface Shared {
  /** The run that made it; null: not known. */
  of: string | null;
  kept: KeptSnapshot;
  place: PlaceToRead;
}

/** What is kept of a run that may use files of the one that it was started from: what it has left, or one that it has while it lives. */
function snapshotsOf({
  jobId,
  named: run,
  live,
  clusterId,
  createdAt,
  lastCompleted,
  readBefore,
  left,
}: HeirRow): Shared[] {
  const one = (key: string, location: string): Shared => ({
    of: jobId,
    kept: { key, named: `a checkpoint of ${run}`, location, selfContained: false },
    place: { jobId, clusterId, createdAt, location },
  });
  if (!live) return left.map((entry) => one(`${jobId}:${entry.flinkCheckpointId}`, entry.location));
  if (readBefore !== null) return [one(readBefore.key, readBefore.location)];
  return lastCompleted?.location ? [one(`${jobId}:${lastCompleted.id}`, lastCompleted.location)] : [];
}

/** A copy of a checkpoint under another name uses the files of the first one, and a reference may name any: each is read. */
async function importsToRead(sql: Sql): Promise<Shared[]> {
  const rows = await sql.rows<{
    id: string;
    kind: string;
    storageId: string | null;
    path: string | null;
    location: string;
  }>(
    `select id, kind, storage_id as "storageId", path, location from savepoint
      where origin = 'IMPORTED' and state = 'COMPLETED' and data <> 'MISSING' and location is not null order by id`,
  );
  return rows.map(({ id, kind, location, ...place }) => ({
    of: null,
    kept: {
      key: id,
      named: `imported savepoint ${id}`,
      location: normaliseLocation(location),
      selfContained: kind === 'SAVEPOINT',
    },
    place: { ...place, location },
  }));
}

/** Adopted runs that have ended before Flink showed what they were restored from: it may be anything. */
async function ofUnknownSource(sql: Sql): Promise<Shared[]> {
  const rows = await sql.rows<{
    jobId: string;
    named: string;
    clusterId: string;
    createdAt: number;
    left: LeftCheckpoint[];
  }>(
    `select j.id as "jobId", ${named('j', 'd')} as named, j.cluster_id as "clusterId", ${epoch('j.created_at')} as "createdAt", ${leftOf('j')} as left
       from job j join deployment d on d.id = j.deployment_id
      where j.origin = 'ADOPTED' and j.source_seen_at is null and j.state not in ${LIVE} order by j.id`,
  );
  return rows.flatMap(({ jobId, named: run, clusterId, createdAt, left }) =>
    left.map(({ flinkCheckpointId, location }) => ({
      of: jobId,
      kept: { key: `${jobId}:${flinkCheckpointId}`, named: `a checkpoint of ${run}`, location, selfContained: false },
      place: { jobId, clusterId, createdAt, location },
    })),
  );
}

/** By run: the stopped deployments that LATEST_STATE would start from a checkpoint of it. */
async function latestStatesOf(
  sql: Sql,
  runs: readonly RunRow['run'][],
  heirs: readonly HeirRow[],
): Promise<Map<string, string[]>> {
  const stopped = new Map([
    ...runs.flatMap((run) => (run.stopped ? [[run.deploymentId, run.deploymentName] as const] : [])),
    ...heirs.flatMap((heir) => (heir.deploymentStopped ? [[heir.deploymentId, heir.deploymentName] as const] : [])),
  ]);
  const found = new Map<string, string[]>();
  for (const [deploymentId, name] of stopped) {
    const point = await latestStateOf(sql, deploymentId);
    if (!point) continue;
    const folders = normaliseLocation(point.location).split('/');
    for (const { jobId, flinkJobId } of runs) {
      const uses = (point.jobId === jobId && point.kind === 'CHECKPOINT') || folders.includes(flinkJobId);
      if (uses) found.set(jobId, [...(found.get(jobId) ?? []), name]);
    }
  }
  return found;
}
