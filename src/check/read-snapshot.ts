import { SOON_MS } from '../cluster/storage-access.js';
import { NOW } from '../db/assign.js';
import { type Claim, fencedWrite } from '../db/claims.js';
import { damageInWords, dataOfLook } from '../savepoint/data-of-look.js';
import type { Inspection } from '../savepoint/inspect-snapshot.js';
import { DataState } from '../savepoint/savepoint.enums.js';
import { contentsOf } from '../savepoint/snapshot-contents.js';
import { keepContents, type SnapshotKey, wasRead } from '../savepoint/snapshot-contents.store.js';
import type { AdvanceCheckDeps } from './check-deps.js';
import { type CheckAtWork, underWay } from './check.store.js';
import { lookAtState, type StateOfCheck, type StateSeen } from './look-at-state.js';

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
  const seen = await lookAtState(deps, work, claim, signal);
  const { look, state, passing } = seen;
  if (look.kind === 'NOT_SEEN' && look.soon && work.failures < SLOW_AT_MOST) {
    const set = { failures: work.failures + 1, waiting_for: `the storage of the state: ${look.why}`.slice(0, 500) };
    await fencedWrite(database, claim, underWay, set, { againInMs: SOON_MS });
    return false;
  }
  const key = keyOf(state);
  const { kind, trouble } = outcomeOf(seen, key !== null && (await wasRead(database, key)));
  await database.transaction(async (tx) => {
    const set = { metadata_look: kind, metadata_trouble: trouble, metadata_read_at: kind === 'READ' ? NOW : null };
    await fencedWrite(tx, claim, underWay, { ...set, ...(state !== work && columnsOf(state)), failures: 0 }, 'HOLD');
    if (look.kind === 'READ' && key)
      await keepContents(tx, key, contentsOf(passing ? withoutDamage(look.inspection) : look.inspection));
  });
  return true;
}

const columnsOf = ({ point, location, place, why }: StateOfCheck) => ({
  point: JSON.stringify(point),
  location,
  why,
  storage_id: place?.storageId ?? null,
  path: place?.path ?? null,
});

/** What is kept of it goes by its savepoint, or by its place. */
function keyOf({ point, place }: StateOfCheck): SnapshotKey | null {
  return point.savepointId === null ? place : { savepointId: point.savepointId };
}

/** Files that Flink may have deleted while they were looked for count as not looked for. */
const withoutDamage = (inspection: Inspection): Inspection => ({
  ...inspection,
  damages: [],
  damaged: 0,
  absent: 0,
  notReached: inspection.notReached + inspection.damaged,
});

/** GONE: Flink would not find it either, or not take it for one. */
function outcomeOf(
  { look, state: { location }, passing }: StateSeen,
  readBefore: boolean,
): {
  kind: 'READ' | 'GONE' | 'NOT_READ';
  trouble: string | null;
} {
  switch (look.kind) {
    case 'READ':
      return { kind: 'READ', trouble: passing ? damageInWords(look) : null };
    case 'NO_METADATA':
      if (passing)
        return {
          kind: 'NOT_READ',
          trouble: `there is no _metadata at ${location} any more: Flink deletes a checkpoint of a live job when newer ones are complete`,
        };
      return look.proven
        ? { kind: 'GONE', trouble: `there is no _metadata at ${location} any more` }
        : {
            kind: 'NOT_READ',
            trouble: `no _metadata was seen for ${location}, in a storage that may be another place`,
          };
    case 'NOT_METADATA':
      return {
        kind: look.proven && !passing && dataOfLook(look, readBefore) === DataState.DAMAGED ? 'GONE' : 'NOT_READ',
        trouble: look.error.message,
      };
    case 'NOT_SEEN':
      return { kind: 'NOT_READ', trouble: look.why };
  }
}
