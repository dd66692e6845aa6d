import { answerOnce } from '../api/answer-once.js';
import { InvalidInput, NotFound } from '../api/user-error.js';
import { lockCluster } from '../cluster/find-cluster.js';
import { NOW } from '../db/assign.js';
import type { Database, Transaction } from '../db/database.js';
import type { Caller, KeyedRequest } from '../db/idempotency.js';
import { EventType } from '../event/event-types.js';
import { recordInOrder } from '../event/record-event.js';
import { admitSavepoints } from './admit-savepoints.js';
import { findSavepoint } from './find-savepoint.js';
import type { Savepoint } from './savepoint.entity.js';
import { SavepointFailureCode, SavepointState } from './savepoint.enums.js';
import { refuseCheckpointId } from './savepoint-id.js';
import { attemptsOf, lockSavepoint, moveSavepoint, takeAway, updateAttempt } from './savepoint.store.js';
import { wakeStopsOf } from './stop-savepoint.store.js';
import { type AbandonSavepointInput, type AbandonSavepointResult, SavepointHasEnded } from './savepoint.types.js';

const underWay = [SavepointState.PENDING, SavepointState.IN_PROGRESS];

/**
 * Ends a savepoint that a person no longer waits for. Flink is not told (it has no way to cancel one) and may still
 * finish it: it counts against the cluster's budget until Flink is seen to be done, and becomes COMPLETED if it shows up.
 */
export async function abandonSavepoint(
  { database }: { database: Database },
  input: AbandonSavepointInput,
  caller: Caller,
): Promise<AbandonSavepointResult> {
  const wrongId = refuseCheckpointId('savepointId', input.savepointId);
  if (wrongId) return wrongId;
  if (input.reason && input.reason.length > 500)
    return new InvalidInput('reason', `it has ${input.reason.length} characters; 500 are kept.`);
  const request: KeyedRequest = { caller, idempotencyKey: input.idempotencyKey, mutation: 'abandonSavepoint', input };
  return answerOnce(database, request, findSavepoint, async (tx) => {
    const before = await findSavepoint(tx, input.savepointId);
    if (!before) return new NotFound('savepointId', 'savepoint', input.savepointId);
    const { clusterId } = before;
    if (clusterId === null) return new SavepointHasEnded(before.id, before.state); // imported: nobody ever asked Flink for it
    await lockCluster(tx, clusterId);
    const savepoint = await lockSavepoint(tx, input.savepointId); // as it is now that nobody sends, ends or admits it
    if (!savepoint) return new NotFound('savepointId', 'savepoint', input.savepointId);
    const waits = savepoint.state === SavepointState.PENDING; // the attempts of one that waits for another try have ended
    const sent =
      !waits &&
      (await attemptsOf(tx, savepoint.id)).some(({ number, sends }) => number === savepoint.attempt && sends > 0);
    const reason = input.reason?.trim();
    const message = `Abandoned by ${caller.actor}${reason ? `: ${reason}` : ''}. ${sent ? 'Flink may still finish it; then it becomes COMPLETED.' : `Flink was not asked${savepoint.attempt > 0 && waits ? ' again' : ''}.`}`;
    const moved = await moveSavepoint(tx, savepoint.id, underWay, {
      state: SavepointState.FAILED,
      state_since: NOW,
      failed_at: NOW,
      failure_code: SavepointFailureCode.ABANDONED,
      failure_message: message,
      in_flight: sent,
    });
    if (!moved) return new SavepointHasEnded(savepoint.id, (await load(tx, savepoint.id)).state);
    if (savepoint.attempt > 0 && !waits)
      await updateAttempt(tx, savepoint.id, savepoint.attempt, {
        ended_at: NOW,
        outcome: SavepointFailureCode.ABANDONED,
      });
    await takeAway(tx, savepoint.id, 0);
    await wakeStopsOf(tx, savepoint.id);
    const admitted = await admitSavepoints(tx, clusterId, 0);
    await recordInOrder(tx, [
      {
        type: EventType.SAVEPOINT_FAILED,
        deploymentId: savepoint.deploymentId,
        savepointId: savepoint.id,
        jobId: savepoint.jobId,
        clusterId,
        actor: caller.actor,
        message: `Savepoint ${savepoint.id}: ${message}`,
        details: { code: SavepointFailureCode.ABANDONED },
      },
      ...admitted,
    ]);
    return savepoint.id;
  });
}

async function load(tx: Transaction, id: string): Promise<Savepoint> {
  const savepoint = await findSavepoint(tx, id);
  if (!savepoint) throw new Error(`Savepoint ${id} has vanished`);
  return savepoint;
}
