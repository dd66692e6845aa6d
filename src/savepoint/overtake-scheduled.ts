import { NOW } from '../db/assign.js';
import type { Transaction } from '../db/database.js';
import { EventType } from '../event/event-types.js';
import type { NewEvent } from '../event/record-event.js';
import type { Savepoint } from './savepoint.entity.js';
import { SavepointFailureCode, SavepointOrigin, SavepointState } from './savepoint.enums.js';
import { moveSavepoint } from './savepoint.store.js';

/** A scheduled one that still waits, for its turn or for another try, gives way to a manual request (SP-3). */
export const givesWay = ({ origin, state }: Pick<Savepoint, 'origin' | 'state'>): boolean =>
  origin === SavepointOrigin.SCHEDULED && state === SavepointState.PENDING;

/** Ends a scheduled savepoint that gives way; its slot stays FIRED. The cluster's row is locked. Answers the event to be recorded. */
export async function overtake(tx: Transaction, savepoint: Savepoint, byId: string): Promise<NewEvent> {
  const message = `A manual request, savepoint ${byId}, took its place while it waited.`;
  await moveSavepoint(tx, savepoint.id, [SavepointState.PENDING], {
    state: SavepointState.FAILED,
    state_since: NOW,
    failed_at: NOW,
    failure_code: SavepointFailureCode.OVERTAKEN,
    failure_message: message,
    look_at: null,
    claimed_until: null,
  });
  return {
    type: EventType.SAVEPOINT_FAILED,
    deploymentId: savepoint.deploymentId,
    savepointId: savepoint.id,
    jobId: savepoint.jobId,
    clusterId: savepoint.clusterId,
    message: `Savepoint ${savepoint.id} failed (OVERTAKEN): ${message}`,
    details: { code: SavepointFailureCode.OVERTAKEN },
  };
}
