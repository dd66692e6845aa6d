import { answerOnce } from '../api/answer-once.js';
import { InvalidInput, NotFound } from '../api/user-error.js';
import type { Database } from '../db/database.js';
import type { Caller, KeyedRequest } from '../db/idempotency.js';
import { EventType } from '../event/event-types.js';
import { recordEvent } from '../event/record-event.js';
import { findSavepoint } from '../savepoint/find-savepoint.js';
import { refuseCheckpointId } from '../savepoint/savepoint-id.js';
import { findAttempt, forgetAttempt, lockSavepointRow } from './drift.store.js';
import type { ForgetLeftoverInput, ForgetLeftoverResult } from './drift.types.js';

/** A person has dealt with what an attempt has left, or leaves it there: it is not listed any more. Nothing is touched in the storage. */
export async function forgetLeftover(
  { database }: { database: Database },
  input: ForgetLeftoverInput,
  caller: Caller,
): Promise<ForgetLeftoverResult> {
  const wrongId = refuseCheckpointId('savepointId', input.savepointId);
  if (wrongId) return wrongId;
  const reason = input.reason.trim();
  if (reason.length < 1 || reason.length > 500)
    return new InvalidInput('reason', 'say what was done about it, or why it stays, in 1 to 500 characters.');
  const request: KeyedRequest = { caller, idempotencyKey: input.idempotencyKey, mutation: 'forgetLeftover', input };
  return answerOnce(database, request, findSavepoint, async (tx) => {
    const savepoint = await lockSavepointRow(tx, input.savepointId);
    if (!savepoint) return new NotFound('savepointId', 'savepoint', input.savepointId);
    const attempt = await findAttempt(tx, savepoint.id, input.attempt);
    if (!attempt) return new InvalidInput('attempt', `savepoint ${savepoint.id} has no attempt ${input.attempt}.`);
    if (!attempt.ended)
      return new InvalidInput(
        'attempt',
        `attempt ${input.attempt} is under way, and has left nothing yet. Wait for its end.`,
      );
    if (await forgetAttempt(tx, savepoint.id, input.attempt, caller.actor, reason)) {
      await recordEvent(tx, {
        type: EventType.DRIFT_FORGOTTEN,
        deploymentId: savepoint.deploymentId,
        savepointId: savepoint.id,
        jobId: savepoint.jobId,
        clusterId: savepoint.clusterId,
        storageId: attempt.storageId,
        actor: caller.actor,
        message: `What attempt ${input.attempt} of savepoint ${savepoint.id} has left below ${attempt.directory} was taken off the drift report by ${caller.actor}: ${reason}`,
        details: { attempt: input.attempt },
      });
    }
    return savepoint.id;
  });
}
