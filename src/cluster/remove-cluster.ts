import { answerOnce } from '../api/answer-once.js';
import { checkId } from '../api/id-arg.js';
import { NotFound } from '../api/user-error.js';
import { NOW } from '../db/assign.js';
import type { Database } from '../db/database.js';
import type { Caller, KeyedRequest } from '../db/idempotency.js';
import { EventType } from '../event/event-types.js';
import { recordEvent } from '../event/record-event.js';
import { changeCluster, dropLease, holdersOfCluster, leaveStorages, lockForRemoval } from './cluster.store.js';
import { ClusterInUse, type RemoveClusterInput, type RemoveClusterResult } from './cluster.types.js';
import { findCluster } from './find-cluster.js';

/**
 * Ends the life of a cluster here: it is not asked any more, its name and address are free again. The row stays, for the history that
 * names it, and so do its storages, which it reaches no more. One that was removed already answers as it is.
 */
export function removeCluster(
  { database }: { database: Database },
  input: RemoveClusterInput,
  caller: Caller,
): Promise<RemoveClusterResult> {
  checkId('clusterId', input.clusterId);
  const request: KeyedRequest = { caller, idempotencyKey: input.idempotencyKey, mutation: 'removeCluster', input };
  return answerOnce(database, request, findCluster, async (tx) => {
    const cluster = await lockForRemoval(tx, input.clusterId);
    if (!cluster) return new NotFound('clusterId', 'cluster', input.clusterId);
    if (cluster.removedAt !== null) return cluster.id;
    const holders = await holdersOfCluster(tx, cluster.id);
    if (holders.deployments.count + holders.jobs.count + holders.savepoints.count > 0) {
      return new ClusterInUse(cluster, holders);
    }
    await changeCluster(tx, cluster.id, { removed_at: NOW, removed_by: caller.actor }, 'REST');
    await leaveStorages(tx, cluster.id);
    await dropLease(tx, cluster.id);
    await recordEvent(tx, {
      type: EventType.CLUSTER_REMOVED,
      clusterId: cluster.id,
      actor: caller.actor,
      message: `Cluster ${cluster.name} (${cluster.url}) was removed. Its history and its storages stay.`,
    });
    return cluster.id;
  });
}
