import { Field, ID, ObjectType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { DateTime } from '../api/scalars.js';
import { bigintToNumber } from '../db/database.js';
import { SavepointFormat } from '../deployment/savepoint-format.js';
import { StopFailureCode, StopMode, StopOutcome, StopState, WhenSavepointRuns } from './stop.enums.js';

@ObjectType({ description: 'Why a stop FAILED.' })
export class StopFailure {
  @Field(() => StopFailureCode, { description: 'From a closed list, documented in docs/errors.md.' })
  code!: StopFailureCode;

  @Field(() => String, { description: 'What happened, what became of the job, and what to do, for a person.' })
  message!: string;

  @Field(() => String, { nullable: true, description: "Flink's root cause in one line." })
  rootCause!: string | null;
}

/** A request to end the run of a deployment. */
@Entity('stop')
@ObjectType({ description: 'A request to end the run of a deployment, and what became of it.' })
export class Stop {
  @Field(() => ID, { description: 'Its id, a UUID.' })
  @PrimaryColumn('uuid')
  id!: string;

  @Column('uuid', { name: 'deployment_id' })
  deploymentId!: string;

  @Column('uuid', { name: 'job_id' })
  jobId!: string;

  @Column('uuid', { name: 'cluster_id' })
  clusterId!: string;

  @Field(() => StopMode, { description: 'How it was asked to stop.' })
  @Column('text')
  mode!: StopMode;

  @Field(() => StopState, { description: 'Where it stands.' })
  @Column('text')
  state!: StopState;

  @Field(() => DateTime, { description: 'Since when it has this state.' })
  @Column('timestamptz', { name: 'state_since' })
  stateSince!: Date;

  @Field(() => StopOutcome, { nullable: true, description: 'What became of the job; null until it is known.' })
  @Column('text', { nullable: true })
  outcome!: StopOutcome | null;

  @Field(() => String, { nullable: true, description: 'What it waits for, in words; null when it waits for nothing.' })
  @Column('text', { name: 'waiting_for', nullable: true })
  waitingFor!: string | null;

  @Field(() => SavepointFormat, {
    nullable: true,
    description: 'The format of its savepoint; null for WITHOUT_SAVEPOINT.',
  })
  @Column('text', { nullable: true })
  format!: SavepointFormat | null;

  @Field(() => String, { nullable: true, description: 'Why it was stopped, as given; kept on its savepoint too.' })
  @Column('text', { nullable: true })
  description!: string | null;

  @Field(() => WhenSavepointRuns, { description: 'What it does about a savepoint that was in progress.' })
  @Column('text', { name: 'when_savepoint_runs' })
  whenSavepointRuns!: WhenSavepointRuns;

  @Column('bigint', { name: 'cancel_if_younger_ms', nullable: true, transformer: bigintToNumber })
  cancelIfYoungerMs!: number | null;

  @Field(() => Boolean, { description: 'Whether it was to go on although state is lost by it.' })
  @Column('boolean', { name: 'accept_state_loss' })
  acceptStateLoss!: boolean;

  @Column('uuid', { name: 'waits_for_savepoint_id', nullable: true })
  waitsForSavepointId!: string | null;

  @Column('uuid', { name: 'savepoint_id', nullable: true })
  savepointId!: string | null;

  @Field(() => DateTime, { nullable: true, description: 'When Flink was last asked to cancel the job; null: never.' })
  @Column('timestamptz', { name: 'cancel_sent_at', nullable: true })
  cancelSentAt!: Date | null;

  @Column('text', { name: 'failure_code', nullable: true })
  failureCode!: StopFailureCode | null;

  @Column('text', { name: 'failure_message', nullable: true })
  failureMessage!: string | null;

  @Column('text', { name: 'failure_root_cause', nullable: true })
  failureRootCause!: string | null;

  @Field(() => String, { description: 'Who asked for it.' })
  @Column('text')
  actor!: string;

  @Field(() => DateTime, { description: 'When it was accepted.' })
  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;

  @Field(() => DateTime, { nullable: true, description: 'When it was COMPLETED or FAILED.' })
  @Column('timestamptz', { name: 'ended_at', nullable: true })
  endedAt!: Date | null;

  @Field(() => StopFailure, { nullable: true, description: 'Set when it FAILED.' })
  get failure(): StopFailure | null {
    if (this.failureCode === null) return null;
    return { code: this.failureCode, message: this.failureMessage ?? '', rootCause: this.failureRootCause };
  }
}
