import { Field, Int, ObjectType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { DateTime } from '../api/scalars.js';

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

  @Field(() => DateTime, {
    nullable: true,
    description: 'When a person took what it has left off the drift report (forgetLeftover); null: nobody has.',
  })
  @Column('timestamptz', { name: 'left_forgotten_at', nullable: true })
  leftForgottenAt!: Date | null;

  @Field(() => String, { nullable: true, description: 'Who did that; else null.' })
  @Column('text', { name: 'left_forgotten_by', nullable: true })
  leftForgottenBy!: string | null;

  @Field(() => String, { nullable: true, description: 'Why, as given; else null.' })
  @Column('text', { name: 'left_forgotten_reason', nullable: true })
  leftForgottenReason!: string | null;
}
