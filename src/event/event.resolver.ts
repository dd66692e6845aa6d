import { Arg, Args, Field, ID, InputType, Query, Resolver, Root, Subscription } from 'type-graphql';
import { connectionOf, PageArgs, toConnection, toPage } from '../api/connection.js';
import type { Context } from '../api/context.js';
import { checkId } from '../api/id-arg.js';
import { AppError } from '../errors.js';
import type { Services } from '../services.js';
import { DeploymentEvent, Event } from './event.entity.js';
import { eventPage, lastEventNumber } from './event.store.js';
import { EventType } from './event-types.js';
import { endable, followEvents } from './follow-events.js';

export const EventConnection = connectionOf('Event', () => Event);

@InputType({ description: 'Which events a list holds: those that meet every field that is given.' })
export class EventFilterInput {
  @Field(() => ID, { nullable: true, description: 'Only those about this deployment.' })
  deploymentId?: string | null;

  @Field(() => ID, { nullable: true, description: 'Only those that name this cluster.' })
  clusterId?: string | null;

  @Field(() => ID, { nullable: true, description: 'Only those about this savepoint.' })
  savepointId?: string | null;

  @Field(() => [EventType], { nullable: true, description: 'Only those of one of these types.' })
  types?: EventType[] | null;
}

@Resolver(() => Event)
export class EventResolver {
  constructor(private readonly services: Services) {}

  @Query(() => EventConnection, { description: 'What happened while you slept, newest first.' })
  async events(
    @Args(() => PageArgs) args: PageArgs,
    @Arg('filter', () => EventFilterInput, { nullable: true, description: 'Which ones. Default: all.' })
    filter?: EventFilterInput,
  ) {
    for (const field of ['deploymentId', 'clusterId', 'savepointId'] as const) {
      const id = filter?.[field];
      if (id) checkId(`filter.${field}`, id);
    }
    const page = toPage(args);
    return toConnection(await eventPage(this.services.database, page, filter ?? {}), page.first);
  }

  @Subscription(() => DeploymentEvent, {
    description:
      'Events of one deployment: replays what came after `after`, then follows. Without `after` it starts now.',
    subscribe: ({ args, context }) => {
      const { deploymentId, after } = args as { deploymentId: string; after?: string | null };
      return followDeployment((context as Context).services, deploymentId, after ?? null);
    },
  })
  deploymentEvents(
    @Root() event: DeploymentEvent,
    @Arg('deploymentId', () => ID, { description: 'The deployment to follow.' }) _deploymentId: string,
    @Arg('after', () => String, { nullable: true, description: 'eventCursor of an object, or cursor of an event.' })
    _after?: string,
  ): DeploymentEvent {
    return event;
  }
}

/** Checks before it begins: type-graphql runs neither guards nor argument checks of a subscription of its own making. */
async function followDeployment(
  services: Services,
  deploymentId: string,
  after: string | null,
): Promise<AsyncGenerator<DeploymentEvent>> {
  checkId('deploymentId', deploymentId);
  if (after !== null && !/^\d{1,15}$/.test(after))
    throw new AppError(
      'BAD_USER_INPUT',
      'after: this is not a cursor of events. Use eventCursor or the cursor of an event.',
    );
  const last = await lastEventNumber(services.database, deploymentId);
  if (last === null) throw new AppError('BAD_USER_INPUT', `deploymentId: there is no deployment ${deploymentId}.`);
  return endable((signal) => followEvents(services, deploymentId, after === null ? last : Number(after), signal));
}
