import type { UserError } from '../api/user-error.js';
import type { Sql } from '../db/database.js';
import { SavepointOrigin, SavepointState } from '../savepoint/savepoint.enums.js';
import { problemOfPlace } from './containment.js';
import { LastState, SavepointNotDeletable, SavepointProtected, SavepointUnderWay } from './deletion-refusals.types.js';
import { DeletionScope } from './deletion.enums.js';
import { databaseNow, type SavepointToDelete, somethingElseLeft } from './deletion.store.js';
import { isLost, type Protection, protectionsOf, type SavepointFacts, standInTheWay } from './protection.js';
import { readProtectionFacts, type Whose } from './protection-facts.js';

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
  savepoints: ReadonlyMap<string, SavepointFacts>;
  protections: ReadonlyMap<string, readonly Protection[]>;
  /** Savepoints that the deployment could be restored from; whoever deletes several takes each out of it. Null: there is no deployment. */
  restorable: Set<string> | null;
  somethingElse: boolean;
}

/** As it is now: whoever is about to delete one has locked its row before. */
export async function readStanding(sql: Sql, whose: Whose, deploymentId: string | null): Promise<Standing> {
  const facts = await readProtectionFacts(sql, whose);
  return {
    savepoints: new Map(facts.savepoints.map((one) => [one.id, one])),
    protections: protectionsOf(facts, await databaseNow(sql)),
    restorable: deploymentId === null ? null : new Set(facts.savepoints.filter(isRestorable).map(({ id }) => id)),
    somethingElse: deploymentId !== null && (await somethingElseLeft(sql, deploymentId)),
  };
}

const isRestorable = (one: SavepointFacts) =>
  one.state === SavepointState.COMPLETED && one.origin !== SavepointOrigin.IMPORTED && !one.drained && !isLost(one);

export const isGoing = ({ state }: { state: SavepointState }): boolean =>
  state === SavepointState.DELETING || state === SavepointState.DELETION_FAILED || state === SavepointState.DELETED;

/** What a deletion by hand comes to (RT-7, RT-8, SP-9): what goes, or why nothing does. Of one that is not going already. */
export function judgeDeletion(
  savepoint: SavepointToDelete,
  standing: Standing,
  wish: DeletionWish,
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
  if (scope === DeletionScope.DATA && !wish.lastState && isLastState(id, standing)) return new LastState(id);
  return scope;
}

/** It can be restored from, and without it there would be nothing. */
function isLastState(id: string, { savepoints, restorable, somethingElse }: Standing): boolean {
  const facts = savepoints.get(id);
  if (restorable === null || somethingElse || !facts || isLost(facts)) return false;
  return [...restorable].every((other) => other === id);
}

export const isRefusal = (judged: DeletionScope | DeletionRefusal): judged is DeletionRefusal & UserError =>
  typeof judged !== 'string';
