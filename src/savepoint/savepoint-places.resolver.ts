import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import type { Context } from '../api/context.js';
import { MergeStoragesInput, MergeStoragesResult } from '../cluster/storage.types.js';
import type { Services } from '../services.js';
import { importSavepoint } from './import-savepoint.js';
import { ImportSavepointInput, ImportSavepointResult } from './import-savepoint.types.js';
import { mergeStorages } from './merge-storages.js';

/** What changes where savepoints are known to lie. */
@Resolver()
export class SavepointPlacesResolver {
  constructor(private readonly services: Services) {}

  @Mutation(() => ImportSavepointResult, {
    description:
      'Records a savepoint, or a reference to a checkpoint, that was made elsewhere. It can be restored from; it is never part of the lineage of a deployment.',
  })
  importSavepoint(
    @Arg('input', () => ImportSavepointInput, { description: 'What to record, and with which deployment to list it.' })
    input: ImportSavepointInput,
    @Ctx() { caller }: Context,
  ): Promise<ImportSavepointResult> {
    return importSavepoint(this.services, input, caller);
  }

  @Mutation(() => MergeStoragesResult, {
    description:
      'Says that several storages are one place: what lies in them lies in the one that is kept. Only a person can know that; Storage.sameTextAs proposes.',
  })
  mergeStorages(
    @Arg('input', () => MergeStoragesInput, { description: 'Which one is kept, and which become part of it.' })
    input: MergeStoragesInput,
    @Ctx() { caller }: Context,
  ): Promise<MergeStoragesResult> {
    return mergeStorages(this.services, input, caller);
  }
}
