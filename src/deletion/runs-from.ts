import { LIVE } from '../checkpoint/checkpoint-page.js';
import type { Sql } from '../db/database.js';
import { folderName, type LyingSavepoint, type PlaceIndex, placeIndex, type Root } from './place-index.js';
import type { RunFromSavepoint } from './protection.js';

interface LiveRun {
  about: Omit<RunFromSavepoint, 'savepointId' | 'source'>;
  startSavepointId: string | null;
  /** Where it was started from, and what Flink shows as restored. */
  locations: string[];
  /** What an adopted run was restored from of which it was started from a checkpoint, and so on back. */
  behind: string[];
  /** It was adopted, has no checkpoint of its own, and Flink has not shown what it was restored from. */
  sourceUnseen: boolean;
  /** Every root under which its cluster reaches, or did, a storage of theirs. */
  roots: Root[];
}

/** The Flink job id of the run whose checkpoint a location is; null: it is none that tells. Indexes have it in the same text. */
export const checkpointRun = (column: string) =>
  `(substring(${column} from '([0-9a-f]{32})/chk-[0-9]+(?:/_metadata)?/*$'))`;

/**
 * Adopted runs that were restored from one of them (whose last folders are $3), and adopted ones that go on from a checkpoint of these,
 * in whichever deployment: with CLAIM or LEGACY that checkpoint may use files of it. Found from the savepoints on, since few runs hang on
 * them, of however many there are.
 */
export const HEIRS = `
  heirs(job_id, flink_job_id, cluster_id, location) as (
    select p.id, p.flink_job_id, p.cluster_id, p.restored_location
      from job p where p.origin = 'ADOPTED' and ${folderName('p.restored_location')} = any($3)
    union
    select c.id, c.flink_job_id, h.cluster_id, h.location
      from heirs h join job c on ${checkpointRun('c.restored_location')} = h.flink_job_id and c.id <> h.job_id and c.origin = 'ADOPTED')`;

/** Runs that go on from a checkpoint of one of the {@link HEIRS}. */
export const BEHIND = `
  behind(job_id, deployment_id, cluster_id, location) as (
    select j.id, j.deployment_id, h.cluster_id, h.location
      from heirs h join job j on j.start_job_id = h.job_id where j.start_location ~ '/chk-[0-9]+/?$'
    union
    select j.id, j.deployment_id, h.cluster_id, h.location
      from heirs h join job j on ${checkpointRun('j.start_location')} = h.flink_job_id
    union
    select j.id, j.deployment_id, h.cluster_id, h.location
      from heirs h join job j on ${checkpointRun('j.restored_location')} = h.flink_job_id and j.id <> h.job_id and j.origin = 'ADOPTED')`;

/** Each way by an index of its own: live runs are very many. */
const CANDIDATES = `
  candidates(id) as (
    select id from job where start_savepoint_id = any($2)
    union
    select id from job where ${folderName('start_location')} = any($3)
    union
    select id from job where ${folderName('restored_location')} = any($3)
    union
    select id from job where origin = 'ADOPTED' and source_seen_at is null
    union
    select job_id from behind)`;

/**
 * Live runs of any deployment: those that were started from one, those that Flink shows as restored from one, whoever did it, and those
 * that were adopted into their deployment and may be from any.
 */
export async function runsFromAny(sql: Sql, index: PlaceIndex): Promise<RunFromSavepoint[]> {
  const rows = await sql.rows<{ run: LiveRun }>(
    `with recursive ${HEIRS}, ${BEHIND}, ${CANDIDATES}
     select jsonb_build_object('about', jsonb_build_object('deploymentId', j.deployment_id, 'deploymentName', d.name, 'jobId', j.id, 'run', j.run,
        'starting', j.took_hold_at is null,
        'checkpointing', case when j.checkpoint_interval_ms is not null then 'PERIODIC' when j.started_at is null then 'NOT_READ' else 'NONE' end,
        'claimMode', case when j.origin = 'ADOPTED' then 'NOT_KNOWN' else 'NO_CLAIM' end,
        'ownCheckpointCompleted', a.first_completed_id is not null),
        'startSavepointId', j.start_savepoint_id,
        'locations', array_remove(array[j.start_location, j.restored_location], null),
        'behind', array(select b.location from behind b where b.job_id = j.id and b.location is not null),
        'sourceUnseen', ${SOURCE_UNSEEN},
        'roots', coalesce((select jsonb_agg(jsonb_build_object('storageId', r.storage_id, 'uri', r.uri))
                             from storage_root r
                            where r.storage_id = any($1) and r.cluster_id in (select j.cluster_id union select b.cluster_id from behind b where b.job_id = j.id)), '[]')) as run
       from candidates c
       join job j on j.id = c.id
       join deployment d on d.id = j.deployment_id
       left join job_checkpoints a on a.job_id = j.id
      where j.state in ${LIVE}`,
    [index.storageIds, [...index.ids], index.folders],
  );
  const runs = rows.map(({ run }) => run);
  return [...runs.flatMap((run) => usesOf(run, index)), ...(await fromAnyOf(sql, runs, index))];
}

export const liveRunsFrom = (sql: Sql, savepoints: readonly LyingSavepoint[]): Promise<RunFromSavepoint[]> =>
  runsFromAny(sql, placeIndex(savepoints));

const SOURCE_UNSEEN = `(j.origin = 'ADOPTED' and j.source_seen_at is null and a.first_completed_id is null)`;

function usesOf({ about, startSavepointId, locations, behind, roots }: LiveRun, index: PlaceIndex): RunFromSavepoint[] {
  const sources = new Set(locations.flatMap((location) => index.at(location, roots)));
  if (startSavepointId !== null && index.ids.has(startSavepointId)) sources.add(startSavepointId);
  const files = new Set(behind.flatMap((location) => index.at(location, roots)));
  return [
    ...[...sources].map((savepointId) => ({ savepointId, source: 'ITSELF' as const, ...about })),
    ...[...files].map((savepointId) => ({ savepointId, source: 'ITS_FILES' as const, ...about })),
  ];
}

/** Of each run whose source is not known, every savepoint that is listed with its deployment. */
async function fromAnyOf(sql: Sql, runs: readonly LiveRun[], { ids }: PlaceIndex): Promise<RunFromSavepoint[]> {
  const unseen = new Map(runs.filter(({ sourceUnseen }) => sourceUnseen).map((run) => [run.about.deploymentId, run]));
  if (unseen.size === 0) return [];
  const rows = await sql.rows<{ id: string; deploymentId: string }>(
    `select id, deployment_id as "deploymentId" from savepoint where deployment_id = any($1) and id = any($2)`,
    [[...unseen.keys()], [...ids]],
  );
  return rows.flatMap(({ id: savepointId, deploymentId }) => {
    const run = unseen.get(deploymentId);
    return run ? [{ savepointId, source: 'NOT_KNOWN' as const, ...run.about }] : [];
  });
}
