import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import type { Context } from '../api/context.js';
import type { Services } from '../services.js';
import { requestStart } from './request-start.js';
import { StartDeploymentInput, StartDeploymentResult } from './run.types.js';

@Resolver()
export class RunResolver {
  constructor(private readonly services: Services) {}

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
