import type { ClusterFollower } from '../job/cluster-follower.js';
import { wakeLeftBehind } from './left-behind.store.js';

/** What waits for a cluster goes on when it is back; what one that was replaced had been asked for is looked for, and not asked here. */
export const leftBehindFollowsCluster: ClusterFollower = {
  jobChanged: () => Promise.resolve([]),
  async clusterIsBack(tx, clusterId) {
    await wakeLeftBehind(tx, clusterId);
    return [];
  },
  async clusterReplaced(tx, clusterId) {
    await wakeLeftBehind(tx, clusterId);
    return [];
  },
};
