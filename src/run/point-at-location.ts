import { InvalidInput } from '../api/user-error.js';
import type { Cluster } from '../cluster/cluster.entity.js';
import { storagesOfCluster } from '../cluster/find-cluster.js';
import { OutsideStorages } from '../cluster/outside-storages.js';
import { placesOf } from '../cluster/storage-root.js';
import type { Sql } from '../db/database.js';
import { joinLocation, normaliseLocation } from '../flink/location.js';
import { savepointAt } from '../savepoint/find-savepoint.js';
import { kindByName } from '../savepoint/import-location.js';
import { DataState, SavepointState } from '../savepoint/savepoint.enums.js';
import { recordedCheckpointAt } from './checkpoint-at-place.js';
import { bySavepoint, type Found, named, type Naming, ofCheckpoint, type PointRefusal } from './named-point.js';
import type { RestorePoint } from './restore-choice.js';
import { checkpointAsPoint } from './restore.store.js';
import { CheckpointOfLiveJob } from './start-refusals.types.js';

/**
 * FROM_LOCATION: a place below a root of the cluster. What is recorded of it counts, in whatever spelling it is given and under
 * whichever of the storages that it lies in: roots may lie in each other.
 */
export async function byLocation(
  sql: Sql,
  { field, ofLiveJobs = false }: Naming,
  text: string,
  cluster: Cluster,
  lock: boolean,
): Promise<Found | PointRefusal> {
  const written = text.trim();
  if (written === '') return new InvalidInput(field, 'it is empty: Flink would take that as no state at all.');
  if (written.split(/[/\\]/).includes('..'))
    return new InvalidInput(field, `${written.slice(0, 200)} holds "..": give the place itself.`);
  const storages = await storagesOfCluster(sql, cluster.id);
  const { best, all } = placesOf(storages, written);
  const [place, another] = best;
  if (!place)
    return new OutsideStorages(
      written.slice(0, 500),
      storages.map(({ uri }) => uri),
    );
  if (another)
    return new InvalidInput(
      field,
      `${written.slice(0, 500)} lies below a root of several storages: ${best.map(({ name, storageId }) => `${name} (${storageId})`).join(', ')}. ` +
        'Say with mergeStorages that they are one place; or import it with the storageId of the one that it lies in (importSavepoint), and start FROM_SAVEPOINT.',
    );

  const known = await savepointAt(sql, all, normaliseLocation(written), cluster.id);
  const givenUp = known?.state === SavepointState.FAILED ? known : null;
  if (known && !givenUp) return bySavepoint(sql, { field, ofLiveJobs }, known.id, lock);
  const root = storages.find(({ storageId }) => storageId === place.storageId)?.uri ?? '';
  const location = normaliseLocation(joinLocation(root, place.path));
  const why = `${location}, which was named`;
  const at = { location, storage: { id: place.storageId, path: place.path } };
  const recorded = await recordedCheckpointAt(sql, all, location);
  const { kind, flinkCheckpointId } = kindByName(place.path);
  const ofLiveJob = recorded instanceof CheckpointOfLiveJob;
  if (ofLiveJob && !ofLiveJobs) return recorded;
  if (ofLiveJob && recorded.jobId !== null && flinkCheckpointId !== null) {
    const row = await checkpointAsPoint(sql, recorded.jobId, flinkCheckpointId);
    if (row) return ofCheckpoint(row, location, true) ?? named({ ...row.point, ...at }, why);
  }
  if (recorded && !ofLiveJob) return ofCheckpoint(recorded, location) ?? named({ ...recorded.point, ...at }, why);
  const point: RestorePoint = {
    ...at,
    kind,
    savepointId: null,
    // One that was given up and is there all the same is not recorded as COMPLETED yet: who made it, and how, is known.
    jobId: givenUp?.jobId ?? (ofLiveJob ? recorded.jobId : null),
    flinkCheckpointId: null,
    triggeredAt: null,
    clusterId: cluster.id,
    locatedAt: null,
    bytes: null,
    drained: givenUp?.drained ?? false,
    stopFailedAfter: false,
    ofStop: false,
    data: DataState.NOT_CHECKED,
    format: givenUp?.format ?? null,
    stateBackend: null,
    flinkVersion: null,
  };
  return named(point, why);
}
