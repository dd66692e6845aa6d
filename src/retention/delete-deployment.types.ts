import { createUnionType, Field, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import { SafeInt } from '../api/scalars.js';
import { IdempotencyKeyReused, NotFound, UserError } from '../api/user-error.js';
import { DeletionAnswer } from '../deletion/deletion.types.js';
import { inWordsBytes } from '../deletion/words.js';
import { DeploymentNotStopped } from '../deployment/deployment-not-stopped.js';

export enum SavepointsOfDeployment {
  KEEP = 'KEEP',
  DELETE_SCHEDULED = 'DELETE_SCHEDULED',
  DELETE_ALL = 'DELETE_ALL',
}
registerEnumType(SavepointsOfDeployment, {
  name: 'SavepointsOfDeployment',
  description: 'What becomes of the savepoints of a deployment that is deleted.',
  valuesConfig: {
    KEEP: { description: 'They stay, and others can be started from them.' },
    DELETE_SCHEDULED: { description: 'Those that its schedules made are deleted with their data.' },
    DELETE_ALL: {
      description: 'All are deleted with their data; of imported ones the records end, and their data stay.',
    },
  },
});

@InputType({ description: 'A deployment that is not to be started any more.' })
export class DeleteDeploymentInput {
  @Field(() => ID, { description: 'The deployment to delete; it must be a stopped one.' })
  deploymentId!: string;

  @Field(() => SavepointsOfDeployment, {
    defaultValue: SavepointsOfDeployment.KEEP,
    description: 'What becomes of its savepoints. Anything but KEEP needs previewToken.',
  })
  savepoints!: SavepointsOfDeployment;

  @Field(() => String, {
    nullable: true,
    description: 'Of previewDeleteDeployment with the same savepoints: it names exactly those that go.',
  })
  previewToken?: string | null;

  @Field(() => String, { nullable: true, description: 'The same key and input within 24 h give the same answer.' })
  idempotencyKey?: string | null;
}

@ObjectType({ description: 'What deleting a deployment does, or would do, to its savepoints.' })
export class DeploymentDeletion {
  deploymentId!: string;

  @Field(() => Int, { description: 'How many savepoints are being deleted by this request, or would be.' })
  deleting!: number;

  @Field(() => SafeInt, { description: 'What that frees, as far as sizes are known.' })
  freedBytes!: number;

  @Field(() => Int, { description: 'Of how many of them the size is not known.' })
  ofUnknownSize!: number;

  @Field(() => [DeletionAnswer], {
    description:
      'Those that were meant and stay, each with its refusal: a run or a start of any deployment needs it, LATEST_STATE of another one would use it, it is pinned or held, or it cannot be deleted.',
  })
  kept!: DeletionAnswer[];

  @Field(() => Int, { description: 'How many more COMPLETED ones stay, since they were not meant.' })
  leftAlone!: number;

  @Field(() => String, { description: 'Names exactly the savepoints that go.' })
  previewToken!: string;
}

@ObjectType({
  implements: UserError,
  description:
    'Declined: savepoints would be deleted that no preview has shown. Look at previewDeleteDeployment, then ask with its token.',
})
export class DeletionNotPreviewed extends UserError {
  override readonly code = 'DELETION_NOT_PREVIEWED' as const;
  override readonly message: string;

  @Field(() => Int, { description: 'How many savepoints would go now.' })
  readonly deleting: number;

  @Field(() => SafeInt, { description: 'What that frees, as far as sizes are known.' })
  readonly freedBytes: number;

  @Field(() => String, { description: 'The token of what would go now: give it when that is meant.' })
  readonly previewToken: string;

  constructor({ deleting, freedBytes, previewToken }: DeploymentDeletion, given: string | null) {
    super();
    this.deleting = deleting;
    this.freedBytes = freedBytes;
    this.previewToken = previewToken;
    this.message =
      `${given === null ? 'It would' : 'The preview does not hold any more: now it would'} delete ${deleting} savepoints with the deployment (${inWordsBytes(freedBytes)}). ` +
      'Nothing was changed. Look at previewDeleteDeployment; if that is meant, ask again with its previewToken.';
  }
}

export const DeleteDeploymentResult = createUnionType({
  name: 'DeleteDeploymentResult',
  description: 'The deployment that was deleted, kept with its history, and what became of its savepoints; or why not.',
  types: () =>
    [DeploymentDeletion, NotFound, DeploymentNotStopped, DeletionNotPreviewed, IdempotencyKeyReused] as const,
});
export type DeleteDeploymentResult = typeof DeleteDeploymentResult;

export const PreviewDeleteDeploymentResult = createUnionType({
  name: 'PreviewDeleteDeploymentResult',
  description: 'What deleting the deployment would do to its savepoints, or why it cannot be deleted now.',
  types: () => [DeploymentDeletion, NotFound, DeploymentNotStopped] as const,
});
export type PreviewDeleteDeploymentResult = typeof PreviewDeleteDeploymentResult;
