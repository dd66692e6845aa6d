import { Arg, Ctx, FieldResolver, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { Context } from '../api/context.js';
import { IdArg } from '../api/id-arg.js';
import { DateTime } from '../api/scalars.js';
import { Deployment } from '../deployment/deployment.entity.js';
import { Job } from '../job/job.entity.js';
import { Savepoint } from '../savepoint/savepoint.entity.js';
import { SavepointState } from '../savepoint/savepoint.enums.js';
import type { Services } from '../services.js';
import { noPolicy } from './kept-savepoints.js';
import { previewRetention } from './preview-retention.js';
import { RetentionPolicy } from './retention.entity.js';
import { findPolicy } from './retention.store.js';
import {
  ConfirmCleanupInput,
  ConfirmCleanupResult,
  GoingLeftBehind,
  GoingSavepoint,
  KeptLeftBehind,
  KeptSavepoint,
  PreviewRetentionResult,
  RemoveRetentionPolicyInput,
  RemoveRetentionPolicyResult,
  RetentionInput,
  SetRetentionPolicyInput,
  SetRetentionPolicyResult,
} from './retention.types.js';
import { confirmCleanup, removeRetentionPolicy, setRetentionPolicy } from './set-retention-policy.js';

@Resolver(() => RetentionPolicy)
export class RetentionResolver {
  constructor(private readonly services: Services) {}

  @Query(() => PreviewRetentionResult, {
    description:
      'What a policy would delete now and what stays, why and until when, before anything is switched on. Without `policy`: the one in force.',
  })
  previewRetention(
    @IdArg('deploymentId', 'The deployment.') deploymentId: string,
    @Arg('policy', () => RetentionInput, { nullable: true, description: 'A policy to try; default: the one in force.' })
    policy: RetentionInput | null,
  ): Promise<PreviewRetentionResult> {
    return previewRetention(this.services, deploymentId, policy);
  }

  @Mutation(() => SetRetentionPolicyResult, {
    description: 'Gives a deployment a retention policy, in place of the one before. The first pass is made at once.',
  })
  setRetentionPolicy(
    @Arg('input', () => SetRetentionPolicyInput, { description: 'Which deployment, and the policy.' })
    input: SetRetentionPolicyInput,
    @Ctx() { caller }: Context,
  ): Promise<SetRetentionPolicyResult> {
    return setRetentionPolicy(this.services, input, caller);
  }

  @Mutation(() => RemoveRetentionPolicyResult, {
    description: 'Removes the policy of a deployment: no rule deletes its savepoints any more.',
  })
  removeRetentionPolicy(
    @Arg('input', () => RemoveRetentionPolicyInput, { description: 'Which deployment.' })
    input: RemoveRetentionPolicyInput,
    @Ctx() { caller }: Context,
  ): Promise<RemoveRetentionPolicyResult> {
    return removeRetentionPolicy(this.services, input, caller);
  }

  @Mutation(() => ConfirmCleanupResult, {
    description:
      'Lets a pass go that waits because it would delete more than half of what the policy may touch (LARGE_CLEANUP_WAITING).',
  })
  confirmCleanup(
    @Arg('input', () => ConfirmCleanupInput, { description: 'Which deployment, and the token of the preview.' })
    input: ConfirmCleanupInput,
    @Ctx() { caller }: Context,
  ): Promise<ConfirmCleanupResult> {
    return confirmCleanup(this.services, input, caller);
  }
}

@Resolver(() => GoingSavepoint)
export class GoingSavepointResolver {
  @FieldResolver(() => Savepoint, { description: 'The savepoint.' })
  savepoint(@Root() { savepointId }: GoingSavepoint, @Ctx() { loaders }: Context) {
    return loaders.savepoint.load(savepointId);
  }
}

@Resolver(() => KeptSavepoint)
export class KeptSavepointResolver {
  @FieldResolver(() => Savepoint, { description: 'The savepoint.' })
  savepoint(@Root() { savepointId }: KeptSavepoint, @Ctx() { loaders }: Context) {
    return loaders.savepoint.load(savepointId);
  }
}

@Resolver(() => GoingLeftBehind)
export class GoingLeftBehindResolver {
  @FieldResolver(() => Job, { description: 'The run.' })
  job(@Root() { jobId }: GoingLeftBehind, @Ctx() { loaders }: Context) {
    return loaders.job.load(jobId);
  }
}

@Resolver(() => KeptLeftBehind)
export class KeptLeftBehindResolver {
  @FieldResolver(() => Job, { description: 'The run.' })
  job(@Root() { jobId }: KeptLeftBehind, @Ctx() { loaders }: Context) {
    return loaders.job.load(jobId);
  }
}

@Resolver(() => Deployment)
export class DeploymentRetentionResolver {
  constructor(private readonly services: Services) {}

  @FieldResolver(() => RetentionPolicy, {
    nullable: true,
    description: 'How long its savepoints are kept; null: no rule deletes any.',
  })
  retention(@Root() { id }: Deployment) {
    return findPolicy(this.services.database, id);
  }
}

@Resolver(() => Savepoint)
export class SavepointRetentionResolver {
  @FieldResolver(() => KeptSavepoint, {
    nullable: true,
    description: 'Why it is kept and until when, as its deployment stands now; null where it is not COMPLETED.',
  })
  async kept(@Root() savepoint: Savepoint, @Ctx() { loaders }: Context): Promise<KeptSavepoint | null> {
    if (savepoint.state !== SavepointState.COMPLETED) return null;
    const { deploymentId, id } = savepoint;
    return (deploymentId === null ? null : (await loaders.kept.load(deploymentId)).get(id)) ?? noPolicy(id);
  }

  @FieldResolver(() => DateTime, {
    nullable: true,
    description: 'When a rule deletes it, if nothing else happens; null: no time can be given, and kept says why.',
  })
  async expiresAt(@Root() savepoint: Savepoint, @Ctx() context: Context): Promise<Date | null> {
    return (await this.kept(savepoint, context))?.expiresAt ?? null;
  }
}
