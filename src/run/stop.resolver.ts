import { Arg, Args, Ctx, FieldResolver, Int, Mutation, Query, Resolver, Root } from 'type-graphql';
import { connectionOf, PageArgs, toConnection, toPage } from '../api/connection.js';
import type { Context } from '../api/context.js';
import { IdArg } from '../api/id-arg.js';
import { SafeInt } from '../api/scalars.js';
import { checkWait } from '../api/wait-arg.js';
import { Deployment } from '../deployment/deployment.entity.js';
import { cursorBefore } from '../event/event.store.js';
import { Job } from '../job/job.entity.js';
import { expectedRestMs } from '../savepoint/expectations.js';
import { Savepoint } from '../savepoint/savepoint.entity.js';
import type { Services } from '../services.js';
import { requestStop } from './request-stop.js';
import { Stop } from './stop.entity.js';
import { stopPage } from './stop.store.js';
import { StopDeploymentInput, StopDeploymentResult } from './stop.types.js';
import { waitForStop } from './wait-for-stop.js';

export const StopConnection = connectionOf('Stop', () => Stop);

@Resolver(() => Stop)
export class StopResolver {
  constructor(private readonly services: Services) {}

  @Query(() => Stop, {
    nullable: true,
    description: 'One stop; with waitMs it answers when it has ended or the time is up.',
  })
  stop(
    @IdArg('id', 'Id of the stop.') id: string,
    @Arg('waitMs', () => Int, { nullable: true, description: 'Up to 60,000.' }) waitMs: number | null,
    @Ctx() { signal }: Context,
  ): Promise<Stop | null> {
    return waitForStop(this.services, id, checkWait(waitMs), signal);
  }

  @Mutation(() => StopDeploymentResult, {
    description:
      'Stops a deployment, with a savepoint or without. Answers at once; follow the stop to its end. A stop never silently becomes a cancel.',
  })
  stopDeployment(
    @Arg('input', () => StopDeploymentInput, { description: 'What to stop, and how.' }) input: StopDeploymentInput,
    @Ctx() { caller }: Context,
  ): Promise<StopDeploymentResult> {
    return requestStop(this.services, input, caller);
  }

  @FieldResolver(() => Deployment, { description: 'What it stops.' })
  deployment(@Root() stop: Stop, @Ctx() { loaders }: Context) {
    return loaders.deployment.load(stop.deploymentId);
  }

  @FieldResolver(() => Job, { description: 'The run that it stops.' })
  job(@Root() stop: Stop, @Ctx() { loaders }: Context) {
    return loaders.job.load(stop.jobId);
  }

  @FieldResolver(() => Savepoint, {
    nullable: true,
    description: 'The savepoint that it makes; null before that, and for WITHOUT_SAVEPOINT.',
  })
  savepoint(@Root() stop: Stop, @Ctx() { loaders }: Context) {
    return stop.savepointId && loaders.savepoint.load(stop.savepointId);
  }

  @FieldResolver(() => Savepoint, {
    nullable: true,
    description: 'The savepoint that was in progress when it was accepted and that it waits, or waited, for.',
  })
  waitsForSavepoint(@Root() stop: Stop, @Ctx() { loaders }: Context) {
    return stop.waitsForSavepointId && loaders.savepoint.load(stop.waitsForSavepointId);
  }

  @FieldResolver(() => SafeInt, {
    nullable: true,
    description:
      'How much longer the savepoint under way (its own, or the one that it waits for) is expected to take, by the earlier ones; null where nothing is expected.',
  })
  async expectedRestMs(@Root() stop: Stop, @Ctx() { loaders }: Context): Promise<number | null> {
    const id = stop.savepointId ?? stop.waitsForSavepointId;
    const savepoint = id && stop.endedAt === null ? await loaders.savepoint.load(id) : null;
    return savepoint && expectedRestMs(savepoint, new Date());
  }

  @FieldResolver(() => String, {
    description: 'Give it as deploymentEvents(after:) to see everything about it from the request on.',
  })
  eventCursor(@Root() stop: Stop): Promise<string> {
    return cursorBefore(this.services.database, 'stop_id', stop.id);
  }
}

@Resolver(() => Deployment)
export class DeploymentStopsResolver {
  constructor(private readonly services: Services) {}

  @FieldResolver(() => Stop, { nullable: true, description: 'The stop that is under way; null: none.' })
  currentStop(@Root() deployment: Deployment, @Ctx() { loaders }: Context) {
    return loaders.currentStop.load(deployment.id);
  }

  @FieldResolver(() => StopConnection, { description: 'Its stops, newest first.' })
  async stops(@Root() deployment: Deployment, @Args(() => PageArgs) args: PageArgs) {
    const page = toPage(args);
    return toConnection(await stopPage(this.services.database, page, deployment.id), page.first);
  }
}
