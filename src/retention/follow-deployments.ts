import type { DeploymentFollower } from '../deployment/deployment-follower.js';
import { EventType } from '../event/event-types.js';
import { deletePolicy } from './retention.store.js';

/** The policy of a deployment that is deleted ends with it (OB-1): its savepoints stay. */
export const retentionFollowsDeployments: DeploymentFollower = {
  async deploymentDeleted(tx, deployment, cluster, actor) {
    if ((await deletePolicy(tx, deployment.id)) === 0) return [];
    return [
      {
        type: EventType.RETENTION_REMOVED,
        deploymentId: deployment.id,
        clusterId: cluster.id,
        actor,
        message: `The retention policy of ${deployment.name} has ended with it: no rule deletes its savepoints any more.`,
      },
    ];
  },
};
