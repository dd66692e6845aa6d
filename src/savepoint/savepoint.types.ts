import { createUnionType, Field, ID, InputType, ObjectType } from 'type-graphql';
import { DateTime } from '../api/scalars.js';
import { IdempotencyKeyReused, InvalidInput, NotFound, UserError } from '../api/user-error.js';
import { ClusterChanged, NoSavepointRoot } from '../cluster/cluster.types.js';
import { DeploymentState } from '../deployment/deployment.entity.js';
import { SavepointFormat } from '../deployment/savepoint-format.js';
import { AmbiguousJob } from '../job/ambiguous-job.js';
import { Savepoint } from './savepoint.entity.js';
import { SavepointOrigin, SavepointState } from './savepoint.enums.js';
import { CheckpointIsFlinks } from './savepoint-id.js';

@InputType({ description: 'A savepoint to make of a running deployment.' })
export class CreateSavepointInput {
  @Field(() => ID, { description: 'The deployment to make it of; it must be RUNNING.' })
  deploymentId!: string;

  @Field(() => SavepointFormat, {
    nullable: true,
    description:
      "Default: the deployment's; where it names none CANONICAL, or NATIVE on ForSt, which cannot write CANONICAL.",
  })
  format?: SavepointFormat | null;

  @Field(() => String, { nullable: true, description: 'Up to 500 characters, kept and shown: why it is made.' })
  description?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'The same key and input within 24 h answer with the same savepoint.',
  })
  idempotencyKey?: string | null;
}

@InputType({ description: 'A savepoint that is no longer waited for.' })
export class AbandonSavepointInput {
  @Field(() => ID, { description: 'The savepoint to give up; it must be PENDING or IN_PROGRESS.' })
  savepointId!: string;

  @Field(() => String, { nullable: true, description: 'Kept in its event, up to 500 characters.' })
  reason?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'The same key and input within 24 h answer with the same savepoint.',
  })
  idempotencyKey?: string | null;
}

@InputType({ description: 'What to change of a savepoint. A field that is left out stays as it is.' })
export class UpdateSavepointInput {
  @Field(() => ID, { description: 'The savepoint.' })
  savepointId!: string;

  @Field(() => String, { nullable: true, description: 'Up to 500 characters; null takes it off.' })
  description?: string | null;

  @Field(() => Boolean, {
    nullable: true,
    description: 'True: nothing deletes it, whoever asks, until it is unpinned. Null: as it is.',
  })
  pinned?: boolean | null;

  @Field(() => DateTime, {
    nullable: true,
    description:
      'Nothing deletes it before this time, at most ten years ahead; needs holdReason. Null takes the hold off.',
  })
  heldUntil?: Date | null;

  @Field(() => String, {
    nullable: true,
    description: 'Why it is held, up to 500 characters; shown to whoever would delete it.',
  })
  holdReason?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'The same key and input within 24 h answer with the same savepoint.',
  })
  idempotencyKey?: string | null;
}

@InputType({ description: 'Which savepoints of a deployment a list holds: those that meet every field that is given.' })
export class DeploymentSavepointFilterInput {
  @Field(() => [SavepointState], { nullable: true, description: 'Only those in one of these states.' })
  states?: SavepointState[] | null;

  @Field(() => [SavepointOrigin], { nullable: true, description: 'Only those of one of these origins.' })
  origins?: SavepointOrigin[] | null;

  @Field(() => [SavepointFormat], { nullable: true, description: 'Only those in one of these formats.' })
  formats?: SavepointFormat[] | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'Only those that were accepted (createdAt) at this time or later.',
  })
  from?: Date | null;

  @Field(() => DateTime, { nullable: true, description: 'Only those that were accepted (createdAt) before this time.' })
  to?: Date | null;

  @Field(() => String, { nullable: true, description: 'Only those whose description holds this text, in any case.' })
  text?: string | null;
}

@InputType({ description: 'Which savepoints a list holds: those that meet every field that is given.' })
export class SavepointFilterInput extends DeploymentSavepointFilterInput {
  @Field(() => ID, { nullable: true, description: 'Only those of this deployment.' })
  deploymentId?: string | null;
}

@ObjectType({
  implements: UserError,
  description:
    'Declined: a savepoint, and a stop with one, need every task running. Wait for RUNNING; currentJob.waitingFor says what it waits for. A stop WITHOUT_SAVEPOINT needs a job that runs.',
})
export class DeploymentNotRunning extends UserError {
  override readonly code = 'DEPLOYMENT_NOT_RUNNING' as const;
  override readonly message: string;

  @Field(() => DeploymentState, { description: 'The state that it has instead.' })
  readonly deploymentState: DeploymentState;

  @Field(() => DateTime, { description: 'Since when it has that state.' })
  readonly since: Date;

  constructor(
    name: string,
    deploymentState: DeploymentState,
    since: Date,
    waitingFor: string | null,
    wayOut = 'A savepoint needs every task running: wait for RUNNING, or start it.',
  ) {
    super();
    this.deploymentState = deploymentState;
    this.since = since;
    this.message = `Deployment "${name}" is ${deploymentState} since ${since.toISOString()}${waitingFor ? ` and waits for ${waitingFor}` : ''}. ${wayOut}`;
  }
}

@ObjectType({
  implements: UserError,
  description: 'Declined: one at a time for each deployment. Follow the one under way, or ask when it has ended.',
})
export class SavepointInProgress extends UserError {
  override readonly code = 'SAVEPOINT_IN_PROGRESS' as const;
  override readonly message: string;

  @Field(() => ID, { description: 'The one that is under way: follow it.' })
  readonly savepointId: string;

  constructor(savepointId: string) {
    super();
    this.savepointId = savepointId;
    this.message = `Savepoint ${savepointId} of this deployment is under way. Follow that one, or ask again when it has ended.`;
  }
}

@ObjectType({
  implements: UserError,
  description: 'Declined: the state backend ForSt cannot write CANONICAL. Ask for NATIVE.',
})
export class FormatNotSupported extends UserError {
  override readonly code = 'FORMAT_NOT_SUPPORTED' as const;
  override readonly message: string;

  constructor(format: SavepointFormat, stateBackend: string) {
    super();
    this.message = `The state backend ${stateBackend} cannot write a ${format} savepoint. Ask for NATIVE.`;
  }
}

@ObjectType({ implements: UserError, description: 'Declined: there is nothing left to abandon. Nothing to do.' })
export class SavepointHasEnded extends UserError {
  override readonly code = 'SAVEPOINT_HAS_ENDED' as const;
  override readonly message: string;

  @Field(() => SavepointState, { description: 'The state that it has instead.' })
  readonly savepointState: SavepointState;

  constructor(id: string, savepointState: SavepointState) {
    super();
    this.savepointState = savepointState;
    this.message = `Savepoint ${id} is ${savepointState}: there is nothing left to abandon.`;
  }
}

@ObjectType({
  implements: UserError,
  description: 'Declined: it is being deleted or is gone, and a pin or a hold would keep nothing. Nothing to do.',
})
export class BeingDeleted extends UserError {
  override readonly code = 'BEING_DELETED' as const;
  override readonly message: string;

  @Field(() => SavepointState, { description: 'The state that it has.' })
  readonly savepointState: SavepointState;

  constructor(id: string, savepointState: SavepointState) {
    super();
    this.savepointState = savepointState;
    this.message = `Savepoint ${id} is ${savepointState}: a pin or a hold would keep nothing. Take another savepoint.`;
  }
}

export const CreateSavepointResult = createUnionType({
  name: 'CreateSavepointResult',
  description: 'The savepoint that was accepted, or why none was.',
  types: () =>
    [
      Savepoint,
      NotFound,
      InvalidInput,
      DeploymentNotRunning,
      AmbiguousJob,
      SavepointInProgress,
      NoSavepointRoot,
      ClusterChanged,
      FormatNotSupported,
      IdempotencyKeyReused,
    ] as const,
});
export type CreateSavepointResult = typeof CreateSavepointResult;

export const AbandonSavepointResult = createUnionType({
  name: 'AbandonSavepointResult',
  description: 'The savepoint that was given up, or why it was not.',
  types: () =>
    [Savepoint, NotFound, InvalidInput, SavepointHasEnded, CheckpointIsFlinks, IdempotencyKeyReused] as const,
});
export type AbandonSavepointResult = typeof AbandonSavepointResult;

export const UpdateSavepointResult = createUnionType({
  name: 'UpdateSavepointResult',
  description: 'The savepoint as it is now, or why it was not changed.',
  types: () => [Savepoint, NotFound, InvalidInput, BeingDeleted, CheckpointIsFlinks, IdempotencyKeyReused] as const,
});
export type UpdateSavepointResult = typeof UpdateSavepointResult;
