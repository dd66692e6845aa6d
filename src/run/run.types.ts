import { createUnionType, Field, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import { IdempotencyKeyReused, InvalidInput, NotFound, UserError } from '../api/user-error.js';
import { ClusterChanged } from '../cluster/cluster.types.js';
import type { Cluster } from '../cluster/cluster.entity.js';
import { DeploymentNotStopped } from '../deployment/deployment-not-stopped.js';
import { ConfigurationEntry } from '../deployment/deployment.types.js';
import { OutsideStorages } from '../cluster/outside-storages.js';
import { ClusterLevelKey } from '../deployment/cluster-level-key.js';
import { Job } from '../job/job.entity.js';
import { StartStrategy } from '../job/start-strategy.js';
import {
  AnotherRunIsLive,
  ArtifactNeeded,
  CheckpointOfLiveJob,
  CodeNotKnown,
  JobHadFinished,
  LatestStateUncertain,
  NoRestorableState,
  RestoreIncompatible,
  SnapshotNotRestorable,
  StateIsDrained,
  StateNotReachable,
} from './start-refusals.types.js';

export enum CodeChoice {
  CURRENT = 'CURRENT',
  AS_TAKEN = 'AS_TAKEN',
}
registerEnumType(CodeChoice, {
  name: 'CodeChoice',
  description: 'Which code a run is started with.',
  valuesConfig: {
    CURRENT: { description: "The deployment's artifact, arguments and settings of today." },
    AS_TAKEN: {
      description:
        'Those of the run that made the state: undoes a bad release in one call. The deployment stays as it is.',
    },
  },
});

@InputType({
  description: 'Which state a run starts from, and settings for this run alone. There is no default for the strategy.',
})
export class StartInput {
  @Field(() => StartStrategy, { description: 'Which state to start from.' })
  strategy!: StartStrategy;

  @Field(() => ID, { nullable: true, description: 'With FROM_SAVEPOINT.' })
  savepointId?: string | null;

  @Field(() => ID, {
    nullable: true,
    description: "With FROM_CHECKPOINT: a checkpoint that an ended run left behind, or somebody else's savepoint.",
  })
  checkpointId?: string | null;

  @Field(() => String, {
    nullable: true,
    description: "With FROM_LOCATION: a place below the root of a storage that the deployment's cluster reaches.",
  })
  location?: string | null;

  @Field(() => CodeChoice, {
    defaultValue: CodeChoice.CURRENT,
    description: 'Whose jar, arguments and settings: those of the deployment, or those that the state was made with.',
  })
  code!: CodeChoice;

  @Field(() => Boolean, { defaultValue: false, description: 'Start from the savepoint of a drain all the same.' })
  acceptDrained!: boolean;

  @Field(() => Boolean, {
    defaultValue: false,
    description:
      'With LATEST_STATE: go on from the newest known state, although newer may exist (LATEST_STATE_UNCERTAIN).',
  })
  acceptKnownState!: boolean;

  @Field(() => Boolean, {
    defaultValue: false,
    description: 'Start although Flink runs another job that looks like this one (ANOTHER_RUN_IS_LIVE).',
  })
  allowSecondRun!: boolean;

  @Field(() => Boolean, {
    defaultValue: false,
    description: 'Try it although the plan says INCOMPATIBLE (RESTORE_INCOMPATIBLE).',
  })
  ignoreFindings!: boolean;

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

/** What a start may be declined for on account of the state that it names. */
export const stateRefusals = [
  NoRestorableState,
  JobHadFinished,
  CheckpointOfLiveJob,
  LatestStateUncertain,
  SnapshotNotRestorable,
  StateIsDrained,
  StateNotReachable,
  RestoreIncompatible,
  OutsideStorages,
  CodeNotKnown,
] as const;

export const StartDeploymentResult = createUnionType({
  name: 'StartDeploymentResult',
  description: 'The new run, or why nothing was started.',
  types: () =>
    [
      Job,
      NotFound,
      InvalidInput,
      DeploymentNotStopped,
      ArtifactNeeded,
      ClusterLevelKey,
      ClusterChanged,
      ClusterTakesNoJars,
      AnotherRunIsLive,
      IdempotencyKeyReused,
      ...stateRefusals,
    ] as const,
});
export type StartDeploymentResult = typeof StartDeploymentResult;
