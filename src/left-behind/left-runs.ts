import { LIVE } from '../checkpoint/checkpoint-page.js';
import type { Sql } from '../db/database.js';
import { checkpointRun } from '../deletion/runs-from.js';
import { normaliseLocation } from '../flink/location.js';
import type { JobFailureCode } from '../job/job.entity.js';
import { latestStateOf } from '../run/latest-state.js';
import { endOf } from './end-of-run.js';
import {
  type Import,
  importsRecorded,
  type Kept,
  keptOfAnybody,
  type MayUse,
  type PlaceToRead,
  snapshotsOf,
} from './kept-snapshots.js';
import type { Heir, LeftRun, UnseenSources } from './left-behind-choice.js';
import { epoch, lastCompletedOf, leftOf, named, STOPPED } from './left-in-sql.js';

/** Ended runs that have left checkpoints: of a deployment, those that are not going yet; or one alone, whatever is done with it. */
export type WhichRuns = { deploymentId: string } | { jobId: string };

/** A run as it was recorded, with what it takes to find its directory. */
export interface RecordedRun extends LeftRun {
  clusterId: string;
  /** When it began there. */
  createdAt: number;
  /** Where what is kept of its heirs lies, by its key. */
  placesOfHeirs: PlacesToRead;
}

export type PlacesToRead = ReadonlyMap<string, PlaceToRead>;

export interface LeftRuns {
  runs: RecordedRun[];
  unseen: UnseenSources;
  /** Where what may use files of any run lies, by its key. */
  placesOfAnybody: PlacesToRead;
  /** Epoch ms on the database's clock. */
  now: number;
}

/** A deployment may have left very much before somebody first looks at it: the oldest runs come first. */
const AT_MOST = 500;

interface RunRow {
  run: Omit<RecordedRun, 'heirs' | 'latestStateOf' | 'records' | 'mayShare' | 'mayUseAny' | 'placesOfHeirs' | 'end'> & {
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
  if (rows.length === 0) return { runs: [], unseen: [], placesOfAnybody: new Map(), now };
  const found = rows.map(({ run }) => run);
  const heirs = await heirsOf(
    sql,
    found.map(({ jobId }) => jobId),
  );
  const imports = await importsRecorded(sql);
  const records = recordsIn(imports);
  const clusters = new Set(found.map(({ clusterId }) => clusterId));
  const anybodys = await keptOfAnybody(sql, imports, [...clusters]);
  const mayUseAny = anybodys.map(({ kept }) => kept); // one list for all: they are many, and so are the runs
  const latest = await latestStatesOf(sql, found, [...heirs.values()].flat());
  return {
    now,
    unseen: (
      await sql.rows<{ named: string }>(
        `select ${named('j', 'd')} as named from job j join deployment d on d.id = j.deployment_id
          where j.origin = 'ADOPTED' and j.source_seen_at is null and j.state in ${LIVE} order by j.id limit 5`,
      )
    ).map((row) => row.named),
    placesOfAnybody: placesIn(anybodys),
    runs: found.map(({ failureCode, ...run }) => {
      const own = heirs.get(run.jobId) ?? [];
      const shared = own.flatMap(snapshotsOf);
      return {
        ...run,
        end: endOf(failureCode),
        heirs: own.map(({ failureCode: code, ...heir }) => ({ ...heir, end: endOf(code) })),
        latestStateOf: latest.get(run.jobId) ?? [],
        records: records.get(run.flinkJobId) ?? [],
        mayShare: shared.map(({ kept }) => kept),
        mayUseAny,
        placesOfHeirs: placesIn(shared),
      };
    }),
  };
}

const placesIn = (all: readonly Kept[]): PlacesToRead =>
  new Map(all.flatMap(({ kept, place }) => (place ? [[kept.key, place] as const] : [])));

/** By the job id that is a folder in its location: the imports that lie there, whatever their data are. */
function recordsIn(imports: readonly Import[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { id, location } of imports)
    for (const folder of new Set(location.split('/').slice(1, -1)))
      if (/^[0-9a-f]{32}$/.test(folder)) found.set(folder, [...(found.get(folder) ?? []), id]);
  return found;
}

interface HeirRow extends Omit<Heir, 'end'>, MayUse {
  failureCode: JobFailureCode | null;
  deploymentId: string;
  deploymentName: string;
  /** It may be started again. */
  deploymentStopped: boolean;
}

/** By run: those that were started from one of its checkpoints, or that Flink shows as restored from one, under whichever text it was named. */
async function heirsOf(sql: Sql, jobIds: readonly string[]): Promise<Map<string, HeirRow[]>> {
  const rows = await sql.rows<{ root: string; heir: HeirRow }>(
    `select r.id as root, jsonb_build_object('jobId', h.id, 'named', ${named('h', 'd')}, 'live', h.state in ${LIVE}, 'mayGoOn', h.state in ${LIVE}, 'failureCode', h.failure_code, 'starting', h.took_hold_at is null,
        'claimMode', case when h.origin = 'ADOPTED' then 'NOT_KNOWN' else 'NO_CLAIM' end,
        'checkpointing', case when h.checkpoint_interval_ms is not null then 'PERIODIC' when h.started_at is null then 'NOT_READ' else 'NONE' end,
        'ownCheckpointCompleted', a.first_completed_id is not null,
        'deploymentId', d.id, 'deploymentName', d.name, 'deploymentStopped', d.state in ${STOPPED} and d.archived_at is null,
        'clusterId', h.cluster_id, 'createdAt', ${epoch('h.created_at')},
        'lastCompleted', ${lastCompletedOf('a')},
        'left', case when h.state in ${LIVE} then '[]' else ${leftOf('h')} end) as heir
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
