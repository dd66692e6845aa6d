import { answerOnce } from '../api/answer-once.js';
import { InvalidInput, NotFound } from '../api/user-error.js';
import type { Database } from '../db/database.js';
import type { Caller, KeyedRequest } from '../db/idempotency.js';
import { findForDecision } from '../deployment/find-deployment.js';
import { recordEvent } from '../event/record-event.js';
import { dataNews } from '../savepoint/data-news.js';
import { dataOfLook } from '../savepoint/data-of-look.js';
import { findSavepoint } from '../savepoint/find-savepoint.js';
import { lookAtSnapshot, type SnapshotLook } from '../savepoint/look-at-snapshot.js';
import { type LookEnded, lookWithin } from '../savepoint/look-within.js';
import { type DataState, SavepointState } from '../savepoint/savepoint.enums.js';
import { refuseCheckpointId } from '../savepoint/savepoint-id.js';
import { contentsOf } from '../savepoint/snapshot-contents.js';
import { keepContents, wasRead } from '../savepoint/snapshot-contents.store.js';
import { wakeRetention } from '../savepoint/wake-retention.js';
import { lockSavepointRow, recordData } from './drift.store.js';
import type { RecheckSavepointInput, RecheckSavepointResult } from './drift.types.js';

const LOOK_MS = 60_000;

/**
 * Looks at a savepoint once more: its data may have been brought back, damaged or taken away since. Reads its `_metadata` and looks for
 * every file that it points to.
 */
export async function recheckSavepoint(
  { database }: { database: Database },
  input: RecheckSavepointInput,
  caller: Caller,
  lookMs = LOOK_MS,
): Promise<RecheckSavepointResult> {
  const wrongId = refuseCheckpointId('savepointId', input.savepointId);
  if (wrongId) return wrongId;
  const look = await lookFor(database, input.savepointId, lookMs); // outside the transaction, which no slow storage must hold up
  const wasReadBefore = look.kind === 'NOT_METADATA' && (await wasRead(database, { savepointId: input.savepointId }));
  const data = dataOfLook(look, wasReadBefore);
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
    if (data === null || look.kind === 'ENDED')
      return new InvalidInput('savepointId', `${whyNothing(savepoint.id, look)} Nothing was changed.`);
    await recordData(tx, savepoint.id, data);
    if (look.kind === 'READ') await keepContents(tx, { savepointId: savepoint.id }, contentsOf(look.inspection));
    if (savepoint.data === data) return savepoint.id;
    if (savepoint.deploymentId !== null) await wakeRetention(tx, [savepoint.deploymentId]);
    await recordEvent(tx, newsOf(savepoint, data, look, caller));
    return savepoint.id;
  });
}

const newsOf = (
  savepoint: Parameters<typeof dataNews>[0] & {
    deploymentId: string | null;
    jobId: string | null;
    storageId: string | null;
  },
  data: DataState,
  look: SnapshotLook,
  { actor }: Caller,
) => {
  const { id: savepointId, deploymentId, jobId, storageId } = savepoint;
  return dataNews(savepoint, data, look, { savepointId, deploymentId, jobId, storageId, actor });
};

async function lookFor(database: Database, savepointId: string, ms: number): Promise<SnapshotLook | LookEnded> {
  const { storageId, path, location } = (await findSavepoint(database, savepointId)) ?? {};
  if (!storageId || !path || !location)
    return { kind: 'NOT_SEEN', why: 'it lies in no storage that is known', soon: false };
  return lookWithin(ms, (signal) => lookAtSnapshot(database, { storageId, path }, location, { signal }));
}

/** Where a look tells nothing of the data. */
function whyNothing(id: string, look: SnapshotLook | LookEnded): string {
  switch (look.kind) {
    case 'ENDED':
      return `The look at the data of savepoint ${id} was ended after ${look.afterMs / 1_000} s, before it was through: its storage is slow, or its files are many. Ask again when the storage is quicker.`;
    case 'NOT_SEEN':
      return `Stateward cannot see whether the data of savepoint ${id} are there: ${look.why.replace(/\.$/, '')}. driftReport tells of its storage.`;
    default:
      return `The data of savepoint ${id} are not seen, in a storage that is not proven to be the place that Flink writes to: that proves nothing.`;
  }
}
