import { LIVE } from '../checkpoint/checkpoint-page.js';
import type { Sql } from '../db/database.js';
import { normaliseLocation, pathBelow } from '../flink/location.js';
import { latestStateOf } from '../run/latest-state.js';
import type { DeploymentFacts, LatestStateUse, RunFromSavepoint, SavepointFacts } from './protection.js';

/** All that is listed with a deployment, or one alone (an imported one may belong to none). */
export type Whose = { deploymentId: string } | { savepointId: string };

/**
 * What protects savepoints, read as it is now: whoever is about to delete one has locked its row before, so that a start which chose it
 * first is seen here. Completed ones alone; what has no data needs no protection.
 */
export async function readProtectionFacts(sql: Sql, whose: Whose): Promise<DeploymentFacts> {
  const rows = await savepointsOf(sql, whose);
  const ids = new Set(rows.map(({ facts }) => facts.id));
  const runsFrom = await liveRunsFrom(
    sql,
    rows.map(({ lies }) => lies),
  );
  return {
    savepoints: rows.map(({ facts }) => facts),
    runsFrom,
    latestStates: await latestStatesAmong(sql, whose, ids),
  };
}

/** Where a savepoint lies, to be found again in what Flink shows of runs. */
export interface LyingSavepoint {
  id: string;
  storageId: string | null;
  path: string | null;
  location: string | null;
}

interface SavepointRow {
  facts: SavepointFacts;
  lies: LyingSavepoint;
}

const epoch = (column: string) => `(extract(epoch from ${column}) * 1000)::float8`;

/** A savepoint is judged among those of its deployment: which one is the newest depends on all. */
const savepointsOf = async (sql: Sql, whose: Whose): Promise<SavepointRow[]> => {
  const [where, id] =
    'deploymentId' in whose
      ? ['s.deployment_id = $1', whose.deploymentId]
      : ['(s.id = $1 or s.deployment_id = (select deployment_id from savepoint where id = $1))', whose.savepointId];
  const rows = await sql.rows<{ row: SavepointRow }>(
    `select jsonb_build_object('lies', jsonb_build_object('id', s.id, 'storageId', s.storage_id, 'path', s.path, 'location', s.location),
        'facts', jsonb_build_object(
        'id', s.id, 'origin', s.origin, 'state', s.state, 'data', s.data, 'drained', s.drained,
        'madeByOwnRun', coalesce(j.deployment_id = s.deployment_id, false), 'jobId', s.job_id, 'flinkCheckpointId', s.flink_checkpoint_id,
        -- the time of our own call stands for it until Flink has told
        'triggeredAt', ${epoch('s.triggered_at')}, 'completedAt', ${epoch('coalesce(s.completed_at, s.created_at)')}, 'sizeBytes', s.size_bytes,
        'pinned', s.pinned, 'heldUntil', ${epoch('s.held_until')}, 'holdReason', s.hold_reason)) as row
       from savepoint s left join job j on j.id = s.job_id
      where ${where} and s.state = 'COMPLETED'`,
    [id],
  );
  return rows.map(({ row }) => row);
};

interface LiveRun extends Omit<RunFromSavepoint, 'savepointId'> {
  startSavepointId: string | null;
  /** Where it was started from, and what Flink shows as restored, with every root under which its cluster reaches, or did, a storage of theirs. */
  locations: string[];
  roots: { storageId: string; uri: string }[];
}

/** The last folder of a location: what tells the few runs that may have been started from one of ours from the many. */
const folderName = (column: string) =>
  `substring(rtrim(regexp_replace(${column}, '/_metadata/*$', ''), '/') from '[^/\\\\]+$')`;
const lastFolder = (location: string) => normaliseLocation(location).split('/').at(-1) ?? '';

/**
 * Live runs of any deployment: those that were started from one, and those that Flink shows as restored from one, whoever did it.
 * Found by storage and path, and by the text of the location alone: two storages may be one place that nobody has said to be one.
 */
export async function liveRunsFrom(sql: Sql, savepoints: readonly LyingSavepoint[]): Promise<RunFromSavepoint[]> {
  const ids = new Set(savepoints.map(({ id }) => id));
  const byPlace = new Map(savepoints.map(({ id, storageId, path }) => [`${storageId}/${path}`, id]));
  const byLocation = new Map(
    savepoints.flatMap(({ id, location }) => (location === null ? [] : [[normaliseLocation(location), id] as const])),
  );
  const byFolder = new Map<string, { id: string; path: string }[]>();
  for (const { id, path } of savepoints)
    if (path?.includes('/')) byFolder.set(lastFolder(path), [...(byFolder.get(lastFolder(path)) ?? []), { id, path }]);
  const rows = await sql.rows<{ run: LiveRun }>(
    `select jsonb_build_object('deploymentId', j.deployment_id, 'deploymentName', d.name, 'jobId', j.id, 'run', j.run,
        'starting', j.took_hold_at is null, 'checkpointing', j.checkpoint_interval_ms is not null,
        'ownCheckpointCompleted', a.first_completed_id is not null, 'startSavepointId', j.start_savepoint_id,
        'locations', array_remove(array[j.start_location, j.restored_location], null),
        'roots', coalesce((select jsonb_agg(jsonb_build_object('storageId', r.storage_id, 'uri', r.uri))
                             from storage_root r where r.cluster_id = j.cluster_id and r.storage_id = any($1)), '[]')) as run
       from job j
       join deployment d on d.id = j.deployment_id
       left join job_checkpoints a on a.job_id = j.id
      where j.state in ${LIVE}
        and (j.start_savepoint_id = any($2) or ${folderName('j.start_location')} = any($3) or ${folderName('j.restored_location')} = any($3))`,
    [
      [...new Set(savepoints.flatMap(({ storageId }) => storageId ?? []))],
      [...ids],
      [
        ...new Set(
          savepoints.flatMap(({ path, location }) =>
            [path, location].flatMap((text) => (text ? lastFolder(text) : [])),
          ),
        ),
      ],
    ],
  );
  const found: RunFromSavepoint[] = [];
  for (const { run } of rows) {
    const { startSavepointId, locations, roots, ...about } = run;
    const sources = new Set<string>(startSavepointId !== null && ids.has(startSavepointId) ? [startSavepointId] : []);
    for (const location of locations) {
      const places = roots.map(({ storageId, uri }) => byPlace.get(`${storageId}/${pathBelow(uri, location)}`));
      for (const id of [byLocation.get(normaliseLocation(location)), ...places]) if (id !== undefined) sources.add(id);
      // Another cluster may reach the same folder by a text that nobody has told of; the path of one of ours holds two ids and stands alone.
      for (const { id, path } of byFolder.get(lastFolder(location)) ?? [])
        if (normaliseLocation(location).endsWith(`/${path}`)) sources.add(id);
    }
    for (const savepointId of sources) found.push({ savepointId, ...about });
  }
  return found;
}

/** Of the deployment itself, and of others whose last runs were started from one of them. */
async function latestStatesAmong(sql: Sql, whose: Whose, ids: ReadonlySet<string>): Promise<LatestStateUse[]> {
  const own = 'deploymentId' in whose ? 'd.id = $2' : 'd.id = (select deployment_id from savepoint where id = $2)';
  const deployments = await sql.rows<{ id: string; name: string }>(
    `select d.id, d.name from deployment d
      where d.archived_at is null and d.state in ('CANCELLED', 'FINISHED', 'FAILED')
        and (${own} or exists (select 1 from job j where j.deployment_id = d.id and j.start_savepoint_id = any($1)))`,
    [[...ids], 'deploymentId' in whose ? whose.deploymentId : whose.savepointId],
  );
  const uses: LatestStateUse[] = [];
  for (const { id: deploymentId, name: deploymentName } of deployments) {
    const point = await latestStateOf(sql, deploymentId);
    if (point?.savepointId && ids.has(point.savepointId))
      uses.push({ savepointId: point.savepointId, deploymentId, deploymentName });
  }
  return uses;
}
