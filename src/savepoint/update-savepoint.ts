import { answerOnce } from '../api/answer-once.js';
import { InvalidInput, NotFound } from '../api/user-error.js';
import type { Database, Transaction } from '../db/database.js';
import type { Caller, KeyedRequest } from '../db/idempotency.js';
import { findForDecision } from '../deployment/find-deployment.js';
import { EventType } from '../event/event-types.js';
import { recordEvent } from '../event/record-event.js';
import { findSavepoint } from './find-savepoint.js';
import type { Savepoint } from './savepoint.entity.js';
import { SavepointState } from './savepoint.enums.js';
import { refuseCheckpointId } from './savepoint-id.js';
import { lockSavepoint, setKept } from './savepoint.store.js';
import { BeingDeleted, type UpdateSavepointInput, type UpdateSavepointResult } from './savepoint.types.js';
import { wakeRetention } from './wake-retention.js';

const LONGEST_HOLD_MS = 10 * 365.25 * 24 * 60 * 60 * 1_000;

const going = [SavepointState.DELETING, SavepointState.DELETION_FAILED, SavepointState.DELETED];

/** Changes what a savepoint is said to be for, and whether it is kept: the same row is locked as for its deletion, and who comes second is declined. */
export async function updateSavepoint(
  { database }: { database: Database },
  input: UpdateSavepointInput,
  caller: Caller,
): Promise<UpdateSavepointResult> {
  const wrongId = refuseCheckpointId('savepointId', input.savepointId);
  if (wrongId) return wrongId;
  const problem = check(input);
  if (problem) return problem;
  const request: KeyedRequest = { caller, idempotencyKey: input.idempotencyKey, mutation: 'updateSavepoint', input };
  return answerOnce(database, request, findSavepoint, async (tx) => {
    const before = await findSavepoint(tx, input.savepointId);
    if (before?.deploymentId) await findForDecision(tx, before.deploymentId); // as a cleaning pass does, before it locks its policy and this row
    const savepoint = await lockSavepoint(tx, input.savepointId);
    if (!savepoint) return new NotFound('savepointId', 'savepoint', input.savepointId);
    const keeps = input.pinned === true || (input.heldUntil !== null && input.heldUntil !== undefined);
    if (keeps && going.includes(savepoint.state)) return new BeingDeleted(savepoint.id, savepoint.state);
    const hold = await holdOf(tx, input, savepoint);
    if (hold instanceof InvalidInput) return hold;
    const now = {
      description: input.description === undefined ? savepoint.description : input.description?.trim() || null,
      pinned: input.pinned ?? savepoint.pinned,
      ...hold,
    };
    const words = inWords(savepoint, now);
    if (words.length === 0) return savepoint.id;
    await setKept(tx, savepoint.id, now);
    if (savepoint.deploymentId !== null) await wakeRetention(tx, [savepoint.deploymentId]); // it may go now
    await recordEvent(tx, {
      type: EventType.SAVEPOINT_UPDATED,
      deploymentId: savepoint.deploymentId,
      savepointId: savepoint.id,
      jobId: savepoint.jobId,
      actor: caller.actor,
      message: `Savepoint ${savepoint.id} was changed by ${caller.actor}: ${words.join('; ')}.`,
    });
    return savepoint.id;
  });
}

function check({ description, heldUntil, holdReason }: UpdateSavepointInput): InvalidInput | null {
  if (description && description.length > 500)
    return new InvalidInput('description', `it has ${description.length} characters; 500 are kept.`);
  if (holdReason && holdReason.length > 500)
    return new InvalidInput('holdReason', `it has ${holdReason.length} characters; 500 are kept.`);
  if (heldUntil && !holdReason?.trim())
    return new InvalidInput('holdReason', 'say why it is held: whoever would delete it will want to know.');
  if (heldUntil === null && holdReason)
    return new InvalidInput('holdReason', 'the hold is taken off, and needs no reason. Leave it out.');
  return null;
}

type Hold = Pick<Savepoint, 'heldUntil' | 'holdReason'>;

/** As it is from now on, by the clock of the database. */
async function holdOf(
  tx: Transaction,
  { heldUntil, holdReason }: UpdateSavepointInput,
  before: Savepoint,
): Promise<Hold | InvalidInput> {
  const reason = holdReason?.trim() || null;
  if (heldUntil === null) return { heldUntil: null, holdReason: null };
  if (heldUntil === undefined) {
    if (reason === null) return { heldUntil: before.heldUntil, holdReason: before.holdReason };
    if (before.heldUntil === null) return new InvalidInput('heldUntil', 'it is not held: say until when.');
    return { heldUntil: before.heldUntil, holdReason: reason };
  }
  const now = (await tx.row<{ now: Date }>('select now() as now'))?.now ?? new Date();
  const inMs = heldUntil.getTime() - now.getTime();
  if (inMs <= 0)
    return new InvalidInput('heldUntil', `${heldUntil.toISOString()} is over; it is ${now.toISOString()}.`);
  if (inMs > LONGEST_HOLD_MS)
    return new InvalidInput('heldUntil', 'it is more than ten years ahead. Pin it, if it is to stay for good.');
  return { heldUntil, holdReason: reason };
}

function inWords(before: Savepoint, now: Pick<Savepoint, 'description' | 'pinned'> & Hold): string[] {
  const words: string[] = [];
  if (now.description !== before.description)
    words.push(now.description === null ? 'its description was taken off' : `its description is "${now.description}"`);
  if (now.pinned !== before.pinned) words.push(now.pinned ? 'it is pinned' : 'it is pinned no more');
  if (now.heldUntil?.getTime() !== before.heldUntil?.getTime() || now.holdReason !== before.holdReason)
    words.push(
      now.heldUntil === null
        ? 'it is held no more'
        : `it is held until ${now.heldUntil.toISOString()}: ${now.holdReason}`,
    );
  return words;
}
