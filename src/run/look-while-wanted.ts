import { setTimeout as sleep } from 'node:timers/promises';
import { SOON_MS } from '../cluster/storage-access.js';
import { type Claim, ClaimLost, fencedWrite } from '../db/claims.js';
import { JobState } from '../job/job.entity.js';
import type { Place } from '../savepoint/find-savepoint.js';
import { lookAtSnapshot, type SnapshotLook } from '../savepoint/look-at-snapshot.js';
import type { AdvanceStartDeps } from './start-deps.js';
import { isToBeStopped } from './state-look.store.js';

/** No start waits longer for its files to be looked at. */
const LOOK_MS = 60_000;
const TELL_EVERY_MS = 1_000;

const STOPPED = new Error('A stop was accepted.');
const TIME_IS_UP = new Error('The look takes too long.');

/**
 * Looks at the state of a start while the claim on it is kept, and its progress told, for a minute at most. STOPPED: a stop was accepted meanwhile. A
 * storage that hangs keeps nobody: the look is then left alone.
 */
export function lookWhileWanted(
  { database, snapshotLooks }: Pick<AdvanceStartDeps, 'database' | 'snapshotLooks'>,
  jobId: string,
  claim: Claim,
  place: Place,
  location: string,
): Promise<SnapshotLook | 'STOPPED'> {
  return snapshotLooks.hold(claim, async (lost) => {
    const ending = new AbortController();
    const { signal } = ending;
    lost.addEventListener('abort', () => ending.abort(new ClaimLost(claim)), { once: true });
    const timer = setTimeout(() => ending.abort(TIME_IS_UP), LOOK_MS);
    const seen = { looked: 0, of: 0 };

    const looking = async (): Promise<SnapshotLook> => {
      for (;;) {
        const look = await lookAtSnapshot(database, place, location, {
          signal,
          progress: (looked, of) => Object.assign(seen, { looked, of }),
        });
        if (look.kind !== 'NOT_SEEN' || !look.soon) return look;
        await sleep(SOON_MS, undefined, { signal });
      }
    };
    const telling = async (): Promise<void> => {
      let told = 0;
      while (!signal.aborted) {
        await sleep(TELL_EVERY_MS, undefined, { signal }).catch(() => undefined); // the end of the look ends the pause
        if (signal.aborted) return;
        if (await isToBeStopped(database, jobId)) return ending.abort(STOPPED);
        if (seen.looked === told) continue;
        told = seen.looked;
        const waitingFor = `the files of its state to be looked at: ${told} of ${seen.of}`;
        await fencedWrite(database, claim, [JobState.SUBMITTING], { waiting_for: waitingFor }, 'HOLD');
      }
    };
    const ended = new Promise<never>((_, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
    );
    const told = telling().catch((error: unknown) => ending.abort(error));
    try {
      return await Promise.race([looking(), ended]);
    } catch (error) {
      const reason: unknown = signal.aborted ? signal.reason : error;
      if (reason === STOPPED) return 'STOPPED';
      if (reason !== TIME_IS_UP) throw reason;
      const far = seen.of > 0 ? ` (${seen.looked} of ${seen.of} files)` : '';
      return { kind: 'NOT_SEEN', why: `the look was not at its end after ${LOOK_MS / 1_000} s${far}`, soon: false };
    } finally {
      clearTimeout(timer);
      ending.abort();
      await told;
    }
  });
}
