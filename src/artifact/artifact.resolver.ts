import { Arg, Args, Ctx, Mutation, Query, Resolver } from 'type-graphql';
import { connectionOf, PageArgs, toConnection, toPage } from '../api/connection.js';
import type { Context } from '../api/context.js';
import type { Services } from '../services.js';
import { Artifact } from './artifact.entity.js';
import { artifactPage } from './artifact.store.js';
import { RemoveArtifactInput, RemoveArtifactResult } from './artifact.types.js';
import { removeArtifact } from './remove-artifact.js';

export const ArtifactConnection = connectionOf('Artifact', () => Artifact);

@Resolver(() => Artifact)
export class ArtifactResolver {
  constructor(private readonly services: Services) {}

  @Query(() => ArtifactConnection, { description: 'Uploaded jars, newest first.' })
  async artifacts(@Args(() => PageArgs) args: PageArgs) {
    const page = toPage(args);
    return toConnection(await artifactPage(this.services.database, page), page.first);
  }

  @Mutation(() => RemoveArtifactResult, {
    description: 'Removes a jar that nothing needs any more. The same bytes may be uploaded again.',
  })
  removeArtifact(
    @Arg('input', () => RemoveArtifactInput, { description: 'Which artifact to remove.' }) input: RemoveArtifactInput,
    @Ctx() { caller }: Context,
  ): Promise<RemoveArtifactResult> {
    return removeArtifact(this.services, input, caller);
  }
}
