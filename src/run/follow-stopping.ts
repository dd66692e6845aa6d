import type { ClusterFollower } from '../job/cluster-follower.js';
import { wakeStops } from './stop.store.js';

/** What stops do about jobs and clusters: they are looked at when their job has moved, or their cluster is back. */
export const stopsFollowCluster: ClusterFollower = {
  jobChanged: (tx, { job }) => wakeStops(tx, { jobId: job.id }),
  clusterIsBack: (tx, clusterId) => wakeStops(tx, { clusterId }),
  clusterReplaced: (tx, clusterId) => wakeStops(tx, { clusterId }),
};
