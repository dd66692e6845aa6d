import { createUnionType, Field, ID, InputType, Int } from 'type-graphql';
import { SafeInt } from '../api/scalars.js';
import { IdempotencyKeyReused, InvalidInput, NameTaken, NotFound } from '../api/user-error.js';
import { ClusterLevelKey } from './cluster-level-key.js';
import { Deployment } from './deployment.entity.js';
import { DeploymentNotStopped } from './deployment-not-stopped.js';
import { ConfigurationEntry, EntryClassMissing, Label } from './deployment.types.js';
import { SavepointFormat } from './savepoint-format.js';
import { StateParametersInput } from './state-parameters.types.js';

@InputType({
  description:
    'What of a deployment is changed: fields that are left out stay, null is the default again where there is one. It applies from the next start; a run that is live goes on as it is.',
})
export class UpdateDeploymentInput {
  @Field(() => ID, { description: 'The deployment to change.' })
  deploymentId!: string;

  @Field(() => String, {
    nullable: true,
    description: 'Its new name, unique among deployments; 1 to 100 characters. Changes nothing else.',
  })
  name?: string | null;

  @Field(() => ID, {
    nullable: true,
    description:
      'The cluster that its runs are started on from now on. Only while it is stopped. A job that it follows by its id is one of the old cluster: it follows that no more.',
  })
  clusterId?: string | null;

  @Field(() => ID, { nullable: true, description: 'Another jar, from the answer of PUT /artifacts/<name>.jar.' })
  artifactId?: string | null;

  @Field(() => String, {
    nullable: true,
    description: "Class whose main() builds the job. null: the jar's Main-Class.",
  })
  entryClass?: string | null;

  @Field(() => [String], {
    nullable: true,
    description: 'Arguments of main(), all of them. ${secret:NAME} in one stands for a secret of the worker.',
  })
  programArguments?: string[] | null;

  @Field(() => Int, { nullable: true, description: "1 to 32768. null: the cluster's." })
  parallelism?: number | null;

  @Field(() => StateParametersInput, {
    nullable: true,
    description:
      'How its runs keep their state. With parameters, flinkConfiguration or flinkConfigurationText all settings are replaced: what none of the three names is gone.',
  })
  parameters?: StateParametersInput | null;

  @Field(() => [ConfigurationEntry], {
    nullable: true,
    description: 'Flink settings of its runs; see parameters. An empty list alone removes all settings.',
  })
  flinkConfiguration?: ConfigurationEntry[] | null;

  @Field(() => String, {
    nullable: true,
    description: 'Flink settings as pasted lines, `key: value`; see parameters.',
  })
  flinkConfigurationText?: string | null;

  @Field(() => SavepointFormat, {
    nullable: true,
    description: 'Format of its savepoints where a request names none. null: what the state backend can write.',
  })
  savepointFormat?: SavepointFormat | null;

  @Field(() => [Label], { nullable: true, description: 'All its labels; an empty list removes them.' })
  labels?: Label[] | null;

  @Field(() => SafeInt, {
    nullable: true,
    description: 'After so long a start that has not taken hold is told of. null: 600000.',
  })
  startDeadlineMs?: number | null;

  @Field(() => String, {
    nullable: true,
    description: 'The same key and input within 24 h answer with the same deployment.',
  })
  idempotencyKey?: string | null;
}

export const UpdateDeploymentResult = createUnionType({
  name: 'UpdateDeploymentResult',
  description: 'The deployment as it is now, or why nothing was changed.',
  types: () =>
    [
      Deployment,
      NotFound,
      InvalidInput,
      ClusterLevelKey,
      NameTaken,
      EntryClassMissing,
      DeploymentNotStopped,
      IdempotencyKeyReused,
    ] as const,
});
export type UpdateDeploymentResult = typeof UpdateDeploymentResult;
