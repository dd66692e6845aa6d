import { createUnionType, Field, ID, InputType } from 'type-graphql';
import { IdempotencyKeyReused, NotFound } from '../api/user-error.js';
import { DeploymentNotStopped } from './deployment-not-stopped.js';
import { Deployment } from './deployment.entity.js';

@InputType({ description: 'A deployment that is not to be started any more.' })
export class DeleteDeploymentInput {
  @Field(() => ID, { description: 'The deployment to delete; it must be a stopped one.' })
  deploymentId!: string;

  @Field(() => String, {
    nullable: true,
    description: 'The same key and input within 24 h answer with the same deployment.',
  })
  idempotencyKey?: string | null;
}

export const DeleteDeploymentResult = createUnionType({
  name: 'DeleteDeploymentResult',
  description: 'The deployment that was deleted, kept with its history, or why it was not.',
  types: () => [Deployment, NotFound, DeploymentNotStopped, IdempotencyKeyReused] as const,
});
export type DeleteDeploymentResult = typeof DeleteDeploymentResult;
