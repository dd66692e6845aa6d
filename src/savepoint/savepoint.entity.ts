import { Field, ID, ObjectType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { DateTime, SafeInt } from '../api/scalars.js';
import { bigintToNumber } from '../db/database.js';
import { SavepointFormat } from '../deployment/savepoint-format.js';
import { SnapshotKind } from '../job/snapshot-kind.js';
import {
  DataState,
  DeletionProof,
  DetailsState,
  NoProgressReason,
  SavepointFailureCode,
  SavepointOrigin,
  SavepointState,
} from './savepoint.enums.js';
import { SavepointProgressNow } from './savepoint-progress.types.js';

@ObjectType({
  description: 'Something that a request should make the caller think about; it was carried out all the same.',
})
export class SavepointWarning {
  @Field(() => String, {
    description:
      'LIKELY_TO_EXPIRE: earlier savepoints took more than 70 % of the checkpoint timeout. FORMAT_NOT_SUPPORTED: its schedule asks for a format that the state backend cannot write, and it is made in the other one. NOT_VERIFIED: it was imported without having read its _metadata. DATA_DAMAGED: files of it were missing or of another size when it was imported.',
  })
  code!: string;

  @Field(() => String, { description: 'What may happen and what to do about it, for a person.' })
  message!: string;
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

  /** Its run ended otherwise than by its stop: says something once it is whole. */
  @Column('boolean', { name: 'stop_failed_after' })
  runEndedOtherwise!: boolean;

  @Field(() => Boolean, {
    description:
      'False: imported without having read its _metadata, so that kind, format and checkpoint id are those of its name and of whoever imported it. It can be restored from; its data are never deleted.',
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

  @Field(() => SafeInt, { nullable: true, description: "Flink's checkpoint id; null while it is not known." })
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
    description:
      'Size of the state as Flink measured it, or of an imported one as its _metadata tells; null while detailsState says why.',
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
    description:
      'Version of Flink that was asked for it; null while it is PENDING, and for an imported one: no file tells it, fingerprint.metadataVersion bounds it.',
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

  @Column('uuid', { name: 'schedule_id', nullable: true })
  scheduleId!: string | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'Of a SCHEDULED one: the slot of the schedule that it was made for; else null.',
  })
  @Column('timestamptz', { name: 'slot_at', nullable: true })
  slotAt!: Date | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'While it is PENDING: not sent before this time, for jitter or the pause before another attempt.',
  })
  @Column('timestamptz', { name: 'not_before', nullable: true })
  notBefore!: Date | null;

  @Column('integer', { name: 'attempts_allowed' })
  attemptsAllowed!: number;

  @Field(() => Boolean, { description: 'A person has pinned it: nothing deletes it until it is unpinned.' })
  @Column('boolean')
  pinned!: boolean;

  @Field(() => DateTime, { nullable: true, description: 'Nothing deletes it before this time; null: it is not held.' })
  @Column('timestamptz', { name: 'held_until', nullable: true })
  heldUntil!: Date | null;

  @Field(() => String, { nullable: true, description: 'Why it is held, as given; null where it is not.' })
  @Column('text', { name: 'hold_reason', nullable: true })
  holdReason!: string | null;

  @Field(() => DeletionProof, {
    nullable: true,
    description: 'Of a DELETED one: how it is known to be gone; else null.',
  })
  @Column('text', { nullable: true })
  proof!: DeletionProof | null;

  @Field(() => DateTime, { nullable: true, description: 'When it was DELETED, on the clock of the database.' })
  @Column('timestamptz', { name: 'deleted_at', nullable: true })
  deletedAt!: Date | null;

  @Field(() => [SavepointWarning], { description: 'What to think about, as of the request; empty: nothing.' })
  @Column('jsonb')
  warnings!: SavepointWarning[];

  @Field(() => String, { description: 'Who asked for it.' })
  @Column('text')
  actor!: string;

  @Field(() => DateTime, { description: 'When the request was accepted.' })
  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;

  @Field(() => Boolean, {
    description:
      'STOP_FAILED_AFTER: it is whole, and the stop that made it failed afterwards. Its side effects may be uncommitted: restore from it, and from nothing later.',
  })
  get stopFailedAfter(): boolean {
    return this.runEndedOtherwise && this.completedAt !== null;
  }

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
