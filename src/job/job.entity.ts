import { Field, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { DateTime, SafeInt } from '../api/scalars.js';
import { bigintToNumber } from '../db/database.js';
import type { CheckpointConfig } from '../flink/flink.types.js';
import { StartStrategy } from './start-strategy.js';

export enum JobState {
  SUBMITTING = 'SUBMITTING',
  INITIALIZING = 'INITIALIZING',
  RUNNING = 'RUNNING',
  RESTARTING = 'RESTARTING',
  STOPPING = 'STOPPING',
  CANCELLED = 'CANCELLED',
  FINISHED = 'FINISHED',
  FAILED = 'FAILED',
}
registerEnumType(JobState, {
  name: 'JobState',
  description: 'CANCELLED, FINISHED and FAILED are the ends.',
  valuesConfig: {
    SUBMITTING: { description: 'Accepted; Flink has not taken the submission yet.' },
    INITIALIZING: { description: 'Flink has the job, and not every task runs yet.' },
    RUNNING: { description: 'Every task is RUNNING or FINISHED.' },
    RESTARTING: { description: 'Flink is recovering it: not every task runs any more.' },
    STOPPING: { description: 'A stop was accepted, or Flink is cancelling it.' },
    CANCELLED: { description: 'It was cancelled in Flink.' },
    FINISHED: { description: 'It ended by itself, without an error.' },
    FAILED: { description: 'It was not taken, failed or was lost; failureCode says which.' },
  },
});

export enum JobFailureCode {
  SUBMISSION_REFUSED = 'SUBMISSION_REFUSED',
  SUBMISSION_LOST = 'SUBMISSION_LOST',
  ANOTHER_RUN_IS_LIVE = 'ANOTHER_RUN_IS_LIVE',
  ARTIFACT_MISSING = 'ARTIFACT_MISSING',
  STATE_DAMAGED = 'STATE_DAMAGED',
  SECRET_MISSING = 'SECRET_MISSING',
  RESTORE_NOT_TAKEN = 'RESTORE_NOT_TAKEN',
  FLINK_FAILED = 'FLINK_FAILED',
  JOB_LOST = 'JOB_LOST',
  END_UNKNOWN = 'END_UNKNOWN',
  CLUSTER_REPLACED = 'CLUSTER_REPLACED',
  DECLARED_LOST = 'DECLARED_LOST',
}
registerEnumType(JobFailureCode, {
  name: 'JobFailureCode',
  description: 'Why a run FAILED. docs/errors.md tells what to do about each.',
  valuesConfig: {
    SUBMISSION_REFUSED: { description: 'Flink declined the jar or the program; failureRootCause says why.' },
    SUBMISSION_LOST: { description: 'The submission got no answer, and the job did not appear.' },
    ANOTHER_RUN_IS_LIVE: { description: 'Before the submission another run of the same job was found alive in Flink.' },
    SECRET_MISSING: { description: 'Its arguments or settings name a secret that the worker has not got.' },
    ARTIFACT_MISSING: { description: "The jar's file is not in the artifact folder." },
    STATE_DAMAGED: {
      description:
        'Before the submission files of the state that was to be restored were found to be gone or cut short.',
    },
    RESTORE_NOT_TAKEN: { description: 'It ran without the chosen state restored, and was cancelled at once.' },
    FLINK_FAILED: { description: 'The job failed in Flink; failureRootCause says why.' },
    JOB_LOST: { description: 'A new JobManager process does not know the job.' },
    END_UNKNOWN: { description: 'It ended unseen, and Flink has dropped it.' },
    CLUSTER_REPLACED: { description: 'Its cluster was replaced by another one at the same address (confirmCluster).' },
    DECLARED_LOST: { description: 'A person declared it lost while its cluster did not answer (declareJobLost).' },
  },
});

export enum JobOrigin {
  STARTED = 'STARTED',
  ADOPTED = 'ADOPTED',
}
registerEnumType(JobOrigin, {
  name: 'JobOrigin',
  description: 'How a run came under management.',
  valuesConfig: {
    STARTED: { description: 'Started by Stateward.' },
    ADOPTED: { description: 'Started by somebody else, and adopted.' },
  },
});

/** One run of a deployment, known by (cluster, Flink job id, Flink's start time): Flink's ids can come back. */
@Entity('job')
@ObjectType({ description: 'One run of a deployment.' })
export class Job {
  @Field(() => ID, { description: 'Its id, a UUID.' })
  @PrimaryColumn('uuid')
  id!: string;

  @Column('uuid', { name: 'deployment_id' })
  deploymentId!: string;

  @Column('uuid', { name: 'cluster_id' })
  clusterId!: string;

  @Field(() => Int, { description: 'Counts the runs of the deployment from 1.' })
  @Column('integer')
  run!: number;

  @Field(() => String, { description: '32 hex characters, chosen by Stateward before the submission.' })
  @Column('text', { name: 'flink_job_id' })
  flinkJobId!: string;

  @Field(() => DateTime, { nullable: true, description: "Flink's start time." })
  @Column('timestamptz', { name: 'flink_start_time', nullable: true })
  flinkStartTime!: Date | null;

  @Field(() => JobState, { description: 'Where it stands, as observed at observedAt.' })
  @Column('text')
  state!: JobState;

  @Field(() => DateTime, { description: 'Since when it has this state.' })
  @Column('timestamptz', { name: 'state_since' })
  stateSince!: Date;

  @Field(() => String, {
    nullable: true,
    description: 'What it waits for before it counts as RUNNING, in words: "slots: needs 8, has 3".',
  })
  @Column('text', { name: 'waiting_for', nullable: true })
  waitingFor!: string | null;

  @Field(() => JobOrigin, { description: 'Whether Stateward started it.' })
  @Column('text')
  origin!: JobOrigin;

  @Field(() => StartStrategy, {
    nullable: true,
    description: 'What it was started from; null for an adopted run, which somebody else started.',
  })
  @Column('text', { nullable: true })
  strategy!: StartStrategy | null;

  @Column('uuid', { name: 'start_savepoint_id', nullable: true })
  startSavepointId!: string | null;

  @Column('uuid', { name: 'start_job_id', nullable: true })
  startJobId!: string | null;

  @Column('bigint', { name: 'start_checkpoint_id', nullable: true, transformer: bigintToNumber })
  startCheckpointId!: number | null;

  @Column('text', { name: 'start_location', nullable: true })
  startLocation!: string | null;

  @Column('timestamptz', { name: 'start_triggered_at', nullable: true })
  startTriggeredAt!: Date | null;

  @Column('text', { name: 'start_why', nullable: true })
  startWhy!: string | null;

  @Field(() => Boolean, {
    description: 'Whether state of operators that the job has not got was to be dropped in silence.',
  })
  @Column('boolean', { name: 'allow_non_restored_state' })
  allowNonRestoredState!: boolean;

  @Field(() => String, { nullable: true, description: 'The name that Flink shows; null until it was seen there.' })
  @Column('text', { name: 'flink_name', nullable: true })
  flinkName!: string | null;

  @Column('boolean', { name: 'allow_second_run' })
  allowSecondRun!: boolean;

  @Column('boolean', { name: 'ignore_findings' })
  ignoreFindings!: boolean;

  @Column('jsonb', { name: 'state_look', nullable: true })
  stateLook!: { result: 'WHOLE' | 'DAMAGED' | 'NOT_TOLD'; why: string | null } | null;

  @Column('timestamptz', { name: 'state_looked_at', nullable: true })
  stateLookedAt!: Date | null;

  @Column('text', { name: 'own_look', nullable: true })
  ownLook!: 'DUE' | 'DONE' | null;

  /** As src/run keeps it. */
  @Column('jsonb', { name: 'restore_check', nullable: true })
  restoreCheck!: object | null;

  @Column('bigint', { name: 'restored_checkpoint_id', nullable: true, transformer: bigintToNumber })
  restoredCheckpointId!: number | null;

  @Column('timestamptz', { name: 'restored_at', nullable: true })
  restoredAt!: Date | null;

  @Column('text', { name: 'restored_location', nullable: true })
  restoredLocation!: string | null;

  @Column('timestamptz', { name: 'source_seen_at', nullable: true })
  sourceSeenAt!: Date | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When it had taken hold: every task ran, and the chosen state was restored. Null: it never got there.',
  })
  @Column('timestamptz', { name: 'took_hold_at', nullable: true })
  tookHoldAt!: Date | null;

  @Column('timestamptz', { name: 'statistics_awaited_since', nullable: true })
  statisticsAwaitedSince!: Date | null;

  @Column('timestamptz', { name: 'deadline_told_at', nullable: true })
  deadlineToldAt!: Date | null;

  @Column('jsonb', { nullable: true })
  checkpointing!: CheckpointConfig | null;

  @Field(() => Boolean, { description: 'Stopped with drain: its data is at an end, and so is its state.' })
  @Column('boolean')
  drained!: boolean;

  @Column('timestamptz', { name: 'end_read_at', nullable: true })
  endReadAt!: Date | null;

  /** STORAGE, STATISTICS or RECORD: how far what it retained is known. */
  @Column('text', { name: 'end_read_from', nullable: true })
  endReadFrom!: 'STORAGE' | 'STATISTICS' | 'RECORD' | null;

  @Column('uuid', { name: 'artifact_id', nullable: true })
  artifactId!: string | null;

  @Field(() => String, {
    nullable: true,
    description: "Class whose main() builds the job; null: the jar's Main-Class.",
  })
  @Column('text', { name: 'entry_class', nullable: true })
  entryClass!: string | null;

  @Field(() => [String], { description: 'Arguments of main() in this run.' })
  @Column('text', { name: 'program_arguments', array: true })
  programArguments!: string[];

  @Field(() => Int, { nullable: true, description: "Default parallelism of this run; null: the cluster's." })
  @Column('integer', { nullable: true })
  parallelism!: number | null;

  @Column('jsonb', { name: 'flink_configuration' })
  flinkConfiguration!: Record<string, string>;

  @Column('integer')
  submission!: number;

  @Column('text', { name: 'jar_id', nullable: true })
  jarId!: string | null;

  @Column('timestamptz', { name: 'run_sent_at', nullable: true })
  runSentAt!: Date | null;

  @Column('text', { name: 'process_mark', nullable: true })
  processMark!: string | null;

  @Field(() => DateTime, { nullable: true, description: 'When Flink took the submission.' })
  @Column('timestamptz', { name: 'submitted_at', nullable: true })
  submittedAt!: Date | null;

  @Field(() => DateTime, { nullable: true, description: 'When every task was RUNNING or FINISHED for the first time.' })
  @Column('timestamptz', { name: 'started_at', nullable: true })
  startedAt!: Date | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When it ended, by Flink where it tells, else when that was noticed; null while it has not.',
  })
  @Column('timestamptz', { name: 'ended_at', nullable: true })
  endedAt!: Date | null;

  @Field(() => String, { nullable: true, description: 'HASHMAP, ROCKSDB, FORST or OTHER, as observed.' })
  @Column('text', { name: 'state_backend', nullable: true })
  stateBackend!: string | null;

  @Field(() => SafeInt, {
    nullable: true,
    description: 'Observed; null when periodic checkpoints are off, or before it ran.',
  })
  @Column('bigint', { name: 'checkpoint_interval_ms', nullable: true, transformer: bigintToNumber })
  checkpointIntervalMs!: number | null;

  @Field(() => SafeInt, { nullable: true, description: 'Observed; savepoints expire after it too.' })
  @Column('bigint', { name: 'checkpoint_timeout_ms', nullable: true, transformer: bigintToNumber })
  checkpointTimeoutMs!: number | null;

  @Field(() => DateTime, { nullable: true, description: 'When Flink last answered about it.' })
  @Column('timestamptz', { name: 'observed_at', nullable: true })
  observedAt!: Date | null;

  @Column('timestamptz', { name: 'missing_since', nullable: true })
  missingSince!: Date | null;

  @Column('integer', { name: 'missing_answers' })
  missingAnswers!: number;

  @Field(() => JobFailureCode, { nullable: true, description: 'Why it FAILED; null otherwise.' })
  @Column('text', { name: 'failure_code', nullable: true })
  failureCode!: JobFailureCode | null;

  @Field(() => String, { nullable: true, description: 'What went wrong and what to do, for a person.' })
  @Column('text', { name: 'failure_message', nullable: true })
  failureMessage!: string | null;

  @Field(() => String, { nullable: true, description: "Flink's root cause in one line." })
  @Column('text', { name: 'failure_root_cause', nullable: true })
  failureRootCause!: string | null;

  @Field(() => String, { description: 'Who asked for it.' })
  @Column('text')
  actor!: string;

  @Field(() => DateTime, { description: 'When the start was accepted.' })
  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;
}
