import { lockCluster, readFactsSoon } from '../cluster/find-cluster.js';
import { lookInto, lookThrough } from '../cluster/storage-access.js';
import { NOW } from '../db/assign.js';
import { type Claim, fencedWrite, leaseAllowsEffect } from '../db/claims.js';
import type { Database, Transaction } from '../db/database.js';
import { chooseDisposer, type Disposer } from '../deletion/choose-disposer.js';
import { locationBelow } from '../deletion/containment.js';
import { DeletionFailureCode, DeletionState } from '../deletion/deletion.enums.js';
import { inWords, lookForRest } from '../deletion/look-for-rest.js';
import { countFiles } from './count-files.js';
import { endLeftBehind, failLeftBehind, goOn, keepAfterAll, waitFor } from './end-left-behind.js';
import { FreshLooks } from './fresh-looks.js';
import { judgeLeftBehind } from './judge-left-behind.js';
import type { AdvanceLeftBehindDeps } from './left-behind-deps.js';
import type { LeftCheckpoint, WhyKept } from './left-behind-choice.js';
import { disposersOf, type LeftAtWork, leftAtWork, lockRuns } from './left-behind.store.js';
import { type LeftLooks, lookAtLeft } from './look-at-left.js';
import { type PlaceOfRun, placeOfRun } from './place-of-run.js';

/** Whatever lets it go on wakes it; these looks only make sure that none is forgotten. */
const WAITS_LOOK_EVERY_MS = 60_000;
/** A disposal whose result was lost may still be at work for so long; what it leaves is judged after that. */
const STILL_AT_WORK_MS = 30_000;

/**
 * Has Flink dispose of the next of them, the oldest first. Before the first one everything that decided is read and judged anew, and once
 * more with the row of the run locked, where the call is written down; after it there is no way back: the disposal of one may have taken
 * files of the others, which are as good as gone.
 */
export async function disposeOfNext(deps: AdvanceLeftBehindDeps, work: LeftAtWork, claim: Claim): Promise<void> {
  const { database } = deps;
  if (!work.marked) return keepAfterAll(database, work, claim, 'the run has come back.');
  const [next] = work.checkpoints;
  if (!next) return finish(deps, work, claim);
  const place = await placeOfRun(database, { ...work.run, checkpoints: work.checkpoints });
  if (!work.begun) {
    const looks = await lookAfresh(deps, work, claim);
    if (!looks) return waitFor(database, work, claim, SLOW_STORAGE, { againInMs: WAITS_LOOK_EVERY_MS });
    const kept = await whyKept(database, deps, work, looks);
    if (kept) return keepAfterAll(database, work, claim, `${kept.message} That ends when ${kept.unlock}.`);
    if ('problem' in place)
      return keepAfterAll(database, work, claim, `Stateward disposes of nothing there: ${place.problem}.`);
    return send(deps, work, claim, next, place, looks);
  }
  if ('problem' in place)
    return waitFor(database, work, claim, `a storage in which they lie (${place.problem})`, {
      againInMs: WAITS_LOOK_EVERY_MS,
    });
  return send(deps, work, claim, next, place, null);
}

const FRESH_WITHIN_MS = 2 * 60_000;
const SLOW_STORAGE = `a storage that lets all that decides be read within ${FRESH_WITHIN_MS / 60_000} min`;
/** Fewer than the places of a watcher: a slow storage holds no more of them than these. */
const freshLooks = new FreshLooks({ atOnce: 4, withinMs: FRESH_WITHIN_MS });

/** The claim is kept meanwhile: many and large ones take longer to be read than a lease lasts. null: it took too long. */
async function lookAfresh(
  { database, keptClaims, config }: AdvanceLeftBehindDeps,
  { id }: LeftAtWork,
  claim: Claim,
): Promise<LeftLooks | null> {
  const letGo = keptClaims.keep(claim, { lost: () => undefined }); // the next write is refused then
  const how = { afterMs: config.leftBehindAfterMs, withinMs: FRESH_WITHIN_MS, fresh: true };
  try {
    return await freshLooks.look(() => lookAtLeft(database, { jobId: id }, how));
  } finally {
    letGo();
  }
}

/** null: nothing speaks against it. */
async function whyKept(
  sql: Database | Transaction,
  { config }: AdvanceLeftBehindDeps,
  { id }: LeftAtWork,
  looks: LeftLooks,
): Promise<WhyKept | null> {
  const [judged] = await judgeLeftBehind(sql, { jobId: id }, looks, { afterMs: config.leftBehindAfterMs });
  return judged?.kept[0] ?? null;
}

/** Whoever has started from one of them after it was begun: nobody here does, and what he is at is not made worse. */
async function usedBy(
  sql: Database | Transaction,
  { config }: AdvanceLeftBehindDeps,
  { id }: LeftAtWork,
): Promise<string | null> {
  const [judged] = await judgeLeftBehind(sql, { jobId: id }, new Map(), { afterMs: config.leftBehindAfterMs });
  const use = judged?.kept.find(({ why }) => ENDS_AFTER_BEGINNING.has(why));
  return use ? `${use.message.replace(/\.$/, '')}; that ends when ${use.unlock}` : null;
}
const ENDS_AFTER_BEGINNING: ReadonlySet<string> = new Set([
  'RUNS_AGAIN',
  'START_UNDER_WAY',
  'SOURCE_OF_LIVE_RUN',
  'RECORDED',
]);

async function send(
  deps: AdvanceLeftBehindDeps,
  work: LeftAtWork,
  claim: Claim,
  next: LeftCheckpoint,
  place: PlaceOfRun,
  looks: LeftLooks | null,
): Promise<void> {
  const { database, flinkClients } = deps;
  const path = `${place.directory}/chk-${next.flinkCheckpointId}`;
  const mayHaveBegun = work.mayHaveBegun && work.checkpointId === next.flinkCheckpointId;
  const lies = { id: work.id, savepoint: { storageId: place.storageId, path } };
  const rest = await lookForRest(deps, lies, claim, { countWhole: false });
  if (rest.left === false) return goOn(database, work, claim, next, 'EMPTY');
  if (rest.left && mayHaveBegun && !rest.metadata) {
    if ((work.sentAgoMs ?? Infinity) < STILL_AT_WORK_MS)
      return fencedWrite(database, claim, [work.state], {}, { againInMs: 2_000 });
    return failLeftBehind(database, work, claim, {
      code: DeletionFailureCode.LEFTOVERS_POSSIBLE,
      message: `The _metadata of ${next.location} is gone and ${inWords(rest)}, which Flink cannot find without it. Remove the folder by hand.`,
      rest,
      mayHaveBegun,
    });
  }
  const inUse = work.begun ? await usedBy(database, deps, work) : null;
  if (inUse !== null)
    return waitFor(database, work, claim, `the end of its use: ${inUse}`, { againInMs: WAITS_LOOK_EVERY_MS });

  const wish = { storageName: place.storageName, flinkVersion: work.run.flinkVersion, madeBy: work.run.clusterId };
  const disposer = chooseDisposer(await disposersOf(database, place.storageId), wish);
  if ('waitingFor' in disposer)
    return waitFor(database, work, claim, disposer.waitingFor, { againInMs: WAITS_LOOK_EVERY_MS });
  if (disposer.clusterId !== work.clusterId)
    return fencedWrite(database, claim, [work.state], { cluster_id: disposer.clusterId }, { againInMs: 0 }); // its owner goes on
  const location = locationBelow(disposer.uri, path);
  if (location === null)
    return failLeftBehind(database, work, claim, {
      code: DeletionFailureCode.NOT_DELETABLE,
      message: `${next.location} does not lie strictly below the root ${disposer.uri}. Give the storage the root that it has (updateStorage).`,
      mayHaveBegun,
    });
  const flink = flinkClients.at(disposer.url);
  const processMark = await flink.processMark();
  if (processMark !== disposer.processMark) return readClusterFirst(database, claim, disposer.clusterId);

  const intent = { disposer, location, next, place, looks };
  if (!(await storeDisposal(deps, claim, intent))) return;
  if (!leaseAllowsEffect(claim)) return; // the row is due again when the lease ends
  const reply = await flink.disposeSavepoint(location);
  const sent = { ...work, state: DeletionState.DISPOSING, location };
  if (reply.outcome === 'REFUSED')
    return failLeftBehind(database, sent, claim, {
      code: DeletionFailureCode.DISPOSAL_FAILED,
      message: `Cluster "${disposer.name}" declined the disposal of ${location} with HTTP ${reply.status}.`,
      cause: reply.cause,
      rest,
      mayHaveBegun: mayHaveBegun || reply.status >= 500,
    });
  const asked = { request_id: reply.requestId, failures: 0, replies_lost: 0 };
  await fencedWrite(database, claim, [DeletionState.DISPOSING], asked, { againInMs: 100 });
}

/** Another process answers than the one that was read: whether it is still the cluster that was registered is looked at first. */
async function readClusterFirst(database: Database, claim: Claim, clusterId: string): Promise<void> {
  await database.transaction(async (tx) => {
    await lockCluster(tx, clusterId);
    await fencedWrite(tx, claim, [DeletionState.WAITING], {}, { againInMs: 300 });
    await readFactsSoon(tx, clusterId);
  });
}

interface Intent {
  disposer: Disposer;
  location: string;
  next: LeftCheckpoint;
  place: PlaceOfRun;
  /** null: it was begun before. */
  looks: LeftLooks | null;
}

/** Intent before effect. False: something has moved meanwhile, and it is looked at anew. */
function storeDisposal(deps: AdvanceLeftBehindDeps, claim: Claim, intent: Intent): Promise<boolean> {
  const { disposer: chosen, location, next, place, looks } = intent;
  return deps.database.transaction(async (tx) => {
    await lockRuns(tx, [claim.id]);
    const now = await leftAtWork(tx, claim);
    if (!now) return false; // somebody else has it now
    const disposer = (await disposersOf(tx, place.storageId)).find(({ clusterId }) => clusterId === chosen.clusterId);
    const same = disposer?.uri === chosen.uri && disposer.state === chosen.state && disposer.url === chosen.url;
    const still = now.marked && now.checkpoints[0]?.flinkCheckpointId === next.flinkCheckpointId;
    const speaks = looks === null ? await usedBy(tx, deps, now) : await whyKept(tx, deps, now, looks);
    if (!same || !still || speaks !== null) {
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
        begun: true,
        checkpoint_id: next.flinkCheckpointId,
        may_have_begun: now.mayHaveBegun && now.checkpointId === next.flinkCheckpointId,
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

/** All of them are gone: what still lies in the directory of the run was not theirs, or Flink has lost it. */
async function finish({ database }: AdvanceLeftBehindDeps, work: LeftAtWork, claim: Claim): Promise<void> {
  const { location } = work;
  const folder = location?.slice(0, location.lastIndexOf('/'));
  const checkpoints = folder ? [{ flinkCheckpointId: 0, location: `${folder}/chk-0`, bytes: null }] : [];
  const place = await placeOfRun(database, { ...work.run, checkpoints });
  const sight = 'problem' in place ? null : await lookInto(database, place.storageId);
  if ('problem' in place || !sight) return endLeftBehind(database, work, claim, null);
  const look = await lookThrough(sight, (reader) => countFiles(reader, place.directory));
  const rest = look.seen && look.seen.files > 0 ? { location: place.location, ...look.seen } : null;
  return endLeftBehind(database, work, claim, rest);
}
