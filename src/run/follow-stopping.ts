import type { Transaction } from '../db/database.js';
import type { NewEvent } from '../event/record-event.js';
import type { ClusterFollower } from '../job/cluster-follower.js';
import { wakeStops } from './stop.store.js';

/** What stops do about jobs and clusters: they are looked at when their job has moved, or their cluster is back. */
export const stopsFollowCluster: ClusterFollower = {
  jobChanged: (tx, { job }) => lookAtStops(tx, { jobId: job.id }),
  clusterIsBack: (tx, clusterId) => lookAtStops(tx, { clusterId }),
  clusterReplaced: (tx, clusterId) => lookAtStops(tx, { clusterId }),
};

/** What there is to tell is told by that look. */
async function lookAtStops(tx: Transaction, of: Parameters<typeof wakeStops>[1]): Promise<NewEvent[]> {
  await wakeStops(tx, of);
  return [];
}
