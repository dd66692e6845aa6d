import { storagesOfClusterAt } from '../cluster/find-cluster.js';
import { placesOf } from '../cluster/storage-root.js';
import { checkpointsIn } from '../checkpoint/look-at-storage.js';
import type { Claim } from '../db/claims.js';
import type { Sql } from '../db/database.js';
import type { Place } from '../savepoint/find-savepoint.js';
import type { SnapshotLook } from '../savepoint/look-at-snapshot.js';
import { type ContentsOfMetadata, contentsOf } from '../savepoint/snapshot-contents.js';
import { readContents, type SnapshotKey } from '../savepoint/snapshot-contents.store.js';
import { type LookingDeps, lookWhileWanted } from './look-while-wanted.js';
import { type OwnLookAtWork, type OwnSnapshot, ownSnapshotsOf } from './own-look.store.js';

export interface ReadSnapshot {
  key: SnapshotKey;
  place: Place;
  location: string;
  contents: ContentsOfMetadata;
  /** They are those that are kept: nothing was read. */
  isKept: boolean;
}
/** `mayPass`: it may be read in a while. */
export type NotRead = { kind: 'NOT_READ'; why: string; mayPass: 'NO' | 'SOON' | 'LATER' };
export type OwnRead = { kind: 'READ'; snapshot: ReadSnapshot } | NotRead;

const TRIED = 4;

/**
 * Reads the newest snapshot of a run's own that is at hand. Flink removes a checkpoint when the next is complete, and its statistics lag
 * behind that: so the run's directory is asked first for what is there now.
 */
export async function readOwnSnapshot(deps: LookingDeps, work: OwnLookAtWork, claim: Claim): Promise<OwnRead> {
  const { database } = deps;
  const recorded = await ownSnapshotsOf(database, work.id, TRIED);
  if (recorded.length === 0) return notRead('no snapshot of its own is recorded', 'LATER');
  const located = recorded.filter(({ location }) => location !== null);
  if (located.length === 0)
    return notRead('Flink names no location for its checkpoints, which lie in the memory of the JobManager', 'NO');
  const now = await checkpointNow(deps, work, located);
  let last: NotRead = notRead('it lies in no storage that Stateward knows, or in more than one', 'NO');
  for (const snapshot of now ? [now, ...located] : located) {
    const place = await placeOf(database, work, snapshot);
    if (!place) continue;
    const read = await readOne(deps, claim, snapshot, place);
    if (read.kind === 'READ') return read;
    last = read;
  }
  return last;
}

/** The newest one in the directory of the run; null: it cannot be told, or its directory is not the run's alone. */
async function checkpointNow(
  { database }: LookingDeps,
  { cluster, createdAt, flinkJobId }: OwnLookAtWork,
  located: readonly OwnSnapshot[],
): Promise<OwnSnapshot | null> {
  const location = located.find(({ savepointId }) => savepointId === null)?.location;
  const directory = location?.slice(0, location.lastIndexOf('/'));
  if (!directory?.endsWith(`/${flinkJobId}`)) return null;
  const there = await checkpointsIn(database, { clusterId: cluster.id, createdAt }, directory);
  if (there === null || there === 'SOON') return null;
  const newest = [...there].sort((a, b) => b.id - a.id)[0];
  if (!newest) return null;
  return {
    flinkCheckpointId: newest.id,
    location: newest.location,
    savepointId: null,
    storageId: null,
    path: null,
  };
}

async function placeOf(sql: Sql, work: OwnLookAtWork, snapshot: OwnSnapshot): Promise<Place | null> {
  if (snapshot.storageId !== null && snapshot.path !== null)
    return { storageId: snapshot.storageId, path: snapshot.path };
  const { storages } = await storagesOfClusterAt(sql, work.cluster.id, work.createdAt);
  const [place, another] = placesOf(storages, snapshot.location ?? '').best;
  return place && !another ? { storageId: place.storageId, path: place.path } : null;
}

async function readOne(
  deps: LookingDeps,
  claim: Claim,
  { savepointId, location: written }: OwnSnapshot,
  place: Place,
): Promise<OwnRead> {
  const location = written ?? '';
  const key: SnapshotKey = savepointId === null ? place : { savepointId };
  const kept = savepointId === null ? null : await readContents(deps.database, { savepointId, places: [] });
  if (kept?.contents.source === 'METADATA')
    return { kind: 'READ', snapshot: { key, place, location, contents: kept.contents, isKept: true } };
  const look = await lookWhileWanted(deps, claim, { place, location, ownFolderOnly: true });
  if (look !== 'STOPPED' && look.kind === 'READ')
    return { kind: 'READ', snapshot: { key, place, location, contents: contentsOf(look.inspection), isKept: false } };
  return whyNot(look, location);
}

/** What a look that has read nothing comes to. */
export function whyNot(look: Exclude<SnapshotLook, { kind: 'READ' }> | 'STOPPED', location: string): NotRead {
  if (look === 'STOPPED') return notRead('the look at it was ended', 'LATER');
  switch (look.kind) {
    case 'NO_METADATA':
      return notRead(`there is no _metadata at ${location} (any more)`, 'LATER');
    case 'NOT_METADATA':
      return notRead(
        `the _metadata at ${location} cannot be read: ${look.error.message}`,
        look.error.code === 'VERSION_NOT_SUPPORTED' ? 'NO' : 'LATER',
      );
    case 'NOT_SEEN':
      return notRead(`${location} cannot be read: ${look.why}`, look.soon ? 'LATER' : 'SOON');
  }
}

export const notRead = (why: string, mayPass: NotRead['mayPass']): NotRead => ({ kind: 'NOT_READ', why, mayPass });
