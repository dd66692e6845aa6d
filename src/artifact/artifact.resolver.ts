import { Args, Query, Resolver } from 'type-graphql';
import { connectionOf, PageArgs, toConnection, toPage } from '../api/connection.js';
import type { Services } from '../services.js';
import { Artifact } from './artifact.entity.js';
import { artifactPage } from './artifact.store.js';

export const ArtifactConnection = connectionOf('Artifact', () => Artifact);

@Resolver(() => Artifact)
export class ArtifactResolver {
  constructor(private readonly services: Services) {}

  @Query(() => ArtifactConnection, { description: 'Uploaded jars, newest first.' })
  async artifacts(@Args(() => PageArgs) args: PageArgs) {
    const page = toPage(args);
    return toConnection(await artifactPage(this.services.database, page), page.first);
  }
}
