import { storagesOfClusterAt } from '../cluster/find-cluster.js';
import { placesOf } from '../cluster/storage-root.js';
import type { Sql } from '../db/database.js';
import { normaliseLocation } from '../flink/location.js';
import { savepointIdIn } from '../checkpoint/our-savepoint.js';
import { isProvenGone, savepointAt } from '../savepoint/find-savepoint.js';
import { kindByName } from '../savepoint/import-location.js';
import { DataState, SavepointState } from '../savepoint/savepoint.enums.js';
import { recordedCheckpointAt } from './checkpoint-at-place.js';
import type { RestoredPlace, RestorePoint } from './restore-choice.js';
import { savepointAsPoint } from './restore.store.js';
import { CheckpointOfLiveJob } from './start-refusals.types.js';

const gone: readonly SavepointState[] = [SavepointState.DELETING, SavepointState.DELETION_FAILED];

/** What Flink showed a run as restored from: the savepoint or checkpoint that is recorded there; else the place alone. */
export async function pointOfRestored(
  sql: Sql,
  { location, flinkCheckpointId, clusterId, at }: RestoredPlace,
): Promise<RestorePoint> {
  const { storages } = await storagesOfClusterAt(sql, clusterId, at);
  const { best, all } = placesOf(storages, location);
  const known = await savepointAt(sql, all, normaliseLocation(location), clusterId);
  const savepoint = known && (await savepointAsPoint(sql, known.id, false));
  if (known?.state === SavepointState.COMPLETED && savepoint) return savepoint.point;
  if (known && savepoint && gone.includes(known.state)) return { ...savepoint.point, data: DataState.MISSING };

  const recorded = await recordedCheckpointAt(sql, all, location);
  if (recorded && !(recorded instanceof CheckpointOfLiveJob))
    return recorded.discarded ? { ...recorded.point, data: DataState.MISSING } : recorded.point;
  const isGone = await isProvenGone(sql, savepointIdIn(normaliseLocation(location)), all);
  const [place, another] = best;
  return {
    kind: kindByName(location).kind,
    savepointId: null,
    jobId: null,
    flinkCheckpointId,
    triggeredAt: null,
    location: normaliseLocation(location),
    storage: place && !another ? { id: place.storageId, path: place.path } : null,
    clusterId,
    locatedAt: at,
    bytes: null,
    drained: false,
    stopFailedAfter: false,
    ofStop: false,
    data: isGone ? DataState.MISSING : DataState.NOT_CHECKED,
    format: null,
    stateBackend: null,
    flinkVersion: null,
  };
}
