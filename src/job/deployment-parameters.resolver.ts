import { Ctx, FieldResolver, Resolver, Root } from 'type-graphql';
import type { Context } from '../api/context.js';
import { Deployment } from '../deployment/deployment.entity.js';
import { compareParameters } from '../deployment/state-parameters.js';
import { DeploymentParameter } from '../deployment/state-parameters.types.js';
import { JobOrigin, type Job } from './job.entity.js';
import { isLive } from './job.lifecycle.js';

@Resolver(() => Deployment)
export class DeploymentParametersResolver {
  @FieldResolver(() => [DeploymentParameter], {
    description:
      "How its runs keep their state, and its other settings: what the next start submits, what the newest run was submitted with, and what Flink shows of it. First the typed ones, then the rest, then what only the cluster's configuration decides.",
  })
  async parameters(@Root() deployment: Deployment, @Ctx() { loaders }: Context): Promise<DeploymentParameter[]> {
    const [cluster, job] = await Promise.all([
      loaders.cluster.load(deployment.clusterId),
      deployment.currentJobId === null ? null : loaders.job.load(deployment.currentJobId),
    ]);
    return compareParameters({
      configuration: deployment.flinkConfiguration,
      run: job && runOf(job),
      cluster: cluster?.factsReadAt ? cluster.configuration : null,
    });
  }
}

const runOf = (job: Job) => ({
  configuration: job.flinkConfiguration,
  live: isLive(job.state),
  adopted: job.origin === JobOrigin.ADOPTED,
  checkpointing: job.checkpointing,
});
