import { setTimeout as sleep } from 'node:timers/promises';
import { SOON_MS } from '../cluster/storage-access.js';
import { type Claim, ClaimLost } from '../db/claims.js';
import type { Database } from '../db/database.js';
import type { Place } from '../savepoint/find-savepoint.js';
import { lookAtSnapshot, type SnapshotLook } from '../savepoint/look-at-snapshot.js';
import type { LookPlace } from '../savepoint/savepoint-deps.js';

/** Nobody waits longer for files to be looked at. */
export const LOOK_MS = 60_000;
const TICK_MS = 1_000;

const STOPPED = new Error('The look is not wanted any more.');
const TIME_IS_UP = new Error('The look takes too long.');

export interface WantedLook {
  place: Place;
  location: string;
  ownFolderOnly?: boolean;
  /** Once a second: of the files elsewhere, how many were looked at. STOP: the look is not wanted any more. */
  tick?: (looked: number, of: number) => Promise<'GO_ON' | 'STOP'>;
}

export interface LookingDeps {
  database: Database;
  /** Where there was room for it. */
  lookPlace: LookPlace;
}

/**
 * Looks at a snapshot while the claim is kept, for a minute at most. A storage that is slow to answer somebody else is asked again; one
 * that hangs keeps nobody: the look is then left alone.
 */
export function lookWhileWanted(
  { database, lookPlace }: LookingDeps,
  claim: Claim,
  { place, location, ownFolderOnly = false, tick }: WantedLook,
): Promise<SnapshotLook | 'STOPPED'> {
  return lookPlace.hold(claim, async (lost) => {
    const ending = new AbortController();
    const { signal } = ending;
    lost.addEventListener('abort', () => ending.abort(new ClaimLost(claim)), { once: true });
    const timer = setTimeout(() => ending.abort(TIME_IS_UP), LOOK_MS);
    const seen = { looked: 0, of: 0 };

    const looking = async (): Promise<SnapshotLook> => {
      for (;;) {
        const look = await lookAtSnapshot(database, place, location, {
          signal,
          ownFolderOnly,
          progress: (looked, of) => Object.assign(seen, { looked, of }),
        });
        if (look.kind !== 'NOT_SEEN' || !look.soon) return look;
        await sleep(SOON_MS, undefined, { signal });
      }
    };
    const ticking = async (): Promise<void> => {
      while (tick && !signal.aborted) {
        await sleep(TICK_MS, undefined, { signal }).catch(() => undefined); // the end of the look ends the pause
        if (!signal.aborted && (await tick(seen.looked, seen.of)) === 'STOP') ending.abort(STOPPED);
      }
    };
    const ended = new Promise<never>((_, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
    );
    const ticked = ticking().catch((error: unknown) => ending.abort(error));
    try {
      return await Promise.race([looking(), ended]);
    } catch (error) {
      const reason: unknown = signal.aborted ? signal.reason : error;
      if (reason === STOPPED) return 'STOPPED';
      if (reason !== TIME_IS_UP) throw reason;
      const far = seen.of > 0 ? ` (${seen.looked} of ${seen.of} files elsewhere)` : '';
      return { kind: 'NOT_SEEN', why: `the look was not at its end after ${LOOK_MS / 1_000} s${far}`, soon: false };
    } finally {
      clearTimeout(timer);
      ending.abort(STOPPED);
      await ticked;
    }
  });
}
