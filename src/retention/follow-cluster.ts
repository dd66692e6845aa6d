import type { Transaction } from '../db/database.js';
import type { NewEvent } from '../event/record-event.js';
import type { ClusterFollower } from '../job/cluster-follower.js';
import { wakeRetention } from '../savepoint/wake-retention.js';
import { policiesOnCluster } from './retention.store.js';

/** Cleaning waits for runs and clusters (RT-4): what is seen of them lets it go on. Nothing is to be told of that. */
export const retentionFollowsCluster: ClusterFollower = {
  jobChanged: (tx, { job }) => wake(tx, [job.deploymentId]),
  clusterIsBack: async (tx, clusterId) => wake(tx, await policiesOnCluster(tx, clusterId)),
  clusterReplaced: () => Promise.resolve([]),
};

async function wake(tx: Transaction, deploymentIds: readonly string[]): Promise<NewEvent[]> {
  await wakeRetention(tx, deploymentIds);
  return [];
}
