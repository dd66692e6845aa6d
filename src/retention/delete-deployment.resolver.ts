import { Arg, Ctx, FieldResolver, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { Context } from '../api/context.js';
import { IdArg } from '../api/id-arg.js';
import { Deployment } from '../deployment/deployment.entity.js';
import type { Services } from '../services.js';
import { deleteDeployment, previewDeleteDeployment } from './delete-deployment.js';
import {
  DeleteDeploymentInput,
  DeleteDeploymentResult,
  DeploymentDeletion,
  PreviewDeleteDeploymentResult,
  SavepointsOfDeployment,
} from './delete-deployment.types.js';

@Resolver(() => DeploymentDeletion)
export class DeleteDeploymentResolver {
  constructor(private readonly services: Services) {}

  @Query(() => PreviewDeleteDeploymentResult, {
    description:
      'Which savepoints would go with a deployment that is deleted, and which stay and why. Changes nothing.',
  })
  previewDeleteDeployment(
    @IdArg('deploymentId', 'The deployment; a stopped one.') deploymentId: string,
    @Arg('savepoints', () => SavepointsOfDeployment, { description: 'What is to become of its savepoints.' })
    savepoints: SavepointsOfDeployment,
  ): Promise<PreviewDeleteDeploymentResult> {
    return previewDeleteDeployment(this.services, deploymentId, savepoints);
  }

  @Mutation(() => DeleteDeploymentResult, {
    description:
      'Deletes a stopped deployment: its name is free again, its schedule and its retention policy end, its history stays. Its savepoints stay too, unless `savepoints` says otherwise.',
  })
  deleteDeployment(
    @Arg('input', () => DeleteDeploymentInput, { description: 'Which deployment, and what becomes of its savepoints.' })
    input: DeleteDeploymentInput,
    @Ctx() { caller }: Context,
  ): Promise<DeleteDeploymentResult> {
    return deleteDeployment(this.services, input, caller);
  }

  @FieldResolver(() => Deployment, { description: 'The deployment.' })
  deployment(@Root() { deploymentId }: DeploymentDeletion, @Ctx() { loaders }: Context) {
    return loaders.deployment.load(deploymentId);
  }
}
