import { createUnionType, Field, ID, InputType, ObjectType } from 'type-graphql';
import { IdempotencyKeyReused, InvalidInput, NameTaken, NotFound, UserError } from '../api/user-error.js';
import { Storage } from './storage.entity.js';

@InputType({ description: 'The root URI by which one cluster reaches a storage.' })
export class StorageRootInput {
  @Field(() => ID, { description: 'The cluster that reaches it.' })
  clusterId!: string;

  @Field(() => String, { description: 'As a job there would write it, such as s3://bucket/savepoints.' })
  uri!: string;
}

@InputType({ description: 'A place for state that no configuration of a cluster names.' })
export class CreateStorageInput {
  @Field(() => String, { description: 'Unique among storages; 1 to 100 characters.' })
  name!: string;

  @Field(() => [StorageRootInput], { description: 'At least one; one for each cluster that reaches it.' })
  roots!: StorageRootInput[];

  @Field(() => String, {
    nullable: true,
    description:
      'Where Stateward itself reads it: the absolute path of a folder, or s3://bucket/prefix (how S3 is reached is said by STATEWARD_S3_… in the environment of API and worker). Default: it cannot.',
  })
  readRoot?: string | null;

  @Field(() => Boolean, {
    nullable: true,
    description:
      'Whether Flink there puts random text into the paths of files (s3.entropy.key). Then savepoints in it are deleted only where their _metadata was read. Default: false.',
  })
  injectsEntropy?: boolean | null;

  @Field(() => String, {
    nullable: true,
    description:
      'The same key and input within 24 h answer with the same storage, or with the one that it was merged into.',
  })
  idempotencyKey?: string | null;
}

@InputType({ description: 'What of a storage is changed; fields that are left out stay.' })
export class UpdateStorageInput {
  @Field(() => ID, { description: 'The storage to change.' })
  storageId!: string;

  @Field(() => String, { nullable: true, description: 'Its new name, unique among storages; 1 to 100 characters.' })
  name?: string | null;

  @Field(() => StorageRootInput, {
    nullable: true,
    description:
      'One more cluster that reaches it, or another root for one that does: the data have been moved. The newest savepoints are looked for at the new place, and lastMove tells what was found.',
  })
  root?: StorageRootInput | null;

  @Field(() => String, {
    nullable: true,
    description:
      'Where Stateward itself reads it from now on: the absolute path of a folder, or s3://bucket/prefix. null: it cannot. lastMove tells whether it can be looked into.',
  })
  readRoot?: string | null;

  @Field(() => Boolean, {
    nullable: true,
    description:
      'Whether Flink there puts random text into the paths of files (s3.entropy.key). Then savepoints in it are deleted only where their _metadata was read. null: as it is.',
  })
  injectsEntropy?: boolean | null;

  @Field(() => String, {
    nullable: true,
    description:
      'The same key and input within 24 h answer with the same storage, or with the one that it was merged into.',
  })
  idempotencyKey?: string | null;
}

@InputType({ description: 'Storages that are one place, by the word of a person.' })
export class MergeStoragesInput {
  @Field(() => ID, { description: 'The one that stays, with its name and its roots.' })
  keep!: string;

  @Field(() => [ID], {
    description: 'Those that become part of it: their savepoints lie in it from then on, below its roots.',
  })
  into!: string[];

  @Field(() => String, {
    nullable: true,
    description:
      'The same key and input within 24 h answer with the same storage, or with the one that it was merged into.',
  })
  idempotencyKey?: string | null;
}

@ObjectType({
  implements: UserError,
  description: 'Declined: these storages cannot be one place; the message says what collides.',
})
export class StoragesCollide extends UserError {
  override readonly code = 'STORAGES_COLLIDE' as const;
  override readonly message: string;

  @Field(() => [ID], { description: 'Savepoints that would lie at one path; the first of many.' })
  readonly savepointIds: string[];

  constructor(problem: string, savepointIds: string[] = []) {
    super();
    this.savepointIds = savepointIds;
    this.message = problem;
  }
}

export const CreateStorageResult = createUnionType({
  name: 'CreateStorageResult',
  description: 'The storage that was created, or why none was.',
  types: () => [Storage, InvalidInput, NotFound, NameTaken, StoragesCollide, IdempotencyKeyReused] as const,
});
export type CreateStorageResult = typeof CreateStorageResult;

export const UpdateStorageResult = createUnionType({
  name: 'UpdateStorageResult',
  description: 'The storage as it is now, or why it was not changed.',
  types: () => [Storage, InvalidInput, NotFound, NameTaken, StoragesCollide, IdempotencyKeyReused] as const,
});
export type UpdateStorageResult = typeof UpdateStorageResult;

export const MergeStoragesResult = createUnionType({
  name: 'MergeStoragesResult',
  description: 'The storage that was kept, or why nothing was merged.',
  types: () => [Storage, InvalidInput, NotFound, StoragesCollide, IdempotencyKeyReused] as const,
});
export type MergeStoragesResult = typeof MergeStoragesResult;
