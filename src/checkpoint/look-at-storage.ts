import { storagesOfClusterAt } from '../cluster/find-cluster.js';
import { lookInto, lookThrough, proveStorage, type Sight } from '../cluster/storage-access.js';
import type { Database } from '../db/database.js';
import { pathBelow } from '../flink/location.js';
import { flinkJobIdIn } from '../job/live-writer.js';
import { isGoneFrom } from '../storage/lying-here.js';

interface Place {
  storageId: string;
  sight: Sight;
  path: string;
}

/** A run, by its cluster and when it began there (epoch ms, database's clock): another cluster may have taken that place since. */
export interface RanOn {
  clusterId: string;
  createdAt: number;
}

/** The storage is only slow to answer somebody else: it can be told in a moment. */
export type Soon = 'SOON';

/** How Stateward reads a location of a run itself; null: it cannot. */
async function placeOf(database: Database, { clusterId, createdAt }: RanOn, location: string): Promise<Place | null> {
  const { storages } = await storagesOfClusterAt(database, clusterId, createdAt);
  for (const { storageId, uri } of storages) {
    const path = pathBelow(uri, location);
    if (path === null) continue;
    const sight = await lookInto(database, storageId);
    if (sight) return { storageId, sight, path };
  }
  return null;
}

export interface FoundCheckpoint {
  id: number;
  location: string;
  /** Of its `_metadata`, which is written last: about when it completed. */
  writtenAt: Date;
}

/**
 * The checkpoints that lie in a run's directory; null: it cannot be looked into, or nothing is there, and it was never proven that
 * the folder here is the same place, or a mount may be away.
 */
export async function checkpointsIn(
  database: Database,
  run: RanOn,
  directory: string,
): Promise<FoundCheckpoint[] | Soon | null> {
  const place = await placeOf(database, run, directory);
  return place && listCheckpoints(place, directory);
}

/** The same of a directory whose storage is known, and its path there. */
export async function checkpointsAt(
  database: Database,
  { storageId, path }: Omit<Place, 'sight'>,
  directory: string,
): Promise<FoundCheckpoint[] | Soon | null> {
  const sight = await lookInto(database, storageId);
  return sight && listCheckpoints({ storageId, sight, path }, directory);
}

async function listCheckpoints({ sight, path }: Place, directory: string): Promise<FoundCheckpoint[] | Soon | null> {
  const look = await lookThrough(sight, async (reader) => {
    const entries = await reader.list(path);
    const checkpoints: FoundCheckpoint[] = [];
    for (const { name } of entries) {
      const id = /^chk-(\d+)$/.exec(name)?.[1];
      const writtenAt = id === undefined ? null : await reader.modifiedAt(`${path}/${name}/_metadata`);
      if (writtenAt) checkpoints.push({ id: Number(id), location: `${directory}/${name}`, writtenAt });
    }
    const isEmptied = entries.length === 0 && sight.proven && (await isGoneFrom(reader, path));
    return { known: entries.length > 0 || isEmptied, checkpoints };
  });
  if ('why' in look) return look.soon ? 'SOON' : null;
  // The directory of this very job is there: no other place has one of its name.
  return look.seen.known ? look.seen.checkpoints : null;
}

/**
 * Whether the data of a snapshot that a run has just left are there. NOT_CHECKED: it cannot be told. A checkpoint that is seen proves that
 * what is read here is that storage, as a savepoint does: no other place has a folder of this very job. One that is not seen proves nothing.
 */
export async function dataAt(
  database: Database,
  run: RanOn,
  location: string,
): Promise<'PRESENT' | 'MISSING' | 'NOT_CHECKED' | Soon> {
  const place = await placeOf(database, run, location);
  if (place === null) return 'NOT_CHECKED';
  const look = await lookThrough(place.sight, async (reader) => {
    if (await reader.exists(`${place.path}/_metadata`)) return 'PRESENT';
    return place.sight.proven && (await isGoneFrom(reader, place.path)) ? 'MISSING' : 'NOT_CHECKED';
  });
  if ('why' in look) return look.soon ? 'SOON' : 'NOT_CHECKED';
  if (look.seen === 'PRESENT') {
    if (!place.sight.proven && flinkJobIdIn(location) !== null)
      await proveStorage(database, place.storageId, true, location);
  }
  return look.seen;
}
