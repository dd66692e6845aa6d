import { createUnionType, Field, Int, ObjectType } from 'type-graphql';
import { DateTime, SafeInt } from '../api/scalars.js';
import { InvalidInput, NotFound } from '../api/user-error.js';
import { NoSavepointRoot } from '../cluster/cluster.types.js';
import { FormatNotSupported } from '../savepoint/savepoint.types.js';
import { ScheduleWarning } from './schedule.entity.js';
import { InvalidCron } from './schedule.types.js';

@ObjectType({ description: 'A slot that is still to come.' })
export class ComingSlot {
  @Field(() => DateTime, { description: 'Its time.' })
  slotAt!: Date;

  @Field(() => DateTime, {
    nullable: true,
    description:
      'When the savepoint is expected to be asked for: slotAt and the jitter of the deployment. Null: no deployment was given.',
  })
  expectedCallAt!: Date | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'It lies in a blackout that lasts until then, and will be skipped; null: in none.',
  })
  blackoutUntil!: Date | null;
}

@ObjectType({ description: 'The next slot that no blackout covers. Its deployment must be RUNNING then.' })
export class NextScheduledSavepoint {
  @Field(() => DateTime, { description: 'The time of the slot.' })
  slotAt!: Date;

  @Field(() => DateTime, {
    description: 'When the savepoint is expected to be asked for: slotAt and the jitter of the deployment.',
  })
  expectedCallAt!: Date;
}

@ObjectType({ description: 'What a schedule would do; nothing is set.' })
export class SchedulePreview {
  @Field(() => String, { description: 'What it says, in words.' })
  sentence!: string;

  @Field(() => Boolean, {
    description: 'Whether it matches more often than slots may come: then nextSlots are fewer than it says.',
  })
  clamped!: boolean;

  @Field(() => [ComingSlot], {
    description:
      'The coming slots of this very chain: if the deployment is given, in the place of the schedule that it has.',
  })
  nextSlots!: ComingSlot[];

  @Field(() => [ScheduleWarning], { description: 'What to think about; empty: nothing.' })
  warnings!: ScheduleWarning[];
}

export const PreviewScheduleResult = createUnionType({
  name: 'PreviewScheduleResult',
  description: 'What the schedule would do, or why it could not be set.',
  types: () => [SchedulePreview, NotFound, InvalidInput, InvalidCron, NoSavepointRoot, FormatNotSupported] as const,
});
export type PreviewScheduleResult = typeof PreviewScheduleResult;

@ObjectType({ description: 'A schedule for those who do not speak cron.' })
export class SchedulePreset {
  @Field(() => String, { description: 'Its name, such as daily.' })
  name!: string;

  @Field(() => String, { description: 'Its cron expression.' })
  expression!: string;

  @Field(() => String, { description: 'What that says, in words.' })
  sentence!: string;
}

@ObjectType({ description: 'What holds for every schedule of this Stateward.' })
export class ScheduleRules {
  @Field(() => SafeInt, { description: 'Slots of a schedule are at least so far apart.' })
  leastIntervalMs!: number;

  @Field(() => Boolean, {
    description: 'Whether that was lowered below 10 min by STATEWARD_LEAST_SLOT_INTERVAL_S, which is for tests alone.',
  })
  loweredForTesting!: boolean;

  @Field(() => Int, { description: 'The most that jitterSeconds may be.' })
  mostJitterSeconds!: number;
}
