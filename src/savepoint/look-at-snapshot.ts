import { allRoots, type ReachedStorage } from '../cluster/find-cluster.js';
import { lookInto, lookThrough, type Sight } from '../cluster/storage-access.js';
import { type PlaceBelow, placesOf } from '../cluster/storage-root.js';
import type { Database } from '../db/database.js';
import { MetadataError } from '../flink/metadata/metadata-error.js';
import { isGoneFrom } from '../storage/lying-here.js';
import type { StorageReader } from '../storage/storage-reader.js';
import type { Place } from './find-savepoint.js';
import { type Inspection, inspectSnapshot, type SizeElsewhere, type SnapshotToInspect } from './inspect-snapshot.js';

/**
 * What a look at a snapshot comes to. `proven`: the storage is known to be the same place, and what lay above the snapshot is there, so
 * that what is not there is gone.
 */
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
  const inspect = async (reader: StorageReader): Promise<Inspection | 'GONE' | 'AWAY'> => {
    const inspection = await inspectSnapshot({
      reader,
      path: place.path,
      location,
      sizeElsewhere: ownFolderOnly ? () => Promise.resolve('NOT_REACHED') : sizeInStorages(database, sight, place),
      ...(signal && { signal }),
      ...(progress && { progress }),
    });
    return inspection ?? (!proven || (await isGoneFrom(reader, place.path)) ? 'GONE' : 'AWAY');
  };
  try {
    const look = await lookThrough(sight, inspect);
    if ('why' in look) return { kind: 'NOT_SEEN', why: look.why, soon: look.soon };
    if (look.seen === 'AWAY') return { kind: 'NOT_SEEN', why: AWAY, soon: false };
    if (look.seen === 'GONE') return { kind: 'NO_METADATA', proven };
    return { kind: 'READ', inspection: proven ? look.seen : withoutProof(look.seen), proven };
  } catch (error) {
    if (!(error instanceof MetadataError)) throw error;
    return { kind: 'NOT_METADATA', error, proven };
  }
}

const AWAY =
  'neither it nor what lay above it is there: the storage may not be mounted where Stateward reads it, or what is read is another folder';

/**
 * Files that lie where a cluster writes that reaches the storage of the snapshot: in that very storage, or in another of its own that
 * has the inner root. What only others reach is not looked for: equal paths of two hosts say nothing. Each storage is looked into once,
 * when the first file in it comes.
 */
function sizeInStorages(database: Database, own: Sight, snapshot: Place): SizeElsewhere {
  let roots: Promise<ReachedStorage[]> | null = null;
  const sights = new Map<string, Promise<Sight | null>>([[snapshot.storageId, Promise.resolve(own)]]);
  const sightOf = (storageId: string) => {
    const sight = sights.get(storageId) ?? lookInto(database, storageId);
    sights.set(storageId, sight);
    return sight;
  };
  const isGone = async (reader: StorageReader, { storageId, path }: PlaceBelow): Promise<boolean> => {
    if (await isGoneFrom(reader, path)) return true;
    const rootIsSeen = storageId === snapshot.storageId && (await reader.exists(`${snapshot.path}/_metadata`));
    return rootIsSeen && isGoneFrom(reader, path, { rootIsSeen });
  };
  const sizeAt = async (place: PlaceBelow): Promise<number | null | 'NOT_REACHED'> => {
    const sight = await sightOf(place.storageId);
    if (!sight) return 'NOT_REACHED';
    const look = await lookThrough(sight, async (reader) => {
      const size = await reader.size(place.path);
      return size ?? (sight.proven && (await isGone(reader, place)) ? 'GONE' : 'NOT_REACHED');
    });
    if ('why' in look) return 'NOT_REACHED';
    return look.seen === 'GONE' ? null : look.seen;
  };
  return async (location) => {
    roots ??= rootsBeside(database, snapshot.storageId);
    let size: number | null | 'NOT_REACHED' = 'NOT_REACHED';
    for (const place of placesToLook(await roots, snapshot.storageId, location)) {
      const there = await sizeAt(place);
      if (typeof there === 'number') return there;
      size = there;
    }
    return size;
  };
}

/** Of the storages that are reached by a cluster which reaches this one. */
async function rootsBeside(database: Database, storageId: string): Promise<ReachedStorage[]> {
  const roots = await allRoots(database);
  const clusters = new Set(roots.filter((root) => root.storageId === storageId).map(({ clusterId }) => clusterId));
  return roots.filter(({ clusterId }) => clusters.has(clusterId));
}

/** The snapshot's own storage, and then the one whose root lies further in: the last of them tells what is gone. */
function placesToLook(roots: readonly ReachedStorage[], storageId: string, location: string): PlaceBelow[] {
  const { best, all } = placesOf(roots, location);
  const own = all.find((place) => place.storageId === storageId);
  const [inner, another] = best;
  return [...(own ? [own] : []), ...(inner && !another && inner !== own ? [inner] : [])];
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
