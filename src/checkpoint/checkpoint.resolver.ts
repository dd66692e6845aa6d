import { Arg, Args, Ctx, FieldResolver, ID, Query, Resolver, Root } from 'type-graphql';
import { type Connection, PageArgs, toConnection, toPage } from '../api/connection.js';
import type { Context } from '../api/context.js';
import { checkId, readCheckpointId } from '../api/id-arg.js';
import type { Page } from '../db/pages.js';
import { Deployment } from '../deployment/deployment.entity.js';
import { AppError } from '../errors.js';
import { runsStartedFrom } from '../job/find-job.js';
import { Job } from '../job/job.entity.js';
import { JobConnection } from '../job/job.resolver.js';
import { Savepoint } from '../savepoint/savepoint.entity.js';
import type { Services } from '../services.js';
import {
  checkpointPage,
  gapPage,
  gapsWithin,
  leftBehindPage,
  leftBehindTotals,
  type Stretch,
} from './checkpoint-page.js';
import { Checkpoint, CheckpointConnection } from './checkpoint.types.js';
import { CheckpointFilterInput, CheckpointGap, CheckpointGapConnection, LeftBehind } from './history.types.js';
import { stretchOf } from './stretch.js';

/** A page, and what of the history it stands for; without the latter it has no gaps to show. */
type CheckpointPage = Connection<Checkpoint> & { history?: { deploymentId: string; stretch: Stretch } };

@Resolver(() => Deployment)
export class DeploymentCheckpointsResolver {
  constructor(private readonly services: Services) {}

  @FieldResolver(() => CheckpointConnection, {
    description:
      'Its checkpoints, and savepoints that others triggered, as Flink told of them, newest first. Rows are kept for some weeks.',
  })
  async checkpoints(
    @Root() { id: deploymentId }: Deployment,
    @Args(() => PageArgs) args: PageArgs,
    @Arg('filter', () => CheckpointFilterInput, {
      nullable: true,
      description: 'Which ones. Default: all but the entries of savepoints of Stateward.',
    })
    filter?: CheckpointFilterInput,
  ): Promise<CheckpointPage> {
    if (filter?.jobId) checkId('filter.jobId', filter.jobId);
    const page = toPage(args);
    const found = toConnection(
      await checkpointPage(this.services.database, page, deploymentId, filter ?? {}),
      page.first,
    );
    return { ...found, history: { deploymentId, stretch: stretchOf(page, found, filter ?? {}) } };
  }

  @FieldResolver(() => CheckpointGapConnection, {
    description: 'Spans of its runs of which not every checkpoint is recorded, those that end last first.',
  })
  async checkpointGaps(@Root() deployment: Deployment, @Args(() => PageArgs) args: PageArgs) {
    const page = toPage(args);
    return toConnection(await gapPage(this.services.database, page, deployment.id), page.first);
  }

  @FieldResolver(() => LeftBehind, {
    description: 'Checkpoints that its ended runs retained, and that belong to nobody.',
  })
  async leftBehind(@Root() { id: deploymentId }: Deployment): Promise<LeftBehind> {
    return { deploymentId, ...(await leftBehindTotals(this.services.database, deploymentId)) };
  }
}

@Resolver(() => LeftBehind)
export class LeftBehindResolver {
  constructor(private readonly services: Services) {}

  @FieldResolver(() => CheckpointConnection, { description: 'They themselves, newest first.' })
  async checkpoints(
    @Root() { deploymentId }: LeftBehind,
    @Args(() => PageArgs) args: PageArgs,
  ): Promise<CheckpointPage> {
    const page: Page = toPage(args);
    return toConnection(await leftBehindPage(this.services.database, page, deploymentId), page.first);
  }
}

@Resolver(() => CheckpointConnection)
export class CheckpointConnectionResolver {
  constructor(private readonly services: Services) {}

  @FieldResolver(() => [CheckpointGap], {
    description:
      'Gaps that overlap with the time of this page, up to the one before it: checkpoints are missing there. At most 50; checkpointGaps lists all.',
  })
  gaps(@Root() { history }: CheckpointPage): Promise<CheckpointGap[]> | CheckpointGap[] {
    return history ? gapsWithin(this.services.database, history.deploymentId, history.stretch) : [];
  }
}

@Resolver(() => CheckpointGap)
export class CheckpointGapResolver {
  @FieldResolver(() => Job, { description: 'The run in whose history something is missing.' })
  job(@Root() gap: CheckpointGap, @Ctx() { loaders }: Context) {
    return loaders.job.load(gap.jobId);
  }
}

@Resolver(() => Checkpoint)
export class CheckpointResolver {
  constructor(private readonly services: Services) {}

  @Query(() => Checkpoint, {
    nullable: true,
    description: 'One checkpoint, or a savepoint of somebody else; null when nothing is known of it.',
  })
  checkpoint(
    @Arg('id', () => ID, { description: 'Its id: that of its run, a colon, and the id that Flink gave it.' })
    id: string,
    @Ctx() { loaders }: Context,
  ): Promise<Checkpoint | null> {
    const key = readCheckpointId(id);
    if (key) return loaders.checkpoint.load({ ...key, triggeredAt: null });
    const problem = `"${id.slice(0, 60)}" is not the id of a checkpoint, which is that of its run, a colon, and a number.`;
    throw new AppError('BAD_USER_INPUT', `id: ${problem}`);
  }

  @FieldResolver(() => Job, { description: 'The run that made it.' })
  job(@Root() checkpoint: Checkpoint, @Ctx() { loaders }: Context) {
    return loaders.job.load(checkpoint.jobId);
  }

  @FieldResolver(() => Deployment, { description: 'The deployment of that run.' })
  deployment(@Root() checkpoint: Checkpoint, @Ctx() { loaders }: Context) {
    return loaders.deployment.load(checkpoint.deploymentId);
  }

  @FieldResolver(() => Savepoint, {
    nullable: true,
    description: 'The savepoint of Stateward that this entry of Flink is of; null for every other one.',
  })
  savepoint(@Root() checkpoint: Checkpoint, @Ctx() { loaders }: Context) {
    return checkpoint.savepointId && loaders.savepoint.load(checkpoint.savepointId);
  }

  @FieldResolver(() => JobConnection, {
    description: 'Runs, of any deployment, that were started from it, newest first.',
  })
  async startedJobs(@Root() checkpoint: Checkpoint, @Args(() => PageArgs) args: PageArgs) {
    const page = toPage(args);
    const { jobId, flinkCheckpointId, savepointId } = checkpoint;
    const source = savepointId ? { savepointId } : { jobId, flinkCheckpointId };
    return toConnection(await runsStartedFrom(this.services.database, page, source), page.first);
  }
}
