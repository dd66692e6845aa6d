import { NOW } from '../db/assign.js';
import type { Transaction } from '../db/database.js';
import { EventType } from '../event/event-types.js';
import type { NewEvent } from '../event/record-event.js';
import { SavepointFailureCode, SavepointState } from './savepoint.enums.js';
import { moveSavepoint, takeAway, updateAttempt } from './savepoint.store.js';
import { beganOn, type BegunSavepoint } from './savepoint-place.store.js';

/**
 * Another cluster answers at the address: what was begun on the old one is never sent to it. Its process mark is another
 * one, so {@link mayBeSent} already forbids a second send; one that was never sent would go with a new attempt, and is
 * ended here. What was sent is looked for, below the root that the old cluster had. Answers the events to be recorded.
 */
export async function leaveReplacedCluster(tx: Transaction, clusterId: string): Promise<NewEvent[]> {
  const events: NewEvent[] = [];
  for (const savepoint of await beganOn(tx, clusterId)) {
    events.push(savepoint.sent ? await seekFromNowOn(tx, clusterId, savepoint) : await end(tx, clusterId, savepoint));
  }
  return events;
}

async function seekFromNowOn(tx: Transaction, clusterId: string, savepoint: BegunSavepoint): Promise<NewEvent> {
  await moveSavepoint(tx, savepoint.id, [SavepointState.IN_PROGRESS], { lost_since: NOW, failures: 0 });
  await takeAway(tx, savepoint.id, 0);
  return {
    ...about(savepoint, clusterId),
    type: EventType.SAVEPOINT_RESULT_SOUGHT,
    message: `The cluster of savepoint ${savepoint.id} was replaced by another one. Its result is looked for in the storage where that can be read; it is not sent again.`,
  };
}

async function end(tx: Transaction, clusterId: string, savepoint: BegunSavepoint): Promise<NewEvent> {
  const message =
    'Its cluster was replaced by another one before it was sent. Start the deployment there, then ask again.';
  await moveSavepoint(tx, savepoint.id, [SavepointState.IN_PROGRESS], {
    state: SavepointState.FAILED,
    state_since: NOW,
    failed_at: NOW,
    failure_code: SavepointFailureCode.JOB_ENDED,
    failure_message: message,
    in_flight: false,
    look_at: null,
    claimed_until: null,
  });
  await updateAttempt(tx, savepoint.id, savepoint.attempt, { ended_at: NOW, outcome: 'NEVER_SENT' });
  return {
    ...about(savepoint, clusterId),
    type: EventType.SAVEPOINT_FAILED,
    message: `Savepoint ${savepoint.id} failed (JOB_ENDED): ${message}`,
    details: { code: SavepointFailureCode.JOB_ENDED },
  };
}

const about = ({ id, deploymentId, jobId }: BegunSavepoint, clusterId: string) => ({
  deploymentId,
  savepointId: id,
  jobId,
  clusterId,
});
