import { allRoots } from '../cluster/find-cluster.js';
import { lookInto, lookThrough, type Sight } from '../cluster/storage-access.js';
import { placesOf } from '../cluster/storage-root.js';
import type { Database } from '../db/database.js';
import { MetadataError } from '../flink/metadata/metadata-error.js';
import type { StorageReader } from '../storage/storage-reader.js';
import type { Place } from './find-savepoint.js';
import { type Inspection, inspectSnapshot, type SizeElsewhere, type SnapshotToInspect } from './inspect-snapshot.js';

/** What a look at a snapshot comes to. `proven`: the storage is known to be the same place, so that what is not there is gone. */
export type SnapshotLook =
  | { kind: 'READ'; inspection: Inspection; proven: boolean }
  | { kind: 'NO_METADATA'; proven: boolean }
  /** There is a `_metadata`, and it cannot be read. */
  | { kind: 'NOT_METADATA'; error: MetadataError; proven: boolean }
  /** Nothing can be told; `soon`: the storage may be asked again in a moment. */
  | { kind: 'NOT_SEEN'; why: string; soon: boolean };

export interface LookOptions extends Pick<SnapshotToInspect, 'signal' | 'progress'> {
  /** Files elsewhere, which may be many, count as not reached: for whoever wants to know what it holds, and not whether it is whole. */
  ownFolderOnly?: boolean;
}

/**
 * Reads the `_metadata` of a snapshot, and looks for every file that it points to, also in other storages. In a storage that is not
 * proven to be the same place a file that is not there counts as one that cannot be reached. `signal` ends it: its reason is thrown.
 */
export async function lookAtSnapshot(
  database: Database,
  place: Place,
  location: string,
  { signal, progress, ownFolderOnly = false }: LookOptions = {},
): Promise<SnapshotLook> {
  const sight = await lookInto(database, place.storageId);
  if (!sight) return { kind: 'NOT_SEEN', why: 'its storage cannot be looked into from here', soon: false };
  const { proven } = sight;
  const inspect = (reader: StorageReader) =>
    inspectSnapshot({
      reader,
      path: place.path,
      location,
      sizeElsewhere: ownFolderOnly ? () => Promise.resolve('NOT_REACHED') : sizeInStorages(database),
      ...(signal && { signal }),
      ...(progress && { progress }),
    });
  try {
    const look = await lookThrough(sight, inspect);
    if ('why' in look) return { kind: 'NOT_SEEN', why: look.why, soon: look.soon };
    if (look.seen === null) return { kind: 'NO_METADATA', proven };
    return { kind: 'READ', inspection: proven ? look.seen : withoutProof(look.seen), proven };
  } catch (error) {
    if (!(error instanceof MetadataError)) throw error;
    return { kind: 'NOT_METADATA', error, proven };
  }
}

/** Files that lie in whatever storage; each is looked into once, when the first file in it comes. */
function sizeInStorages(database: Database): SizeElsewhere {
  let roots: ReturnType<typeof allRoots> | null = null;
  const sights = new Map<string, Promise<Sight | null>>();
  const sightOf = (storageId: string) => {
    const sight = sights.get(storageId) ?? lookInto(database, storageId);
    sights.set(storageId, sight);
    return sight;
  };
  return async (location) => {
    roots ??= allRoots(database);
    const [place, another] = placesOf(await roots, location).best;
    const sight = place && !another ? await sightOf(place.storageId) : null;
    if (!sight || !place) return 'NOT_REACHED';
    const look = await lookThrough(sight, (reader) => reader.size(place.path));
    if ('why' in look || (look.seen === null && !sight.proven)) return 'NOT_REACHED';
    return look.seen;
  };
}

function withoutProof(inspection: Inspection): Inspection {
  const { absent } = inspection;
  return {
    ...inspection,
    damages: inspection.damages.filter(({ foundBytes }) => foundBytes !== null),
    damaged: inspection.damaged - absent,
    absent: 0,
    notReached: inspection.notReached + absent,
  };
}
