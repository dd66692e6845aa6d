import { answerOnce } from '../api/answer-once.js';
import { NotFound } from '../api/user-error.js';
import { wake, wakeWatchers } from '../db/claims.js';
import type { Database } from '../db/database.js';
import type { Caller, KeyedRequest } from '../db/idempotency.js';
import { EventType } from '../event/event-types.js';
import { recordEvent } from '../event/record-event.js';
import { failPoint } from '../fail-point.js';
import type { TaskQueue } from '../queue/task-queue.js';
import { advanceDeletion } from '../queue/tasks.js';
import { findSavepoint } from '../savepoint/find-savepoint.js';
import { Savepoint } from '../savepoint/savepoint.entity.js';
import { SavepointState } from '../savepoint/savepoint.enums.js';
import { refuseCheckpointId } from '../savepoint/savepoint-id.js';
import { NotBeingDeleted } from './deletion-refusals.types.js';
import { DeletionState } from './deletion.enums.js';
import type { RetryDeletionInput, RetryDeletionResult } from './deletion.types.js';
import { lockSavepointRow, moveSavepoint, takeOver } from './disposal.store.js';

/** A deletion that has failed goes on at once; one that waits is looked at now. */
export async function retryDeletion(
  { database, taskQueue }: { database: Database; taskQueue: TaskQueue },
  input: RetryDeletionInput,
  caller: Caller,
): Promise<RetryDeletionResult> {
  const wrongId = refuseCheckpointId('savepointId', input.savepointId);
  if (wrongId) return wrongId;
  const id = input.savepointId.toLowerCase();
  const request: KeyedRequest = { caller, idempotencyKey: input.idempotencyKey, mutation: 'retryDeletion', input };
  const answer = await answerOnce(database, request, findSavepoint, async (tx) => {
    await lockSavepointRow(tx, id);
    const savepoint = await findSavepoint(tx, id);
    if (!savepoint) return new NotFound('savepointId', 'savepoint', id);
    if (savepoint.state === SavepointState.DELETING) {
      await wake(tx, 'deletion', id);
      return id;
    }
    if (savepoint.state !== SavepointState.DELETION_FAILED) return new NotBeingDeleted(id, savepoint.state);
    await takeOver(tx, id, { state: DeletionState.WAITING, waiting_for: null, failures: 0 }, 'LOOK_NOW');
    await moveSavepoint(tx, id, [SavepointState.DELETION_FAILED], { state: SavepointState.DELETING });
    await wakeWatchers(tx);
    await recordEvent(tx, {
      type: EventType.DELETION_TRIES_AGAIN,
      deploymentId: savepoint.deploymentId,
      savepointId: id,
      jobId: savepoint.jobId,
      actor: caller.actor,
      message: `The deletion of savepoint ${id} is tried again, as ${caller.actor} asked.`,
    });
    return id;
  });
  failPoint('request.committed');
  if (answer instanceof Savepoint) taskQueue.submit(advanceDeletion, { savepointId: answer.id }, caller.requestId);
  failPoint('request.queued');
  return answer;
}
