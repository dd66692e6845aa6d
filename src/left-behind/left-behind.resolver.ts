import { Ctx, FieldResolver, Resolver, Root } from 'type-graphql';
import type { Context } from '../api/context.js';
import { Job } from '../job/job.entity.js';
import { LeftBehindDisposal } from './left-behind.entity.js';

@Resolver(() => Job)
export class JobLeftBehindResolver {
  @FieldResolver(() => LeftBehindDisposal, {
    nullable: true,
    description:
      'What is, or was, done to dispose of the checkpoints that it has left behind; null: nothing. previewRetention says whether they would go, and if not, why not.',
  })
  leftBehindDisposal(@Root() { id }: Job, @Ctx() { loaders }: Context): Promise<LeftBehindDisposal | null> {
    return loaders.leftBehindDisposal.load(id);
  }
}
