import { answerOnce } from '../api/answer-once.js';
import { checkId } from '../api/id-arg.js';
import { NotFound } from '../api/user-error.js';
import type { Database } from '../db/database.js';
import type { Caller, KeyedRequest } from '../db/idempotency.js';
import { EventType } from '../event/event-types.js';
import { recordInOrder } from '../event/record-event.js';
import type { DeleteDeploymentInput, DeleteDeploymentResult } from './delete-deployment.types.js';
import type { DeploymentFollower } from './deployment-follower.js';
import { DeploymentNotStopped, isStopped } from './deployment-not-stopped.js';
import { archiveDeployment, findDeployment, findForDecision } from './find-deployment.js';

/**
 * Archives a stopped deployment: its name is free again and nothing can be asked of it any more; its history stays, and its savepoints
 * can be restored from by others. One that was deleted already answers as it is.
 */
export function deleteDeployment(
  { database, deploymentFollower }: { database: Database; deploymentFollower: DeploymentFollower },
  input: DeleteDeploymentInput,
  caller: Caller,
): Promise<DeleteDeploymentResult> {
  checkId('deploymentId', input.deploymentId);
  const request: KeyedRequest = { caller, idempotencyKey: input.idempotencyKey, mutation: 'deleteDeployment', input };
  return answerOnce(database, request, findDeployment, async (tx) => {
    const found = await findForDecision(tx, input.deploymentId);
    if (!found) return new NotFound('deploymentId', 'deployment', input.deploymentId);
    const { deployment, cluster } = found;
    if (deployment.archivedAt) return deployment.id;
    if (!isStopped(deployment)) return new DeploymentNotStopped(deployment, 'deleted');
    const ended = await deploymentFollower.deploymentDeleted(tx, deployment, cluster, caller.actor);
    await archiveDeployment(tx, deployment.id, caller.actor);
    await recordInOrder(tx, [
      ...ended,
      {
        type: EventType.DEPLOYMENT_DELETED,
        deploymentId: deployment.id,
        clusterId: deployment.clusterId,
        actor: caller.actor,
        message: `Deployment ${deployment.name} was deleted by ${caller.actor}. Its history and its savepoints stay.`,
      },
    ]);
    return deployment.id;
  });
}
