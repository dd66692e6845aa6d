import type { FlinkClients } from '../cluster/flink-clients.js';
import type { Database, Transaction } from '../db/database.js';
import type { Logger } from '../logger.js';
import type { ObservedJob } from './find-job.js';
import type { JobState } from './job.entity.js';

/** A job that has just moved, told in the transaction that moves it; the cluster's row is locked. */
export interface JobChange {
  job: ObservedJob;
  from: JobState;
  to: JobState;
}

/** What later nouns do about what is seen of a cluster; given by the composition root. */
export interface ClusterFollower {
  jobChanged(tx: Transaction, change: JobChange): Promise<void>;
  /** It answers again, as the one that it was: what waited for it may go on. */
  clusterIsBack(tx: Transaction, clusterId: string): Promise<void>;
  /** Another cluster has taken its place: what was sent to the old one is looked for, and never sent to this one. Told before the jobs that ended with it. */
  clusterReplaced(tx: Transaction, clusterId: string): Promise<void>;
}

/** Several as one; each is told in the order given. */
export function inTurn(...followers: readonly ClusterFollower[]): ClusterFollower {
  return {
    async jobChanged(tx, change) {
      for (const follower of followers) await follower.jobChanged(tx, change);
    },
    async clusterIsBack(tx, clusterId) {
      for (const follower of followers) await follower.clusterIsBack(tx, clusterId);
    },
    async clusterReplaced(tx, clusterId) {
      for (const follower of followers) await follower.clusterReplaced(tx, clusterId);
    },
  };
}

export interface LookAtClusterDeps {
  database: Database;
  flinkClients: FlinkClients;
  clusterFollower: ClusterFollower;
  /** How many clusters this worker looks after. */
  clusterLoad: { owned: number };
  log: Logger;
}
