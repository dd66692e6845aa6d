import type { Cluster } from '../cluster/cluster.entity.js';
import type { Transaction } from '../db/database.js';
import type { NewEvent } from '../event/record-event.js';
import type { Deployment } from './deployment.entity.js';

/**
 * What later nouns do about what becomes of a deployment; given by the composition root, told in the transaction, with the
 * cluster's row locked. Each answers the events to be recorded at its end.
 */
export interface DeploymentFollower {
  /** It is archived: nothing is done by itself for it any more. */
  deploymentDeleted(tx: Transaction, deployment: Deployment, cluster: Cluster, actor: string): Promise<NewEvent[]>;
}
