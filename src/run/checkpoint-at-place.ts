import { rootsOfStorages, storagesOfClusterAt } from '../cluster/find-cluster.js';
import { placesOf } from '../cluster/storage-root.js';
import type { Sql } from '../db/database.js';
import { isLive } from '../job/job.lifecycle.js';
import { flinkJobIdIn, liveWriterOf } from '../job/live-writer.js';
import type { Place } from '../savepoint/find-savepoint.js';
import { kindByName } from '../savepoint/import-location.js';
import { checkpointAsPoint, type NamedCheckpoint, type PossibleWriter, possibleWriters } from './restore.store.js';
import { CheckpointOfLiveJob } from './start-refusals.types.js';

/**
 * What is recorded of the checkpoint at a place, by its run and the id that Flink gave it; or the refusal, where a live job writes
 * there. null: nothing is known of it. A run counts as its maker where it lies in the same storage, and there below the run's job id; without
 * such ids in the paths (execution.checkpointing.create-subdir false), beside the checkpoint that the run was last seen to complete.
 */
export async function recordedCheckpointAt(
  sql: Sql,
  places: readonly Place[],
  location: string,
): Promise<CheckpointOfLiveJob | NamedCheckpoint | null> {
  const { flinkCheckpointId } = kindByName(location);
  if (flinkCheckpointId === null) return null;
  const live = await liveWriterOf(sql, location);
  if (live) return new CheckpointOfLiveJob(live);

  const roots = await rootsOfStorages(
    sql,
    places.map(({ storageId }) => storageId),
  );
  const clusterIds = [...new Set(roots.map(({ clusterId }) => clusterId))];
  for (const run of await possibleWriters(sql, clusterIds, flinkJobIdIn(location))) {
    const recorded = await checkpointAsPoint(sql, run.jobId, flinkCheckpointId);
    const beside = run.lastLocation?.replace(/chk-\d+$/, `chk-${flinkCheckpointId}`) ?? null;
    const written = recorded?.point.location ?? beside;
    if (written === null || !(await isAt(sql, run, written, places))) continue;
    if (isLive(run.state)) return new CheckpointOfLiveJob(run);
    if (recorded) return recorded;
  }
  return null;
}

/** Whether what a run wrote to a location lies at one of the places, by the storages that its cluster had then. */
async function isAt(sql: Sql, run: PossibleWriter, written: string, places: readonly Place[]): Promise<boolean> {
  if (!places.some(({ path }) => written.endsWith(`/${path}`))) return false;
  const { storages } = await storagesOfClusterAt(sql, run.clusterId, run.createdAt);
  const known = placesOf(storages, written).all;
  return places.some((place) =>
    known.some(({ storageId, path }) => storageId === place.storageId && path === place.path),
  );
}
