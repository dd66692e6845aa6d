import { NOW } from '../db/assign.js';
import type { Transaction } from '../db/database.js';
import { EventType } from '../event/event-types.js';
import type { NewEvent } from '../event/record-event.js';
import { SavepointFailureCode, SavepointState } from './savepoint.enums.js';
import { moveSavepoint, takeAway, updateAttempt } from './savepoint.store.js';
import { beganOf, beganOn, type BegunSavepoint } from './savepoint-place.store.js';

/**
 * Another cluster answers at the address: what was begun on the old one is never sent to it. Its process mark is another
 * one, so {@link mayBeSent} already forbids a second send; one that was never sent would go with a new attempt, and is
 * ended here. What was sent is looked for, below the root that the old cluster had. Answers the events to be recorded.
 */
export async function leaveReplacedCluster(tx: Transaction, clusterId: string): Promise<NewEvent[]> {
  return leave(tx, clusterId, await beganOn(tx, clusterId), {
    sought: (id) =>
      `The cluster of savepoint ${id} was replaced by another one. Its result is looked for in the storage where that can be read; it is not sent again.`,
    neverSent:
      'Its cluster was replaced by another one before it was sent. Start the deployment there, then ask again.',
  });
}

/**
 * A run has ended unseen, perhaps because its cluster is gone for good: what was sent is looked for where that can be done
 * without the cluster too, and the rest ends at once. Answers the events to be recorded.
 */
export async function leaveUnseenEnd(
  tx: Transaction,
  { id: jobId, clusterId }: { id: string; clusterId: string },
): Promise<NewEvent[]> {
  return leave(tx, clusterId, await beganOf(tx, jobId), {
    sought: (id) =>
      `The run of savepoint ${id} has ended unseen. Its result is looked for in Flink's statistics, while the cluster answers, and in the storage; it is not sent again.`,
    neverSent: 'The run ended before it was sent. Start the deployment, then ask again.',
  });
}

interface Words {
  sought: (savepointId: string) => string;
  neverSent: string;
}

async function leave(
  tx: Transaction,
  clusterId: string,
  begun: readonly BegunSavepoint[],
  { sought, neverSent }: Words,
): Promise<NewEvent[]> {
  const events: NewEvent[] = [];
  for (const savepoint of begun) {
    const about = {
      deploymentId: savepoint.deploymentId,
      savepointId: savepoint.id,
      jobId: savepoint.jobId,
      clusterId,
    };
    if (savepoint.sent) {
      await moveSavepoint(tx, savepoint.id, [SavepointState.IN_PROGRESS], { lost_since: NOW, failures: 0 });
      await takeAway(tx, savepoint.id, 0);
      events.push({ ...about, type: EventType.SAVEPOINT_RESULT_SOUGHT, message: sought(savepoint.id) });
    } else {
      await end(tx, savepoint, neverSent);
      events.push({
        ...about,
        type: EventType.SAVEPOINT_FAILED,
        message: `Savepoint ${savepoint.id} failed (JOB_ENDED): ${neverSent}`,
        details: { code: SavepointFailureCode.JOB_ENDED },
      });
    }
  }
  return events;
}

async function end(tx: Transaction, { id, attempt }: BegunSavepoint, message: string): Promise<void> {
  await moveSavepoint(tx, id, [SavepointState.IN_PROGRESS], {
    state: SavepointState.FAILED,
    state_since: NOW,
    failed_at: NOW,
    failure_code: SavepointFailureCode.JOB_ENDED,
    failure_message: message,
    in_flight: false,
    look_at: null,
    claimed_until: null,
  });
  await updateAttempt(tx, id, attempt, { ended_at: NOW, outcome: 'NEVER_SENT' });
}
