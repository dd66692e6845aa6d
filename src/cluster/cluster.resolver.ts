import { Arg, Args, Ctx, FieldResolver, Mutation, ObjectType, Query, Resolver, Root, Field } from 'type-graphql';
import { connectionOf, PageArgs, toConnection, toPage } from '../api/connection.js';
import type { Context } from '../api/context.js';
import { IdArg } from '../api/id-arg.js';
import type { Services } from '../services.js';
import { Cluster, ClusterWarning } from './cluster.entity.js';
import { warningsOf } from './cluster-warnings.js';
import { clusterPage, storagePage } from './cluster.store.js';
import { RegisterClusterInput, RegisterClusterResult } from './cluster.types.js';
import { registerCluster } from './register-cluster.js';
import { Storage } from './storage.entity.js';

export const ClusterConnection = connectionOf('Cluster', () => Cluster);
export const StorageConnection = connectionOf('Storage', () => Storage);

@ObjectType({ description: 'The root URI by which one cluster reaches a storage.' })
export class StorageRoot {
  clusterId!: string;

  @Field(() => String, {
    description: 'As the configuration of that cluster writes it, such as s3://bucket/savepoints.',
  })
  uri!: string;
}

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

@Resolver(() => Storage)
export class StorageResolver {
  constructor(private readonly services: Services) {}

  @Query(() => StorageConnection, {
    description: 'All storages, newest first. Registering a cluster makes them from its own configuration.',
  })
  async storages(@Args(() => PageArgs) args: PageArgs) {
    const page = toPage(args);
    return toConnection(await storagePage(this.services.database, page), page.first);
  }

  @FieldResolver(() => [StorageRoot], { description: 'One root for each cluster that reaches it.' })
  roots(@Root() storage: Storage, @Ctx() { loaders }: Context) {
    return loaders.storageRoots.load(storage.id);
  }
}

@Resolver(() => StorageRoot)
export class StorageRootResolver {
  @FieldResolver(() => Cluster, { description: 'The cluster that reaches it so.' })
  cluster(@Root() root: StorageRoot, @Ctx() { loaders }: Context) {
    return loaders.cluster.load(root.clusterId);
  }
}
