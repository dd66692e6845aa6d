import { randomBytes } from 'node:crypto';
import { ClusterState } from '../cluster/cluster.entity.js';
import { lockCluster } from '../cluster/find-cluster.js';
import { NOW } from '../db/assign.js';
import type { Transaction } from '../db/database.js';
import { EventType } from '../event/event-types.js';
import { type NewEvent, recordEvent } from '../event/record-event.js';
import { SavepointState } from './savepoint.enums.js';
import { countInFlight, insertAttempt, moveSavepoint, nextPending, somePending, takeAway } from './savepoint.store.js';

export const newTriggerId = (): string => randomBytes(16).toString('hex');

/** A directory of its own for each attempt, below the storage's root: whatever shows up in it belongs to this attempt. */
export const directoryOf = (deploymentId: string, savepointId: string, attempt: number): string =>
  `${deploymentId}/${savepointId}/${attempt}`;

/**
 * Lets the next savepoints of a cluster go on, as far as its budget allows: stores the attempt (trigger id, directory,
 * process mark) before Flink is called. Called by whoever asks for a savepoint, ends one, or sees a job or cluster come
 * back; locks the cluster's row, so that any number of callers never admit more than the budget together.
 * Answers the events to be recorded at the end of the transaction.
 */
export async function admitSavepoints(tx: Transaction, clusterId: string, lookInMs: number): Promise<NewEvent[]> {
  if (!(await somePending(tx, clusterId))) return [];
  const cluster = await lockCluster(tx, clusterId);
  if (!cluster || cluster.state !== ClusterState.REACHABLE || !cluster.savepointStorageId) return [];
  const free = cluster.savepointBudget - (await countInFlight(tx, clusterId));
  if (free <= 0) return [];
  const events: NewEvent[] = [];
  for (const savepoint of await nextPending(tx, clusterId, free)) {
    const number = savepoint.attempt + 1;
    await insertAttempt(tx, {
      savepointId: savepoint.id,
      number,
      triggerId: newTriggerId(),
      storageId: cluster.savepointStorageId,
      directory: directoryOf(savepoint.deploymentId, savepoint.id, number),
      processMark: cluster.processMark,
    });
    await moveSavepoint(tx, savepoint.id, [SavepointState.PENDING], {
      state: SavepointState.IN_PROGRESS,
      state_since: NOW,
      attempt: number,
      in_flight: true,
      flink_version: cluster.flinkVersion,
    });
    await takeAway(tx, savepoint.id, lookInMs); // from a look that still sees it PENDING
    events.push({
      type: EventType.SAVEPOINT_IN_PROGRESS,
      deploymentId: savepoint.deploymentId,
      savepointId: savepoint.id,
      jobId: savepoint.jobId,
      clusterId,
      message: `Savepoint ${savepoint.id} goes to Flink (attempt ${number}).`,
    });
  }
  return events;
}

/** Events of one transaction, in the order of their deployments: two transactions then never wait for each other's rows. */
export async function recordInOrder(tx: Transaction, events: NewEvent[]): Promise<void> {
  const order = (event: NewEvent) => event.deploymentId ?? '';
  for (const event of [...events].sort((a, b) => (order(a) < order(b) ? -1 : order(a) > order(b) ? 1 : 0)))
    await recordEvent(tx, event);
}
