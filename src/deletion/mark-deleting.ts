import { wakeWatchers } from '../db/claims.js';
import type { Transaction } from '../db/database.js';
import { EventType } from '../event/event-types.js';
import type { NewEvent } from '../event/record-event.js';
import { beginDeletions, type DeletionRequest, lockCompleted } from './deletion.store.js';
import { inWordsBytes } from './words.js';

export type { DeletionRequest } from './deletion.store.js';

/** Locks those that are still COMPLETED, in the order of their ids: from now on whoever would start from one comes second. */
export const lockForDeletion = (tx: Transaction, ids: readonly string[]): Promise<string[]> => lockCompleted(tx, ids);

/**
 * From COMPLETED to DELETING: from the commit on it cannot be restored from. The caller has locked the rows
 * ({@link lockForDeletion}) and has read what protects them after that. Answers the events to be recorded at the end.
 */
export async function markDeleting(
  tx: Transaction,
  ids: readonly string[],
  request: DeletionRequest,
): Promise<NewEvent[]> {
  if (ids.length === 0) return [];
  const marked = await beginDeletions(tx, ids, request);
  await wakeWatchers(tx);
  const why = request.reason ? `: ${request.reason}` : '';
  return marked.map(({ id, deploymentId, jobId, clusterId, location, sizeBytes }) => ({
    type: EventType.DELETION_REQUESTED,
    deploymentId,
    savepointId: id,
    jobId,
    clusterId,
    actor: request.actor,
    message: `Savepoint ${id} (${inWordsBytes(sizeBytes)}, ${location}) is being deleted, by ${request.actor}${why}.`,
    details: { rule: request.rule },
  }));
}
