import { createUnionType, Field, ID, InputType, Int } from 'type-graphql';
import { IdempotencyKeyReused, InvalidInput, NotFound } from '../api/user-error.js';
import { ClusterChanged } from '../cluster/cluster.types.js';
import { OutsideStorages } from '../cluster/outside-storages.js';
import { ClusterLevelKey } from '../deployment/cluster-level-key.js';
import { ConfigurationEntry, EntryClassMissing } from '../deployment/deployment.types.js';
import { ClusterTakesNoJars } from '../run/run.types.js';
import {
  ArtifactNeeded,
  NoRestorableState,
  SnapshotNotRestorable,
  StateNotReachable,
} from '../run/start-refusals.types.js';
import { CompatibilityCheck } from './check.entity.js';

@InputType({
  description:
    'Which program, and which state. The program: a deployment as it is now, with what else is given in its place; or a cluster and a jar that no deployment has yet.',
})
export class CheckCompatibilityInput {
  @Field(() => ID, {
    nullable: true,
    description: 'The deployment whose cluster, jar and settings count. It may be running: its job is not touched.',
  })
  deploymentId?: string | null;

  @Field(() => ID, { nullable: true, description: 'Without a deployment: the cluster that would run the program.' })
  clusterId?: string | null;

  @Field(() => ID, {
    nullable: true,
    description: "The jar. Needed without a deployment; else in place of the deployment's.",
  })
  artifactId?: string | null;

  @Field(() => String, {
    nullable: true,
    description: "Class with main(). Default: the deployment's, else that of the jar's manifest.",
  })
  entryClass?: string | null;

  @Field(() => [String], {
    nullable: true,
    description: "Arguments of main(). Default: the deployment's, else none.",
  })
  programArguments?: string[] | null;

  @Field(() => Int, {
    nullable: true,
    description: "1 to 32768. Default: the deployment's, else the cluster's default.",
  })
  parallelism?: number | null;

  @Field(() => [ConfigurationEntry], {
    defaultValue: [],
    description: "Flink settings, on top of the deployment's.",
  })
  flinkConfiguration!: ConfigurationEntry[];

  @Field(() => Boolean, {
    defaultValue: false,
    description: 'Judge a start that drops state for which the program has no operator.',
  })
  allowNonRestoredState!: boolean;

  @Field(() => ID, {
    nullable: true,
    description:
      'The state: a savepoint. At most one of savepointId, checkpointId and location. With a deployment and none of them: the newest whole savepoint of its own runs, else the newest checkpoint of its live job, else what LATEST_STATE would take.',
  })
  savepointId?: string | null;

  @Field(() => ID, {
    nullable: true,
    description:
      'The state: a checkpoint, of a live job too. Where Flink has deleted that one before it is read, the newest of its job is taken.',
  })
  checkpointId?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'The state: a place below the root of a storage that the cluster reaches.',
  })
  location?: string | null;

  @Field(() => Boolean, {
    defaultValue: false,
    description:
      'Have the program planned anew, although a plan of the same jar, settings and Flink version is remembered: for programs whose operators depend on what they read elsewhere.',
  })
  fresh!: boolean;

  @Field(() => String, {
    nullable: true,
    description: 'The same key and input within 24 h answer with the same check.',
  })
  idempotencyKey?: string | null;
}

export const CheckCompatibilityResult = createUnionType({
  name: 'CheckCompatibilityResult',
  description: 'The check that was accepted, or why it was declined.',
  types: () =>
    [
      CompatibilityCheck,
      NotFound,
      InvalidInput,
      ArtifactNeeded,
      EntryClassMissing,
      ClusterLevelKey,
      ClusterChanged,
      ClusterTakesNoJars,
      NoRestorableState,
      SnapshotNotRestorable,
      StateNotReachable,
      OutsideStorages,
      IdempotencyKeyReused,
    ] as const,
});
export type CheckCompatibilityResult = typeof CheckCompatibilityResult;
export type CheckRefusal = Exclude<CheckCompatibilityResult, CompatibilityCheck>;
