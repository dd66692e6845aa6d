import { Arg, Args, Ctx, FieldResolver, Int, Mutation, Query, Resolver, Root } from 'type-graphql';
import { connectionOf, PageArgs, toConnection, toPage } from '../api/connection.js';
import type { Context } from '../api/context.js';
import { IdArg } from '../api/id-arg.js';
import { checkWait } from '../api/wait-arg.js';
import { Artifact } from '../artifact/artifact.entity.js';
import { Checkpoint } from '../checkpoint/checkpoint.types.js';
import { Cluster } from '../cluster/cluster.entity.js';
import { Deployment } from '../deployment/deployment.entity.js';
import { Savepoint } from '../savepoint/savepoint.entity.js';
import type { Services } from '../services.js';
import { CheckedSnapshot, CompatibilityCheck } from './check.entity.js';
import { checkPage } from './check.store.js';
import { CheckCompatibilityInput, CheckCompatibilityResult } from './check.types.js';
import { requestCheck } from './request-check.js';
import { waitForCheck } from './wait-for-check.js';

export const CompatibilityCheckConnection = connectionOf('CompatibilityCheck', () => CompatibilityCheck);

@Resolver(() => CompatibilityCheck)
export class CheckResolver {
  constructor(private readonly services: Services) {}

  @Query(() => CompatibilityCheck, {
    nullable: true,
    description: 'One compatibility check; with waitMs it answers when it has ended or the time is up.',
  })
  compatibilityCheck(
    @IdArg('id', 'Id of the check.') id: string,
    @Arg('waitMs', () => Int, { nullable: true, description: 'Up to 60,000.' }) waitMs: number | null,
    @Ctx() { signal }: Context,
  ): Promise<CompatibilityCheck | null> {
    return waitForCheck(this.services, id, checkWait(waitMs), signal);
  }

  @Mutation(() => CheckCompatibilityResult, {
    description:
      "Finds out whether a program would take a state, while the job may go on running: reads the state's _metadata and has the cluster plan the program. Answers at once; follow the check to its end. Nothing is started and no state is touched, but the plan runs the program's main() inside the JobManager, as a start does: code that you do not trust has no business there, and one that ends its process (System.exit) ends the JobManager unless cluster.intercept-user-system-exit forbids it. Of a main() with several jobs the first one is planned. STATEWARD_PLAN_JARS=false leaves the plan out.",
  })
  checkCompatibility(
    @Arg('input', () => CheckCompatibilityInput, { description: 'Which program, and which state.' })
    input: CheckCompatibilityInput,
    @Ctx() { caller }: Context,
  ): Promise<CheckCompatibilityResult> {
    return requestCheck(this.services, input, caller);
  }

  @FieldResolver(() => Deployment, { nullable: true, description: 'Whose program it is; null: no deployment has it.' })
  deployment(@Root() check: CompatibilityCheck, @Ctx() { loaders }: Context) {
    return check.deploymentId && loaders.deployment.load(check.deploymentId);
  }

  @FieldResolver(() => Cluster, { description: 'The cluster that would run it.' })
  cluster(@Root() check: CompatibilityCheck, @Ctx() { loaders }: Context) {
    return loaders.cluster.load(check.clusterId);
  }

  @FieldResolver(() => Artifact, { description: 'The jar.' })
  artifact(@Root() check: CompatibilityCheck, @Ctx() { loaders }: Context) {
    return loaders.artifact.load(check.artifactId);
  }
}

@Resolver(() => CheckedSnapshot)
export class CheckedSnapshotResolver {
  @FieldResolver(() => Savepoint, {
    nullable: true,
    description: 'The savepoint that it is; null when it is none of ours.',
  })
  savepoint(@Root() { savepointId }: CheckedSnapshot, @Ctx() { loaders }: Context) {
    return savepointId && loaders.savepoint.load(savepointId);
  }

  @FieldResolver(() => Checkpoint, {
    nullable: true,
    description: 'The checkpoint that it is, while it is remembered; null for a savepoint of ours.',
  })
  checkpoint(@Root() { savepointId, jobId, flinkCheckpointId, takenAt }: CheckedSnapshot, @Ctx() { loaders }: Context) {
    if (savepointId !== null || jobId === null || flinkCheckpointId === null) return null;
    return loaders.checkpoint.load({ jobId, flinkCheckpointId, triggeredAt: takenAt });
  }
}

@Resolver(() => Deployment)
export class DeploymentChecksResolver {
  constructor(private readonly services: Services) {}

  @FieldResolver(() => CompatibilityCheckConnection, {
    description: 'Its compatibility checks of the last 30 days, newest first.',
  })
  async compatibilityChecks(@Root() deployment: Deployment, @Args(() => PageArgs) args: PageArgs) {
    const page = toPage(args);
    return toConnection(await checkPage(this.services.database, page, deployment.id), page.first);
  }
}
