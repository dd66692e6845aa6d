import { Field, ID, Int, ObjectType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { DateTime, SafeInt } from '../api/scalars.js';
import { bigintToNumber } from '../db/database.js';
import { SavepointFormat } from '../deployment/savepoint-format.js';
import { jitterMs } from './jitter.js';
import { CatchUp } from './schedule.enums.js';

@ObjectType({ description: 'Times at which a schedule does not fire.' })
export class ScheduleBlackout {
  @Field(() => String, { description: 'Cron expression: when such a window begins.' })
  start!: string;

  @Field(() => SafeInt, { description: 'How long it lasts.' })
  durationMs!: number;

  @Field(() => String, { description: 'IANA time zone of start.' })
  zone!: string;
}

@ObjectType({ description: 'Something about a schedule that deserves a thought before it hurts.' })
export class ScheduleWarning {
  @Field(() => String, {
    description:
      'CLAMPED: slots come less often than it says. SHORTER_THAN_USUAL: a savepoint usually takes longer than the time between two slots. ' +
      'SWALLOWED_BY_BLACKOUTS: blackouts cover some of the coming slots. BUDGET_TOO_SMALL: the schedules of the cluster together need more than its savepoint budget gives. ' +
      'FLOOR_LOWERED: the least interval was lowered for tests.',
  })
  code!: string;

  @Field(() => String, { description: 'What will happen and what to do about it, for a person.' })
  message!: string;
}

/** When savepoints of a deployment are made by themselves. One in force per deployment; one that was replaced stays, for its slots. */
@Entity('savepoint_schedule')
@ObjectType({
  description: 'When savepoints of a deployment are made by themselves. Another one in its place is another object.',
})
export class SavepointSchedule {
  @Field(() => ID, { description: 'Its id, a UUID.' })
  @PrimaryColumn('uuid')
  id!: string;

  @Column('uuid', { name: 'deployment_id' })
  deploymentId!: string;

  @Field(() => String, { description: 'Cron expression: minute, hour, day, month, weekday (1 = Monday, 7 = Sunday).' })
  @Column('text')
  expression!: string;

  @Field(() => String, { description: 'IANA time zone of the expression.' })
  @Column('text')
  zone!: string;

  @Field(() => CatchUp, { description: 'What is done about slots that were missed.' })
  @Column('text', { name: 'catch_up' })
  catchUp!: CatchUp;

  @Field(() => Int, { description: 'Savepoints are asked for up to so many seconds after their slot.' })
  @Column('integer', { name: 'jitter_seconds' })
  jitterSeconds!: number;

  @Field(() => SafeInt, {
    description: 'How long after a slot the savepoint of this deployment is asked for; the same each time.',
  })
  get jitterMs(): number {
    return jitterMs(this.deploymentId, this.jitterSeconds);
  }

  @Field(() => [ScheduleBlackout], { description: 'Windows in which slots are skipped.' })
  @Column('jsonb')
  blackouts!: ScheduleBlackout[];

  @Field(() => Int, { description: 'How often one savepoint is tried, where its failure may pass.' })
  @Column('integer')
  attempts!: number;

  @Field(() => SavepointFormat, { nullable: true, description: "Format of its savepoints; null: the deployment's." })
  @Column('text', { nullable: true })
  format!: SavepointFormat | null;

  @Field(() => DateTime, { nullable: true, description: 'Since when it is paused: its slots go by. Null: it is not.' })
  @Column('timestamptz', { name: 'paused_at', nullable: true })
  pausedAt!: Date | null;

  @Field(() => String, { nullable: true, description: 'Who has paused it; null: nobody.' })
  @Column('text', { name: 'paused_by', nullable: true })
  pausedBy!: string | null;

  @Field(() => String, { nullable: true, description: 'Why it is paused, as given.' })
  @Column('text', { name: 'pause_reason', nullable: true })
  pauseReason!: string | null;

  @Field(() => DateTime, {
    nullable: true,
    description:
      'Since when its slots wait, as they cannot be decided; it is tried again each minute. Null: it is not set aside.',
  })
  @Column('timestamptz', { name: 'set_aside_at', nullable: true })
  setAsideAt!: Date | null;

  @Field(() => String, {
    nullable: true,
    description: 'Why it is set aside, and what to do, for a person; null: it is not.',
  })
  @Column('text', { name: 'set_aside_reason', nullable: true })
  setAsideReason!: string | null;

  @Field(() => String, { description: 'Who has set it.' })
  @Column('text')
  actor!: string;

  @Field(() => DateTime, { description: 'When it was set.' })
  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;

  @Field(() => [ScheduleWarning], { description: 'What to think about, as of when it was set; empty: nothing.' })
  @Column('jsonb')
  warnings!: ScheduleWarning[];

  @Column('bigint', { name: 'mean_interval_ms', transformer: bigintToNumber })
  meanIntervalMs!: number;

  @Field(() => DateTime, {
    nullable: true,
    description: 'The last slot that was decided, or the last one of what this schedule took the place of; null: none.',
  })
  @Column('timestamptz', { name: 'last_slot_at', nullable: true })
  lastSlotAt!: Date | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'Its next slot, whatever will become of it; null: it has ended, or no time matches any more.',
  })
  @Column('timestamptz', { name: 'next_slot_at', nullable: true })
  nextSlotAt!: Date | null;

  @Field(() => DateTime, { nullable: true, description: 'When it was removed or replaced; null: it is in force.' })
  @Column('timestamptz', { name: 'removed_at', nullable: true })
  removedAt!: Date | null;

  @Field(() => String, { nullable: true, description: 'Who has removed or replaced it; null: nobody.' })
  @Column('text', { name: 'removed_by', nullable: true })
  removedBy!: string | null;
}
