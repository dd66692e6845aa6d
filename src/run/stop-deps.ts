import type { FlinkClients } from '../cluster/flink-clients.js';
import type { Database } from '../db/database.js';
import type { ClusterFollower } from '../job/cluster-follower.js';

/** What every step of a stop works with. */
export interface AdvanceStopDeps {
  database: Database;
  flinkClients: FlinkClients;
  clusterFollower: ClusterFollower;
}
