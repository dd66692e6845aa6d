import {
  Arg,
  Args,
  Ctx,
  FieldResolver,
  ID,
  Int,
  Field,
  InputType,
  Query,
  registerEnumType,
  Resolver,
  Root,
} from 'type-graphql';
import { connectionOf, PageArgs, toConnection, toPage } from '../api/connection.js';
import type { Context } from '../api/context.js';
import { checkId, IdArg } from '../api/id-arg.js';
import { checkWait } from '../api/wait-arg.js';
import { Artifact } from '../artifact/artifact.entity.js';
import { Cluster } from '../cluster/cluster.entity.js';
import { findText } from '../db/long-text.js';
import { ConfigurationEntry } from '../deployment/deployment.types.js';
import { Deployment } from '../deployment/deployment.entity.js';
import { shownConfiguration } from '../deployment/secrets.js';
import { cursorBefore } from '../event/event.store.js';
import type { Services } from '../services.js';
import { Job, JobState } from './job.entity.js';
import { jobPage } from './job.store.js';
import { JobMilestone, waitForJob } from './wait-for-job.js';

registerEnumType(JobMilestone, {
  name: 'JobMilestone',
  description: 'How far to wait for a run.',
  valuesConfig: {
    STARTED: { description: 'Every task runs, or it has ended before that.' },
    ENDED: { description: 'Flink no longer runs it.' },
  },
});

export const JobConnection = connectionOf('Job', () => Job);

@InputType({ description: 'Which runs a list holds: those that meet every field that is given.' })
export class JobFilterInput {
  @Field(() => ID, { nullable: true, description: 'Only those of this deployment.' })
  deploymentId?: string | null;

  @Field(() => ID, { nullable: true, description: 'Only those on this cluster.' })
  clusterId?: string | null;

  @Field(() => [JobState], { nullable: true, description: 'Only those in one of these states.' })
  states?: JobState[] | null;
}

@Resolver(() => Job)
export class JobResolver {
  constructor(private readonly services: Services) {}

  @Query(() => Job, {
    nullable: true,
    description: 'One run; with waitMs it answers when it has started or ended, or the time is up.',
  })
  job(
    @IdArg('id', 'Id of the run, not of Flink.') id: string,
    @Arg('waitMs', () => Int, { nullable: true, description: 'Up to 60,000.' }) waitMs: number | null,
    @Arg('until', () => JobMilestone, { nullable: true, description: 'What to wait for; default STARTED.' })
    until: JobMilestone | null,
    @Ctx() { loaders, signal }: Context,
  ): Promise<Job | null> {
    const wait = checkWait(waitMs);
    return wait === 0
      ? loaders.job.load(id)
      : waitForJob(this.services, id, wait, until ?? JobMilestone.STARTED, signal);
  }

  @Query(() => JobConnection, { description: 'Runs of all deployments, newest first.' })
  async jobs(
    @Args(() => PageArgs) args: PageArgs,
    @Arg('filter', () => JobFilterInput, { nullable: true, description: 'Which ones. Default: all.' })
    filter?: JobFilterInput,
  ) {
    if (filter?.deploymentId) checkId('filter.deploymentId', filter.deploymentId);
    if (filter?.clusterId) checkId('filter.clusterId', filter.clusterId);
    const page = toPage(args);
    return toConnection(await jobPage(this.services.database, page, filter ?? {}), page.first);
  }

  @FieldResolver(() => Deployment, { description: 'What it is a run of.' })
  deployment(@Root() job: Job, @Ctx() { loaders }: Context) {
    return loaders.deployment.load(job.deploymentId);
  }

  @FieldResolver(() => Cluster, { description: 'Where it runs or ran.' })
  cluster(@Root() job: Job, @Ctx() { loaders }: Context) {
    return loaders.cluster.load(job.clusterId);
  }

  @FieldResolver(() => Artifact, {
    nullable: true,
    description: 'The jar that it was submitted with; null when none is recorded.',
  })
  artifact(@Root() job: Job, @Ctx() { loaders }: Context) {
    return job.artifactId && loaders.artifact.load(job.artifactId);
  }

  @FieldResolver(() => [ConfigurationEntry], {
    description: 'Flink settings that it was submitted with; ****** where a value is secret.',
  })
  flinkConfiguration(@Root() job: Job): ConfigurationEntry[] {
    return shownConfiguration(job.flinkConfiguration);
  }

  @FieldResolver(() => String, {
    description: 'Give it as deploymentEvents(after:) to see everything about it from the request on.',
  })
  eventCursor(@Root() job: Job): Promise<string> {
    return cursorBefore(this.services.database, 'job_id', job.id);
  }

  @FieldResolver(() => String, { nullable: true, description: "Flink's whole text behind failureRootCause." })
  failureText(@Root() job: Job) {
    return job.failureCode ? findText(this.services.database, job.id, 'FAILURE') : null;
  }
}

@Resolver(() => Deployment)
export class DeploymentJobsResolver {
  constructor(private readonly services: Services) {}

  @FieldResolver(() => Job, { nullable: true, description: 'The newest run; null before the first start.' })
  currentJob(@Root() deployment: Deployment, @Ctx() { loaders }: Context) {
    return deployment.currentJobId && loaders.job.load(deployment.currentJobId);
  }

  @FieldResolver(() => JobConnection, { description: 'Its runs, newest first.' })
  async jobs(@Root() deployment: Deployment, @Args(() => PageArgs) args: PageArgs) {
    const page = toPage(args);
    return toConnection(await jobPage(this.services.database, page, { deploymentId: deployment.id }), page.first);
  }
}
