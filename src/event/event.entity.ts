import { Field, ID, Int, ObjectType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { DateTime } from '../api/scalars.js';
import { bigintToNumber } from '../db/database.js';
import { EventType } from './event-types.js';

/** One fact. About a deployment it has a number in its history, without gaps. */
@Entity('event')
@ObjectType({ description: 'One fact about a cluster, a storage or a deployment.' })
export class Event {
  @PrimaryColumn('bigint', { transformer: bigintToNumber })
  id!: number;

  @Column('text')
  tx!: string;

  @Field(() => ID, { nullable: true, description: 'The deployment that it is about; null: none.' })
  @Column('uuid', { name: 'deployment_id', nullable: true })
  deploymentId!: string | null;

  @Field(() => Int, {
    nullable: true,
    description: 'Counts the events of its deployment from 1, without gaps; null when it is about none.',
  })
  @Column('bigint', { nullable: true, transformer: bigintToNumber })
  number!: number | null;

  @Field(() => ID, { nullable: true, description: 'The cluster that it is about or happened on; null: none.' })
  @Column('uuid', { name: 'cluster_id', nullable: true })
  clusterId!: string | null;

  @Field(() => ID, { nullable: true, description: 'The storage that it is about; null: none.' })
  @Column('uuid', { name: 'storage_id', nullable: true })
  storageId!: string | null;

  @Field(() => ID, { nullable: true, description: 'The run that it is about; null: none.' })
  @Column('uuid', { name: 'job_id', nullable: true })
  jobId!: string | null;

  @Field(() => ID, { nullable: true, description: 'The savepoint that it is about; null: none.' })
  @Column('uuid', { name: 'savepoint_id', nullable: true })
  savepointId!: string | null;

  @Field(() => ID, { nullable: true, description: 'The stop that it is about; null: none.' })
  @Column('uuid', { name: 'stop_id', nullable: true })
  stopId!: string | null;

  @Field(() => EventType, { description: 'What kind of thing happened.' })
  @Column('text')
  type!: EventType;

  @Field(() => String, { description: 'What happened, in a sentence.' })
  @Column('text')
  message!: string;

  @Field(() => String, { description: 'Who did it; "stateward" for what it does by itself.' })
  @Column('text')
  actor!: string;

  @Field(() => DateTime, { description: 'When it was recorded.' })
  @Column('timestamptz')
  at!: Date;
}

/** An event as a subscription delivers it. */
@ObjectType({ description: 'An event of one deployment, with the cursor to go on from.' })
export class DeploymentEvent {
  @Field(() => String, { description: 'Give it as `after` to go on behind this event.' })
  readonly cursor: string;

  @Field(() => Boolean, { description: 'True: events before this one are no longer kept, so some were missed.' })
  readonly missedBefore: boolean;

  @Field(() => Event, { description: 'What happened.' })
  readonly event: Event;

  constructor(event: Event, missedBefore: boolean) {
    this.event = event;
    this.cursor = String(event.number);
    this.missedBefore = missedBefore;
  }
}
