import { randomBytes } from 'node:crypto';
import { ClusterState } from '../cluster/cluster.entity.js';
import { lockCluster, type LockedCluster, lockClusters } from '../cluster/find-cluster.js';
import { wakeWatchers } from '../db/claims.js';
import type { Database, Transaction } from '../db/database.js';
import { EventType } from '../event/event-types.js';
import { type NewEvent, recordInOrder } from '../event/record-event.js';
import { beginAttempts, type BegunAttempt, countInFlight, nextPending, somePending } from './admission.store.js';

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

/** The same for several clusters together, in a transaction of its own. */
export const admitOn = (database: Database, clusterIds: readonly string[]): Promise<void> =>
  database.transaction(async (tx) => recordInOrder(tx, await admitToAll(tx, await lockClusters(tx, clusterIds), 0)));

/** The same for whoever has locked the cluster and knows that one waits. */
export const admitTo = (tx: Transaction, cluster: LockedCluster | null, lookInMs: number): Promise<NewEvent[]> =>
  admitToAll(tx, cluster ? [cluster] : [], lookInMs);

async function admitToAll(tx: Transaction, locked: readonly LockedCluster[], lookInMs: number): Promise<NewEvent[]> {
  const clusters = new Map(locked.filter(takesSavepoints).map((cluster) => [cluster.id, cluster]));
  if (clusters.size === 0) return [];
  const inFlight = await countInFlight(tx, [...clusters.keys()]);
  const room = [...clusters.values()]
    .map(({ id, savepointBudget }) => ({ clusterId: id, free: savepointBudget - (inFlight.get(id) ?? 0) }))
    .filter(({ free }) => free > 0);
  const next = room.length === 0 ? [] : await nextPending(tx, room);
  if (next.length === 0) return [];
  const attempts = next.flatMap(({ id, clusterId, deploymentId, attempt }): BegunAttempt[] => {
    const cluster = clusters.get(clusterId);
    if (!cluster) return [];
    const number = attempt + 1;
    const directory = directoryOf(deploymentId, id, number);
    return [
      { savepointId: id, number, triggerId: newTriggerId(), directory, storageId: cluster.savepointStorageId, cluster },
    ];
  });
  await beginAttempts(tx, attempts, lookInMs);
  if (lookInMs === 0) await wakeWatchers(tx);
  return next.map(({ id, clusterId, deploymentId, jobId, attempt }) => ({
    type: EventType.SAVEPOINT_IN_PROGRESS,
    deploymentId,
    savepointId: id,
    jobId,
    clusterId,
    message: `Savepoint ${id} goes to Flink (attempt ${attempt + 1}).`,
  }));
}

const takesSavepoints = (cluster: LockedCluster): cluster is LockedCluster & { savepointStorageId: string } =>
  cluster.state === ClusterState.REACHABLE && cluster.savepointStorageId !== null;
