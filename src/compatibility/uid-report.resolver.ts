import { Ctx, FieldResolver, Resolver, Root } from 'type-graphql';
import type { Context } from '../api/context.js';
import { Deployment } from '../deployment/deployment.entity.js';
import { UidReport } from './uid-report.types.js';

@Resolver(() => Deployment)
export class DeploymentUidsResolver {
  @FieldResolver(() => UidReport, {
    description: 'Which operators with state have no uid, so that the next change of the job may lose their state.',
  })
  uidReport(@Root() deployment: Deployment, @Ctx() { loaders }: Context) {
    return loaders.uidReport.load(deployment.id);
  }
}
