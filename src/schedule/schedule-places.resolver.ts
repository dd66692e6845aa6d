import { Arg, Args, Ctx, FieldResolver, Resolver, Root } from 'type-graphql';
import { connectionOf, PageArgs, toConnection, toPage } from '../api/connection.js';
import type { Context } from '../api/context.js';
import { StateOverview } from '../checkpoint/overview.types.js';
import { Deployment } from '../deployment/deployment.entity.js';
import { Savepoint } from '../savepoint/savepoint.entity.js';
import type { Services } from '../services.js';
import { nextScheduledOf } from './coming-slots.js';
import { SavepointSchedule } from './schedule.entity.js';
import { NextScheduledSavepoint } from './schedule-preview.types.js';
import { SlotFilterInput } from './schedule.types.js';
import { ScheduleSlot } from './slot.entity.js';
import { slotPage } from './slot.store.js';

/** Where schedules and their slots show on what is there without them. */

export const ScheduleSlotConnection = connectionOf('ScheduleSlot', () => ScheduleSlot);

@Resolver(() => ScheduleSlot)
export class ScheduleSlotResolver {
  @FieldResolver(() => Savepoint, { nullable: true, description: 'The savepoint that it fired; null: it was skipped.' })
  savepoint(@Root() slot: ScheduleSlot, @Ctx() { loaders }: Context) {
    return slot.savepointId && loaders.savepoint.load(slot.savepointId);
  }

  @FieldResolver(() => SavepointSchedule, {
    description: 'The schedule that it is of; it may have been replaced since.',
  })
  schedule(@Root() slot: ScheduleSlot, @Ctx() { loaders }: Context) {
    return loaders.schedule.load(slot.scheduleId);
  }
}

@Resolver(() => Deployment)
export class DeploymentScheduleResolver {
  constructor(private readonly services: Services) {}

  @FieldResolver(() => SavepointSchedule, {
    nullable: true,
    description: 'When savepoints of it are made by themselves; null: it has no schedule.',
  })
  schedule(@Root() deployment: Deployment, @Ctx() { loaders }: Context) {
    return loaders.scheduleOf.load(deployment.id);
  }

  @FieldResolver(() => ScheduleSlotConnection, {
    description: 'What became of the slots of its schedules, newest first; those of replaced ones too.',
  })
  async slots(
    @Root() deployment: Deployment,
    @Args(() => PageArgs) args: PageArgs,
    @Arg('filter', () => SlotFilterInput, { nullable: true, description: 'Which ones. Default: all.' })
    filter?: SlotFilterInput,
  ) {
    const page = toPage(args);
    return toConnection(await slotPage(this.services.database, page, deployment.id, filter ?? {}), page.first);
  }
}

@Resolver(() => Savepoint)
export class SavepointScheduleResolver {
  @FieldResolver(() => SavepointSchedule, {
    nullable: true,
    description: 'Of a SCHEDULED one: the schedule that it was made for; else null.',
  })
  schedule(@Root() savepoint: Savepoint, @Ctx() { loaders }: Context) {
    return savepoint.scheduleId && loaders.schedule.load(savepoint.scheduleId);
  }
}

@Resolver(() => StateOverview)
export class OverviewScheduleResolver {
  constructor(private readonly services: Services) {}

  @FieldResolver(() => NextScheduledSavepoint, {
    nullable: true,
    description: 'When the next savepoint is made by itself; null: it has no schedule, or a paused one.',
  })
  async nextScheduledSavepoint(@Root() overview: StateOverview, @Ctx() { loaders }: Context) {
    const schedule = await loaders.scheduleOf.load(overview.deploymentId);
    return schedule && nextScheduledOf(schedule, this.services.config.leastSlotIntervalMs);
  }
}
