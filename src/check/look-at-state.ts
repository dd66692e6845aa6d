import { checkpointsAt } from '../checkpoint/look-at-storage.js';
import type { Claim } from '../db/claims.js';
import type { Database } from '../db/database.js';
import { flinkJobIdIn, liveWriterOf } from '../job/live-writer.js';
import { SnapshotKind } from '../job/snapshot-kind.js';
import { byCheckpoint } from '../run/named-point.js';
import { dataOfLook } from '../savepoint/data-of-look.js';
import { lookAtSnapshot, type SnapshotLook } from '../savepoint/look-at-snapshot.js';
import { lookWithin } from '../savepoint/look-within.js';
import { DataState } from '../savepoint/savepoint.enums.js';
import type { AdvanceCheckDeps } from './check-deps.js';
import type { CheckAtWork } from './check.store.js';
import { ProgressNotes } from './progress-notes.js';

/** Of a live job: Flink deletes a checkpoint as soon as the next is complete, which may be while it is looked at. */
const LOOKS_AT_LIVE_JOB = 4;

export type StateOfCheck = Pick<CheckAtWork, 'point' | 'location' | 'place' | 'why'>;

export interface StateSeen {
  /** What was looked at in the end: of a live job perhaps a newer checkpoint than was chosen. */
  state: StateOfCheck;
  look: SnapshotLook;
  /** Flink may have deleted it meanwhile: that it is not there, or not whole, says nothing of a start from the job's state. */
  passing: boolean;
}

/** Looks at the state of a check; where Flink has deleted it since it was chosen, at the newest checkpoint of its job in its place. */
export async function lookAtState(
  deps: AdvanceCheckDeps,
  work: CheckAtWork,
  claim: Claim,
  claimHeld: AbortSignal,
): Promise<StateSeen> {
  const { database, checkLimits } = deps;
  const notes = new ProgressNotes(database, claim);
  const until = performance.now() + checkLimits.lookMs;
  const lookAt = async ({ place, location }: StateOfCheck): Promise<SnapshotLook> => {
    if (!place) return notSeen('it lies in no storage that Stateward knows of');
    const look = await lookWithin(Math.max(1, until - performance.now()), (end) =>
      lookAtSnapshot(database, place, location, {
        signal: AbortSignal.any([claimHeld, end]),
        progress: (looked, of) => notes.tell(`the files of the state: ${looked} of ${of} were looked for`),
      }),
    );
    if (look.kind !== 'ENDED') return look;
    return notSeen(`its files could not all be looked for within ${Math.round(checkLimits.lookMs / 1_000)} s`);
  };
  try {
    let state: StateOfCheck = work;
    for (let looks = 1; ; looks += 1) {
      const look = await lookAt(state);
      const against = speaksAgainst(look);
      if (!(against || isPartlySeen(look)) || !(await mayBeDeleted(database, work)))
        return { state, look, passing: false };
      const newest = looks < LOOKS_AT_LIVE_JOB ? await newestBeside(database, work) : null;
      if (newest === 'SOON') return { state, look: notSeen('its folder was not listed in time', true), passing: true };
      if (newest === null) return { state, look, passing: true };
      if (!against && newest.location === state.location) return { state, look, passing: false };
      state = newest;
    }
  } finally {
    await notes.end();
  }
}

const notSeen = (why: string, soon = false): SnapshotLook => ({ kind: 'NOT_SEEN', why, soon });

const speaksAgainst = (look: SnapshotLook): boolean =>
  look.kind === 'NO_METADATA' || dataOfLook(look, true) === DataState.DAMAGED;

/** Its folder may have gone while it was looked at. */
const isPartlySeen = (look: SnapshotLook): boolean => look.kind === 'READ' && look.inspection.notReached > 0;

async function mayBeDeleted(database: Database, { point, location, makerLived }: CheckAtWork): Promise<boolean> {
  if (point.kind !== SnapshotKind.CHECKPOINT) return false;
  return makerLived || (await liveWriterOf(database, location)) !== null;
}

/** The newest checkpoint that lies in the directory of the job now; null: it cannot be told, or the directory is not the job's alone. */
async function newestBeside(
  database: Database,
  { point, location, place, why }: CheckAtWork,
): Promise<StateOfCheck | 'SOON' | null> {
  if (!place || flinkJobIdIn(place.path) === null) return null;
  const directory = { storageId: place.storageId, path: folderOf(place.path) };
  const there = await checkpointsAt(database, directory, folderOf(location));
  if (there === null || there === 'SOON') return there;
  const [newest] = there.sort((a, b) => b.id - a.id);
  if (!newest) return null;
  const besideIt = (path: string) => `${folderOf(path)}/chk-${newest.id}`;
  if (besideIt(location) === location) return { point, location, place, why };
  const id = `${point.jobId}:${newest.id}`;
  const recorded = await byCheckpoint(database, { field: 'checkpointId', ofLiveJobs: true }, id, false);
  const { triggeredAt, bytes } = 'point' in recorded ? recorded.point : { triggeredAt: null, bytes: null };
  const path = besideIt(place.path);
  return {
    point: {
      ...point,
      savepointId: null,
      flinkCheckpointId: newest.id,
      triggeredAt,
      bytes,
      location: besideIt(point.location),
      storage: point.storage && { id: place.storageId, path },
    },
    location: besideIt(location),
    place: { storageId: place.storageId, path },
    why: `${why}; Flink had deleted ${location.slice(folderOf(location).length + 1)} before it was read, and this was the newest of its job then`,
  };
}

const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));
