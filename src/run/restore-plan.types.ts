import { createUnionType, Field, ObjectType, registerEnumType } from 'type-graphql';
import { DateTime, SafeInt } from '../api/scalars.js';
import { InvalidInput, NotFound } from '../api/user-error.js';
import {
  COMPATIBILITY_CODES,
  KeptState,
  OperatorName,
  RestoreMapping,
  RestoreNotChecked,
} from '../compatibility/compatibility-verdict.types.js';
import { CompatibilityCode } from '../compatibility/compatibility.types.js';
import { type Mapping, type NotChecked, Severity } from '../compatibility/verdict.js';
import { ClusterLevelKey } from '../deployment/cluster-level-key.js';
import { SnapshotKind } from '../job/snapshot-kind.js';
import { DeploymentNotStopped } from '../deployment/deployment-not-stopped.js';
import { stateRefusals } from './run.types.js';
import { FindingCode } from './restore-verdict.js';
import { ArtifactNeeded } from './start-refusals.types.js';

export const PlanFindingCode = { ...CompatibilityCode, ...FindingCode };
export type PlanFindingCode = CompatibilityCode | FindingCode;
registerEnumType(PlanFindingCode, {
  name: 'FindingCode',
  description: 'What a restore plan found.',
  valuesConfig: {
    ...COMPATIBILITY_CODES,
    ANOTHER_DEPLOYMENT: { description: 'The state was made by another deployment.' },
    MAKER_STILL_RUNS: { description: 'The run that made it still runs; the two may collide.' },
    JOB_WENT_ON: { description: 'The run went on after it was taken; what it wrote since is written again.' },
    NEWER_STATE_PASSED_OVER: { description: 'There is newer state that the strategy leaves aside.' },
    UNUSABLE_STATE_PASSED_OVER: {
      description: 'Newer state would be taken if its data were not missing or damaged.',
    },
    RUNS_PASSED_OVER: { description: 'Newer runs were passed over, since they never took hold.' },
    END_UNCERTAIN: { description: 'The record may not reach to the end of the run.' },
    DRAINED: { description: 'It was made by a stop with drain.' },
    STOP_FAILED_AFTER: { description: 'The stop that made it failed afterwards.' },
    DATA_NOT_CHECKED: { description: 'Its files could not be looked for, or were not there when they last were.' },
    NON_RESTORED_STATE_ALLOWED: { description: 'State that the job has no place for is dropped without a word.' },
    STARTS_EMPTY: {
      description:
        'It starts without state, although there is some. With an operator: the state holds nothing under the id of that one.',
    },
  },
});

@ObjectType({ description: 'Something that a restore plan found.' })
export class RestoreFinding {
  @Field(() => PlanFindingCode, { description: 'From a closed list.' })
  code!: PlanFindingCode;

  @Field(() => Severity, { description: 'How much it weighs.' })
  severity!: Severity;

  @Field(() => OperatorName, {
    nullable: true,
    description: 'The operator that it is about; null: the state as a whole, or the circumstances.',
  })
  operator!: OperatorName | null;

  @Field(() => SafeInt, {
    nullable: true,
    description: 'How much state it is about; of one operator all that it has. null: it is about no state.',
  })
  stateBytes!: number | null;

  @Field(() => String, { description: 'What it means here, for a person.' })
  message!: string;

  @Field(() => String, {
    nullable: true,
    description: 'What to do; null: the message says it, or nothing needs to be done.',
  })
  remedy!: string | null;
}

@ObjectType({ description: 'A setting in which the run would differ from the deployment of today.' })
export class SettingDifference {
  @Field(() => String, {
    description: 'artifact, entryClass, programArguments, parallelism, or the key of a Flink setting.',
  })
  setting!: string;

  @Field(() => String, { nullable: true, description: 'The value of the deployment today; null: none.' })
  today!: string | null;

  @Field(() => String, { nullable: true, description: 'The value of the run; null: none.' })
  run!: string | null;
}

@ObjectType({ description: 'The state that a start would take.' })
export class PlannedState {
  @Field(() => SnapshotKind, { description: 'Checkpoint or savepoint.' })
  kind!: SnapshotKind;

  @Field(() => String, { description: "Where it lies, as the deployment's cluster reaches it." })
  location!: string;

  @Field(() => DateTime, {
    nullable: true,
    description: "When Flink took it, on the JobManager's clock; null: not known.",
  })
  takenAt!: Date | null;

  @Field(() => SafeInt, { nullable: true, description: 'How far back in time the start goes; null: not known.' })
  ageMs!: number | null;

  @Field(() => SafeInt, { nullable: true, description: 'Size of the state; null: not known.' })
  sizeBytes!: number | null;

  @Field(() => String, { description: 'Why this one.' })
  why!: string;

  savepointId!: string | null;
  jobId!: string | null;
}

@ObjectType({
  description: 'What a start would do, by what is recorded; no cluster was asked. `asOf` says how old that is.',
})
export class RestorePlan {
  @Field(() => PlannedState, {
    nullable: true,
    description: 'The state that would be taken; null by NONE: the job starts empty.',
  })
  state!: PlannedState | null;

  @Field(() => [RestoreFinding], { description: 'What to think about, the heaviest first.' })
  findings!: RestoreFinding[];

  @Field(() => RestoreMapping, { description: 'Whether the state fits the job.' })
  mapping!: Mapping;

  @Field(() => [RestoreNotChecked], { description: 'What the verdict says nothing about.' })
  notChecked!: NotChecked[];

  @Field(() => [KeptState], {
    description:
      'The operators that get their state back, as they stand in the snapshot. Empty where it was not read or the program was not planned.',
  })
  kept!: KeptState[];

  @Field(() => SafeInt, {
    nullable: true,
    description: 'All state that the snapshot holds by its _metadata; null: it was not read.',
  })
  stateBytes!: number | null;

  @Field(() => DateTime, {
    nullable: true,
    description:
      'When the _metadata that the verdict goes by was read, and its files were looked for. null: never; checkCompatibility reads it where its storage can be read.',
  })
  metadataReadAt!: Date | null;

  @Field(() => DateTime, {
    nullable: true,
    description:
      'When a Flink told the operators of this program with these settings. null: never; checkCompatibility has one tell them.',
  })
  plannedAt!: Date | null;

  @Field(() => [SettingDifference], { description: 'Where the run would differ from the deployment of today.' })
  diff!: SettingDifference[];

  @Field(() => DateTime, { nullable: true, description: "When the deployment's cluster last answered; null: never." })
  asOf!: Date | null;
}

export const RestorePlanResult = createUnionType({
  name: 'RestorePlanResult',
  description: 'What a start would do, or why it would be declined.',
  types: () =>
    [
      RestorePlan,
      NotFound,
      InvalidInput,
      DeploymentNotStopped,
      ArtifactNeeded,
      ClusterLevelKey,
      ...stateRefusals,
    ] as const,
});
export type RestorePlanResult = typeof RestorePlanResult;
