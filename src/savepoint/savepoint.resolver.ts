import {
  Arg,
  Args,
  Ctx,
  Field,
  FieldResolver,
  ID,
  Int,
  Mutation,
  ObjectType,
  Query,
  Resolver,
  Root,
  Subscription,
} from 'type-graphql';
import { connectionOf, PageArgs, toConnection, toPage } from '../api/connection.js';
import type { Context } from '../api/context.js';
import { checkId, IdArg } from '../api/id-arg.js';
import { forgetLoaded } from '../api/loaders.js';
import { checkWait } from '../api/wait-arg.js';
import { findText } from '../db/long-text.js';
import { Deployment } from '../deployment/deployment.entity.js';
import { AppError } from '../errors.js';
import { cursorBefore } from '../event/event.store.js';
import { endable } from '../event/follow-events.js';
import { Job } from '../job/job.entity.js';
import type { Services } from '../services.js';
import { Storage } from '../cluster/storage.entity.js';
import { abandonSavepoint } from './abandon-savepoint.js';
import { findSavepoint } from './find-savepoint.js';
import { requestSavepoint } from './request-savepoint.js';
import { SavepointAttempt } from './savepoint-attempt.entity.js';
import { Savepoint } from './savepoint.entity.js';
import { attemptsOf, savepointPage } from './savepoint.store.js';
import { updateSavepoint } from './update-savepoint.js';
import {
  AbandonSavepointInput,
  AbandonSavepointResult,
  CreateSavepointInput,
  CreateSavepointResult,
  DeploymentSavepointFilterInput,
  SavepointFilterInput,
  UpdateSavepointInput,
  UpdateSavepointResult,
} from './savepoint.types.js';
import { followSavepoint, waitForSavepoint } from './wait-for-savepoint.js';

export const SavepointConnection = connectionOf('Savepoint', () => Savepoint);

@ObjectType({ description: 'A savepoint as it is now, each time that it has visibly changed.' })
export class SavepointProgress {
  @Field(() => Savepoint, { description: 'The savepoint as it is now.' })
  savepoint!: Savepoint;
}

@Resolver(() => Savepoint)
export class SavepointResolver {
  constructor(private readonly services: Services) {}

  @Query(() => Savepoint, {
    nullable: true,
    description: 'One savepoint; with waitMs it answers when its state is final or the time is up.',
  })
  savepoint(
    @IdArg('id', 'Id of the savepoint.') id: string,
    @Arg('waitMs', () => Int, { nullable: true, description: 'Up to 60,000.' }) waitMs: number | null,
    @Arg('details', () => Boolean, { nullable: true, description: 'Wait also for size, duration and checkpoint id.' })
    details: boolean | null,
    @Ctx() { loaders, signal }: Context,
  ): Promise<Savepoint | null> {
    const wait = checkWait(waitMs);
    return wait === 0
      ? loaders.savepoint.load(id)
      : waitForSavepoint(this.services, id, wait, details ?? false, signal);
  }

  @Query(() => SavepointConnection, { description: 'Savepoints, newest first.' })
  async savepoints(
    @Args(() => PageArgs) args: PageArgs,
    @Arg('filter', () => SavepointFilterInput, { nullable: true, description: 'Which ones. Default: all.' })
    filter?: SavepointFilterInput,
  ) {
    if (filter?.deploymentId) checkId('filter.deploymentId', filter.deploymentId);
    const page = toPage(args);
    return toConnection(await savepointPage(this.services.database, page, filter ?? {}), page.first);
  }

  @Mutation(() => CreateSavepointResult, {
    description: 'Asks for a savepoint of a running deployment. Answers at once; follow the savepoint to its end.',
  })
  createSavepoint(
    @Arg('input', () => CreateSavepointInput, { description: 'What to make a savepoint of, and how.' })
    input: CreateSavepointInput,
    @Ctx() { caller }: Context,
  ): Promise<CreateSavepointResult> {
    return requestSavepoint(this.services, input, caller);
  }

  @Mutation(() => AbandonSavepointResult, {
    description:
      'Ends a savepoint that nobody waits for any more, as FAILED, ABANDONED. Flink is not told and may still finish it; then it becomes COMPLETED.',
  })
  abandonSavepoint(
    @Arg('input', () => AbandonSavepointInput, { description: 'Which savepoint to give up, and why.' })
    input: AbandonSavepointInput,
    @Ctx() { caller }: Context,
  ): Promise<AbandonSavepointResult> {
    return abandonSavepoint(this.services, input, caller);
  }

  @Mutation(() => UpdateSavepointResult, {
    description: 'Changes the description of a savepoint, and whether it is pinned or held.',
  })
  updateSavepoint(
    @Arg('input', () => UpdateSavepointInput, { description: 'Which savepoint, and what to change.' })
    input: UpdateSavepointInput,
    @Ctx() { caller }: Context,
  ): Promise<UpdateSavepointResult> {
    return updateSavepoint(this.services, input, caller);
  }

  @Subscription(() => SavepointProgress, {
    description: 'Follows one savepoint to its end: now, and at each visible change.',
    subscribe: ({ args, context }) => follow((context as Context).services, (args as { id: string }).id),
  })
  savepointProgress(
    @Root() savepoint: Savepoint,
    @Arg('id', () => ID, { description: 'The savepoint to follow.' }) _id: string,
    @Ctx() { loaders }: Context,
  ): SavepointProgress {
    forgetLoaded(loaders);
    return { savepoint };
  }

  @FieldResolver(() => Deployment, {
    nullable: true,
    description: 'The deployment that it is listed with; null for one that was imported without any.',
  })
  deployment(@Root() savepoint: Savepoint, @Ctx() { loaders }: Context) {
    return savepoint.deploymentId && loaders.deployment.load(savepoint.deploymentId);
  }

  @FieldResolver(() => Job, {
    nullable: true,
    description: 'The run that made it, with its artifact, arguments and settings.',
  })
  job(@Root() savepoint: Savepoint, @Ctx() { loaders }: Context) {
    return savepoint.jobId && loaders.job.load(savepoint.jobId);
  }

  @FieldResolver(() => Storage, {
    nullable: true,
    description: 'Where it lies; null until it is COMPLETED, or when it lies in no known storage.',
  })
  storage(@Root() savepoint: Savepoint, @Ctx() { loaders }: Context) {
    return savepoint.storageId && loaders.storage.load(savepoint.storageId);
  }

  @FieldResolver(() => [SavepointAttempt], { description: 'Each time that Flink was, or may have been, asked.' })
  attempts(@Root() savepoint: Savepoint) {
    return attemptsOf(this.services.database, savepoint.id);
  }

  @FieldResolver(() => String, {
    description: 'Give it as deploymentEvents(after:) to see everything about it from the request on.',
  })
  eventCursor(@Root() savepoint: Savepoint): Promise<string> {
    return cursorBefore(this.services.database, 'savepoint_id', savepoint.id);
  }

  @FieldResolver(() => String, { nullable: true, description: "Flink's whole text behind failure.rootCause." })
  failureText(@Root() savepoint: Savepoint) {
    return savepoint.failureCode ? findText(this.services.database, savepoint.id, 'FAILURE') : null;
  }
}

@Resolver(() => Deployment)
export class DeploymentSavepointsResolver {
  constructor(private readonly services: Services) {}

  @FieldResolver(() => SavepointConnection, { description: 'Its savepoints, newest first.' })
  async savepoints(
    @Root() { id: deploymentId }: Deployment,
    @Args(() => PageArgs) args: PageArgs,
    @Arg('filter', () => DeploymentSavepointFilterInput, { nullable: true, description: 'Which ones. Default: all.' })
    filter?: DeploymentSavepointFilterInput,
  ) {
    const page = toPage(args);
    const found = await savepointPage(this.services.database, page, { ...filter, deploymentId });
    return toConnection(found, page.first);
  }
}

/** Checks before it begins: type-graphql runs neither guards nor argument checks of a subscription of its own making. */
async function follow(services: Services, id: string): Promise<AsyncGenerator<Savepoint>> {
  checkId('id', id);
  if (!(await findSavepoint(services.database, id)))
    throw new AppError('BAD_USER_INPUT', `id: there is no savepoint ${id}.`);
  return endable((signal) => followSavepoint(services, id, signal));
}
