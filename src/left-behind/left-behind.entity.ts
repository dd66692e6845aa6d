import { Field, Int, ObjectType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { DateTime, SafeInt } from '../api/scalars.js';
import { bigintToNumber } from '../db/database.js';
import { DeletionFailure } from '../deletion/deletion.entity.js';
import { DeletionFailureCode, DeletionState } from '../deletion/deletion.enums.js';
import { DeletionProof } from '../savepoint/savepoint.enums.js';

/** The background life of a disposal; its id is that of the run. */
@Entity('left_behind')
@ObjectType({
  description:
    'What is, or was, done to dispose of all checkpoints that an ended run has left (leftBehind: DISPOSE): one after the other, through Flink. While there is one, nothing is started from them.',
})
export class LeftBehindDisposal {
  @PrimaryColumn('uuid')
  id!: string;

  @Field(() => DeletionState, {
    description: 'Where it stands. DONE: they are gone, and proof says how that is known.',
  })
  @Column('text')
  state!: DeletionState;

  @Field(() => String, { description: 'Why they go.' })
  @Column('text')
  reason!: string;

  @Field(() => DateTime, { description: 'Since when nothing is started from them.' })
  @Column('timestamptz', { name: 'asked_at' })
  askedAt!: Date;

  @Field(() => String, { nullable: true, description: 'What it waits for, for a person; null: for nothing.' })
  @Column('text', { name: 'waiting_for', nullable: true })
  waitingFor!: string | null;

  @Field(() => Boolean, {
    description:
      'Flink was, or may have been, asked for one of them: from then on none of the others is whole for certain.',
  })
  @Column('boolean')
  begun!: boolean;

  @Field(() => Int, { description: 'How often Flink was, or may have been, asked.' })
  @Column('integer')
  disposals!: number;

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
    description: 'Where something of them was seen, or may still lie; null: nothing is known to be left.',
  })
  @Column('text', { name: 'left_path', nullable: true })
  leftPath!: string | null;

  @Field(() => SafeInt, { nullable: true, description: 'How much lies at leftPath; null: not known.' })
  @Column('bigint', { name: 'left_bytes', nullable: true, transformer: bigintToNumber })
  leftBytes!: number | null;

  @Field(() => DeletionProof, {
    nullable: true,
    description:
      'How it is known that they are gone. EMPTY: nothing is left in their folders; FLINK_CONFIRMED: one of them at the least is gone by the word of Flink. Null: they are not.',
  })
  @Column('text', { nullable: true })
  proof!: DeletionProof | null;

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
    description: 'When a FAILED one is tried again. Null in every other state.',
  })
  get nextTryAt(): Date | null {
    return this.state === DeletionState.FAILED ? this.lookAt : null;
  }
}
