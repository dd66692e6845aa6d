import { createUnionType, Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import { IdempotencyKeyReused, InvalidInput, NameTaken, NotFound, UserError } from '../api/user-error.js';
import { Deployment, DeploymentState } from './deployment.entity.js';
import { SavepointFormat } from './savepoint-format.js';

@ObjectType({ description: 'One Flink setting.' })
@InputType('ConfigurationEntryInput', {
  description:
    'One Flink setting. A key with two values, or one that Stateward sets itself at each start, is INVALID_INPUT.',
})
export class ConfigurationEntry {
  @Field(() => String, { description: 'Name of the setting, such as execution.checkpointing.interval.' })
  key!: string;

  @Field(() => String, { description: 'Its value as Flink reads it, such as 10 s.' })
  value!: string;
}

@InputType({ description: 'The definition of a streaming job: what runs where, and how.' })
export class CreateDeploymentInput {
  @Field(() => String, { description: 'Unique among deployments; 1 to 100 characters.' })
  name!: string;

  @Field(() => ID, { description: 'The cluster that its runs are started on.' })
  clusterId!: string;

  @Field(() => ID, { description: 'From the answer of PUT /artifacts/<name>.jar.' })
  artifactId!: string;

  @Field(() => String, {
    nullable: true,
    description: "Class whose main() builds the job. Default: the jar's Main-Class.",
  })
  entryClass?: string | null;

  @Field(() => [String], { defaultValue: [], description: 'Arguments of main(), one element each.' })
  programArguments!: string[];

  @Field(() => Int, { nullable: true, description: "1 to 32768. Default: the cluster's." })
  parallelism?: number | null;

  @Field(() => [ConfigurationEntry], {
    defaultValue: [],
    description:
      'Flink settings of its runs. Retention of checkpoints is RETAIN_ON_CANCELLATION unless said otherwise here.',
  })
  flinkConfiguration!: ConfigurationEntry[];

  @Field(() => SavepointFormat, { nullable: true, description: 'Format of its savepoints where a request names none.' })
  savepointFormat?: SavepointFormat | null;

  @Field(() => String, {
    nullable: true,
    description: 'The same key and input within 24 h answer with the same deployment.',
  })
  idempotencyKey?: string | null;
}

@InputType({ description: 'Which deployments a list holds: those that meet every field that is given.' })
export class DeploymentFilterInput {
  @Field(() => ID, { nullable: true, description: 'Only those of this cluster.' })
  clusterId?: string | null;

  @Field(() => [DeploymentState], { nullable: true, description: 'Only those in one of these states.' })
  states?: DeploymentState[] | null;
}

@ObjectType({
  implements: UserError,
  description: "Declined: the jar's manifest names no Main-Class. Give entryClass.",
})
export class EntryClassMissing extends UserError {
  override readonly code = 'ENTRY_CLASS_MISSING' as const;
  override readonly message: string;

  constructor(artifactName: string) {
    super();
    this.message = `${artifactName} names no Main-Class in its manifest. Give entryClass, the class whose main() builds the job.`;
  }
}

export const CreateDeploymentResult = createUnionType({
  name: 'CreateDeploymentResult',
  description: 'The deployment that was created, or why none was.',
  types: () => [Deployment, InvalidInput, NameTaken, NotFound, EntryClassMissing, IdempotencyKeyReused] as const,
});
export type CreateDeploymentResult = typeof CreateDeploymentResult;
