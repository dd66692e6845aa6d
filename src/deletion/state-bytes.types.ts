import { Field, Int, ObjectType } from 'type-graphql';
import { SafeInt } from '../api/scalars.js';

@ObjectType({ description: 'How much the savepoints in one storage take, as far as their sizes are known.' })
export class StorageBytes {
  storageId!: string | null;

  @Field(() => SafeInt, { description: 'Of savepoints that are not proven gone.' })
  savepointBytes!: number;

  @Field(() => SafeInt, { description: 'Of these, those that wait for their deletion: DELETING and DELETION_FAILED.' })
  deletingBytes!: number;

  @Field(() => Int, { description: 'How many could not be deleted; each is tried again.' })
  deletionsFailed!: number;

  @Field(() => Int, { description: 'Of how many the size is not known; they are not in the sums.' })
  ofUnknownSize!: number;
}

@ObjectType({
  description: 'How much state is stored in all, over all deployments. stateOverview of a deployment has its share.',
})
export class StateBytes {
  @Field(() => SafeInt, { description: 'savepointBytes and leftBehindBytes together.' })
  storedBytes!: number;

  @Field(() => SafeInt, { description: 'Of savepoints that are not proven gone.' })
  savepointBytes!: number;

  @Field(() => SafeInt, { description: 'Of these, those that wait for their deletion: DELETING and DELETION_FAILED.' })
  deletingBytes!: number;

  @Field(() => Int, { description: 'How many savepoints could not be deleted; each is tried again.' })
  deletionsFailed!: number;

  @Field(() => SafeInt, { description: 'Of the checkpoints that ended runs left behind.' })
  leftBehindBytes!: number;

  @Field(() => Int, { description: 'Of how many of these the size is not known; they are not in the sums.' })
  ofUnknownSize!: number;

  @Field(() => [StorageBytes], { description: 'The savepoints by storage, the fullest first.' })
  byStorage!: StorageBytes[];
}
