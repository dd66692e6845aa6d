import { createUnionType, Field, ID, InputType, ObjectType } from 'type-graphql';
import { IdempotencyKeyReused, NotFound, UserError } from '../api/user-error.js';
import { Artifact } from './artifact.entity.js';
import type { Users } from './artifact.store.js';

@InputType({ description: 'A jar that nothing needs any more.' })
export class RemoveArtifactInput {
  @Field(() => ID, { description: 'The artifact to remove.' })
  artifactId!: string;

  @Field(() => String, {
    nullable: true,
    description: 'The same key and input within 24 h answer with the same artifact.',
  })
  idempotencyKey?: string | null;
}

@ObjectType({
  implements: UserError,
  description:
    'Declined: a deployment, a live run, or the run that a kept savepoint was made from needs the jar. Delete or change those first.',
})
export class ArtifactInUse extends UserError {
  override readonly code = 'ARTIFACT_IN_USE' as const;
  override readonly message: string;

  @Field(() => [ID], { description: 'Deployments whose runs are started from it; the first 20.' })
  readonly deploymentIds: string[];

  @Field(() => [ID], { description: 'Live runs of it; the first 20.' })
  readonly jobIds: string[];

  @Field(() => [ID], { description: 'Savepoints that runs of it have made and that are kept; the first 20.' })
  readonly savepointIds: string[];

  constructor(artifact: Pick<Artifact, 'name'>, { deployments, jobs, savepoints }: Users) {
    super();
    this.deploymentIds = deployments.ids;
    this.jobIds = jobs.ids;
    this.savepointIds = savepoints.ids;
    this.message =
      `${artifact.name} is needed by ${deployments.count} deployments, ${jobs.count} live runs and ${savepoints.count} savepoints that its runs have made. ` +
      'Give the deployments another jar or delete them, and stop the runs; it can be removed when the savepoints are gone too.';
  }
}

export const RemoveArtifactResult = createUnionType({
  name: 'RemoveArtifactResult',
  description: 'The artifact that was removed, kept for the history of runs, or why it was not.',
  types: () => [Artifact, NotFound, ArtifactInUse, IdempotencyKeyReused] as const,
});
export type RemoveArtifactResult = typeof RemoveArtifactResult;
