import { Field, ID, Int, ObjectType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { DateTime, SafeInt } from '../api/scalars.js';
import { bigintToNumber } from '../db/database.js';
import { SavepointFormat } from '../deployment/savepoint-format.js';
import { SnapshotKind } from '../job/snapshot-kind.js';
import {
  DataState,
  DetailsState,
  NoProgressReason,
  SavepointFailureCode,
  SavepointOrigin,
  SavepointState,
} from './savepoint.enums.js';

@ObjectType({
  description: 'Something that a request should make the caller think about; it was carried out all the same.',
})
export class SavepointWarning {
  @Field(() => String, {
    description: 'LIKELY_TO_EXPIRE: earlier savepoints took more than 70 % of the checkpoint timeout.',
  })
  code!: string;

  @Field(() => String, { description: 'What may happen and what to do about it, for a person.' })
  message!: string;
}

/** The columns that progress is told from. */
export interface ProgressColumns {
  acknowledgedSubtasks: number | null;
  totalSubtasks: number | null;
  progressBytes: number | null;
  progressAt: Date | null;
  stateSince: Date;
  expectedDurationMs: number | null;
  noProgress: NoProgressReason | null;
}

@ObjectType({ description: 'Progress of a savepoint in Flink. Numbers are null where noProgress says why.' })
export class SavepointProgressNow {
  @Field(() => Int, { nullable: true, description: 'How many of totalSubtasks have written their part.' })
  readonly acknowledgedSubtasks: number | null;

  @Field(() => Int, { nullable: true, description: 'How many subtasks take part.' })
  readonly totalSubtasks: number | null;

  @Field(() => SafeInt, { nullable: true, description: 'Written so far.' })
  readonly bytes: number | null;

  @Field(() => DateTime, { nullable: true, description: 'When Flink was asked.' })
  readonly observedAt: Date | null;

  @Field(() => SafeInt, { description: 'Since it was admitted.' })
  readonly elapsedMs: number;

  @Field(() => SafeInt, {
    nullable: true,
    description: 'Median of the last ten of this deployment in this format; null when there were none.',
  })
  readonly expectedDurationMs: number | null;

  @Field(() => NoProgressReason, { nullable: true, description: 'Why the numbers are null; null when they are there.' })
  readonly noProgress: NoProgressReason | null;

  constructor(savepoint: ProgressColumns) {
    this.acknowledgedSubtasks = savepoint.acknowledgedSubtasks;
    this.totalSubtasks = savepoint.totalSubtasks;
    this.bytes = savepoint.progressBytes;
    this.observedAt = savepoint.progressAt;
    this.elapsedMs = Math.max(0, Date.now() - savepoint.stateSince.getTime());
    this.expectedDurationMs = savepoint.expectedDurationMs;
    this.noProgress =
      savepoint.noProgress ?? (savepoint.totalSubtasks === null ? NoProgressReason.NOT_YET_REPORTED : null);
  }
}

@ObjectType({ description: 'Why there is no savepoint.' })
export class SavepointFailure {
  @Field(() => SavepointFailureCode, { description: 'From a closed list, documented in docs/errors.md.' })
  code!: SavepointFailureCode;

  @Field(() => String, { description: 'What happened and what to do, for a person.' })
  message!: string;

  @Field(() => String, { nullable: true, description: "Flink's root cause in one line." })
  rootCause!: string | null;

  @Field(() => DateTime, { description: 'When it was found to have failed, or was given up.' })
  failedAt!: Date;
}

/** A snapshot that a user or a schedule asked for and that Stateward owns. */
@Entity('savepoint')
@ObjectType({ description: 'A snapshot that a user or a schedule asked for and that Stateward owns.' })
export class Savepoint {
  @Field(() => ID, { description: 'Its id, a UUID.' })
  @PrimaryColumn('uuid')
  id!: string;

  /** null: imported without one. */
  @Column('uuid', { name: 'deployment_id', nullable: true })
  deploymentId!: string | null;

  @Column('uuid', { name: 'job_id', nullable: true })
  jobId!: string | null;

  /** null: imported; it belongs to a storage. */
  @Column('uuid', { name: 'cluster_id', nullable: true })
  clusterId!: string | null;

  @Column('uuid', { name: 'stop_id', nullable: true })
  stopId!: string | null;

  @Field(() => SnapshotKind, { description: 'CHECKPOINT: an imported reference to one, whose data are not ours.' })
  @Column('text')
  kind!: SnapshotKind;

  @Field(() => Boolean, {
    description: 'Made by a stop with drain: the job is over, and restoring from it needs acceptDrained: true.',
  })
  @Column('boolean')
  drained!: boolean;

  @Field(() => Boolean, {
    description:
      'STOP_FAILED_AFTER: it is whole, and the stop that made it failed afterwards. Its side effects may be uncommitted: restore from it, and from nothing later.',
  })
  @Column('boolean', { name: 'stop_failed_after' })
  stopFailedAfter!: boolean;

  @Field(() => Boolean, {
    description:
      'False: imported without having read its _metadata. It can be restored from; its data are never deleted.',
  })
  @Column('boolean')
  verified!: boolean;

  @Field(() => SavepointOrigin, { description: 'Why it exists.' })
  @Column('text')
  origin!: SavepointOrigin;

  @Field(() => SavepointState, { description: 'Where it stands; only a COMPLETED one can be restored from.' })
  @Column('text')
  state!: SavepointState;

  @Field(() => DateTime, { description: 'Since when it has this state.' })
  @Column('timestamptz', { name: 'state_since' })
  stateSince!: Date;

  @Field(() => SavepointFormat, {
    nullable: true,
    description: 'The format that it is written in; null for an imported one whose _metadata was not read.',
  })
  @Column('text', { nullable: true })
  format!: SavepointFormat | null;

  @Field(() => String, { nullable: true, description: 'Up to 500 characters, as given by whoever asked for it.' })
  @Column('text', { nullable: true })
  description!: string | null;

  @Field(() => DataState, { description: 'Whether its data were seen where they should be.' })
  @Column('text')
  data!: DataState;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When its data were last looked for; null: never, or they could not be.',
  })
  @Column('timestamptz', { name: 'data_checked_at', nullable: true })
  dataCheckedAt!: Date | null;

  @Column('integer')
  attempt!: number;

  @Column('boolean', { name: 'in_flight' })
  inFlight!: boolean;

  @Column('integer', { name: 'acknowledged_subtasks', nullable: true })
  acknowledgedSubtasks!: number | null;

  @Column('integer', { name: 'total_subtasks', nullable: true })
  totalSubtasks!: number | null;

  @Column('bigint', { name: 'progress_bytes', nullable: true, transformer: bigintToNumber })
  progressBytes!: number | null;

  @Column('timestamptz', { name: 'progress_at', nullable: true })
  progressAt!: Date | null;

  @Column('text', { name: 'no_progress', nullable: true })
  noProgress!: NoProgressReason | null;

  @Column('bigint', { name: 'expected_duration_ms', nullable: true, transformer: bigintToNumber })
  expectedDurationMs!: number | null;

  @Column('timestamptz', { name: 'lost_since', nullable: true })
  lostSince!: Date | null;

  @Column('uuid', { name: 'storage_id', nullable: true })
  storageId!: string | null;

  @Field(() => String, { nullable: true, description: "Path below the storage's root; null until it is COMPLETED." })
  @Column('text', { nullable: true })
  path!: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'Where it is, as the cluster that made it writes it. Without /_metadata.',
  })
  @Column('text', { nullable: true })
  location!: string | null;

  @Field(() => SafeInt, { nullable: true, description: "Flink's checkpoint id." })
  @Column('bigint', { name: 'flink_checkpoint_id', nullable: true, transformer: bigintToNumber })
  flinkCheckpointId!: number | null;

  @Field(() => DateTime, {
    nullable: true,
    description: "Flink's trigger time once reported, on the JobManager's clock; until then the time of our call.",
  })
  @Column('timestamptz', { name: 'triggered_at', nullable: true })
  triggeredAt!: Date | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When Stateward learned that it is complete, on the clock of the database; null until then.',
  })
  @Column('timestamptz', { name: 'completed_at', nullable: true })
  completedAt!: Date | null;

  @Field(() => SafeInt, { nullable: true, description: 'As Flink measured it; null while detailsState says why.' })
  @Column('bigint', { name: 'duration_ms', nullable: true, transformer: bigintToNumber })
  durationMs!: number | null;

  @Field(() => SafeInt, {
    nullable: true,
    description: 'Size of the state as Flink measured it; null while detailsState says why.',
  })
  @Column('bigint', { name: 'size_bytes', nullable: true, transformer: bigintToNumber })
  sizeBytes!: number | null;

  @Field(() => DetailsState, {
    nullable: true,
    description:
      "Whether Flink's statistics have told checkpoint id, trigger time, size and duration; null before it is COMPLETED.",
  })
  @Column('text', { name: 'details', nullable: true })
  detailsState!: DetailsState | null;

  @Field(() => String, {
    nullable: true,
    description: 'Version of Flink that was asked for it; null while it is PENDING.',
  })
  @Column('text', { name: 'flink_version', nullable: true })
  flinkVersion!: string | null;

  @Field(() => String, { nullable: true, description: 'HASHMAP, ROCKSDB, FORST or OTHER.' })
  @Column('text', { name: 'state_backend', nullable: true })
  stateBackend!: string | null;

  @Column('text', { name: 'failure_code', nullable: true })
  failureCode!: SavepointFailureCode | null;

  @Column('text', { name: 'failure_message', nullable: true })
  failureMessage!: string | null;

  @Column('text', { name: 'failure_root_cause', nullable: true })
  failureRootCause!: string | null;

  @Column('timestamptz', { name: 'failed_at', nullable: true })
  failedAt!: Date | null;

  @Field(() => [SavepointWarning], { description: 'What to think about, as of the request; empty: nothing.' })
  @Column('jsonb')
  warnings!: SavepointWarning[];

  @Field(() => String, { description: 'Who asked for it.' })
  @Column('text')
  actor!: string;

  @Field(() => DateTime, { description: 'When the request was accepted.' })
  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;

  @Field(() => SavepointProgressNow, {
    nullable: true,
    description: 'What Flink says while it is IN_PROGRESS; null otherwise.',
  })
  get progress(): SavepointProgressNow | null {
    return this.state === SavepointState.IN_PROGRESS ? new SavepointProgressNow(this) : null;
  }

  @Field(() => SavepointFailure, { nullable: true, description: 'Why it FAILED; null in every other state.' })
  get failure(): SavepointFailure | null {
    if (this.failureCode === null || this.failureMessage === null || this.failedAt === null) return null;
    return {
      code: this.failureCode,
      message: this.failureMessage,
      rootCause: this.failureRootCause,
      failedAt: this.failedAt,
    };
  }
}

/** One line per time that Flink was, or may have been, asked. Stored before the first call. */
@Entity('savepoint_attempt')
@ObjectType({ description: 'One time that Flink was, or may have been, asked for a savepoint.' })
export class SavepointAttempt {
  @PrimaryColumn('uuid', { name: 'savepoint_id' })
  savepointId!: string;

  @Field(() => Int, { description: 'Counts the attempts of its savepoint from 1.' })
  @PrimaryColumn('integer')
  number!: number;

  @Field(() => String, {
    description: 'Chosen by Stateward before the call; the same one is sent again after a lost reply.',
  })
  @Column('text', { name: 'trigger_id' })
  triggerId!: string;

  @Column('uuid', { name: 'storage_id' })
  storageId!: string;

  @Field(() => String, { description: 'Directory of its own below the storage root; Flink adds savepoint-… below it.' })
  @Column('text')
  directory!: string;

  @Column('text', { name: 'process_mark', nullable: true })
  processMark!: string | null;

  @Field(() => DateTime, { description: 'When it was stored, before the first call.' })
  @Column('timestamptz', { name: 'stored_at' })
  storedAt!: Date;

  @Field(() => DateTime, { nullable: true, description: 'When the first call left, or was about to.' })
  @Column('timestamptz', { name: 'sent_at', nullable: true })
  sentAt!: Date | null;

  @Field(() => Int, { description: 'How often it was sent, always with the same trigger id.' })
  @Column('integer')
  sends!: number;

  @Column('integer')
  refusals!: number;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When Flink acknowledged the call; null: no acknowledgement was seen.',
  })
  @Column('timestamptz', { name: 'accepted_at', nullable: true })
  acceptedAt!: Date | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When its outcome was known, or it was given up; null while it goes on.',
  })
  @Column('timestamptz', { name: 'ended_at', nullable: true })
  endedAt!: Date | null;

  @Field(() => String, {
    nullable: true,
    description:
      'COMPLETED, or a failure code. NEVER_SENT: the JobManager was restarted before the call, and a new attempt followed.',
  })
  @Column('text', { nullable: true })
  outcome!: string | null;
}
