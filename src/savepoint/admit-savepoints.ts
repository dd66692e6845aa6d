import { randomBytes } from 'node:crypto';
import { type Cluster, ClusterState } from '../cluster/cluster.entity.js';
import { lockCluster } from '../cluster/find-cluster.js';
import { wakeWatchers } from '../db/claims.js';
import type { Database, Transaction } from '../db/database.js';
import { EventType } from '../event/event-types.js';
import { type NewEvent, recordInOrder } from '../event/record-event.js';
import { beginAttempts, countInFlight, nextPending, somePending } from './savepoint.store.js';

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
  return admitTo(tx, await lockCluster(tx, clusterId), lookInMs);
}

/** The same in a transaction of its own. */
export const admitInTransaction = (database: Database, clusterId: string): Promise<void> =>
  database.transaction(async (tx) => recordInOrder(tx, await admitSavepoints(tx, clusterId, 0)));

/** The same for whoever has locked the cluster and knows that one waits. */
export async function admitTo(tx: Transaction, cluster: Cluster | null, lookInMs: number): Promise<NewEvent[]> {
  if (!cluster || cluster.state !== ClusterState.REACHABLE || !cluster.savepointStorageId) return [];
  const free = cluster.savepointBudget - (await countInFlight(tx, cluster.id));
  if (free <= 0) return [];
  const next = await nextPending(tx, cluster.id, free);
  if (next.length === 0) return [];
  const attempts = next.map(({ id, deploymentId, attempt }) => ({
    savepointId: id,
    number: attempt + 1,
    triggerId: newTriggerId(),
    directory: directoryOf(deploymentId, id, attempt + 1),
  }));
  await beginAttempts(tx, attempts, cluster.savepointStorageId, cluster, lookInMs);
  if (lookInMs === 0) await wakeWatchers(tx);
  return next.map(({ id, deploymentId, jobId, attempt }) => ({
    type: EventType.SAVEPOINT_IN_PROGRESS,
    deploymentId,
    savepointId: id,
    jobId,
    clusterId: cluster.id,
    message: `Savepoint ${id} goes to Flink (attempt ${attempt + 1}).`,
  }));
}
