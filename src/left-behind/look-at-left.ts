import { storagesOfClusterAt } from '../cluster/find-cluster.js';
import { lookInto, lookThrough, SOON_MS } from '../cluster/storage-access.js';
import { placesOf } from '../cluster/storage-root.js';
import type { Database } from '../db/database.js';
import { NotNow } from '../deletion/look-for-rest.js';
import { pathBelow } from '../flink/location.js';
import type { StorageReader } from '../storage/storage-reader.js';
import { keptByRecord, type LeftLook } from './left-behind-choice.js';
import { leftRuns, type PlaceToRead, type RecordedRun, type WhichRuns } from './left-runs.js';
import { type PlaceOfRun, placeOfRun } from './place-of-run.js';
import { forgetReaches, reachesRead, readReach, rememberReach } from './snapshot-reach.js';

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
 * @throws NotNow where a fresh look meets a storage that is slow to answer others.
 */
export async function lookAtLeft(database: Database, which: WhichRuns, how: HowToLook): Promise<LeftLooks> {
  const { runs, unseen, now } = await leftRuns(database, which);
  const until = performance.now() + how.withinMs;
  const looks = new Map<string, LeftLook>();
  const shared: Shared = { unreadable: new Set(), until };
  for (const run of runs) {
    if (keptByRecord(run, unseen, { now, afterMs: how.afterMs }).length > 0) continue;
    if (performance.now() > until) break;
    looks.set(run.jobId, await lookAtRun(database, run, how.fresh ?? false, shared));
  }
  return looks;
}

/** What may share files is the same for many runs: what cannot be read is tried once in one look. */
interface Shared {
  unreadable: Set<string>;
  until: number;
}

async function lookAtRun(database: Database, run: RecordedRun, fresh: boolean, shared: Shared): Promise<LeftLook> {
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
  const look = await lookThrough(sight, (reader) => lookInDirectory(reader, run, place, known));
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
  return {
    ...nothing,
    beside,
    foldersElsewhere: [...new Set(elsewhere)].sort(),
    reachOf: await reachesOfShared(database, run, shared),
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
): Promise<Seen> {
  const seen: Seen = { unread: null, beside: [], read: [] };
  const ids = new Set(run.checkpoints.map(({ flinkCheckpointId }) => flinkCheckpointId));
  for (const { name } of await reader.list(directory)) {
    const id = /^chk-(\d+)$/.exec(name)?.[1];
    if (id !== undefined && !ids.has(Number(id)) && (await reader.exists(`${directory}/${name}/_metadata`)))
      seen.beside.push(Number(id));
  }
  for (const checkpoint of run.checkpoints) {
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
async function reachesOfShared(
  database: Database,
  run: RecordedRun,
  { unreadable, until }: Shared,
): Promise<Map<string, string[]>> {
  const reaches = await reachesRead(database, [...run.placesOfShared.keys()]);
  for (const [key, place] of run.placesOfShared) {
    if (reaches.has(key) || unreadable.has(key) || performance.now() > until) continue;
    const folders = await foldersOf(database, place);
    if (folders === null) {
      unreadable.add(key);
      continue;
    }
    reaches.set(key, folders);
    await rememberReach(database, {
      key,
      jobId: 'jobId' in place ? place.jobId : null,
      location: place.location,
      folders,
    });
  }
  return reaches;
}

async function foldersOf(database: Database, place: PlaceToRead): Promise<string[] | null> {
  const lies = await whereIs(database, place);
  const sight = lies && (await lookInto(database, lies.storageId));
  if (!lies || !sight) return null;
  const look = await lookThrough(sight, (reader) => readReach(reader, lies.path, place.location));
  return look.seen && 'folders' in look.seen ? look.seen.folders : null;
}

async function whereIs(database: Database, place: PlaceToRead): Promise<{ storageId: string; path: string } | null> {
  if (!('jobId' in place))
    return place.storageId === null || place.path === null ? null : { storageId: place.storageId, path: place.path };
  const { storages } = await storagesOfClusterAt(database, place.clusterId, place.createdAt);
  const [best, another] = placesOf(storages, place.location).best;
  return best && !another ? best : null;
}
