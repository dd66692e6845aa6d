import { answerOnce } from '../api/answer-once.js';
import { checkId } from '../api/id-arg.js';
import { NotFound } from '../api/user-error.js';
import { lockClusterOf } from '../cluster/find-cluster.js';
import type { Database } from '../db/database.js';
import type { Caller, KeyedRequest } from '../db/idempotency.js';
import { EventType } from '../event/event-types.js';
import { recordEvent } from '../event/record-event.js';
import type { DeleteDeploymentInput, DeleteDeploymentResult } from './delete-deployment.types.js';
import { DeploymentNotStopped, isStopped } from './deployment-not-stopped.js';
import { archiveDeployment, findDeployment, lockDeployment } from './find-deployment.js';

/**
 * Archives a stopped deployment: its name is free again and nothing can be asked of it any more; its history stays, and its savepoints
 * can be restored from by others. One that was deleted already answers as it is.
 */
export function deleteDeployment(
  { database }: { database: Database },
  input: DeleteDeploymentInput,
  caller: Caller,
): Promise<DeleteDeploymentResult> {
  checkId('deploymentId', input.deploymentId);
  const request: KeyedRequest = { caller, idempotencyKey: input.idempotencyKey, mutation: 'deleteDeployment', input };
  return answerOnce(database, request, findDeployment, async (tx) => {
    await lockClusterOf(tx, input.deploymentId); // first, as everywhere: see the order of locks in docs/architecture.md
    const deployment = await lockDeployment(tx, input.deploymentId);
    if (!deployment) {
      const archived = await findDeployment(tx, input.deploymentId);
      return archived?.id ?? new NotFound('deploymentId', 'deployment', input.deploymentId);
    }
    if (!isStopped(deployment)) return new DeploymentNotStopped(deployment, 'deleted');
    await archiveDeployment(tx, deployment.id, caller.actor);
    await recordEvent(tx, {
      type: EventType.DEPLOYMENT_DELETED,
      deploymentId: deployment.id,
      clusterId: deployment.clusterId,
      actor: caller.actor,
      message: `Deployment ${deployment.name} was deleted by ${caller.actor}. Its history and its savepoints stay.`,
    });
    return deployment.id;
  });
}
