import { Arg, Ctx, FieldResolver, ID, Resolver, Root, Subscription } from 'type-graphql';
import type { Context } from '../api/context.js';
import { checkId } from '../api/id-arg.js';
import { forgetLoaded } from '../api/loaders.js';
import { findDeployment } from '../deployment/find-deployment.js';
import { Deployment } from '../deployment/deployment.entity.js';
import { AppError } from '../errors.js';
import { endable } from '../event/follow-events.js';
import type { Services } from '../services.js';
import { followOverview } from './follow-overview.js';
import { DeploymentStateNow, StateOverview } from './overview.types.js';

@Resolver(() => Deployment)
export class DeploymentOverviewResolver {
  @FieldResolver(() => StateOverview, {
    description: 'How its state stands: what was made, what failed, and what it could be started from.',
  })
  async stateOverview(@Root() deployment: Deployment, @Ctx() { loaders }: Context): Promise<StateOverview> {
    return existing(await loaders.overview.load(deployment.id), deployment.id);
  }

  @Subscription(() => DeploymentStateNow, {
    description:
      'Follows the state of one deployment: now, and at each visible change, at most twice a second. It has no end.',
    subscribe: ({ args, context }) =>
      follow((context as Context).services, (args as { deploymentId: string }).deploymentId),
  })
  async deploymentState(
    @Root() overview: StateOverview,
    @Arg('deploymentId', () => ID, { description: 'The deployment to follow.' }) deploymentId: string,
    @Ctx() { loaders }: Context,
  ): Promise<DeploymentStateNow> {
    forgetLoaded(loaders);
    return { deployment: existing(await loaders.deployment.load(deploymentId), deploymentId), overview };
  }
}

/** Checks before it begins: type-graphql runs neither guards nor argument checks of a subscription of its own making. */
async function follow(services: Services, deploymentId: string): Promise<AsyncGenerator<StateOverview>> {
  checkId('deploymentId', deploymentId);
  if (!(await findDeployment(services.database, deploymentId)))
    throw new AppError('BAD_USER_INPUT', `deploymentId: there is no deployment ${deploymentId}.`);
  return endable((signal) => followOverview(services, deploymentId.toLowerCase(), signal));
}

/** Deployments are archived, never deleted. */
function existing<T>(value: T | null, deploymentId: string): T {
  if (value === null) throw new Error(`Deployment ${deploymentId} has vanished`);
  return value;
}
