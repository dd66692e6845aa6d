import { Arg, Args, Ctx, FieldResolver, Mutation, Query, Resolver, Root } from 'type-graphql';
import { connectionOf, PageArgs, toConnection, toPage } from '../api/connection.js';
import type { Context } from '../api/context.js';
import { IdArg } from '../api/id-arg.js';
import type { Services } from '../services.js';
import { Cluster, ClusterWarning } from './cluster.entity.js';
import { warningsOf } from './cluster-warnings.js';
import { clusterPage } from './cluster.store.js';
import {
  RegisterClusterInput,
  RegisterClusterResult,
  RemoveClusterInput,
  RemoveClusterResult,
  UpdateClusterInput,
  UpdateClusterResult,
} from './cluster.types.js';
import { registerCluster } from './register-cluster.js';
import { removeCluster } from './remove-cluster.js';
import { Storage } from './storage.entity.js';
import { updateCluster } from './update-cluster.js';

export const ClusterConnection = connectionOf('Cluster', () => Cluster);

@Resolver(() => Cluster)
export class ClusterResolver {
  constructor(private readonly services: Services) {}

  @Query(() => Cluster, { nullable: true, description: 'One cluster; null when there is none of this id.' })
  cluster(@IdArg('id', 'Id of the cluster.') id: string, @Ctx() { loaders }: Context) {
    return loaders.cluster.load(id);
  }

  @Query(() => ClusterConnection, { description: 'All clusters, newest first.' })
  async clusters(@Args(() => PageArgs) args: PageArgs) {
    const page = toPage(args);
    return toConnection(await clusterPage(this.services.database, page), page.first);
  }

  @Mutation(() => RegisterClusterResult, {
    description: 'Checks the address, reads version, storages and process mark, and stores the cluster.',
  })
  registerCluster(
    @Arg('input', () => RegisterClusterInput, { description: 'The cluster to register.' }) input: RegisterClusterInput,
    @Ctx() { caller }: Context,
  ): Promise<RegisterClusterResult> {
    return registerCluster(this.services, input, caller);
  }

  @Mutation(() => UpdateClusterResult, {
    description: 'Changes name, address or savepoint budget of a cluster, and has it read anew at once.',
  })
  updateCluster(
    @Arg('input', () => UpdateClusterInput, { description: 'Which cluster, and what of it is changed.' })
    input: UpdateClusterInput,
    @Ctx() { caller }: Context,
  ): Promise<UpdateClusterResult> {
    return updateCluster(this.services, input, caller);
  }

  @Mutation(() => RemoveClusterResult, {
    description: 'Removes a cluster that nothing needs any more: it is not asked again, and its history stays.',
  })
  removeCluster(
    @Arg('input', () => RemoveClusterInput, { description: 'Which cluster to remove.' }) input: RemoveClusterInput,
    @Ctx() { caller }: Context,
  ): Promise<RemoveClusterResult> {
    return removeCluster(this.services, input, caller);
  }

  @FieldResolver(() => [ClusterWarning], {
    description: 'What deserves a thought, as of when it was last asked; empty: nothing.',
  })
  warnings(@Root() cluster: Cluster): ClusterWarning[] {
    return warningsOf(cluster);
  }

  @FieldResolver(() => Storage, { nullable: true, description: 'Where its savepoints go.' })
  savepointStorage(@Root() cluster: Cluster, @Ctx() { loaders }: Context) {
    return cluster.savepointStorageId && loaders.storage.load(cluster.savepointStorageId);
  }

  @FieldResolver(() => Storage, { nullable: true, description: 'Where its checkpoints go.' })
  checkpointStorage(@Root() cluster: Cluster, @Ctx() { loaders }: Context) {
    return cluster.checkpointStorageId && loaders.storage.load(cluster.checkpointStorageId);
  }
}
