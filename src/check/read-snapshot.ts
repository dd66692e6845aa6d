import { SOON_MS } from '../cluster/storage-access.js';
import { NOW } from '../db/assign.js';
import { type Claim, fencedWrite } from '../db/claims.js';
import { MetadataError } from '../flink/metadata/metadata-error.js';
import { lookAtSnapshot, type SnapshotLook } from '../savepoint/look-at-snapshot.js';
import { contentsOf } from '../savepoint/snapshot-contents.js';
import { keepContents, type SnapshotKey } from '../savepoint/snapshot-contents.store.js';
import type { AdvanceCheckDeps } from './check-deps.js';
import { type CheckAtWork, underWay } from './check.store.js';
import { ProgressNotes } from './progress-notes.js';

/** A storage that is slow to answer somebody else is asked again so often. */
const SLOW_AT_MOST = 10;

/** Reads the `_metadata` of the state and looks for its files, and writes down what came of it. False: it will be tried again. */
export async function readSnapshot(
  deps: AdvanceCheckDeps,
  work: CheckAtWork,
  claim: Claim,
  signal: AbortSignal,
): Promise<boolean> {
  const { database } = deps;
  const look = await lookWithin(deps, work, claim, signal);
  if (look.kind === 'NOT_SEEN' && look.soon && work.failures < SLOW_AT_MOST) {
    const set = { failures: work.failures + 1, waiting_for: `the storage of the state: ${look.why}`.slice(0, 500) };
    await fencedWrite(database, claim, underWay, set, { againInMs: SOON_MS });
    return false;
  }
  const { kind, trouble } = outcomeOf(look, work);
  await database.transaction(async (tx) => {
    const set = { metadata_look: kind, metadata_trouble: trouble, metadata_read_at: kind === 'READ' ? NOW : null };
    await fencedWrite(tx, claim, underWay, { ...set, failures: 0 }, 'HOLD');
    const key = keyOf(work);
    if (look.kind === 'READ' && key) await keepContents(tx, key, contentsOf(look.inspection));
  });
  return true;
}

/** What is kept of it goes by its savepoint, or by its place. */
function keyOf({ point, place }: CheckAtWork): SnapshotKey | null {
  return point.savepointId === null ? place : { savepointId: point.savepointId };
}

async function lookWithin(
  { database, checkLimits }: AdvanceCheckDeps,
  work: CheckAtWork,
  claim: Claim,
  claimHeld: AbortSignal,
): Promise<SnapshotLook> {
  const { place, location } = work;
  if (!place) return notSeen('it lies in no storage that Stateward knows of');
  const notes = new ProgressNotes(database, claim);
  const limit = AbortSignal.timeout(checkLimits.lookMs);
  try {
    return await lookAtSnapshot(database, place, location, {
      signal: AbortSignal.any([claimHeld, limit]),
      progress: (looked, of) => notes.tell(`the files of the state: ${looked} of ${of} were looked for`),
    });
  } catch (error) {
    if (claimHeld.aborted || !limit.aborted) throw error;
    return notSeen(`its files could not all be looked for within ${Math.round(checkLimits.lookMs / 1_000)} s`);
  } finally {
    await notes.end();
  }
}

const notSeen = (why: string): SnapshotLook => ({ kind: 'NOT_SEEN', why, soon: false });

/** GONE: Flink would not find it either, or not take it for one. */
function outcomeOf(
  look: SnapshotLook,
  { location }: CheckAtWork,
): { kind: 'READ' | 'GONE' | 'NOT_READ'; trouble: string | null } {
  switch (look.kind) {
    case 'READ':
      return { kind: 'READ', trouble: null };
    case 'NO_METADATA':
      return look.proven
        ? { kind: 'GONE', trouble: `there is no _metadata at ${location} any more` }
        : {
            kind: 'NOT_READ',
            trouble: `no _metadata was seen for ${location}, in a storage that may be another place`,
          };
    case 'NOT_METADATA':
      return { kind: look.proven && isBroken(look.error) ? 'GONE' : 'NOT_READ', trouble: look.error.message };
    case 'NOT_SEEN':
      return { kind: 'NOT_READ', trouble: look.why };
  }
}

const isBroken = ({ code }: MetadataError): boolean => code === 'NOT_METADATA' || code === 'TRUNCATED';
