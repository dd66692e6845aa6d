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
  @Field(() => StartStrategy, { description: 'Which state to start from; this version can do NONE.' })
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

@InputType({ description: 'A deployment to start, and the state to start from.' })
export class StartDeploymentInput {
  @Field(() => ID, { description: 'The deployment to start; it must be a stopped one.' })
  deploymentId!: string;

  @Field(() => StartInput, { description: 'The state to start from, and settings for this run.' })
  start!: StartInput;

  @Field(() => String, { nullable: true, description: 'The same key and input within 24 h answer with the same job.' })
  idempotencyKey?: string | null;
}

@ObjectType({
  implements: UserError,
  description: 'Declined: only a stopped deployment (CANCELLED, FINISHED, FAILED) can be started. Wait for its end.',
})
export class DeploymentNotStopped extends UserError {
  override readonly code = 'DEPLOYMENT_NOT_STOPPED' as const;
  override readonly message: string;

  @Field(() => DeploymentState, { description: 'The state that it has instead.' })
  readonly deploymentState: DeploymentState;

  @Field(() => DateTime, { description: 'Since when it has that state.' })
  readonly since: Date;

  constructor(deployment: Deployment) {
    super();
    this.deploymentState = deployment.state;
    this.since = deployment.stateSince;
    this.message = `Deployment "${deployment.name}" is ${deployment.state} since ${deployment.stateSince.toISOString()}. Only a stopped one (CANCELLED, FINISHED, FAILED) can be started.`;
  }
}

@ObjectType({
  implements: UserError,
  description: 'Declined: this strategy comes with a later version. Nothing was started; NONE starts without state.',
})
export class StrategyNotAvailable extends UserError {
  override readonly code = 'STRATEGY_NOT_AVAILABLE' as const;
  override readonly message: string;

  @Field(() => StartStrategy, { description: 'The strategy that was asked for.' })
  readonly strategy: StartStrategy;

  constructor(strategy: StartStrategy) {
    super();
    this.strategy = strategy;
    this.message = `Starting with ${strategy} is not yet available in this version. NONE starts the job without state; nothing was started.`;
  }
}

@ObjectType({
  implements: UserError,
  description:
    'Declined: the cluster takes no jars over REST (an application cluster, or web.submit.enable is false). Use a session cluster.',
})
export class ClusterTakesNoJars extends UserError {
  override readonly code = 'CLUSTER_TAKES_NO_JARS' as const;
  override readonly message: string;

  @Field(() => ID, { description: 'The cluster of the deployment.' })
  readonly clusterId: string;

  constructor(cluster: Cluster) {
    super();
    this.clusterId = cluster.id;
    this.message = `Cluster "${cluster.name}" takes no jars over REST (an application cluster, or web.submit.enable is false). Use a session cluster.`;
  }
}

export const StartDeploymentResult = createUnionType({
  name: 'StartDeploymentResult',
  description: 'The new run, or why nothing was started.',
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
