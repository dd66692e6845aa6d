import type { ComplexityEstimator } from 'graphql-query-complexity';
import { Arg, Ctx, FieldResolver, ID, Int, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { Context } from '../api/context.js';
import { Deployment } from '../deployment/deployment.entity.js';
import type { Services } from '../services.js';
import { pauseSchedule, removeSchedule, resumeSchedule } from './change-schedule.js';
import { comingSlotsOf } from './coming-slots.js';
import { describeCron } from './cron-sentence.js';
import { isClamped, LEAST_INTERVAL_MS } from './next-slot.js';
import { SCHEDULE_PRESETS } from './presets.js';
import { checkCount, previewSchedule } from './preview-schedule.js';
import { SavepointSchedule } from './schedule.entity.js';
import { ComingSlot, PreviewScheduleResult, SchedulePreset, ScheduleRules } from './schedule-preview.types.js';
import { mostJitterS } from './schedule-settings.js';
import {
  PauseSavepointScheduleInput,
  PauseSavepointScheduleResult,
  RemoveSavepointScheduleInput,
  RemoveSavepointScheduleResult,
  ResumeSavepointScheduleInput,
  ResumeSavepointScheduleResult,
  ScheduleInput,
  SetSavepointScheduleInput,
  SetSavepointScheduleResult,
} from './schedule.types.js';
import { setSchedule } from './set-schedule.js';
import { isUnreadable, readStored } from './stored-schedule.js';

/** A list of slots costs what a page of that size costs. */
const complexity: ComplexityEstimator = ({ args, childComplexity }) =>
  1 + Math.max(0, Number((args as { count?: unknown }).count)) * childComplexity;

@Resolver(() => SavepointSchedule)
export class ScheduleResolver {
  constructor(private readonly services: Services) {}

  @Query(() => PreviewScheduleResult, {
    complexity,
    description:
      'What a schedule would do, if it were set now: its coming slots, its meaning in words, warnings. Sets nothing.',
  })
  previewSchedule(
    @Arg('input', () => ScheduleInput, { description: 'The schedule.' }) input: ScheduleInput,
    @Arg('count', () => Int, { defaultValue: 10, description: 'How many coming slots, 1 to 100.' }) count: number,
    @Arg('deploymentId', () => ID, {
      nullable: true,
      description: 'The deployment that would have it: what is known of it shows in slots and warnings.',
    })
    deploymentId: string | null,
  ): Promise<PreviewScheduleResult> {
    return previewSchedule(this.services, input, count, deploymentId ?? null);
  }

  @Query(() => [SchedulePreset], { description: 'Schedules for those who do not speak cron.' })
  schedulePresets(): SchedulePreset[] {
    return [...SCHEDULE_PRESETS];
  }

  @Query(() => ScheduleRules, { description: 'What holds for every schedule of this Stateward.' })
  scheduleRules(): ScheduleRules {
    const leastIntervalMs = this.floorMs;
    return {
      leastIntervalMs,
      loweredForTesting: leastIntervalMs < LEAST_INTERVAL_MS,
      mostJitterSeconds: mostJitterS(leastIntervalMs),
    };
  }

  @Mutation(() => SetSavepointScheduleResult, {
    description:
      'Gives a deployment its schedule, in the place of the one that it has: the first slot comes at least 10 min after the last one of that. The same once more changes nothing.',
  })
  setSavepointSchedule(
    @Arg('input', () => SetSavepointScheduleInput, { description: 'The deployment, and its schedule.' })
    input: SetSavepointScheduleInput,
    @Ctx() { caller }: Context,
  ): Promise<SetSavepointScheduleResult> {
    return setSchedule(this.services, input, caller);
  }

  @Mutation(() => PauseSavepointScheduleResult, {
    description: 'Lets the slots of a schedule go by, until it is resumed. What a slot has begun goes on.',
  })
  pauseSavepointSchedule(
    @Arg('input', () => PauseSavepointScheduleInput, { description: 'Which schedule, and why.' })
    input: PauseSavepointScheduleInput,
    @Ctx() { caller }: Context,
  ): Promise<PauseSavepointScheduleResult> {
    return pauseSchedule(this.services, input, caller);
  }

  @Mutation(() => ResumeSavepointScheduleResult, {
    description: 'Lets a paused schedule go on. Its slots are where they were; those that went by are not made up for.',
  })
  resumeSavepointSchedule(
    @Arg('input', () => ResumeSavepointScheduleInput, { description: 'Which schedule.' })
    input: ResumeSavepointScheduleInput,
    @Ctx() { caller }: Context,
  ): Promise<ResumeSavepointScheduleResult> {
    return resumeSchedule(this.services, input, caller);
  }

  @Mutation(() => RemoveSavepointScheduleResult, {
    description: 'Ends a schedule. The savepoints that it made stay, and one that is under way goes on.',
  })
  removeSavepointSchedule(
    @Arg('input', () => RemoveSavepointScheduleInput, { description: 'Which schedule.' })
    input: RemoveSavepointScheduleInput,
    @Ctx() { caller }: Context,
  ): Promise<RemoveSavepointScheduleResult> {
    return removeSchedule(this.services, input, caller);
  }

  @FieldResolver(() => Deployment, { description: 'Whose schedule it is.' })
  deployment(@Root() schedule: SavepointSchedule, @Ctx() { loaders }: Context) {
    return loaders.deployment.load(schedule.deploymentId);
  }

  @FieldResolver(() => String, {
    description: 'What its expression says, in words; of one that cannot be read, why not and what to do.',
  })
  sentence(@Root() schedule: SavepointSchedule): string {
    const settings = readStored(schedule);
    return isUnreadable(settings) ? settings.unreadable : describeCron(settings.cron, schedule.zone, this.floorMs);
  }

  @FieldResolver(() => Boolean, {
    description: 'Whether it matches more often than slots may come: then nextSlots are fewer than it says.',
  })
  clamped(@Root() schedule: SavepointSchedule): boolean {
    const settings = readStored(schedule);
    if (isUnreadable(settings)) return false;
    return isClamped(settings.cron, schedule.zone, schedule.createdAt.getTime(), this.floorMs);
  }

  @FieldResolver(() => [ComingSlot], {
    complexity,
    description:
      'Its coming slots, of this very chain; none when it has ended or cannot be read. Those of a paused one go by.',
  })
  nextSlots(
    @Root() schedule: SavepointSchedule,
    @Arg('count', () => Int, { defaultValue: 5, description: 'How many, 1 to 100.' }) count: number,
  ): ComingSlot[] {
    checkCount(count);
    return comingSlotsOf(schedule, count, this.floorMs);
  }

  private get floorMs(): number {
    return this.services.config.leastSlotIntervalMs;
  }
}
