import { storagesOfCluster } from '../cluster/find-cluster.js';
import { placesOf } from '../cluster/storage-root.js';
import type { Sql } from '../db/database.js';
import { findSavepoint } from '../savepoint/find-savepoint.js';
import type { StateToLookAt } from './state-finding.js';

/**
 * Where Stateward reads the state that a run is started from: a savepoint of ours knows it; anything else lies below the roots under
 * which the cluster reaches its storages.
 */
export async function startStatePlace(
  sql: Sql,
  clusterId: string,
  savepointId: string | null,
  location: string,
): Promise<StateToLookAt> {
  const savepoint = savepointId === null ? null : await findSavepoint(sql, savepointId);
  if (savepoint?.storageId && savepoint.path)
    return {
      location: savepoint.location ?? location,
      place: { storageId: savepoint.storageId, path: savepoint.path },
    };
  const [place, another] = placesOf(await storagesOfCluster(sql, clusterId), location).best;
  return { location, place: place && !another ? { storageId: place.storageId, path: place.path } : null };
}
