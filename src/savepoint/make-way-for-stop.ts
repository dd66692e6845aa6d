import { NOW } from '../db/assign.js';
import type { Transaction } from '../db/database.js';
import { EventType } from '../event/event-types.js';
import type { NewEvent } from '../event/record-event.js';
import type { Job } from '../job/job.entity.js';
import { SavepointFailureCode, SavepointState } from './savepoint.enums.js';
import { moveSavepoint, updateAttempt } from './savepoint.store.js';
import { underWayOf, unsentOf } from './stop-savepoint.store.js';

type OfJob = Pick<Job, 'id' | 'deploymentId' | 'clusterId'>;

/** Flink may be at it. */
interface Running {
  id: string;
}

/**
 * What a stop that has just been accepted does about the savepoints of its run (SO-4): those that still wait end as
 * WITHDRAWN_BY_STOP, and with `abort` one that was admitted and not sent too. Answers what Flink may be at, and the events to be
 * recorded at the end of the transaction. The cluster's row is locked.
 */
export async function makeWayForStop(
  tx: Transaction,
  job: OfJob,
  { abort }: { abort: boolean },
): Promise<{ running: Running | null; events: NewEvent[] }> {
  const events: NewEvent[] = [];
  let running: Running | null = null;
  for (const savepoint of await underWayOf(tx, job.id)) {
    if (savepoint.state === 'PENDING' || (abort && !savepoint.sent)) {
      events.push(await withdraw(tx, job, savepoint, 'A stop of the deployment was accepted before its turn came.'));
    } else running = { id: savepoint.id };
  }
  return { running, events };
}

/** The savepoint of a stop that another stop takes the place of: ended, unless Flink may be at it. */
export async function withdrawOfStop(tx: Transaction, job: OfJob, stopId: string): Promise<NewEvent[]> {
  const savepoint = await unsentOf(tx, stopId);
  if (!savepoint) return [];
  return [
    await withdraw(tx, job, savepoint, 'A later stop WITHOUT_SAVEPOINT took the place of the one that it is of.'),
  ];
}

async function withdraw(
  tx: Transaction,
  job: OfJob,
  { id, state, attempt }: { id: string; state: string; attempt: number },
  why: string,
): Promise<NewEvent> {
  const triedBefore = state === 'PENDING' && attempt > 0; // it waits for another try, and its attempts have ended
  const message = `${why} Flink was not asked${triedBefore ? ' again' : ''}.`;
  await moveSavepoint(tx, id, [SavepointState.PENDING, SavepointState.IN_PROGRESS], {
    state: SavepointState.FAILED,
    state_since: NOW,
    failed_at: NOW,
    failure_code: SavepointFailureCode.WITHDRAWN_BY_STOP,
    failure_message: message,
    in_flight: false,
    look_at: null,
    claimed_until: null,
  });
  if (attempt > 0 && !triedBefore) await updateAttempt(tx, id, attempt, { ended_at: NOW, outcome: 'NEVER_SENT' });
  return {
    type: EventType.SAVEPOINT_FAILED,
    deploymentId: job.deploymentId,
    savepointId: id,
    jobId: job.id,
    clusterId: job.clusterId,
    message: `Savepoint ${id} failed (WITHDRAWN_BY_STOP): ${message}`,
    details: { code: SavepointFailureCode.WITHDRAWN_BY_STOP },
  };
}
