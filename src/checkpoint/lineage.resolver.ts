import { Args, Ctx, FieldResolver, Resolver, Root } from 'type-graphql';
import { PageArgs, toConnection, toPage } from '../api/connection.js';
import type { Context } from '../api/context.js';
import { runsStartedFrom } from '../job/find-job.js';
import { Job } from '../job/job.entity.js';
import { JobConnection } from '../job/job.resolver.js';
import { Savepoint } from '../savepoint/savepoint.entity.js';
import type { Services } from '../services.js';
import { SnapshotOwner } from './checkpoint.enums.js';
import { Checkpoint } from './checkpoint.types.js';
import { StartedFrom, startedFromOf } from './lineage.types.js';
import { savepointOwner, savepointRestorable } from './restorable.js';
import { Restorable } from './verdicts.types.js';

/** From a run to the state that it was started from, and on to the runs that were started from its own. */
@Resolver(() => Job)
export class JobLineageResolver {
  constructor(private readonly services: Services) {}

  @FieldResolver(() => StartedFrom, {
    nullable: true,
    description:
      'The state that it was started from; null: it was started without any, or an adopted run never showed it.',
  })
  startedFrom(@Root() job: Job): StartedFrom | null {
    return startedFromOf(job);
  }

  @FieldResolver(() => JobConnection, {
    description: 'Runs, of any deployment, that were started from a state that this one made, newest first.',
  })
  async successors(@Root() job: Job, @Args(() => PageArgs) args: PageArgs) {
    const page = toPage(args);
    return toConnection(await runsStartedFrom(this.services.database, page, { jobId: job.id }), page.first);
  }
}

@Resolver(() => StartedFrom)
export class StartedFromResolver {
  @FieldResolver(() => Savepoint, { nullable: true, description: 'The savepoint of Stateward that it is; else null.' })
  savepoint(@Root() { job }: StartedFrom, @Ctx() { loaders }: Context) {
    return job.startSavepointId && loaders.savepoint.load(job.startSavepointId);
  }

  @FieldResolver(() => Checkpoint, {
    nullable: true,
    description: 'The checkpoint, or the savepoint of somebody else, that it is; else null.',
  })
  checkpoint(@Root() { job }: StartedFrom, @Ctx() { loaders }: Context) {
    const { startJobId: jobId, startCheckpointId: flinkCheckpointId, startTriggeredAt: triggeredAt } = job;
    if (job.startSavepointId || jobId === null || flinkCheckpointId === null) return null;
    return loaders.checkpoint.load({ jobId, flinkCheckpointId, triggeredAt });
  }

  @FieldResolver(() => Job, { nullable: true, description: 'The run that made it; null where that is not known.' })
  async takenByJob(@Root() { job }: StartedFrom, @Ctx() { loaders }: Context): Promise<Job | null> {
    if (job.startJobId) return loaders.job.load(job.startJobId);
    const savepoint = job.startSavepointId ? await loaders.savepoint.load(job.startSavepointId) : null;
    return savepoint?.jobId ? loaders.job.load(savepoint.jobId) : null;
  }
}

@Resolver(() => Savepoint)
export class SavepointStateResolver {
  constructor(private readonly services: Services) {}

  @FieldResolver(() => SnapshotOwner, { description: 'Who decides how long it stays.' })
  owner(@Root() savepoint: Savepoint): SnapshotOwner {
    return savepointOwner(savepoint);
  }

  @FieldResolver(() => Restorable, { description: 'Whether a run can be started from it now.' })
  restorable(@Root() savepoint: Savepoint): Restorable {
    return new Restorable(savepointRestorable(savepoint));
  }

  @FieldResolver(() => JobConnection, {
    description: 'Runs, of any deployment, that were started from it, newest first.',
  })
  async startedJobs(@Root() savepoint: Savepoint, @Args(() => PageArgs) args: PageArgs) {
    const page = toPage(args);
    const jobs = await runsStartedFrom(this.services.database, page, { savepointId: savepoint.id });
    return toConnection(jobs, page.first);
  }
}
