import { Arg, Ctx, FieldResolver, Int, Resolver, Root } from 'type-graphql';
import type { Context } from '../api/context.js';
import { largestOperators, OperatorInSnapshot, SnapshotFingerprint } from './fingerprint.types.js';
import { Savepoint } from './savepoint.entity.js';

@Resolver(() => Savepoint)
export class SavepointFingerprintResolver {
  @FieldResolver(() => SnapshotFingerprint, {
    nullable: true,
    description:
      'What it holds: operators, sizes, files. Read when it completes, when it is imported, and by recheckSavepoint; null: not yet, or it could not be.',
  })
  async fingerprint(@Root() { id }: Savepoint, @Ctx() { loaders }: Context): Promise<SnapshotFingerprint | null> {
    const read = await loaders.contents.load(id);
    return read && new SnapshotFingerprint(read);
  }
}

@Resolver(() => SnapshotFingerprint)
export class SnapshotFingerprintResolver {
  @FieldResolver(() => [OperatorInSnapshot], { description: 'Its operators, those with most state first.' })
  operators(
    @Root() { contents }: SnapshotFingerprint,
    @Arg('first', () => Int, { defaultValue: 100, description: 'How many, 1 to 100.' }) first: number,
  ): OperatorInSnapshot[] {
    return largestOperators(contents, first);
  }
}
