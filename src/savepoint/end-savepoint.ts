import { lockClusterRow, storagesOfCluster } from '../cluster/find-cluster.js';
import { NOW } from '../db/assign.js';
import { type Claim, fencedWrite, type Then } from '../db/claims.js';
import type { Database, Transaction } from '../db/database.js';
import { keepText } from '../db/long-text.js';
import { EventType } from '../event/event-types.js';
import { type NewEvent, recordInOrder } from '../event/record-event.js';
import { failPoint } from '../fail-point.js';
import { normaliseLocation, pathBelow } from '../flink/location.js';
import { admitSavepoints } from './admit-savepoints.js';
import type { Failure } from './explain-failure.js';
import { DetailsState, SavepointFailureCode, SavepointState } from './savepoint.enums.js';
import { mayStillBeFound } from './savepoint.lifecycle.js';
import { type SavepointAtWork, updateAttempt } from './savepoint.store.js';
import { isStopFailedAfter, wakeStopsOf } from './stop-savepoint.store.js';
import { anotherTry, waitForNextTry } from './try-again.js';
import { wakeRetention } from './wake-retention.js';

/** Pause before the statistics are asked for checkpoint id, size and duration: Flink serves them from a cache of 3 s. */
const DETAILS_FIRST_MS = 400;
/** A savepoint whose result was lost may still show up; first looked for after this. */
export const LATE_FIRST_MS = 60_000;

const eventAbout = (work: SavepointAtWork) => ({
  deploymentId: work.deploymentId,
  savepointId: work.id,
  jobId: work.job.id,
  clusterId: work.cluster.id,
});

/** STOP_FAILED_AFTER: the stop that made it failed when it was whole. */
export type How = 'POLLED' | 'FOUND' | 'STOP_FAILED_AFTER';

const remarks: Record<How, string> = {
  POLLED: '',
  FOUND: ' (found; Flink had forgotten the trigger id)',
  STOP_FAILED_AFTER:
    ' (whole, although the stop that made it failed afterwards; side effects may be uncommitted, so restore from it and from nothing later)',
};

/** There is a savepoint at `location`: Flink said so, or it was found. Lets the next one of the cluster go on in the same transaction. */
export async function completeSavepoint(
  database: Database,
  work: SavepointAtWork,
  claim: Claim,
  location: string,
  how: How,
): Promise<void> {
  const place = normaliseLocation(location);
  const late = work.state === SavepointState.FAILED;
  await database.transaction(async (tx) => {
    await lockClusterRow(tx, work.cluster.id);
    const home = await homeOf(tx, work, place);
    await fencedWrite(
      tx,
      claim,
      [work.state],
      {
        state: SavepointState.COMPLETED,
        state_since: NOW,
        completed_at: NOW,
        location: place,
        storage_id: home?.storageId ?? null,
        path: home?.path ?? null,
        // the time of our call stands for Flink's until that is known; on the JobManager's clock, as that will be
        triggered_at: work.attempt?.sentAt ? new Date(work.attempt.sentAt + (work.cluster.clockOffsetMs ?? 0)) : null,
        state_backend: work.job.stateBackend,
        details: DetailsState.NOT_YET_REPORTED,
        in_flight: false,
        ...(how === 'STOP_FAILED_AFTER' ? { stop_failed_after: true } : {}),
        lost_since: null,
        failure_code: null,
        failure_message: null,
        failure_root_cause: null,
        failed_at: null,
        failures: 0,
      },
      { againInMs: DETAILS_FIRST_MS },
    );
    if (work.attempt) await updateAttempt(tx, work.id, work.attempt.number, { ended_at: NOW, outcome: 'COMPLETED' });
    await wakeStopsOf(tx, work.id);
    await wakeRetention(tx, [work.deploymentId]);
    const admitted = await admitSavepoints(tx, work.cluster.id, 0);
    const told = (await isStopFailedAfter(tx, work.id)) ? 'STOP_FAILED_AFTER' : how;
    await recordInOrder(tx, [...eventsOfCompletion(work, place, home, told, late), ...admitted]);
    failPoint('savepoint.end-before-commit');
  });
  failPoint('savepoint.ended');
}

/** The storage that a location lies in, and the path below its root there; the attempt's own storage first. */
async function homeOf(
  tx: Transaction,
  work: SavepointAtWork,
  location: string,
): Promise<{ storageId: string; path: string } | null> {
  const { attempt } = work;
  const expected = attempt && pathBelow(attempt.rootUri, location);
  if (attempt && expected) return { storageId: attempt.storageId, path: expected };
  const storages = await storagesOfCluster(tx, work.cluster.id);
  for (const storage of storages) {
    const path = pathBelow(storage.uri, location);
    if (path) return { storageId: storage.storageId, path };
  }
  return null;
}

function eventsOfCompletion(
  work: SavepointAtWork,
  location: string,
  home: { path: string } | null,
  how: How,
  late: boolean,
): NewEvent[] {
  const about = eventAbout(work);
  const events: NewEvent[] = [];
  if (late) {
    events.push({
      ...about,
      type: EventType.SAVEPOINT_FOUND_LATE,
      message: `Savepoint ${work.id}, given up as ${work.failureCode}, has shown up: ${location}.`,
    });
  }
  events.push({
    ...about,
    type: EventType.SAVEPOINT_COMPLETED,
    message: `Savepoint ${work.id} is complete: ${location}${remarks[how]}.`,
    details: { location },
  });
  if (!home || !work.attempt || !home.path.startsWith(`${work.attempt.directory}/`)) {
    events.push({
      ...about,
      type: EventType.UNEXPECTED_LOCATION,
      message: `Savepoint ${work.id} was asked into ${work.attempt?.directory ?? 'its directory'} and lies at ${location}. It is recorded as it is.`,
    });
  }
  return events;
}

/** There is no savepoint, or none that is known of; a scheduled one may be tried again. Lets the next one of the cluster go on in the same transaction. */
export async function failSavepoint(
  database: Database,
  work: SavepointAtWork,
  claim: Claim,
  failure: Failure,
): Promise<void> {
  await database.transaction(async (tx) => {
    await lockClusterRow(tx, work.cluster.id);
    const next = await anotherTry(tx, work, failure.code);
    const told = next
      ? await waitForNextTry(tx, work, claim, failure, next)
      : await endAsFailed(tx, work, claim, failure);
    if (work.attempt && work.state === SavepointState.IN_PROGRESS) {
      await updateAttempt(tx, work.id, work.attempt.number, { ended_at: NOW, outcome: failure.code });
    }
    await wakeStopsOf(tx, work.id);
    const admitted = await admitSavepoints(tx, work.cluster.id, 0);
    await recordInOrder(tx, [told, ...admitted]);
    failPoint('savepoint.end-before-commit');
  });
  failPoint('savepoint.ended');
}

async function endAsFailed(tx: Transaction, work: SavepointAtWork, claim: Claim, failure: Failure): Promise<NewEvent> {
  const then: Then = mayStillBeFound.includes(failure.code) && work.attempt ? { againInMs: LATE_FIRST_MS } : 'REST';
  await fencedWrite(
    tx,
    claim,
    [work.state],
    {
      state: SavepointState.FAILED,
      state_since: NOW,
      failed_at: NOW,
      failure_code: failure.code,
      failure_message: failure.message,
      failure_root_cause: failure.cause?.summary ?? null,
      in_flight: false,
      failures: 0,
    },
    then,
  );
  if (failure.cause) await keepText(tx, work.id, 'FAILURE', failure.cause.fullText);
  return failedEvent(work, failure);
}

function failedEvent(work: SavepointAtWork, failure: Failure): NewEvent {
  return {
    ...eventAbout(work),
    type: EventType.SAVEPOINT_FAILED,
    message: `Savepoint ${work.id} failed (${failure.code}): ${failure.message}`,
    details: { code: failure.code },
  };
}

export const resultLost = (message: string): Failure => ({
  code: SavepointFailureCode.RESULT_LOST,
  message,
  cause: null,
});

/** An ABANDONED one that Flink is seen to be done with: it counts against the budget no more. */
export async function freeBudget(
  database: Database,
  work: SavepointAtWork,
  claim: Claim,
  againInMs: number,
): Promise<void> {
  await database.transaction(async (tx) => {
    await lockClusterRow(tx, work.cluster.id);
    await fencedWrite(tx, claim, [SavepointState.FAILED], { in_flight: false, failures: 0 }, { againInMs });
    await recordInOrder(tx, await admitSavepoints(tx, work.cluster.id, 0));
  });
}
