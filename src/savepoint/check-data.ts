import { lookInto, lookThrough, proveStorage } from '../cluster/storage-access.js';
import type { Claim } from '../db/claims.js';
import type { Place } from './find-savepoint.js';
import { dataOfLook } from './data-of-look.js';
import { lookAtSnapshot, type SnapshotLook } from './look-at-snapshot.js';
import { type LookEnded, lookWithin } from './look-within.js';
import type { AdvanceSavepointDeps, HowLong, ReadDetailsDeps } from './savepoint-deps.js';
import type { DataState } from './savepoint.enums.js';
import type { SavepointAtWork } from './savepoint.store.js';
import { wasRead } from './snapshot-contents.store.js';

/** What is asked for beside the statistics: hardly any snapshot needs longer. */
const QUICK_MS = 2_000;
/** What has time, once all else is known. */
const LONG_MS = 30_000;

export type DataCheck =
  | {
      state: DataState;
      look: SnapshotLook;
      /** Each `savepoint-…` below the attempt's directory; more than one: something was sent twice after all. */
      entries: string[];
    }
  | {
      state: null;
      /** NO_ROOM: others are looked at; SOON: the storage was slow to answer somebody else; LONGER: the look needs more time; NEVER: it cannot be told. */
      again: 'NO_ROOM' | 'SOON' | 'LONGER' | 'NEVER';
    };

/** Looks at a savepoint that Flink has just completed. Also learns from it whether the folder here is the storage there. */
export async function checkData(
  deps: ReadDetailsDeps,
  work: SavepointAtWork,
  claim: Claim,
  howLong: HowLong,
): Promise<DataCheck> {
  const place = deps.dataLooks[howLong].enter();
  if (!place) return { state: null, again: 'NO_ROOM' };
  try {
    if (howLong === 'QUICK') return await check(deps, work, QUICK_MS);
    return await place.hold(claim, () => check(deps, work, LONG_MS)); // where the claim is lost, the next write is refused
  } finally {
    place.leave();
  }
}

async function check({ database }: AdvanceSavepointDeps, work: SavepointAtWork, ms: number): Promise<DataCheck> {
  const { storageId, path, location } = work;
  if (!storageId || !path || !location) return { state: null, again: 'NEVER' };
  const place = { storageId, path };
  const from = performance.now();
  const lookOnce = () =>
    lookWithin(ms - (performance.now() - from), (signal) => lookAtSnapshot(database, place, location, { signal }));
  let look = await lookOnce();
  if ('proven' in look && !look.proven) {
    const found = look.kind !== 'NO_METADATA';
    await proveStorage(database, storageId, found, location);
    if (!found) return { state: null, again: 'NEVER' };
    if (look.kind === 'READ' && look.inspection.notReached > 0) look = await lookOnce(); // what is not there counts from now on
  }
  const state = dataOfLook(look, look.kind === 'NOT_METADATA' && (await wasRead(database, { savepointId: work.id })));
  return judge(look, state, await entriesBeside({ database }, work, place, look));
}

function judge(look: SnapshotLook | LookEnded, state: DataState | null, entries: string[] | 'SOON'): DataCheck {
  if (look.kind === 'ENDED') return { state: null, again: 'LONGER' };
  if (look.kind === 'NOT_SEEN') return { state: null, again: look.soon ? 'SOON' : 'NEVER' };
  if (state === null) return { state, again: 'NEVER' };
  return entries === 'SOON' ? { state: null, again: 'SOON' } : { state, look, entries };
}

async function entriesBeside(
  { database }: Pick<AdvanceSavepointDeps, 'database'>,
  { attempt }: SavepointAtWork,
  { storageId }: Place,
  look: SnapshotLook | LookEnded,
): Promise<string[] | 'SOON'> {
  if (!('proven' in look) || !attempt || attempt.storageId !== storageId) return [];
  const sight = await lookInto(database, storageId);
  const listed = sight && (await lookThrough(sight, (reader) => reader.list(attempt.directory)));
  if (listed && 'why' in listed && listed.soon) return 'SOON';
  return (listed?.seen ?? []).map(({ name }) => name).filter((name) => name.startsWith('savepoint-'));
}
