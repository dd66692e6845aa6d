import { Arg, Args, Ctx, Field, FieldResolver, Mutation, ObjectType, Query, Resolver, Root } from 'type-graphql';
import { connectionOf, PageArgs, toConnection, toPage } from '../api/connection.js';
import type { Context } from '../api/context.js';
import type { Services } from '../services.js';
import { Cluster } from './cluster.entity.js';
import { createStorage } from './create-storage.js';
import { Storage } from './storage.entity.js';
import { storagePage } from './storage.store.js';
import { CreateStorageInput, CreateStorageResult, UpdateStorageInput, UpdateStorageResult } from './storage.types.js';
import { updateStorage } from './update-storage.js';

export const StorageConnection = connectionOf('Storage', () => Storage);

@ObjectType({ description: 'The root URI by which one cluster reaches a storage.' })
export class StorageRoot {
  clusterId!: string;

  @Field(() => String, {
    description: 'As the configuration of that cluster writes it, such as s3://bucket/savepoints.',
  })
  uri!: string;
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

  @Mutation(() => CreateStorageResult, {
    description:
      'Names a place for state that no configuration of a cluster names, such as one that savepoints are imported from.',
  })
  createStorage(
    @Arg('input', () => CreateStorageInput, { description: 'The storage, and how each cluster reaches it.' })
    input: CreateStorageInput,
    @Ctx() { caller }: Context,
  ): Promise<CreateStorageResult> {
    return createStorage(this.services, input, caller);
  }

  @Mutation(() => UpdateStorageResult, {
    description:
      'Changes the name of a storage, the root by which one cluster reaches it, or where Stateward reads it. Where data have been moved, lastMove of the answer tells how much of it was found.',
  })
  updateStorage(
    @Arg('input', () => UpdateStorageInput, { description: 'Which storage, and what of it is changed.' })
    input: UpdateStorageInput,
    @Ctx() { caller }: Context,
  ): Promise<UpdateStorageResult> {
    return updateStorage(this.services, input, caller);
  }

  @FieldResolver(() => [StorageRoot], { description: 'One root for each cluster that reaches it.' })
  roots(@Root() storage: Storage, @Ctx() { loaders }: Context) {
    return loaders.storageRoots.load(storage.id);
  }

  @FieldResolver(() => [Storage], {
    description:
      'Storages that are, or were, reached by a root of the same text, in any spelling. A proposal and never a fact: one name may mean two places. Say so with mergeStorages if it is one. file: roots are never compared.',
  })
  sameTextAs(@Root() storage: Storage, @Ctx() { loaders }: Context) {
    return loaders.sameText.load(storage.id);
  }
}

@Resolver(() => StorageRoot)
export class StorageRootResolver {
  @FieldResolver(() => Cluster, { description: 'The cluster that reaches it so.' })
  cluster(@Root() root: StorageRoot, @Ctx() { loaders }: Context) {
    return loaders.cluster.load(root.clusterId);
  }
}
