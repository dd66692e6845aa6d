import { Field, Int, ObjectType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { DateTime, SafeInt } from '../api/scalars.js';
import { SlotOutcome, SlotReason } from './schedule.enums.js';

/** What became of a slot; of several in a row that were skipped for one lasting reason (PAUSED, MISSED), of all of them. */
@Entity('schedule_slot')
@ObjectType({
  description:
    'What became of a time at which a schedule was due. Slots in a row that were PAUSED, or MISSED, are one entry with the first, the last and their count.',
})
export class ScheduleSlot {
  @PrimaryColumn('uuid', { name: 'schedule_id' })
  scheduleId!: string;

  @Field(() => DateTime, { description: 'The time that it was due; of several, that of the first.' })
  @PrimaryColumn('timestamptz', { name: 'slot_at' })
  slotAt!: Date;

  @Field(() => DateTime, { description: 'Of several, the time of the last; else slotAt.' })
  @Column('timestamptz', { name: 'last_slot_at' })
  lastSlotAt!: Date;

  @Field(() => Int, { description: 'How many slots it stands for.' })
  @Column('integer')
  count!: number;

  @Field(() => SlotOutcome, { description: 'Whether a savepoint was accepted for it.' })
  @Column('text')
  outcome!: SlotOutcome;

  @Field(() => SlotReason, { nullable: true, description: 'Why it was skipped; null: it was not.' })
  @Column('text', { nullable: true })
  reason!: SlotReason | null;

  @Field(() => String, { nullable: true, description: 'The reason for a person; null where there is nothing to say.' })
  @Column('text', { nullable: true })
  message!: string | null;

  @Field(() => Boolean, { description: 'Whether it fired late, for all slots that were missed before it too.' })
  @Column('boolean', { name: 'caught_up' })
  caughtUp!: boolean;

  @Column('uuid', { name: 'savepoint_id', nullable: true })
  savepointId!: string | null;

  @Field(() => DateTime, { description: 'When it was decided; of several, when the last was.' })
  @Column('timestamptz', { name: 'decided_at' })
  decidedAt!: Date;

  @Field(() => SafeInt, { description: 'How long after lastSlotAt it was decided.' })
  get lagMs(): number {
    return this.decidedAt.getTime() - this.lastSlotAt.getTime();
  }

  /** Its place among those of one time. */
  get id(): string {
    return this.scheduleId;
  }
}
