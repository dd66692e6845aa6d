import { storagesOfCluster } from '../cluster/find-cluster.js';
import { wakeDeletions } from '../cluster/wake-deletions.js';
import type { Transaction } from '../db/database.js';
import type { NewEvent } from '../event/record-event.js';
import type { ClusterFollower } from '../job/cluster-follower.js';
import { wakeDeletionsAt } from './deletion.store.js';

/** What waits for a cluster goes on when it is back; what one that was replaced had been asked for is looked for, and not asked here. */
export const deletionsFollowCluster: ClusterFollower = {
  jobChanged: () => Promise.resolve([]),
  async clusterIsBack(tx, clusterId) {
    const storages = await storagesOfCluster(tx, clusterId);
    return wake(
      tx,
      wakeDeletions,
      storages.map(({ storageId }) => storageId),
    );
  },
  clusterReplaced: (tx, clusterId) => wake(tx, wakeDeletionsAt, clusterId),
};

async function wake<T>(
  tx: Transaction,
  wakeThem: (tx: Transaction, of: T) => Promise<void>,
  of: T,
): Promise<NewEvent[]> {
  await wakeThem(tx, of);
  return [];
}
