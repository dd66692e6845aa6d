import { Arg, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { Context } from '../api/context.js';
import { Job } from '../job/job.entity.js';
import { Savepoint } from '../savepoint/savepoint.entity.js';
import type { Services } from '../services.js';
import { adoptJob } from './adopt-job.js';
import { AdoptJobInput, AdoptJobResult } from './adopt-job.types.js';
import { requestStart } from './request-start.js';
import { PlannedState, RestorePlanResult } from './restore-plan.types.js';
import { StartDeploymentInput, StartDeploymentResult, StartInput } from './run.types.js';
import { showRestorePlan } from './show-restore-plan.js';

@Resolver()
export class RunResolver {
  constructor(private readonly services: Services) {}

  @Query(() => RestorePlanResult, {
    description:
      'What a start would do: the state that would be chosen and why, and what speaks against it. Touches no cluster.',
  })
  restorePlan(
    @Arg('deploymentId', () => ID, { description: 'The deployment to be started; it must be a stopped one.' })
    deploymentId: string,
    @Arg('start', () => StartInput, { description: 'As it would be given to startDeployment.' }) start: StartInput,
  ): Promise<RestorePlanResult> {
    return showRestorePlan(this.services, deploymentId, start);
  }

  @Mutation(() => StartDeploymentResult, {
    description: 'Starts a stopped deployment. Answers at once with the new run; follow it until it has started.',
  })
  startDeployment(
    @Arg('input', () => StartDeploymentInput, { description: 'What to start, and from which state.' })
    input: StartDeploymentInput,
    @Ctx() { caller }: Context,
  ): Promise<StartDeploymentResult> {
    return requestStart(this.services, input, caller);
  }
}

@Resolver()
export class AdoptionResolver {
  constructor(private readonly services: Services) {}

  @Mutation(() => AdoptJobResult, {
    description:
      'Brings a job that somebody else starts under management: it is observed, and can be given savepoints and be stopped.',
  })
  adoptJob(
    @Arg('input', () => AdoptJobInput, { description: 'Which job, and the name of its deployment.' })
    input: AdoptJobInput,
    @Ctx() { caller }: Context,
  ): Promise<AdoptJobResult> {
    return adoptJob(this.services, input, caller);
  }
}

@Resolver(() => PlannedState)
export class PlannedStateResolver {
  @FieldResolver(() => Savepoint, {
    nullable: true,
    description: 'The savepoint that it is; null when it is none of ours.',
  })
  savepoint(@Root() { savepointId }: PlannedState, @Ctx() { loaders }: Context) {
    return savepointId && loaders.savepoint.load(savepointId);
  }

  @FieldResolver(() => Job, { nullable: true, description: 'The run that made it; null: not known.' })
  takenBy(@Root() { jobId }: PlannedState, @Ctx() { loaders }: Context) {
    return jobId && loaders.job.load(jobId);
  }
}
