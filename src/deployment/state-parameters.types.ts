import { Field, InputType, ObjectType, registerEnumType } from 'type-graphql';
import { SafeInt } from '../api/scalars.js';

export enum StateBackend {
  HASHMAP = 'HASHMAP',
  ROCKSDB = 'ROCKSDB',
  FORST = 'FORST',
}
registerEnumType(StateBackend, {
  name: 'StateBackend',
  description: 'What holds the working state of a job.',
  valuesConfig: {
    HASHMAP: { description: 'Objects on the heap: fast, and as large as the memory.' },
    ROCKSDB: { description: 'RocksDB on local disks: as large as these, and incremental checkpoints.' },
    FORST: { description: 'ForSt, whose files may lie in remote storage. Flink 2 only.' },
  },
});

export enum CheckpointRetention {
  RETAIN_ON_CANCELLATION = 'RETAIN_ON_CANCELLATION',
  DELETE_ON_CANCELLATION = 'DELETE_ON_CANCELLATION',
  NO_EXTERNALIZED_CHECKPOINTS = 'NO_EXTERNALIZED_CHECKPOINTS',
}
registerEnumType(CheckpointRetention, {
  name: 'CheckpointRetention',
  description: 'What Flink does with the newest checkpoint when the job ends.',
  valuesConfig: {
    RETAIN_ON_CANCELLATION: { description: 'Kept after a cancel and after a failure. The default here.' },
    DELETE_ON_CANCELLATION: { description: 'Kept after a failure, deleted by a cancel.' },
    NO_EXTERNALIZED_CHECKPOINTS: { description: 'Deleted in either case.' },
  },
});

const DURATION = 'A duration as Flink writes it, such as 10 min; a bare number is milliseconds.';

@InputType({
  description:
    "How a job keeps its state; what is left out is the cluster's. These and flinkConfiguration are one thing: a setting given in both ways with different values is INVALID_INPUT.",
})
export class StateParametersInput {
  @Field(() => StateBackend, { nullable: true, description: 'state.backend.type. FORST needs Flink 2.' })
  stateBackend?: StateBackend | null;

  @Field(() => Boolean, {
    nullable: true,
    description: 'execution.checkpointing.incremental: checkpoints hold what has changed. RocksDB and ForSt only.',
  })
  incrementalCheckpoints?: boolean | null;

  @Field(() => String, {
    nullable: true,
    description: `table.exec.state.ttl: how long SQL jobs keep state that is not used; 0 keeps it for ever. ${DURATION}`,
  })
  stateTtl?: string | null;

  @Field(() => Boolean, {
    nullable: true,
    description:
      "Whether tasks keep a local copy of their state to recover from. TaskManagers read it when they start, so it must be what the cluster's own configuration says; otherwise CLUSTER_LEVEL_KEY.",
  })
  localRecovery?: boolean | null;

  @Field(() => String, {
    nullable: true,
    description: 'state.backend.rocksdb.localdir: folders of the TaskManager hosts, with commas between several.',
  })
  rocksdbLocalDirectory?: string | null;

  @Field(() => String, { nullable: true, description: `execution.checkpointing.interval. ${DURATION}` })
  checkpointInterval?: string | null;

  @Field(() => String, {
    nullable: true,
    description: `execution.checkpointing.timeout, of savepoints too. ${DURATION}`,
  })
  checkpointTimeout?: string | null;

  @Field(() => String, { nullable: true, description: `execution.checkpointing.min-pause. ${DURATION}` })
  checkpointMinPause?: string | null;

  @Field(() => Boolean, { nullable: true, description: 'execution.checkpointing.unaligned.enabled.' })
  unalignedCheckpoints?: boolean | null;

  @Field(() => CheckpointRetention, {
    nullable: true,
    description: 'execution.checkpointing.externalized-checkpoint-retention. Default: RETAIN_ON_CANCELLATION.',
  })
  checkpointRetention?: CheckpointRetention | null;
}

export enum ParameterObservation {
  OBSERVED = 'OBSERVED',
  SET_BY_PROGRAM = 'SET_BY_PROGRAM',
  NOT_OBSERVABLE = 'NOT_OBSERVABLE',
  NOT_YET_OBSERVED = 'NOT_YET_OBSERVED',
}
registerEnumType(ParameterObservation, {
  name: 'ParameterObservation',
  description: 'What is known of a parameter as Flink runs with it.',
  valuesConfig: {
    OBSERVED: { description: 'Flink showed `observed` when the run started.' },
    SET_BY_PROGRAM: {
      description:
        'Flink showed `observed`, and another value was submitted: main() sets it. A restart changes nothing.',
    },
    NOT_OBSERVABLE: { description: 'Flink shows it nowhere.' },
    NOT_YET_OBSERVED: { description: 'There is no run yet, or nothing was read of it.' },
  },
});

const units: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
];

/** In a unit that a person thinks in, and in milliseconds. */
function labelOf(text: string, durationMs: number): string {
  const inMs = `${durationMs} ms`;
  if (!/^\d+\s*(?:ms)?$/.test(text.trim())) return `${text} (${inMs})`;
  const [unit, size] = units.find(([, size]) => durationMs > 0 && durationMs % size === 0) ?? [];
  return unit && size ? `${durationMs / size} ${unit} (${inMs})` : inMs;
}

@ObjectType({ description: 'The value of a parameter.' })
export class ParameterValue {
  @Field(() => String, { description: 'As it was written, or as Flink says it; ****** where it is secret.' })
  readonly text: string;

  @Field(() => SafeInt, { nullable: true, description: 'Of a duration: how long; null for anything else.' })
  readonly durationMs: number | null;

  @Field(() => String, { description: 'For a person: 10 min (600000 ms).' })
  readonly label: string;

  constructor(text: string, durationMs: number | null) {
    this.text = text;
    this.durationMs = durationMs;
    this.label = durationMs === null ? text : labelOf(text, durationMs);
  }
}

@ObjectType({ description: 'One parameter of a deployment: what is wanted, what was submitted, and what Flink shows.' })
export class DeploymentParameter {
  @Field(() => String, {
    nullable: true,
    description: 'Its name in StateParametersInput; null for any other setting.',
  })
  name!: string | null;

  @Field(() => String, { description: "Flink's name of it, today's one." })
  key!: string;

  @Field(() => Boolean, {
    description: "Whether a deployment can set it. False: Flink reads it from the cluster's configuration alone.",
  })
  settable!: boolean;

  @Field(() => ParameterValue, {
    nullable: true,
    description: 'What the next start submits; null: nothing, so clusterValue or the default of Flink holds.',
  })
  desired!: ParameterValue | null;

  @Field(() => ParameterValue, {
    nullable: true,
    description: 'What the newest run was submitted with; null: nothing, or another started it, or there is none.',
  })
  submitted!: ParameterValue | null;

  @Field(() => ParameterValue, { nullable: true, description: 'What Flink showed of the newest run; null: nothing.' })
  observed!: ParameterValue | null;

  @Field(() => ParameterObservation, { description: 'What observed, or its absence, means.' })
  observation!: ParameterObservation;

  @Field(() => ParameterValue, {
    nullable: true,
    description: "The cluster's own, as its JobManager shows it; null: it sets none.",
  })
  clusterValue!: ParameterValue | null;

  @Field(() => Boolean, {
    description: 'Whether the newest run is live and was submitted with another value than desired.',
  })
  restartDue!: boolean;
}
