import { Field, ID, ObjectType, registerEnumType } from 'type-graphql';
import { SafeInt } from '../api/scalars.js';
import { CompatibilityCode } from './compatibility.types.js';
import { type Mapping, type NotChecked, Severity } from './verdict.js';

registerEnumType(Severity, {
  name: 'FindingSeverity',
  description: 'How much a finding weighs.',
  valuesConfig: {
    INFO: { description: 'Good to know.' },
    WARNING: { description: 'Think about it before you start.' },
    BLOCKER: {
      description: 'Flink would refuse the start or fail over it; it is declined unless ignoreFindings is true.',
    },
  },
});
/** For whatever enum holds them. */
export const COMPATIBILITY_CODES: Record<CompatibilityCode, { description: string }> = {
  NO_METADATA: {
    description: 'What the state holds is not known, or by an earlier look alone: its _metadata was not read.',
  },
  NO_PLAN: { description: 'What operators the program has is not known: no Flink has planned it.' },
  FILES_DAMAGED: { description: 'Files that the state points to are gone, or have another size.' },
  METADATA_TOO_NEW: { description: 'The Flink of the cluster is too old to know its format.' },
  NEWER_FLINK_VERSION: { description: 'It was made by a newer Flink than the cluster runs.' },
  MAJOR_VERSION_CHANGE: { description: 'It was made by an older major version of Flink.' },
  MAX_PARALLELISM_CHANGED: { description: 'An operator has another max parallelism than its state.' },
  MAX_PARALLELISM_NOT_TOLD: {
    description:
      'The program had set the max parallelism of an operator itself; if it does not any more, Flink refuses it.',
  },
  STATE_WITHOUT_OPERATOR: { description: 'The program has not got an operator that holds state: Flink refuses it.' },
  STATE_DROPPED: {
    description: 'The program has not got an operator that holds state, and by allowNonRestoredState it is dropped.',
  },
  OPERATOR_NOT_TOLD: { description: 'It has no uid: its id in the plan may be another than at run time.' },
  UNFINISHED_BEFORE_FINISHED: { description: 'An operator that has not finished stands before one that has.' },
  PARALLELISM_ABOVE_MAX: { description: 'An operator is wider than the max parallelism of its state.' },
  OTHER_STATE_BACKEND: { description: 'It was written for another state backend.' },
  STATE_BACKEND_NOT_TOLD: { description: 'Which state backend made it, or which one the job uses, is not known.' },
  UNALIGNED_CHANGE: { description: 'It is an unaligned checkpoint, and the graph has changed.' },
  INCREMENTAL_CHECKPOINT: { description: 'It is an incremental checkpoint: it needs files of others.' },
  DRAINED: { description: 'It was made by a stop with drain.' },
  OPERATOR_FINISHED: { description: 'The operator had finished, and comes back finished.' },
  STARTS_EMPTY: { description: 'The state holds nothing under the id of the operator.' },
  UID_NOT_SET: { description: 'An operator with state has no uid: the next change of the graph may lose it.' },
  UIDS_NOT_WRITTEN: {
    description: 'It is of a Flink that writes no uids: whether operators have some is not known.',
  },
};
registerEnumType(CompatibilityCode, {
  name: 'CompatibilityCode',
  description: 'What was found when a state and a program were compared.',
  valuesConfig: COMPATIBILITY_CODES,
});

export const RestoreMapping: Record<Mapping, Mapping> = {
  FULLY_COMPATIBLE: 'FULLY_COMPATIBLE',
  PARTIALLY_COMPATIBLE: 'PARTIALLY_COMPATIBLE',
  INCOMPATIBLE: 'INCOMPATIBLE',
  UNKNOWN: 'UNKNOWN',
};
registerEnumType(RestoreMapping, {
  name: 'RestoreMapping',
  description: 'Whether the state fits the job, by what can be known without running it.',
  valuesConfig: {
    FULLY_COMPATIBLE: { description: 'Every piece of state finds its operator.' },
    PARTIALLY_COMPATIBLE: { description: 'Some state would be dropped.' },
    INCOMPATIBLE: { description: 'Flink would refuse it.' },
    UNKNOWN: { description: 'Not known; see notChecked.' },
  },
});
export const RestoreNotChecked: Record<NotChecked, NotChecked> = {
  OPERATORS: 'OPERATORS',
  MAX_PARALLELISM: 'MAX_PARALLELISM',
  FLINK_VERSION: 'FLINK_VERSION',
  STATE_BACKEND: 'STATE_BACKEND',
  FILES: 'FILES',
  STATE_TYPES: 'STATE_TYPES',
};
registerEnumType(RestoreNotChecked, {
  name: 'RestoreNotChecked',
  description: 'What the verdict says nothing about.',
  valuesConfig: {
    OPERATORS: { description: 'Whether each operator with state exists in the job, under the same uid.' },
    MAX_PARALLELISM: { description: 'Whether the parallelism fits the max parallelism of the state.' },
    FLINK_VERSION: { description: 'Whether the Flink of the cluster reads it: a version is not known.' },
    STATE_BACKEND: {
      description: 'Whether the state backend reads it: which one made it, or which one the job uses, is not known.',
    },
    FILES: { description: 'Whether every file of the snapshot is there.' },
    STATE_TYPES: { description: 'Whether the types of the state can be read: the jar is not the one that made it.' },
  },
});

@ObjectType({ description: 'An operator of a program or of a snapshot.' })
export class OperatorName {
  @Field(() => ID, { description: "Flink's id of it, 32 hex digits: the hash of its uid where it has one." })
  id!: string;

  @Field(() => String, {
    nullable: true,
    description: 'Its name in the program; null: neither the snapshot nor the plan tells.',
  })
  name!: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'Its uid; null: it has none, or the snapshot is of a Flink before 2.0, which writes none.',
  })
  uid!: string | null;
}

@ObjectType({ description: 'Something that was found when a state and a program were compared.' })
export class CompatibilityFinding {
  @Field(() => CompatibilityCode, { description: 'From a closed list.' })
  code!: CompatibilityCode;

  @Field(() => Severity, { description: 'How much it weighs.' })
  severity!: Severity;

  @Field(() => OperatorName, { nullable: true, description: 'What it is about; null: the snapshot as a whole.' })
  operator!: OperatorName | null;

  @Field(() => SafeInt, { description: 'How much state it is about; of one operator all that it has.' })
  stateBytes!: number;

  @Field(() => String, { description: 'What happens, and to what, for a person.' })
  message!: string;

  @Field(() => String, { nullable: true, description: 'What to do; null: nothing needs to be done.' })
  remedy!: string | null;
}

@ObjectType({ description: 'An operator that gets its state back.' })
export class KeptState {
  @Field(() => OperatorName, { description: 'Which operator.' })
  operator!: OperatorName;

  @Field(() => SafeInt, { description: 'How much state it has.' })
  stateBytes!: number;
}
