import { createUnionType, Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import { IdempotencyKeyReused, InvalidInput, NameTaken, NotFound, UserError } from '../api/user-error.js';
import { Deployment, DeploymentState } from './deployment.entity.js';
import { SafeInt } from '../api/scalars.js';
import { ClusterLevelKey } from './cluster-level-key.js';
import { SavepointFormat } from './savepoint-format.js';
import { StateParametersInput } from './state-parameters.types.js';

@ObjectType({ description: 'One Flink setting.' })
@InputType('ConfigurationEntryInput', {
  description:
    'One Flink setting. A key with two values, one that Stateward sets itself at each start, or a value that Flink could not read is INVALID_INPUT; one that only the processes of a cluster read is CLUSTER_LEVEL_KEY.',
})
export class ConfigurationEntry {
  @Field(() => String, { description: 'Name of the setting, such as execution.checkpointing.interval.' })
  key!: string;

  @Field(() => String, {
    description:
      'Its value as Flink reads it, such as 10 s. ${secret:NAME} stands for a secret of the worker. A value whose key Flink counts as sensitive is answered as ******; given back like that, the stored one stays.',
  })
  value!: string;
}

@ObjectType({ description: 'One label: a word of your own about a deployment.' })
@InputType('LabelInput', {
  description: 'One label. Names have 1 to 63 letters, digits, and _ . / - between them; values up to 255 characters.',
})
export class Label {
  @Field(() => String, { description: 'Its name, such as team.' })
  key!: string;

  @Field(() => String, { description: 'Its value, such as payments.' })
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

  @Field(() => [String], {
    defaultValue: [],
    description: 'Arguments of main(), one element each. ${secret:NAME} in one stands for a secret of the worker.',
  })
  programArguments!: string[];

  @Field(() => Int, { nullable: true, description: "1 to 32768. Default: the cluster's." })
  parallelism?: number | null;

  @Field(() => StateParametersInput, { nullable: true, description: 'How its runs keep their state.' })
  parameters?: StateParametersInput | null;

  @Field(() => [ConfigurationEntry], {
    defaultValue: [],
    description:
      'Flink settings of its runs. Deprecated names are taken, and stored as those of today. Retention of checkpoints is RETAIN_ON_CANCELLATION unless said otherwise.',
  })
  flinkConfiguration!: ConfigurationEntry[];

  @Field(() => String, {
    nullable: true,
    description: 'More of the same as pasted lines, `key: value`, as they stand in a Flink configuration file.',
  })
  flinkConfigurationText?: string | null;

  @Field(() => SavepointFormat, { nullable: true, description: 'Format of its savepoints where a request names none.' })
  savepointFormat?: SavepointFormat | null;

  @Field(() => [Label], { defaultValue: [], description: 'Labels to find it by; up to 32.' })
  labels!: Label[];

  @Field(() => SafeInt, {
    nullable: true,
    description: 'After so long a start that has not taken hold is told of as an event; it goes on. Default: 600000.',
  })
  startDeadlineMs?: number | null;

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

  @Field(() => [Label], { nullable: true, description: 'Only those that have every one of these labels.' })
  labels?: Label[] | null;

  @Field(() => String, { nullable: true, description: 'Only those whose name holds this text, in any case.' })
  nameContains?: string | null;
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
  types: () =>
    [Deployment, InvalidInput, ClusterLevelKey, NameTaken, NotFound, EntryClassMissing, IdempotencyKeyReused] as const,
});
export type CreateDeploymentResult = typeof CreateDeploymentResult;
