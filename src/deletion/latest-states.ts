import { rootsOfStorages } from '../cluster/find-cluster.js';
import type { Sql } from '../db/database.js';
import { SnapshotKind } from '../job/snapshot-kind.js';
import { latestStateOf } from '../run/latest-state.js';
import type { RestorePoint } from '../run/restore-choice.js';
import { folderName, type PlaceIndex } from './place-index.js';
import type { LatestStateUse, Whose } from './protection.js';
import { BEHIND, checkpointRun, HEIRS } from './runs-from.js';

/** Of the deployment itself, and of others whose runs were started, or are shown as restored, from one of these savepoints, or may use their files. */
export async function latestStatesAmong(sql: Sql, whose: Whose, index: PlaceIndex): Promise<LatestStateUse[]> {
  const own = 'deploymentId' in whose ? 'd.id = $2' : 'd.id = (select deployment_id from savepoint where id = $2)';
  const deployments = await sql.rows<{ id: string; name: string }>(
    `with recursive ${HEIRS}, ${BEHIND}
     select d.id, d.name from deployment d
      where d.archived_at is null and d.state in ('CANCELLED', 'FINISHED', 'FAILED')
        and (${own} or d.id in (select deployment_id from job where start_savepoint_id = any($1)
                                union
                                select deployment_id from job where ${folderName('start_location')} = any($3)
                                union
                                select deployment_id from job where ${folderName('restored_location')} = any($3)
                                union
                                select deployment_id from behind))`,
    [[...index.ids], 'deploymentId' in whose ? whose.deploymentId : whose.savepointId, index.folders],
  );
  if (deployments.length === 0) return [];
  const roots = await rootsOfStorages(sql, index.storageIds);
  const at = (location: string, clusterId: string | null) =>
    index.at(
      location,
      roots.filter((root) => root.clusterId === clusterId),
    );
  const uses: LatestStateUse[] = [];
  for (const { id: deploymentId, name: deploymentName } of deployments) {
    const point = await latestStateOf(sql, deploymentId);
    if (!point) continue;
    const used = new Set(at(point.location, point.clusterId));
    if (point.savepointId !== null && index.ids.has(point.savepointId)) used.add(point.savepointId);
    const files = (await originsOf(sql, point)).flatMap(({ location, clusterId }) => at(location, clusterId));
    for (const savepointId of used) uses.push({ savepointId, of: 'ITSELF', deploymentId, deploymentName });
    for (const savepointId of new Set(files))
      if (!used.has(savepointId)) uses.push({ savepointId, of: 'ITS_FILES', deploymentId, deploymentName });
  }
  return uses;
}

/** What the adopted run was restored from whose checkpoint would be used, and so on back, while each was adopted. */
const ORIGINS = `with recursive origins(made_by, cluster_id, location) as (
    select id, cluster_id, restored_location from job where id = $1 and origin = 'ADOPTED'
    union
    select p.id, p.cluster_id, p.restored_location
      from origins o join job p on p.flink_job_id = ${checkpointRun('o.location')} and p.id <> o.made_by and p.origin = 'ADOPTED')
  select location, cluster_id as "clusterId" from origins where location is not null`;

const originsOf = async (
  sql: Sql,
  { kind, jobId }: RestorePoint,
): Promise<{ location: string; clusterId: string }[]> =>
  kind === SnapshotKind.SAVEPOINT || jobId === null ? [] : sql.rows(ORIGINS, [jobId]);
