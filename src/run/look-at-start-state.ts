import { NOW } from '../db/assign.js';
import { type Claim, fencedWrite } from '../db/claims.js';
import type { Sql } from '../db/database.js';
import { failPoint } from '../fail-point.js';
import type { FlinkApi } from '../flink/flink.types.js';
import { JobFailureCode, JobState } from '../job/job.entity.js';
import type { SnapshotLook } from '../savepoint/look-at-snapshot.js';
import { wasRead } from '../savepoint/snapshot-contents.store.js';
import { type LookingDeps, lookWhileWanted } from './look-while-wanted.js';
import { noteStateLook } from './note-state-look.js';
import type { SubmissionAtWork } from './run.store.js';
import { failStart, withdrawStart } from './settle-start.js';
import type { AdvanceStartDeps } from './start-deps.js';
import { startStatePlace } from './start-state-place.js';
import { findingOf, type StateToLookAt } from './state-finding.js';
import { isToBeStopped, otherSavepointsOf } from './state-look.store.js';

const SUBMITTING = [JobState.SUBMITTING];
/** A submission that is repeated soon takes the word of the look before it. */
const GOOD_FOR_MS = 5 * 60_000;
const OTHERS_NAMED = 3;
/** Nobody waits longer for a place among the looks of a worker. */
const AWAIT_PLACE_MS = 60_000;
const NO_PLACE: SnapshotLook = {
  kind: 'NOT_SEEN',
  why: `no place to look was free for ${AWAIT_PLACE_MS / 1_000} s`,
  soon: false,
};

/**
 * Looks for every file of the state that was chosen, before anything is submitted: Flink takes a job whose files are gone, and
 * fails over and over while it runs. Where it cannot be told the start goes on, and says so. False: this ended the start, or
 * gave it back.
 */
export async function lookAtStartState(
  deps: AdvanceStartDeps,
  work: SubmissionAtWork,
  claim: Claim,
  flink: FlinkApi,
): Promise<boolean> {
  if (work.startLocation === null) return true;
  const { database, snapshotLooks } = deps;
  const isFresh = work.stateLookedAgoMs !== null && work.stateLookedAgoMs < GOOD_FOR_MS;
  if (!isFresh || !work.stateLook) {
    const state = await startStatePlace(database, work.cluster.id, work.startSavepointId, work.startLocation);
    const awaitedMs = work.stateLookAwaitedMs;
    const lookPlace = snapshotLooks.beforeStart.enter();
    if (!lookPlace && (awaitedMs ?? 0) < AWAIT_PLACE_MS) {
      const waiting = {
        waiting_for: 'looks of this worker at other states',
        ...(awaitedMs === null && { state_look_awaited_since: NOW }),
      };
      await fencedWrite(database, claim, SUBMITTING, waiting, { againInMs: 1_000 });
      return false;
    }
    const look = lookPlace
      ? await lookAt({ database, lookPlace }, work, claim, state).finally(() => lookPlace.leave())
      : NO_PLACE;
    if (look === 'STOPPED') {
      await withdrawStart(deps, work, claim, flink);
      return false;
    }
    failPoint('start.state-looked-at');
    const found = findingOf(look, look.kind === 'NOT_METADATA' && (await wasReadBefore(database, work, state)));
    await noteStateLook(database, work, claim, state, look, found);
    work.stateLook = { result: found.result, why: found.why };
  }
  if (work.stateLook.result !== 'DAMAGED' || work.ignoreFindings) return true;
  const message = await messageOf(database, work, work.stateLook.why ?? '');
  await failStart(deps, work, claim, flink, { code: JobFailureCode.STATE_DAMAGED, message, cause: null });
  return false;
}

async function lookAt(
  deps: LookingDeps,
  work: SubmissionAtWork,
  claim: Claim,
  { place, location }: StateToLookAt,
): Promise<SnapshotLook | 'STOPPED'> {
  if (!place) return { kind: 'NOT_SEEN', why: 'it lies in no storage, or in more than one', soon: false };
  await fencedWrite(
    deps.database,
    claim,
    SUBMITTING,
    { waiting_for: 'the files of its state to be looked at', state_look: null, state_looked_at: null },
    'HOLD',
  );
  let told = 0;
  const tick = async (looked: number, of: number) => {
    if (await isToBeStopped(deps.database, work.id)) return 'STOP';
    if (looked === told) return 'GO_ON';
    told = looked;
    const waitingFor = `the files of its state to be looked at: ${looked} of ${of}`;
    await fencedWrite(deps.database, claim, SUBMITTING, { waiting_for: waitingFor }, 'HOLD');
    return 'GO_ON';
  };
  return lookWhileWanted(deps, claim, { place, location, tick });
}

async function wasReadBefore(sql: Sql, work: SubmissionAtWork, { place }: StateToLookAt): Promise<boolean> {
  const key = work.startSavepointId === null ? place : { savepointId: work.startSavepointId };
  return key !== null && wasRead(sql, key);
}

async function messageOf(sql: Sql, work: SubmissionAtWork, why: string): Promise<string> {
  const others = await otherSavepointsOf(sql, work.deploymentId, work.startSavepointId, OTHERS_NAMED);
  const instead =
    others.length === 0
      ? 'No other savepoint of the deployment is known to be whole.'
      : `Other savepoints of the deployment: ${others.map(({ id }) => id).join(', ')}.`;
  return (
    `The state that it was to start from is damaged (${work.startLocation}): ${why}. Nothing was submitted. ` +
    `Bring the files back, or start from another state; ignoreFindings: true tries it all the same. ${instead}`
  );
}
