import type { UserError } from '../api/user-error.js';
import type { Sql } from '../db/database.js';
import { SavepointOrigin, SavepointState } from '../savepoint/savepoint.enums.js';
import { problemOfPlace } from './containment.js';
import { LastState, SavepointNotDeletable, SavepointProtected, SavepointUnderWay } from './deletion-refusals.types.js';
import { DeletionScope } from './deletion.enums.js';
import { databaseNow, type Restorable, restorableOf, type SavepointToDelete } from './deletion.store.js';
import {
  isLost,
  type LatestStateUse,
  type Protection,
  protectionsOf,
  type SavepointFacts,
  standInTheWay,
  type Whose,
} from './protection.js';
import { readProtectionFacts } from './protection-facts.js';

/** What whoever asks is ready to pass over. */
export interface DeletionWish {
  force: boolean;
  lastState: boolean;
  /** Of imported ones: their data too. */
  alsoData: boolean;
}

export type DeletionRefusal = SavepointUnderWay | SavepointNotDeletable | SavepointProtected | LastState;

/** What decides about the savepoints that are listed with one deployment, or about one that is listed with none. */
export interface Standing {
  /** What the savepoints are listed with; null: with no deployment. */
  deploymentId: string | null;
  savepoints: ReadonlyMap<string, SavepointFacts>;
  protections: ReadonlyMap<string, readonly Protection[]>;
  latestStates: readonly LatestStateUse[];
  /** Of this deployment, and of the stopped ones that LATEST_STATE would start from a savepoint of it. */
  restorable: ReadonlyMap<string, Restorable>;
}

/** As it is now: whoever is about to delete one has locked its row before. */
export async function readStanding(sql: Sql, whose: Whose, deploymentId: string | null): Promise<Standing> {
  const facts = await readProtectionFacts(sql, whose);
  const users = facts.latestStates.map((use) => use.deploymentId);
  return {
    deploymentId,
    savepoints: new Map(facts.savepoints.map((one) => [one.id, one])),
    protections: protectionsOf(facts, await databaseNow(sql)),
    latestStates: facts.latestStates,
    restorable: await restorableOf(sql, deploymentId === null ? users : [deploymentId, ...users]),
  };
}

export const isGoing = ({ state }: { state: SavepointState }): boolean =>
  state === SavepointState.DELETING || state === SavepointState.DELETION_FAILED || state === SavepointState.DELETED;

/**
 * What a deletion by hand comes to (RT-7, RT-8, SP-9): what goes, or why nothing does. Of one that is not going already. `gone`: those
 * whose data go before it, of whichever deployment.
 */
export function judgeDeletion(
  savepoint: SavepointToDelete,
  standing: Standing,
  wish: DeletionWish,
  gone: ReadonlySet<string>,
): DeletionScope | DeletionRefusal {
  const { id, state, location } = savepoint;
  if (state === SavepointState.PENDING || state === SavepointState.IN_PROGRESS) return new SavepointUnderWay(id, state);
  if (state === SavepointState.FAILED)
    return new SavepointNotDeletable(id, 'it failed, and there is nothing to delete', null);
  const imported = savepoint.origin === SavepointOrigin.IMPORTED;
  const scope = imported && !wish.alsoData ? DeletionScope.RECORD : DeletionScope.DATA;
  const problem = scope === DeletionScope.DATA ? problemOfPlace(savepoint) : null;
  if (problem !== null) {
    const recordAlone = imported ? '. Without alsoData its record alone ends' : '';
    return new SavepointNotDeletable(id, `${problem}${recordAlone}`, location);
  }
  const protections = standInTheWay(standing.protections.get(id) ?? [], wish);
  if (protections.length > 0) return new SavepointProtected(id, protections);
  const last = scope === DeletionScope.DATA && !wish.lastState ? lastStateOf(id, standing, gone) : null;
  return last === null ? scope : new LastState(id, last);
}

/** The deployment that could be restored from it, and from nothing without it, by name: its own, or a stopped one that falls back to it. */
function lastStateOf(id: string, standing: Standing, gone: ReadonlySet<string>): string | null {
  const facts = standing.savepoints.get(id);
  if (!facts || isLost(facts)) return null;
  const users = standing.latestStates.flatMap((use) => (use.savepointId === id ? use.deploymentId : []));
  const concerned = new Set(standing.deploymentId === null ? users : [standing.deploymentId, ...users]);
  for (const deploymentId of concerned) {
    const restorable = standing.restorable.get(deploymentId);
    if (!restorable || restorable.somethingElse) continue;
    if (restorable.savepointIds.every((other) => other === id || gone.has(other))) return restorable.deploymentName;
  }
  return null;
}

export const isRefusal = (judged: DeletionScope | DeletionRefusal): judged is DeletionRefusal & UserError =>
  typeof judged !== 'string';
