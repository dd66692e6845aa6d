import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import { connectionOf, PageArgs, toConnection, toPage } from '../api/connection.js';
import type { Context } from '../api/context.js';
import { checkId } from '../api/id-arg.js';
import { Artifact } from '../artifact/artifact.entity.js';
import { Cluster } from '../cluster/cluster.entity.js';
import { AppError } from '../errors.js';
import type { Services } from '../services.js';
import { createDeployment } from './create-deployment.js';
import { Deployment } from './deployment.entity.js';
import { deploymentPage } from './deployment.store.js';
import {
  ConfigurationEntry,
  CreateDeploymentInput,
  CreateDeploymentResult,
  DeploymentFilterInput,
  Label,
} from './deployment.types.js';
import { findDeploymentByName } from './find-deployment.js';
import { shownConfiguration } from './secrets.js';
import { updateDeployment } from './update-deployment.js';
import { UpdateDeploymentInput, UpdateDeploymentResult } from './update-deployment.types.js';

export const DeploymentConnection = connectionOf('Deployment', () => Deployment);

@Resolver(() => Deployment)
export class DeploymentResolver {
  constructor(private readonly services: Services) {}

  @Query(() => Deployment, {
    nullable: true,
    description: 'One deployment, by id or by name; null when there is none.',
  })
  deployment(
    @Arg('id', () => ID, { nullable: true, description: 'Its id. Give this or name; the id counts if both are given.' })
    id: string | null,
    @Arg('name', () => String, { nullable: true, description: 'Its whole name, in the same case.' })
    name: string | null,
    @Ctx() { loaders }: Context,
  ): Promise<Deployment | null> {
    if (id) {
      checkId('id', id);
      return loaders.deployment.load(id);
    }
    if (name) return findDeploymentByName(this.services.database, name);
    throw new AppError('BAD_USER_INPUT', 'id, name: give one of them.');
  }

  @Query(() => DeploymentConnection, { description: 'Deployments, newest first.' })
  async deployments(
    @Args(() => PageArgs) args: PageArgs,
    @Arg('filter', () => DeploymentFilterInput, { nullable: true, description: 'Which ones. Default: all.' })
    filter?: DeploymentFilterInput,
  ) {
    if (filter?.clusterId) checkId('filter.clusterId', filter.clusterId);
    const page = toPage(args);
    return toConnection(await deploymentPage(this.services.database, page, filter ?? {}), page.first);
  }

  @Mutation(() => CreateDeploymentResult, { description: 'Stores the definition of a job. Touches no cluster.' })
  createDeployment(
    @Arg('input', () => CreateDeploymentInput, { description: 'The definition to be stored.' })
    input: CreateDeploymentInput,
    @Ctx() { caller }: Context,
  ): Promise<CreateDeploymentResult> {
    return createDeployment(this.services, input, caller);
  }

  @Mutation(() => UpdateDeploymentResult, {
    description: 'Changes the definition of a job from its next start on. Touches no cluster, and no live run.',
  })
  updateDeployment(
    @Arg('input', () => UpdateDeploymentInput, { description: 'Which deployment, and what of it.' })
    input: UpdateDeploymentInput,
    @Ctx() { caller }: Context,
  ): Promise<UpdateDeploymentResult> {
    return updateDeployment(this.services, input, caller);
  }

  @FieldResolver(() => Cluster, { description: 'Where its runs are started.' })
  cluster(@Root() deployment: Deployment, @Ctx() { loaders }: Context) {
    return loaders.cluster.load(deployment.clusterId);
  }

  @FieldResolver(() => Artifact, { nullable: true, description: 'The jar of its runs; null when none is recorded.' })
  artifact(@Root() deployment: Deployment, @Ctx() { loaders }: Context) {
    return deployment.artifactId && loaders.artifact.load(deployment.artifactId);
  }

  @FieldResolver(() => [ConfigurationEntry], {
    description:
      'Flink settings of its runs, by their names of today; ****** where a value is secret. parameters shows what became of them.',
  })
  flinkConfiguration(@Root() deployment: Deployment): ConfigurationEntry[] {
    return shownConfiguration(deployment.flinkConfiguration);
  }

  @FieldResolver(() => [Label], { description: 'Labels that it can be found by.' })
  labels(@Root() deployment: Deployment): Label[] {
    return Object.entries(deployment.labels).map(([key, value]) => ({ key, value }));
  }
}
