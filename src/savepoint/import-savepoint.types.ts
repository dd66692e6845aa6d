import { createUnionType, Field, ID, InputType, ObjectType } from 'type-graphql';
import { IdempotencyKeyReused, InvalidInput, NotFound, UserError } from '../api/user-error.js';
import { OutsideStorages } from '../cluster/outside-storages.js';
import { SavepointFormat } from '../deployment/savepoint-format.js';
import { Savepoint } from './savepoint.entity.js';

@InputType({ description: 'A savepoint or a checkpoint that was made elsewhere, by its location.' })
export class ImportSavepointInput {
  @Field(() => String, {
    description:
      'Where it lies, as Flink writes it, such as s3://bucket/savepoints/savepoint-1a2b3c; /_metadata at its end may be left out. A folder chk-<n> is recorded as a reference to a checkpoint.',
  })
  location!: string;

  @Field(() => ID, {
    nullable: true,
    description: 'The storage that it lies in. Needed only where several have a root above it.',
  })
  storageId?: string | null;

  @Field(() => ID, {
    nullable: true,
    description: 'The deployment that it is listed with. It is never part of its lineage.',
  })
  deploymentId?: string | null;

  @Field(() => SavepointFormat, { nullable: true, description: 'The format that it is written in, if you know it.' })
  format?: SavepointFormat | null;

  @Field(() => String, { nullable: true, description: 'Up to 500 characters, kept and shown: where it comes from.' })
  description?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'The same key and input within 24 h answer with the same savepoint.',
  })
  idempotencyKey?: string | null;
}

@ObjectType({
  implements: UserError,
  description: 'Declined: what lies there is recorded already. Use that savepoint.',
})
export class AlreadyKnown extends UserError {
  override readonly code = 'ALREADY_KNOWN' as const;
  override readonly message: string;

  @Field(() => ID, { description: 'The savepoint that lies there.' })
  readonly savepointId: string;

  constructor(location: string, savepoint: Pick<Savepoint, 'id' | 'state'>) {
    super();
    this.savepointId = savepoint.id;
    this.message = `${location} is recorded already as savepoint ${savepoint.id} (${savepoint.state}). Use that one.`;
  }
}

export const ImportSavepointResult = createUnionType({
  name: 'ImportSavepointResult',
  description: 'The savepoint that was recorded, or why it was not.',
  types: () => [Savepoint, NotFound, InvalidInput, OutsideStorages, AlreadyKnown, IdempotencyKeyReused] as const,
});
export type ImportSavepointResult = typeof ImportSavepointResult;
