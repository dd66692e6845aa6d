import { Field, ObjectType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { DateTime, SafeInt } from '../api/scalars.js';
import { bigintToNumber } from '../db/database.js';
import { DeletionFailureCode, DeletionNote, DeletionRule, DeletionScope, DeletionState } from './deletion.enums.js';

@ObjectType({ description: 'Why a savepoint could not be deleted.' })
export class DeletionFailure {
  @Field(() => DeletionFailureCode, { description: 'From a closed list, documented in docs/errors.md.' })
  code!: DeletionFailureCode;

  @Field(() => String, { description: 'What happened and what to do, for a person.' })
  message!: string;

  @Field(() => String, { nullable: true, description: "Flink's root cause in one line; null: Flink named none." })
  rootCause!: string | null;

  @Field(() => DateTime, { description: 'When it failed last, on the clock of the database.' })
  failedAt!: Date;
}

/** The background life of a deletion; its id is that of the savepoint. */
@Entity('deletion')
@ObjectType('SavepointDeletion', { description: 'What is, or was, done to delete a savepoint.' })
export class Deletion {
  @PrimaryColumn('uuid')
  id!: string;

  @Field(() => DeletionState, { description: 'Where it stands.' })
  @Column('text')
  state!: DeletionState;

  @Field(() => DeletionScope, { description: 'What is deleted.' })
  @Column('text')
  scope!: DeletionScope;

  @Field(() => DeletionRule, { description: 'What asked for it.' })
  @Column('text')
  rule!: DeletionRule;

  @Field(() => String, { nullable: true, description: 'Why, as it was given; null: no reason was.' })
  @Column('text', { nullable: true })
  reason!: string | null;

  @Field(() => String, { description: 'Who asked for it.' })
  @Column('text')
  actor!: string;

  @Field(() => DateTime, { description: 'When it was asked for: since then it cannot be restored from.' })
  @Column('timestamptz', { name: 'asked_at' })
  askedAt!: Date;

  @Field(() => String, { nullable: true, description: 'What it waits for, for a person; null: for nothing.' })
  @Column('text', { name: 'waiting_for', nullable: true })
  waitingFor!: string | null;

  @Column('text', { name: 'failure_code', nullable: true })
  failureCode!: DeletionFailureCode | null;

  @Column('text', { name: 'failure_message', nullable: true })
  failureMessage!: string | null;

  @Column('text', { name: 'failure_root_cause', nullable: true })
  failureRootCause!: string | null;

  @Column('timestamptz', { name: 'failed_at', nullable: true })
  failedAt!: Date | null;

  @Field(() => String, {
    nullable: true,
    description: 'Where something of it was seen, or may still lie; null: nothing is known to be left.',
  })
  @Column('text', { name: 'left_path', nullable: true })
  leftPath!: string | null;

  @Field(() => SafeInt, {
    nullable: true,
    description:
      'How much lies at leftPath: counted where the storage can be read, else its whole size; null: not known.',
  })
  @Column('bigint', { name: 'left_bytes', nullable: true, transformer: bigintToNumber })
  leftBytes!: number | null;

  @Field(() => DeletionNote, { nullable: true, description: 'What there is to say besides its end; else null.' })
  @Column('text', { nullable: true })
  note!: DeletionNote | null;

  @Column('timestamptz', { name: 'look_at', nullable: true })
  lookAt!: Date | null;

  @Field(() => DeletionFailure, {
    nullable: true,
    description: 'Why it failed last; null: it has not failed. It stays while it is tried again, and as history.',
  })
  get failure(): DeletionFailure | null {
    if (this.failureCode === null || this.failureMessage === null || this.failedAt === null) return null;
    return {
      code: this.failureCode,
      message: this.failureMessage,
      rootCause: this.failureRootCause,
      failedAt: this.failedAt,
    };
  }

  @Field(() => DateTime, {
    nullable: true,
    description: 'When a FAILED one is tried again; retryDeletion does so at once. Null in every other state.',
  })
  get nextTryAt(): Date | null {
    return this.state === DeletionState.FAILED ? this.lookAt : null;
  }
}
