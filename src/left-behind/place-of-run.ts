import { storagesOfClusterAt } from '../cluster/find-cluster.js';
import { placesOf } from '../cluster/storage-root.js';
import type { Sql } from '../db/database.js';
import { normaliseLocation } from '../flink/location.js';
import type { RecordedRun } from './left-runs.js';

/** The directory of a run, and where it lies. */
export interface PlaceOfRun {
  storageId: string;
  storageName: string;
  /** Below a root of that storage. */
  directory: string;
  /** The same as the cluster wrote it. */
  location: string;
}

/** Narrower than what a file system takes: without anything that some client may take for something else. */
const PLAIN_PATH = /^(?:(?!\.{1,2}(?:\/|$))[\w.@=+~ -]+(?:\/|$))+$/;

/**
 * Where all that a run has left lies, or why nothing is disposed of there. Flink deletes whatever the `_metadata` at a path lists: only
 * `<job id>/chk-<n>` counts, in a directory of this run alone, below a root of one storage.
 */
export async function placeOfRun(
  sql: Sql,
  {
    flinkJobId,
    clusterId,
    createdAt,
    checkpoints,
  }: Pick<RecordedRun, 'flinkJobId' | 'clusterId' | 'createdAt' | 'checkpoints'>,
): Promise<PlaceOfRun | { problem: string }> {
  const { storages } = await storagesOfClusterAt(sql, clusterId, createdAt);
  let found: PlaceOfRun | null = null;
  for (const { flinkCheckpointId, location } of checkpoints) {
    const written = normaliseLocation(location);
    const tail = `/${flinkJobId}/chk-${flinkCheckpointId}`;
    if (!written.endsWith(tail))
      return { problem: `${location} is no folder chk-${flinkCheckpointId} of job ${flinkJobId}` };
    const { best } = placesOf(storages, written);
    const [place, another] = best;
    if (!place) return { problem: `${location} lies below no root of a storage that is known` };
    if (another)
      return {
        problem: `${location} lies below a root of several storages (${best.map(({ name }) => name).join(', ')})`,
      };
    if (!PLAIN_PATH.test(place.path)) return { problem: `${place.path} is not a plain path below a root` };
    const directory = place.path.slice(0, -`/chk-${flinkCheckpointId}`.length);
    if (
      !directory.endsWith(flinkJobId) ||
      (found !== null && (found.directory !== directory || found.storageId !== place.storageId))
    )
      return { problem: `they do not lie in one directory of job ${flinkJobId}` };
    found = {
      storageId: place.storageId,
      storageName: place.name,
      directory,
      location: written.slice(0, -`/chk-${flinkCheckpointId}`.length),
    };
  }
  return found ?? { problem: 'it has left no checkpoint' };
}
