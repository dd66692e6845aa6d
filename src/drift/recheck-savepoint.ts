import { answerOnce } from '../api/answer-once.js';
import { InvalidInput, NotFound } from '../api/user-error.js';
import { lookInto, seen } from '../cluster/storage-access.js';
import type { Database } from '../db/database.js';
import type { Caller, KeyedRequest } from '../db/idempotency.js';
import { findForDecision } from '../deployment/find-deployment.js';
import { EventType } from '../event/event-types.js';
import { recordEvent } from '../event/record-event.js';
import { findSavepoint } from '../savepoint/find-savepoint.js';
import { DataState, SavepointState } from '../savepoint/savepoint.enums.js';
import { refuseCheckpointId } from '../savepoint/savepoint-id.js';
import { wakeRetention } from '../savepoint/wake-retention.js';
import { lockSavepointRow, recordData } from './drift.store.js';
import type { RecheckSavepointInput, RecheckSavepointResult } from './drift.types.js';

/** The data of a savepoint may have been brought back, or taken away, since they were last looked for. */
export async function recheckSavepoint(
  { database }: { database: Database },
  input: RecheckSavepointInput,
  caller: Caller,
): Promise<RecheckSavepointResult> {
  const wrongId = refuseCheckpointId('savepointId', input.savepointId);
  if (wrongId) return wrongId;
  const data = await lookFor(database, input.savepointId); // outside the transaction, which no slow storage must hold up
  const request: KeyedRequest = { caller, idempotencyKey: input.idempotencyKey, mutation: 'recheckSavepoint', input };
  return answerOnce(database, request, findSavepoint, async (tx) => {
    const before = await findSavepoint(tx, input.savepointId);
    if (before?.deploymentId) await findForDecision(tx, before.deploymentId); // as a cleaning pass does, before it locks its policy and this row
    const savepoint = await lockSavepointRow(tx, input.savepointId);
    if (!savepoint) return new NotFound('savepointId', 'savepoint', input.savepointId);
    if (savepoint.state !== SavepointState.COMPLETED)
      return new InvalidInput(
        'savepointId',
        `savepoint ${savepoint.id} is ${savepoint.state}: it has no data to look for.`,
      );
    if (data === null)
      return new InvalidInput(
        'savepointId',
        `Stateward cannot see whether the data of savepoint ${savepoint.id} are there: driftReport tells of its storage why. Nothing was changed.`,
      );
    if (savepoint.data === DataState.DAMAGED) return savepoint.id; // that _metadata is there says nothing of the rest
    await recordData(tx, savepoint.id, data);
    if (savepoint.data === data) return savepoint.id;
    if (savepoint.deploymentId !== null) await wakeRetention(tx, [savepoint.deploymentId]);
    await recordEvent(tx, {
      type: data === DataState.PRESENT ? EventType.SAVEPOINT_DATA_FOUND : EventType.SAVEPOINT_DATA_MISSING,
      deploymentId: savepoint.deploymentId,
      savepointId: savepoint.id,
      jobId: savepoint.jobId,
      storageId: savepoint.storageId,
      actor: caller.actor,
      message:
        data === DataState.PRESENT
          ? `The data of savepoint ${savepoint.id} are at ${savepoint.location}: it can be restored from.`
          : `The data of savepoint ${savepoint.id} are not at ${savepoint.location}: it is not restored from.`,
    });
    return savepoint.id;
  });
}

/** null: it cannot be seen, or not seeing it proves nothing. */
async function lookFor(database: Database, savepointId: string): Promise<DataState.PRESENT | DataState.MISSING | null> {
  const { storageId, path } = (await findSavepoint(database, savepointId)) ?? {};
  const sight = storageId ? await lookInto(database, storageId) : null;
  const there = sight && path && (await seen(sight, (reader) => reader.exists(`${path}/_metadata`)));
  if (there) return DataState.PRESENT;
  return there === false && sight?.proven ? DataState.MISSING : null;
}
