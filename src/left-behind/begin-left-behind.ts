import { wakeWatchers } from '../db/claims.js';
import type { Transaction } from '../db/database.js';
import { EventType } from '../event/event-types.js';
import type { NewEvent } from '../event/record-event.js';
import { keptAfterAll } from './end-left-behind.js';
import { beginLeftBehind, lockRuns, notBegun, takeBack } from './left-behind.store.js';

/** Locks the runs: from now on whoever would start from, or import, a checkpoint of theirs comes second. */
export const lockForDisposal = (tx: Transaction, jobIds: readonly string[]): Promise<unknown> => lockRuns(tx, jobIds);

/**
 * From the commit on nothing is started from what these runs have left. The caller has locked them ({@link lockForDisposal}) and has judged
 * them after that. Answers the events to be recorded at the end.
 */
export async function beginDisposals(
  tx: Transaction,
  runs: readonly { jobId: string; reason: string }[],
): Promise<NewEvent[]> {
  if (runs.length === 0) return [];
  const marked = await beginLeftBehind(tx, runs);
  await wakeWatchers(tx);
  const reasons = new Map(runs.map(({ jobId, reason }) => [jobId, reason]));
  return marked
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ id, deploymentId, named }) => ({
      type: EventType.LEFT_BEHIND_GOES,
      deploymentId,
      jobId: id,
      actor: 'retention',
      message: `What ${named} has left behind is being disposed of: ${reasons.get(id) ?? ''}`,
    }));
}

/** No policy says any more that they go: of those that nothing was asked for yet, nothing is. Answers the events to be recorded at the end. */
export async function keepNotBegun(tx: Transaction, deploymentId: string, why: string): Promise<NewEvent[]> {
  const events: NewEvent[] = [];
  const ids = await notBegun(tx, deploymentId);
  await lockRuns(tx, ids);
  for (const id of ids) {
    const kept = await takeBack(tx, id, null);
    if (kept) events.push(keptAfterAll(kept, why));
  }
  return events;
}
