import { answerOnce } from '../api/answer-once.js';
import { NotFound } from '../api/user-error.js';
import { NOW } from '../db/assign.js';
import type { Database } from '../db/database.js';
import type { Caller, KeyedRequest } from '../db/idempotency.js';
import { EventType } from '../event/event-types.js';
import { recordEvent } from '../event/record-event.js';
import { findSavepoint } from '../savepoint/find-savepoint.js';
import { DataState, DeletionProof, SavepointState } from '../savepoint/savepoint.enums.js';
import { refuseCheckpointId } from '../savepoint/savepoint-id.js';
import { checkReason } from './delete-savepoint.js';
import { DisposalUnderWay, NotBeingDeleted } from './deletion-refusals.types.js';
import { DeletionState } from './deletion.enums.js';
import type { ForgetSavepointInput, ForgetSavepointResult } from './deletion.types.js';
import { disposalUnderWay, lockSavepointRow, moveSavepoint, takeOver } from './disposal.store.js';
import { findDeletion } from './find-deletion.js';
import { inWordsBytes } from './words.js';

const going = [SavepointState.DELETING, SavepointState.DELETION_FAILED];

/**
 * A person gives a deletion up: the record ends without any proof, and says what may be left, and where. Its place is free from then on,
 * so that waits while Flink may still be deleting there.
 */
export async function forgetSavepoint(
  { database }: { database: Database },
  input: ForgetSavepointInput,
  caller: Caller,
): Promise<ForgetSavepointResult> {
  const wrongId = refuseCheckpointId('savepointId', input.savepointId);
  if (wrongId) return wrongId;
  const problem = checkReason(input.reason);
  if (problem) return problem;
  const id = input.savepointId.toLowerCase();
  const request: KeyedRequest = { caller, idempotencyKey: input.idempotencyKey, mutation: 'forgetSavepoint', input };
  return answerOnce(database, request, findSavepoint, async (tx) => {
    await lockSavepointRow(tx, id);
    const savepoint = await findSavepoint(tx, id);
    if (!savepoint) return new NotFound('savepointId', 'savepoint', id);
    if (!going.includes(savepoint.state)) return new NotBeingDeleted(id, savepoint.state);
    const disposal = await disposalUnderWay(tx, id); // none begins while the savepoint's row is locked
    if (disposal) return new DisposalUnderWay(id, disposal);
    const deletion = await findDeletion(tx, id);
    const left = {
      left_path: deletion?.leftPath ?? savepoint.location,
      left_bytes: deletion?.leftBytes ?? savepoint.sizeBytes,
    };
    await takeOver(tx, id, { state: DeletionState.DONE, waiting_for: null, ended_at: NOW, ...left }, 'REST');
    await moveSavepoint(tx, id, going, {
      state: SavepointState.DELETED,
      proof: DeletionProof.NONE,
      data: DataState.NOT_CHECKED,
      data_checked_at: null,
      deleted_at: NOW,
    });
    const reason = input.reason?.trim();
    await recordEvent(tx, {
      type: EventType.DELETION_FORGOTTEN,
      deploymentId: savepoint.deploymentId,
      savepointId: id,
      jobId: savepoint.jobId,
      actor: caller.actor,
      message: `The deletion of savepoint ${id} was given up by ${caller.actor}${reason ? `: ${reason}` : ''}. ${left.left_path} (${inWordsBytes(left.left_bytes)}) may be left.`,
      details: { proof: DeletionProof.NONE, leftPath: left.left_path, leftBytes: left.left_bytes },
    });
    return id;
  });
}
