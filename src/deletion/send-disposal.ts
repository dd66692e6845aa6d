import { lockCluster, readFactsSoon } from '../cluster/find-cluster.js';
import { NOW } from '../db/assign.js';
import { type Claim, fencedWrite, leaseAllowsEffect } from '../db/claims.js';
import type { Database, Sql } from '../db/database.js';
import { failPoint } from '../fail-point.js';
import { SavepointState } from '../savepoint/savepoint.enums.js';
import { chooseDisposer, type Disposer } from './choose-disposer.js';
import { locationBelow, problemOfPlace } from './containment.js';
import type { AdvanceDeletionDeps } from './deletion-deps.js';
import { DeletionFailureCode, DeletionNote, DeletionState } from './deletion.enums.js';
import { databaseNow } from './deletion.store.js';
import { type DeletionAtWork, deletionAtWork, lockSavepointRow } from './disposal.store.js';
import { endDeletion, failDeletion, waitFor } from './end-deletion.js';
import { inWords, lookForRest } from './look-for-rest.js';
import { protectionsOf } from './protection.js';
import { readUses } from './protection-facts.js';

/** Whatever lets it go on wakes it; these looks only make sure that none is forgotten. */
const WAITS_LOOK_EVERY_MS = 60_000;
/** A disposal whose result was lost may still be at work for so long; what it leaves is judged after that. */
const STILL_AT_WORK_MS = 30_000;

/**
 * Has Flink delete a savepoint: looks whether there is anything to delete and whether it may be, chooses the cluster, and asks it. The
 * order is what keeps it safe: the place is checked again with the savepoint's row locked, the disposal is written down, and only then
 * the call leaves, while the lease is good.
 */
export async function beginDisposal(deps: AdvanceDeletionDeps, work: DeletionAtWork, claim: Claim): Promise<void> {
  const { database, flinkClients } = deps;
  const { savepoint } = work;
  const problem = problemOfPlace(savepoint);
  if (problem !== null || savepoint.storageId === null || savepoint.path === null)
    return refuse(database, work, claim, problem ?? 'no place of it is known');

  const rest = await lookForRest(deps, work, claim, { countWhole: false });
  if (rest.left === false)
    return endDeletion(database, work, claim, 'EMPTY', {
      note: work.mayHaveBegun ? null : DeletionNote.WAS_ALREADY_GONE,
    });
  if (rest.left && work.mayHaveBegun && !rest.metadata) {
    if ((work.sentAgoMs ?? Infinity) < STILL_AT_WORK_MS)
      return fencedWrite(database, claim, [work.state], {}, { againInMs: 2_000 });
    return failDeletion(database, work, claim, {
      code: DeletionFailureCode.LEFTOVERS_POSSIBLE,
      message: `Its _metadata is gone and ${inWords(rest)}, which Flink cannot find without it. Remove the folder by hand: ${savepoint.location}`,
      rest,
      mayHaveBegun: true,
    });
  }
  const inUse = await usedBy(database, work);
  if (inUse !== null) return waitFor(database, work, claim, `the end of its use: ${inUse}`, WAITS_LOOK_EVERY_MS);

  const disposer = chooseDisposer(work.disposers, { ...savepoint, storageName: savepoint.storageName ?? '' });
  if ('waitingFor' in disposer) return waitFor(database, work, claim, disposer.waitingFor, WAITS_LOOK_EVERY_MS);
  if (disposer.clusterId !== work.clusterId)
    return fencedWrite(database, claim, [work.state], { cluster_id: disposer.clusterId }, { againInMs: 0 }); // its owner goes on
  const location = locationBelow(disposer.uri, savepoint.path);
  if (location === null)
    return refuse(database, work, claim, `it does not lie strictly below the root ${disposer.uri}`);
  const flink = flinkClients.at(disposer.url);
  const processMark = await flink.processMark();
  if (processMark !== disposer.processMark) return readClusterFirst(database, claim, disposer.clusterId);

  if (!(await storeDisposal(database, claim, disposer, location))) return;
  failPoint('deletion.marked');
  if (!leaseAllowsEffect(claim)) return; // the row is due again when the lease ends
  const reply = await flink.disposeSavepoint(location);
  failPoint('deletion.sent');
  const sent = { ...work, state: DeletionState.DISPOSING, location };
  if (reply.outcome === 'REFUSED') {
    return failDeletion(database, sent, claim, {
      code: DeletionFailureCode.DISPOSAL_FAILED,
      message: `Cluster "${disposer.name}" declined the disposal with HTTP ${reply.status}.`,
      cause: reply.cause,
      rest,
      mayHaveBegun: work.mayHaveBegun || reply.status >= 500,
      untold: reply.status >= 500, // that of a proxy may be, while Flink has taken it
    });
  }
  const asked = { request_id: reply.requestId, failures: 0, replies_lost: 0 };
  await fencedWrite(database, claim, [DeletionState.DISPOSING], asked, { againInMs: 100 });
  failPoint('deletion.replied');
}

const refuse = (database: Database, work: DeletionAtWork, claim: Claim, problem: string) =>
  failDeletion(database, work, claim, {
    code: DeletionFailureCode.NOT_DELETABLE,
    message: `Stateward deletes nothing there: ${problem}. Remove it by hand (${work.savepoint.location}), then give the record up with forgetSavepoint.`,
    mayHaveBegun: work.mayHaveBegun,
  });

/** A run that somebody else has started from it since it was marked, or a record of its place: nothing passes these. */
async function usedBy(sql: Sql, { id, savepoint }: DeletionAtWork): Promise<string | null> {
  const uses = await readUses(sql, { id, ...savepoint });
  const [first] = protectionsOf(uses, await databaseNow(sql)).get(id) ?? [];
  return first ? `${first.message.replace(/\.$/, '')}; that ends when ${first.unlock}` : null;
}

/** Another process answers than the one that was read: whether it is still the cluster that was registered is looked at first. */
async function readClusterFirst(database: Database, claim: Claim, clusterId: string): Promise<void> {
  await database.transaction(async (tx) => {
    await lockCluster(tx, clusterId);
    await fencedWrite(tx, claim, [DeletionState.WAITING], {}, { againInMs: 300 });
    await readFactsSoon(tx, clusterId);
  });
}

/** Intent before effect. False: something has moved meanwhile, and it is looked at anew. */
function storeDisposal(database: Database, claim: Claim, chosen: Disposer, location: string): Promise<boolean> {
  return database.transaction(async (tx) => {
    await lockSavepointRow(tx, claim.id);
    const now = await deletionAtWork(tx, claim);
    if (!now) return false; // somebody else has it now
    const { savepoint } = now;
    const disposer = now.disposers.find(({ clusterId }) => clusterId === chosen.clusterId);
    const same = disposer?.uri === chosen.uri && disposer.state === chosen.state && disposer.url === chosen.url;
    const contained =
      problemOfPlace(savepoint) === null && locationBelow(chosen.uri, savepoint.path ?? '') === location;
    const mayGo = same && contained && savepoint.state === SavepointState.DELETING;
    if (!mayGo || (await usedBy(tx, now)) !== null) {
      await fencedWrite(tx, claim, [DeletionState.WAITING], {}, { againInMs: 1_000 });
      return false;
    }
    await fencedWrite(
      tx,
      claim,
      [DeletionState.WAITING],
      {
        state: DeletionState.DISPOSING,
        waiting_for: null,
        location,
        request_id: null,
        process_mark: chosen.processMark,
        sent_at: NOW,
        disposals: now.disposals + 1,
      },
      'HOLD',
    );
    return true;
  });
}
