import { Ctx, FieldResolver, Query, Resolver, Root } from 'type-graphql';
import type { Context } from '../api/context.js';
import { Storage } from '../cluster/storage.entity.js';
import type { Services } from '../services.js';
import { readStateBytes } from './state-bytes.js';
import { StateBytes, StorageBytes } from './state-bytes.types.js';

@Resolver(() => StorageBytes)
export class StateBytesResolver {
  constructor(private readonly services: Services) {}

  @Query(() => StateBytes, {
    description: 'How much state is stored, waits for its deletion, or was left behind, in all.',
  })
  stateBytes(): Promise<StateBytes> {
    return readStateBytes(this.services.database);
  }

  @FieldResolver(() => Storage, { nullable: true, description: 'The storage; null: those that lie in none.' })
  storage(@Root() { storageId }: StorageBytes, @Ctx() { loaders }: Context) {
    return storageId && loaders.storage.load(storageId);
  }
}
