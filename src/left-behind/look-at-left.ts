import { storagesOfClusterAt } from '../cluster/find-cluster.js';
import { lookInto, lookThrough, SOON_MS } from '../cluster/storage-access.js';
import { placesOf } from '../cluster/storage-root.js';
import type { Database } from '../db/database.js';
import { NotNow } from '../deletion/look-for-rest.js';
import { normaliseLocation, pathBelow } from '../flink/location.js';
import type { StorageReader } from '../storage/storage-reader.js';
import { keptByRecord, type LeftLook } from './left-behind-choice.js';
import type { PlaceToRead } from './kept-snapshots.js';
import { leftRuns, type PlacesToRead, type RecordedRun, type WhichRuns } from './left-runs.js';
import { type PlaceOfRun, placeOfRun } from './place-of-run.js';
import { forgetReaches, type Reach, reachesRead, readReach, rememberReach } from './snapshot-reach.js';

/** By run: what was seen. One that is not there was not looked at: something that is recorded keeps it anyway, or there was no time. */
export type LeftLooks = ReadonlyMap<string, LeftLook>;

export interface HowToLook {
  afterMs: number;
  /** No look is begun after that. */
  withinMs: number;
  /** What they use is read anew, and not taken as it was read before: right before something is disposed of. */
  fresh?: boolean;
}

/**
 * Looks at what ended runs have left, of which nothing that is recorded says that it stays: their directories, their `_metadata`, and that
 * of whatever may share their files. Outside of any transaction, since a storage may be slow.
 * @throws NotNow where a fresh look meets a storage that is slow, or has no time left.
 */
export async function lookAtLeft(database: Database, which: WhichRuns, how: HowToLook): Promise<LeftLooks> {
  const { runs, unseen, placesOfAnybody, now } = await leftRuns(database, which);
  const shared: SharedLook = {
    fresh: how.fresh ?? false,
    until: performance.now() + how.withinMs,
    placesOfAnybody,
    reaches: new Map(),
    tried: new Set(),
  };
  const looks = new Map<string, LeftLook>();
  const undecided = runs.filter((run) => keptByRecord(run, unseen, { now, afterMs: how.afterMs }).length === 0);
  if (undecided.length > 0) await recall(database, shared, undecided);
  for (const run of undecided) {
    if (isOver(shared)) break;
    looks.set(run.jobId, await lookAtRun(database, run, shared));
  }
  return looks;
}

/** What may share files is the same for many runs: it is read once in one look. */
interface SharedLook {
  fresh: boolean;
  until: number;
  placesOfAnybody: PlacesToRead;
  /** By the key of what may share files; shared by the looks at all runs. */
  reaches: Map<string, readonly string[]>;
  /** Keys of what needs not be read, or not again in this look. */
  tried: Set<string>;
}

function isOver({ fresh, until }: SharedLook): boolean {
  const over = performance.now() > until;
  if (over && fresh) throw new NotNow(SOON_MS); // that there was no time is no reason to take anything back
  return over;
}

/** What was read before. Of a run that goes on it is read anew as long as it was seen to use files of others: it may not any more. */
async function recall(database: Database, shared: SharedLook, runs: readonly RecordedRun[]): Promise<void> {
  const places = new Map([...shared.placesOfAnybody, ...runs.flatMap(({ placesOfHeirs }) => [...placesOfHeirs])]);
  for (const [key, folders] of await reachesRead(database, [...places.keys()])) {
    shared.reaches.set(key, folders);
    const place = places.get(key);
    const changes = place && 'live' in place && place.live;
    const own = place && aboveOf(place.location);
    if (!changes || folders.every((folder) => pathBelow(own ?? '', folder) !== null)) shared.tried.add(key);
  }
}

const aboveOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));

async function lookAtRun(database: Database, run: RecordedRun, shared: SharedLook): Promise<LeftLook> {
  const { fresh } = shared;
  const nothing: LeftLook = {
    ids: run.checkpoints.map(({ flinkCheckpointId }) => flinkCheckpointId),
    place: null,
    unread: null,
    beside: [],
    foldersElsewhere: [],
    reachOf: new Map(),
  };
  const place = await placeOfRun(database, run);
  if ('problem' in place) return { ...nothing, place: place.problem };
  const sight = await lookInto(database, place.storageId);
  if (!sight) return { ...nothing, unread: `Stateward cannot read the storage "${place.storageName}"` };
  if (!sight.proven)
    return {
      ...nothing,
      unread: `what is read here is not proven to be the storage "${place.storageName}": a savepoint that completes in it, or a checkpoint that a run leaves in it, proves that`,
    };
  const known = fresh ? new Map<string, string[]>() : await reachesRead(database, run.checkpoints.map(keyIn(run)));
  const look = await lookThrough(sight, (reader) => lookInDirectory(reader, run, place, known, shared));
  if ('why' in look) {
    if (fresh && look.soon) throw new NotNow(SOON_MS); // it is only slow: that is no reason to take anything back
    return { ...nothing, unread: look.why.replace(/\.$/, '') };
  }
  const { unread, beside, read } = look.seen;
  if (unread !== null) {
    await forgetReaches(database, run.jobId); // what was read before does not hold any more
    return { ...nothing, unread };
  }
  for (const one of read) if (!known.has(one.key)) await rememberReach(database, { ...one, jobId: run.jobId });
  const elsewhere = read.flatMap(({ folders }) =>
    folders.filter((folder) => pathBelow(place.location, folder) === null),
  );
  await readShared(database, shared, shared.placesOfAnybody);
  await readShared(database, shared, run.placesOfHeirs);
  return {
    ...nothing,
    beside,
    foldersElsewhere: [...new Set(elsewhere)].sort(),
    reachOf: shared.reaches,
  };
}

const keyIn =
  ({ jobId }: RecordedRun) =>
  ({ flinkCheckpointId }: { flinkCheckpointId: number }) =>
    `${jobId}:${flinkCheckpointId}`;

interface Seen {
  unread: string | null;
  beside: number[];
  read: { key: string; location: string; folders: string[] }[];
}

async function lookInDirectory(
  reader: StorageReader,
  run: RecordedRun,
  { directory }: PlaceOfRun,
  known: ReadonlyMap<string, string[]>,
  shared: SharedLook,
): Promise<Seen> {
  const seen: Seen = { unread: null, beside: [], read: [] };
  const ids = new Set(run.checkpoints.map(({ flinkCheckpointId }) => flinkCheckpointId));
  for (const { name } of await reader.list(directory)) {
    const id = /^chk-(\d+)$/.exec(name)?.[1];
    if (id !== undefined && !ids.has(Number(id)) && (await reader.exists(`${directory}/${name}/_metadata`)))
      seen.beside.push(Number(id));
  }
  for (const checkpoint of run.checkpoints) {
    if (shared.fresh) isOver(shared);
    const { flinkCheckpointId, location } = checkpoint;
    const path = `${directory}/chk-${flinkCheckpointId}`;
    const key = keyIn(run)(checkpoint);
    const before = known.get(key);
    if (before && (await reader.exists(`${path}/_metadata`))) {
      seen.read.push({ key, location, folders: before });
      continue;
    }
    const reach = await readReach(reader, path, location);
    if (reach === null) return { ...seen, unread: `there is no _metadata in ${location}` };
    if ('problem' in reach)
      return { ...seen, unread: `the _metadata in ${location} cannot be read (${reach.problem})` };
    if (reach.checkpointId !== flinkCheckpointId)
      return { ...seen, unread: `the _metadata in ${location} is that of checkpoint ${reach.checkpointId}` };
    seen.read.push({ key, location, folders: reach.folders });
  }
  return seen;
}

/** Of what cannot be read there is none: then it may use files of theirs. */
async function readShared(database: Database, shared: SharedLook, places: PlacesToRead): Promise<void> {
  if (places.size === 0) return;
  for (const [key, place] of places) {
    if (shared.tried.has(key)) continue;
    if (isOver(shared)) return;
    const folders = await foldersOf(database, place, shared.fresh);
    shared.tried.add(key);
    if (folders === null) continue;
    shared.reaches.set(key, folders);
    const jobId = 'clusterId' in place ? place.jobId : null;
    await rememberReach(database, { key, jobId, location: place.location, folders });
  }
}

async function foldersOf(database: Database, place: PlaceToRead, fresh: boolean): Promise<string[] | null> {
  const lies = await whereIs(database, place);
  const sight = lies && (await lookInto(database, lies.storageId));
  if (!lies || !sight) return null;
  const look = await lookThrough(sight, async (reader) => {
    const reach = await readReach(reader, lies.path, place.location);
    if (reach && 'folders' in reach) return reach;
    return 'live' in place && place.live ? newestBeside(reader, lies.path, place.location) : null;
  });
  if ('why' in look && look.soon && fresh) throw new NotNow(SOON_MS);
  return look.seen && look.seen.folders;
}

/** Flink removes a checkpoint when newer ones are complete, which may not be recorded yet: those lie beside it. */
async function newestBeside(reader: StorageReader, path: string, location: string): Promise<Reach | null> {
  const [directory, written] = [aboveOf(path), aboveOf(normaliseLocation(location))];
  const numbers = (await reader.list(directory)).flatMap(({ name }) => /^chk-(\d+)$/.exec(name)?.[1] ?? []);
  for (const number of numbers.sort((a, b) => Number(b) - Number(a))) {
    const reach = await readReach(reader, `${directory}/chk-${number}`, `${written}/chk-${number}`);
    if (reach && 'folders' in reach) return reach;
  }
  return null;
}

async function whereIs(database: Database, place: PlaceToRead): Promise<{ storageId: string; path: string } | null> {
  if (!('clusterId' in place))
    return place.storageId === null || place.path === null ? null : { storageId: place.storageId, path: place.path };
  const { storages } = await storagesOfClusterAt(database, place.clusterId, place.createdAt);
  const [best, another] = placesOf(storages, place.location).best;
  return best && !another ? best : null;
}
