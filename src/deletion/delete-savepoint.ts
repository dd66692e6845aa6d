import { answerOnce } from '../api/answer-once.js';
import { InvalidInput, NotFound } from '../api/user-error.js';
import type { Database, Transaction } from '../db/database.js';
import type { Caller, KeyedRequest } from '../db/idempotency.js';
import { findForDecision } from '../deployment/find-deployment.js';
import { EventType } from '../event/event-types.js';
import { type NewEvent, recordInOrder } from '../event/record-event.js';
import { failPoint } from '../fail-point.js';
import type { TaskQueue } from '../queue/task-queue.js';
import { advanceDeletion } from '../queue/tasks.js';
import { findSavepoint } from '../savepoint/find-savepoint.js';
import { Savepoint } from '../savepoint/savepoint.entity.js';
import { SavepointOrigin, SavepointState } from '../savepoint/savepoint.enums.js';
import { refuseCheckpointId } from '../savepoint/savepoint-id.js';
import { DeletionRule, DeletionScope } from './deletion.enums.js';
import { endRecords, type SavepointToDelete, savepointsToDelete } from './deletion.store.js';
import type { DeleteSavepointInput, DeleteSavepointResult } from './deletion.types.js';
import { isGoing, isRefusal, judgeDeletion, readStanding } from './judge-deletion.js';
import { markDeleting } from './mark-deleting.js';

/**
 * A deletion by hand: what protects the savepoint is read with its row locked, and from the commit on it cannot be restored from. Whoever
 * chooses it for a start locks the same row: of two at once, one is declined. One that is going already answers as it is.
 */
export async function deleteSavepoint(
  { database, taskQueue }: { database: Database; taskQueue: TaskQueue },
  input: DeleteSavepointInput,
  caller: Caller,
): Promise<DeleteSavepointResult> {
  const wrongId = refuseCheckpointId('savepointId', input.savepointId);
  if (wrongId) return wrongId;
  const problem = checkReason(input.reason);
  if (problem) return problem;
  const id = input.savepointId.toLowerCase();
  const request: KeyedRequest = { caller, idempotencyKey: input.idempotencyKey, mutation: 'deleteSavepoint', input };
  const answer = await answerOnce(database, request, findSavepoint, async (tx) => {
    const before = await findSavepoint(tx, id);
    if (!before) return new NotFound('savepointId', 'savepoint', id);
    if (input.alsoData === false && before.origin !== SavepointOrigin.IMPORTED)
      return new InvalidInput(
        'alsoData',
        'a savepoint that Stateward has made is deleted with its data. Leave it out.',
      );
    const { deploymentId } = before;
    if (deploymentId !== null) await findForDecision(tx, deploymentId);
    const savepoint = (await savepointsToDelete(tx, [id], { lock: true })).get(id);
    if (!savepoint) return new NotFound('savepointId', 'savepoint', id);
    if (isGoing(savepoint)) return id;
    const standing = await readStanding(tx, { savepointId: id }, deploymentId);
    const { force, lastState, alsoData } = input;
    const judged = judgeDeletion(savepoint, standing, { force, lastState, alsoData: alsoData ?? false }, new Set());
    if (isRefusal(judged)) return judged;
    await recordInOrder(tx, await begin(tx, [savepoint], judged, { actor: caller.actor, reason: input.reason }));
    return id;
  });
  failPoint('request.committed');
  if (answer instanceof Savepoint && answer.state === SavepointState.DELETING)
    taskQueue.submit(advanceDeletion, { savepointId: answer.id }, caller.requestId);
  failPoint('request.queued');
  return answer;
}

export const checkReason = (reason: string | null | undefined): InvalidInput | null =>
  reason && reason.length > 500
    ? new InvalidInput('reason', `it has ${reason.length} characters; 500 are kept.`)
    : null;

/** Marks locked savepoints, all of one scope; records alone end at once. Answers the events to be recorded at the end. */
export async function begin(
  tx: Transaction,
  savepoints: readonly SavepointToDelete[],
  scope: DeletionScope,
  {
    actor,
    reason,
    rule = DeletionRule.BY_HAND,
  }: { actor: string; reason: string | null | undefined; rule?: DeletionRule },
): Promise<NewEvent[]> {
  const ids = savepoints.map(({ id }) => id);
  const request = { rule, scope, reason: reason?.trim() || null, actor };
  const events = await markDeleting(tx, ids, request);
  if (scope === DeletionScope.DATA || ids.length === 0) return events;
  await endRecords(tx, ids);
  const ended = savepoints.map(({ id, deploymentId, location }) => ({
    type: EventType.SAVEPOINT_DELETED,
    deploymentId,
    savepointId: id,
    message: `The record of savepoint ${id} has ended; its data stay at ${location}.`,
    details: { proof: 'RECORD_ONLY' },
  }));
  return [...events, ...ended];
}
