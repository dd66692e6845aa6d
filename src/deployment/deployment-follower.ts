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

/** Several as one; each is told in the order given. */
export const followedBy = (...followers: readonly DeploymentFollower[]): DeploymentFollower => ({
  async deploymentDeleted(tx, deployment, cluster, actor) {
    const events: NewEvent[] = [];
    for (const follower of followers)
      events.push(...(await follower.deploymentDeleted(tx, deployment, cluster, actor)));
    return events;
  },
});
