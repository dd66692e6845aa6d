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
}

export interface LookAtClusterDeps {
  database: Database;
  flinkClients: FlinkClients;
  clusterFollower: ClusterFollower;
  /** How many clusters this worker looks after. */
  clusterLoad: { owned: number };
  log: Logger;
}
