import { Ctx, FieldResolver, Resolver, Root } from 'type-graphql';
import type { Context } from '../api/context.js';
import { LeftBehind } from '../checkpoint/history.types.js';
import { Job } from '../job/job.entity.js';
import type { Services } from '../services.js';
import { unfinishedLeftBehind } from './find-left-behind.js';
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

@Resolver(() => LeftBehind)
export class LeftBehindDisposalsResolver {
  constructor(private readonly services: Services) {}

  @FieldResolver(() => [LeftBehindDisposal], {
    description:
      'Disposals of what its ended runs have left that have not come to their end, the oldest first: those that wait or have failed say why.',
  })
  disposals(@Root() { deploymentId }: LeftBehind): Promise<LeftBehindDisposal[]> {
    return unfinishedLeftBehind(this.services.database, deploymentId);
  }
}

@Resolver(() => LeftBehindDisposal)
export class LeftBehindDisposalResolver {
  @FieldResolver(() => Job, { description: 'The run that has left them.' })
  job(@Root() { id }: LeftBehindDisposal, @Ctx() { loaders }: Context) {
    return loaders.job.load(id);
  }
}
