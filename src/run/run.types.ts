import { createUnionType, Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import { DateTime } from '../api/scalars.js';
import { IdempotencyKeyReused, InvalidInput, NotFound, UserError } from '../api/user-error.js';
import { ClusterChanged } from '../cluster/cluster.types.js';
import type { Cluster } from '../cluster/cluster.entity.js';
import { type Deployment, DeploymentState } from '../deployment/deployment.entity.js';
import { ConfigurationEntry } from '../deployment/deployment.types.js';
import { Job } from '../job/job.entity.js';
import { StartStrategy } from '../job/start-strategy.js';

@InputType({
  description: 'Which state a run starts from, and settings for this run alone. There is no default for the strategy.',
})
export class StartInput {
  @Field(() => StartStrategy)
  strategy!: StartStrategy;

  @Field(() => ID, { nullable: true, description: 'With FROM_SAVEPOINT.' })
  savepointId?: string | null;

  @Field(() => ID, { nullable: true, description: 'With FROM_CHECKPOINT.' })
  checkpointId?: string | null;

  @Field(() => String, { nullable: true, description: 'With FROM_LOCATION: a path below the root of a storage.' })
  location?: string | null;

  @Field(() => Boolean, {
    defaultValue: false,
    description: 'Go on although the state holds operators that the job has not got: their state is dropped.',
  })
  allowNonRestoredState!: boolean;

  @Field(() => Int, { nullable: true, description: "For this run: 1 to 32768. Default: the deployment's." })
  parallelism?: number | null;

  @Field(() => [String], {
    nullable: true,
    description: "For this run: arguments of main(). Default: the deployment's.",
  })
  programArguments?: string[] | null;

  @Field(() => [ConfigurationEntry], {
    defaultValue: [],
    description: "For this run: Flink settings on top of the deployment's.",
  })
  flinkConfiguration!: ConfigurationEntry[];
}

@InputType()
export class StartDeploymentInput {
  @Field(() => ID)
  deploymentId!: string;

  @Field(() => StartInput)
  start!: StartInput;

  @Field(() => String, { nullable: true, description: 'The same key and input within 24 h answer with the same job.' })
  idempotencyKey?: string | null;
}

@ObjectType({ implements: UserError })
export class DeploymentNotStopped extends UserError {
  override readonly code = 'DEPLOYMENT_NOT_STOPPED' as const;
  override readonly message: string;

  @Field(() => DeploymentState)
  readonly deploymentState: DeploymentState;

  @Field(() => DateTime)
  readonly since: Date;

  constructor(deployment: Deployment) {
    super();
    this.deploymentState = deployment.state;
    this.since = deployment.stateSince;
    this.message = `Deployment "${deployment.name}" is ${deployment.state} since ${deployment.stateSince.toISOString()}. Only a stopped one (CANCELLED, FINISHED, FAILED) can be started.`;
  }
}

@ObjectType({ implements: UserError })
export class StrategyNotAvailable extends UserError {
  override readonly code = 'STRATEGY_NOT_AVAILABLE' as const;
  override readonly message: string;

  @Field(() => StartStrategy)
  readonly strategy: StartStrategy;

  constructor(strategy: StartStrategy) {
    super();
    this.strategy = strategy;
    this.message = `Starting with ${strategy} is not yet available in this version. NONE starts the job without state; nothing was started.`;
  }
}

@ObjectType({ implements: UserError })
export class ClusterTakesNoJars extends UserError {
  override readonly code = 'CLUSTER_TAKES_NO_JARS' as const;
  override readonly message: string;

  @Field(() => ID)
  readonly clusterId: string;

  constructor(cluster: Cluster) {
    super();
    this.clusterId = cluster.id;
    this.message = `Cluster "${cluster.name}" takes no jars over REST (an application cluster, or web.submit.enable is false). Use a session cluster.`;
  }
}

export const StartDeploymentResult = createUnionType({
  name: 'StartDeploymentResult',
  types: () =>
    [
      Job,
      NotFound,
      InvalidInput,
      DeploymentNotStopped,
      StrategyNotAvailable,
      ClusterChanged,
      ClusterTakesNoJars,
      IdempotencyKeyReused,
    ] as const,
});
export type StartDeploymentResult = typeof StartDeploymentResult;
