import {
  compareRestored,
  differencesInWords,
  listed,
  type RestoredDifferences,
} from '../compatibility/compare-restored.js';
import { planKeyOf } from '../compatibility/program-plan.js';
import { rememberedPlan } from '../compatibility/program-plan.store.js';
import { uidsSet } from '../compatibility/uids-set.js';
import { type Claim, ClaimLost, fencedWrite, OWN_FAILURES } from '../db/claims.js';
import type { Database } from '../db/database.js';
import { EventType } from '../event/event-types.js';
import { type NewEvent, recordInOrder } from '../event/record-event.js';
import { failPoint } from '../fail-point.js';
import { JobState } from '../job/job.entity.js';
import { roomPauseMs } from '../savepoint/look-pause.js';
import type { ContentsOfMetadata } from '../savepoint/snapshot-contents.js';
import { keepContents } from '../savepoint/snapshot-contents.store.js';
import { type OwnLookAtWork, ownLookAtWork } from './own-look.store.js';
import { type NotRead, type OwnRead, type ReadSnapshot, readOwnSnapshot } from './read-own-snapshot.js';
import { readStartSource, type SourceRead } from './read-start-source.js';
import { databaseNow } from './restore.store.js';
import type { AdvanceStartDeps } from './start-deps.js';

/** In whatever state the run is by now: it may have ended. */
const SUBMITTED = Object.values(JobState).filter((state) => state !== JobState.SUBMITTING);
/** A checkpoint that was removed while it was read is followed by the next; a storage may be away for a while. */
const GIVE_UP_AFTER_MS = { NO: 0, SOON: 30_000, LATER: 10 * 60_000 };
const LEAST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
/** So much of the wait for room counts as time in which it was tried. */
const WAITED_AT_MOST_MS = 2 * 60_000;

type Deps = Pick<AdvanceStartDeps, 'database' | 'snapshotLooks'>;

/** What became of the state that a run was started from, as it is kept. */
export interface KeptRestoreCheck {
  state: 'SAME' | 'DIFFERS' | 'NOT_TOLD';
  why: string | null;
  differences: RestoredDifferences | null;
  /** Epoch ms, on the clock of the database. */
  asOf: number;
}

/**
 * When the first snapshot of a run's own is complete: reads which operators the job really has and what they hold, and compares that with what
 * it was started from. With changed uids and allowNonRestoredState Flink drops all state without a word; this is where it shows.
 */
export async function lookAfterStart(deps: Deps, claim: Claim): Promise<void> {
  const { database, snapshotLooks } = deps;
  const work = await ownLookAtWork(database, claim);
  if (!work) return;
  if (work.ownLook !== 'DUE') return fencedWrite(database, claim, SUBMITTED, {}, 'REST');
  const lookPlace = snapshotLooks.afterStart.enter();
  if (!lookPlace) return comeWhenThereIsRoom(database, claim, work);
  try {
    const own = await readOwnSnapshot({ database, lookPlace }, work, claim);
    if (isForLater(own, work)) return await comeAgain(database, claim, work);
    const source = await readStartSource({ database, lookPlace }, work, claim);
    if (isForLater(source, work)) return await comeAgain(database, claim, work);
    failPoint('start.own-snapshot-read');
    await settle(database, claim, work, own, source);
  } finally {
    lookPlace.leave();
  }
}

const isForLater = (read: OwnRead | SourceRead, { dueForMs }: OwnLookAtWork): read is NotRead =>
  read.kind === 'NOT_READ' && dueForMs < GIVE_UP_AFTER_MS[read.mayPass];

/** The time in which it is tried hardly begins before there is room for it. */
async function comeWhenThereIsRoom(database: Database, claim: Claim, { dueForMs }: OwnLookAtWork): Promise<void> {
  const since = dueForMs > WAITED_AT_MOST_MS ? new Date((await databaseNow(database)) - WAITED_AT_MOST_MS) : undefined;
  const againInMs = roomPauseMs(Math.min(dueForMs, WAITED_AT_MOST_MS));
  return fencedWrite(database, claim, SUBMITTED, { own_look_since: since }, { againInMs });
}

function comeAgain(database: Database, claim: Claim, { dueForMs }: OwnLookAtWork, set: object = {}): Promise<void> {
  const againInMs = Math.min(LONGEST_PAUSE_MS, Math.max(LEAST_PAUSE_MS, dueForMs / 4));
  return fencedWrite(database, claim, SUBMITTED, { ...set }, { againInMs });
}

async function settle(
  database: Database,
  claim: Claim,
  work: OwnLookAtWork,
  own: OwnRead,
  source: SourceRead,
): Promise<void> {
  const planKey = planKeyOf(work.settings, work.cluster);
  const plan = planKey && (await rememberedPlan(database, planKey));
  const asOf = await databaseNow(database);
  const snapshot = own.kind === 'READ' ? own.snapshot : null;
  const check = checkOf(work, own, source, plan?.operators ?? null, asOf);
  await database.transaction(async (tx) => {
    // What is kept may have been read anew meanwhile: it is not put back.
    if (snapshot && !snapshot.isKept) await keepContents(tx, snapshot.key, snapshot.contents, { ownFolderOnly: true });
    const set = {
      own_look: 'DONE',
      failures: 0,
      restore_check: check && JSON.stringify(check),
      own_snapshot: snapshot && JSON.stringify(reference(snapshot)),
    };
    await fencedWrite(tx, claim, SUBMITTED, set, 'REST');
    await recordInOrder(tx, [
      ...(check?.differences && source.kind === 'READ' ? differsEvent(work, source.snapshot.location, check) : []),
      ...(snapshot ? uidsEvent(work, snapshot.contents, plan?.operators ?? null) : []),
    ]);
  });
}

const reference = ({ key, place, location }: ReadSnapshot) => ({
  location,
  savepointId: 'savepointId' in key ? key.savepointId : null,
  ...place,
});

/** null: it was started without state, and there is nothing to compare. */
function checkOf(
  work: OwnLookAtWork,
  own: OwnRead,
  source: SourceRead,
  plan: Parameters<typeof compareRestored>[3],
  asOf: number,
): KeptRestoreCheck | null {
  if (source.kind === 'NONE') return null;
  const notTold = (why: string) => ({ state: 'NOT_TOLD' as const, why, differences: null, asOf });
  if (own.kind === 'NOT_READ') return notTold(`What the run holds could not be read: ${own.why}.`);
  if (source.kind === 'NOT_READ') return notTold(`What it was started from could not be read: ${source.why}.`);
  const mayDrop = work.origin === 'ADOPTED' ? null : work.allowNonRestoredState;
  const [before, now] = [source.snapshot.contents.metadata, own.snapshot.contents.metadata];
  const differences = compareRestored(before, now, mayDrop, plan);
  const why = differencesInWords(differences);
  return { state: why === null ? 'SAME' : 'DIFFERS', why, differences, asOf };
}

const about = ({ id, deploymentId, cluster }: OwnLookAtWork) => ({ deploymentId, jobId: id, clusterId: cluster.id });

function differsEvent(work: OwnLookAtWork, location: string, { why, differences }: KeptRestoreCheck): NewEvent[] {
  if (why === null || differences === null) return [];
  const remedy =
    differences.dropped.length === 0
      ? 'That is as it should be where they are new.'
      : 'If that is not meant, stop it and start from that state with the uids that it has. An operator that the program maps with setUidHash has its state all the same.';
  return [
    {
      ...about(work),
      savepointId: work.startSavepointId,
      type: EventType.RESTORE_DIFFERS,
      message: `Run ${work.run} of ${work.deploymentName} does not hold what it was started from (${location}): ${why}. ${remedy}`,
      details: { ...differences },
    },
  ];
}

function uidsEvent(
  work: OwnLookAtWork,
  { metadata }: ContentsOfMetadata,
  plan: Parameters<typeof uidsSet>[1],
): NewEvent[] {
  const { state, why, operators } = uidsSet(metadata, plan);
  if (state !== 'SOME_NOT_SET') return [];
  const count = `${operators.length} operator${operators.length === 1 ? '' : 's'} with state`;
  return [
    {
      ...about(work),
      type: EventType.UIDS_NOT_SET,
      message: `Of run ${work.run} of ${work.deploymentName}, ${count} ${operators.length === 1 ? 'has' : 'have'} no uid: ${listed(operators)}. ${why}`,
      details: { operators },
    },
  ];
}

/** After an error of our own: counts it on the row; after {@link OWN_FAILURES} in a row the look is given up, and says so. */
export async function recoverLookAfterStart({ database }: Deps, claim: Claim, error: unknown): Promise<void> {
  const work = await ownLookAtWork(database, claim);
  if (!work) return;
  const failures = work.failures + 1;
  try {
    if (failures < OWN_FAILURES) await comeAgain(database, claim, work, { failures });
    else await giveUp(database, claim, error);
  } catch (failed) {
    if (!(failed instanceof ClaimLost)) throw failed;
  }
}

async function giveUp(database: Database, claim: Claim, error: unknown): Promise<void> {
  const why = `Stateward could not compare it: ${error instanceof Error ? error.message : String(error)}`;
  const check: KeptRestoreCheck = { state: 'NOT_TOLD', why, differences: null, asOf: await databaseNow(database) };
  const set = { own_look: 'DONE', failures: 0, restore_check: JSON.stringify(check) };
  await fencedWrite(database, claim, SUBMITTED, set, 'REST');
}
