import { Arg, Ctx, FieldResolver, Mutation, Resolver, Root } from 'type-graphql';
import type { Context } from '../api/context.js';
import { DeletionObstacle } from '../checkpoint/checkpoint.enums.js';
import { Checkpoint } from '../checkpoint/checkpoint.types.js';
import { savepointDeletable, type Verdict } from '../checkpoint/restorable.js';
import { Deletable } from '../checkpoint/verdicts.types.js';
import { Deployment } from '../deployment/deployment.entity.js';
import { Job } from '../job/job.entity.js';
import { Savepoint } from '../savepoint/savepoint.entity.js';
import { SavepointState } from '../savepoint/savepoint.enums.js';
import type { Services } from '../services.js';
import { deleteSavepoint } from './delete-savepoint.js';
import { deleteSavepoints } from './delete-savepoints.js';
import { SavepointProtection } from './deletion-refusals.types.js';
import { Deletion } from './deletion.entity.js';
import {
  DeleteSavepointInput,
  DeleteSavepointResult,
  DeleteSavepointsInput,
  DeleteSavepointsResult,
  DeletionAnswer,
  ForgetSavepointInput,
  ForgetSavepointResult,
  RetryDeletionInput,
  RetryDeletionResult,
} from './deletion.types.js';
import { forgetSavepoint } from './forget-savepoint.js';
import { protectedVerdict } from './protected-verdict.js';
import { retryDeletion } from './retry-deletion.js';

@Resolver(() => Deletion)
export class DeletionResolver {
  constructor(private readonly services: Services) {}

  @Mutation(() => DeleteSavepointResult, {
    description:
      'Deletes a savepoint with its data, through Flink. Answers at once with the savepoint DELETING: from then on it cannot be restored from. Follow it to DELETED, whose proof says how it is known to be gone.',
  })
  deleteSavepoint(
    @Arg('input', () => DeleteSavepointInput, { description: 'Which savepoint, and what may be passed over.' })
    input: DeleteSavepointInput,
    @Ctx() { caller }: Context,
  ): Promise<DeleteSavepointResult> {
    return deleteSavepoint(this.services, input, caller);
  }

  @Mutation(() => DeleteSavepointsResult, {
    description:
      'Deletes up to 1,000 savepoints, each for itself: what speaks against one stops no other. A repeated request does no harm. With dryRun it says what would be done.',
  })
  deleteSavepoints(
    @Arg('input', () => DeleteSavepointsInput, { description: 'Which savepoints, and what may be passed over.' })
    input: DeleteSavepointsInput,
    @Ctx() { caller }: Context,
  ): Promise<DeleteSavepointsResult> {
    return deleteSavepoints(this.services, input, caller);
  }

  @Mutation(() => RetryDeletionResult, {
    description: 'Has a deletion that has failed, or that waits, tried again at once.',
  })
  retryDeletion(
    @Arg('input', () => RetryDeletionInput, { description: 'Which savepoint.' }) input: RetryDeletionInput,
    @Ctx() { caller }: Context,
  ): Promise<RetryDeletionResult> {
    return retryDeletion(this.services, input, caller);
  }

  @Mutation(() => ForgetSavepointResult, {
    description:
      'Gives a deletion up: the savepoint ends as DELETED with proof NONE. Nothing is deleted by that, and deletion.leftPath says where data may be left. Declined while Flink may be deleting it.',
  })
  forgetSavepoint(
    @Arg('input', () => ForgetSavepointInput, { description: 'Which savepoint, and why.' }) input: ForgetSavepointInput,
    @Ctx() { caller }: Context,
  ): Promise<ForgetSavepointResult> {
    return forgetSavepoint(this.services, input, caller);
  }
}

@Resolver(() => DeletionAnswer)
export class DeletionAnswerResolver {
  @FieldResolver(() => Savepoint, { nullable: true, description: 'The savepoint as it is now; null: there is none.' })
  savepoint(@Root() { savepointId, refusal }: DeletionAnswer, @Ctx() { loaders }: Context) {
    return refusal?.code === 'CHECKPOINT_IS_FLINKS' ? null : loaders.savepoint.load(savepointId);
  }
}

@Resolver(() => SavepointProtection)
export class SavepointProtectionResolver {
  @FieldResolver(() => Deployment, { nullable: true, description: 'The deployment that needs it; null: none does.' })
  deployment(@Root() { deploymentId }: SavepointProtection, @Ctx() { loaders }: Context) {
    return deploymentId && loaders.deployment.load(deploymentId);
  }

  @FieldResolver(() => Job, { nullable: true, description: 'The run that needs it; null: none does.' })
  job(@Root() { jobId }: SavepointProtection, @Ctx() { loaders }: Context) {
    return jobId && loaders.job.load(jobId);
  }
}

@Resolver(() => Savepoint)
export class SavepointDeletionResolver {
  @FieldResolver(() => Deletion, {
    nullable: true,
    description: 'What is, or was, done to delete it; null: nobody has asked for that.',
  })
  deletion(@Root() { id }: Savepoint, @Ctx() { loaders }: Context): Promise<Deletion | null> {
    return loaders.deletion.load(id);
  }

  @FieldResolver(() => [SavepointProtection], {
    description:
      'What needs it now, the firmest first: while there is any, no rule deletes it. Empty: nothing, or it is not COMPLETED.',
  })
  async protections(@Root() savepoint: Savepoint, @Ctx() context: Context): Promise<SavepointProtection[]> {
    return (await protectionsOn(savepoint, context)).map((one) => new SavepointProtection(one));
  }

  @FieldResolver(() => Deletable, {
    description: 'Whether it can be deleted here now, with its data and without force.',
  })
  async deletable(@Root() savepoint: Savepoint, @Ctx() context: Context): Promise<Deletable> {
    return new Deletable(await verdictOn(savepoint, context));
  }
}

@Resolver(() => Checkpoint)
export class CheckpointDeletionResolver {
  @FieldResolver(() => Deletable, { description: 'Whether it can be deleted here now. Checkpoints never can.' })
  async deletable(@Root() { deletion, savepointId }: Checkpoint, @Ctx() context: Context): Promise<Deletable> {
    const ours = deletion.obstacle === null && savepointId ? await context.loaders.savepoint.load(savepointId) : null;
    return new Deletable(ours ? await verdictOn(ours, context) : deletion);
  }
}

async function protectionsOn({ id, deploymentId, state }: Savepoint, { loaders }: Context) {
  if (state !== SavepointState.COMPLETED) return [];
  const whose = deploymentId === null ? { savepointId: id } : { deploymentId };
  return (await loaders.protections.load(whose)).get(id) ?? [];
}

/** By ownership and state first, then by where it lies, then by what needs it. */
async function verdictOn(savepoint: Savepoint, context: Context): Promise<Verdict<DeletionObstacle>> {
  const verdict = savepointDeletable(savepoint);
  if (verdict.obstacle !== null) return verdict;
  const problem = await context.loaders.placeProblem.load(savepoint.id);
  return protectedVerdict(savepoint.location, problem, await protectionsOn(savepoint, context));
}
