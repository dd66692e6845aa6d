import type { FlinkClients } from '../cluster/flink-clients.js';
import type { Database, Transaction } from '../db/database.js';
import type { NewEvent } from '../event/record-event.js';
import type { FlinkJobState } from '../flink/flink.types.js';
import type { Logger } from '../logger.js';
import type { ObservedJob } from './find-job.js';
import type { JobState } from './job.entity.js';

/** A job that has just moved, told in the transaction that moves it; the cluster's row is locked. */
export interface JobChange {
  job: ObservedJob;
  from: JobState;
  to: JobState;
  /** As Flink shows it; null: it was not asked, or does not know it. One that has ended so has ended unseen. */
  inFlink: FlinkJobState | null;
}

/**
 * What later nouns do about what is seen of a cluster; given by the composition root. Each answers the events to be recorded at
 * the end of the transaction: recording locks deployments, and those come last.
 */
export interface ClusterFollower {
  jobChanged(tx: Transaction, change: JobChange): Promise<NewEvent[]>;
  /** It answers again, as the one that it was: what waited for it may go on. */
  clusterIsBack(tx: Transaction, clusterId: string): Promise<NewEvent[]>;
  /** Another cluster has taken its place: what was sent to the old one is looked for, and never sent to this one. Told before the jobs that ended with it. */
  clusterReplaced(tx: Transaction, clusterId: string): Promise<NewEvent[]>;
}

/** Several as one; each is told in the order given. */
export function inTurn(...followers: readonly ClusterFollower[]): ClusterFollower {
  const each = async (tell: (follower: ClusterFollower) => Promise<NewEvent[]>): Promise<NewEvent[]> => {
    const events: NewEvent[] = [];
    for (const follower of followers) events.push(...(await tell(follower)));
    return events;
  };
  return {
    jobChanged: (tx, change) => each((follower) => follower.jobChanged(tx, change)),
    clusterIsBack: (tx, clusterId) => each((follower) => follower.clusterIsBack(tx, clusterId)),
    clusterReplaced: (tx, clusterId) => each((follower) => follower.clusterReplaced(tx, clusterId)),
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
