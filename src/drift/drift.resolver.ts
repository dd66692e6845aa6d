import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import { PageArgs, toPage } from '../api/connection.js';
import type { Context } from '../api/context.js';
import { checkId } from '../api/id-arg.js';
import { findStorage } from '../cluster/find-cluster.js';
import { Storage } from '../cluster/storage.entity.js';
import { Deployment } from '../deployment/deployment.entity.js';
import { AppError } from '../errors.js';
import { Savepoint } from '../savepoint/savepoint.entity.js';
import type { Services } from '../services.js';
import { adoptLeftover } from './adopt-leftover.js';
import { DriftKind } from './drift.enums.js';
import { storagesOf } from './drift-look.js';
import {
  AdoptLeftoverInput,
  AdoptLeftoverResult,
  DriftEntry,
  DriftEntryConnection,
  DriftLook,
  DriftReport,
  DriftStorage,
  DriftSum,
  ForgetLeftoverInput,
  ForgetLeftoverResult,
  RecheckSavepointInput,
  RecheckSavepointResult,
} from './drift.types.js';
import { forgetLeftover } from './forget-leftover.js';
import { type DriftPage, readDrift } from './read-drift.js';
import { recheckSavepoint } from './recheck-savepoint.js';

/** Of what an operation may cost, a look into buckets takes a fifth: no request makes a hundred of them by aliases. */
const LOOK_COST = 1_000;

@Resolver(() => DriftReport)
export class DriftResolver {
  constructor(private readonly services: Services) {}

  @Query(() => DriftReport, {
    description:
      'Where the record and what lies in a storage, or in all, differ: what was found, and what can be done about each. Changes nothing.',
  })
  async driftReport(
    @Arg('storageId', () => ID, { nullable: true, description: 'One storage; default: all.' })
    storageId?: string | null,
  ): Promise<DriftReport> {
    if (!storageId) return { storageId: null };
    checkId('storageId', storageId);
    const storage = await findStorage(this.services.database, storageId);
    if (!storage) throw new AppError('BAD_USER_INPUT', `storageId: there is no storage ${storageId}.`);
    return { storageId: storage.id };
  }

  @FieldResolver(() => [DriftStorage], {
    description: 'Whether left-overs can be seen in them; of many storages the newest 100.',
    complexity: ({ childComplexity }) => LOOK_COST + 5 * childComplexity,
  })
  storages(@Root() { storageId }: DriftReport): Promise<DriftStorage[]> {
    return storagesOf(this.services.database, storageId);
  }

  @FieldResolver(() => DriftEntryConnection, {
    description:
      'The differences, newest first. Looking into a storage is slow, so a page may end early: hasNextPage tells, and endCursor goes on.',
    complexity: ({ args, childComplexity }) => LOOK_COST + Math.max(1, (args as PageArgs).first) * childComplexity,
  })
  entries(
    @Root() { storageId }: DriftReport,
    @Args(() => PageArgs) args: PageArgs,
    @Arg('kinds', () => [DriftKind], { nullable: true, description: 'Only these. Default: all.' })
    kinds: DriftKind[] | null | undefined,
    @Arg('includeForgotten', () => Boolean, {
      defaultValue: false,
      description: 'Also what was taken off the report (forgetLeftover).',
    })
    includeForgotten: boolean,
  ): Promise<DriftPage> {
    return readDrift(this.services.database, { storageId, kinds: kinds ?? null, includeForgotten }, toPage(args));
  }

  @Mutation(() => ForgetLeftoverResult, {
    description: 'Takes what an attempt has left off the drift report. Nothing is touched in the storage.',
  })
  forgetLeftover(
    @Arg('input', () => ForgetLeftoverInput, { description: 'Which attempt, and why.' }) input: ForgetLeftoverInput,
    @Ctx() { caller }: Context,
  ): Promise<ForgetLeftoverResult> {
    return forgetLeftover(this.services, input, caller);
  }

  @Mutation(() => AdoptLeftoverResult, {
    description:
      'Makes a savepoint COMPLETED that FAILED with RESULT_LOST or ABANDONED, when it is seen whole below the directory of its last attempt. It is one of ours then: restored from and deleted as any other, by its retention policy too.',
  })
  adoptLeftover(
    @Arg('input', () => AdoptLeftoverInput, { description: 'Which savepoint.' }) input: AdoptLeftoverInput,
    @Ctx() { caller }: Context,
  ): Promise<AdoptLeftoverResult> {
    return adoptLeftover(this.services, input, caller);
  }

  @Mutation(() => RecheckSavepointResult, {
    description:
      'Looks once more at a savepoint: reads its _metadata and looks for every file that it points to, for up to 60 s. Records in data whether all is there, and in fingerprint what it holds.',
  })
  recheckSavepoint(
    @Arg('input', () => RecheckSavepointInput, { description: 'Which savepoint.' }) input: RecheckSavepointInput,
    @Ctx() { caller }: Context,
  ): Promise<RecheckSavepointResult> {
    return recheckSavepoint(this.services, input, caller);
  }
}

@Resolver(() => DriftEntryConnection)
export class DriftPageResolver {
  @FieldResolver(() => [DriftSum], { description: 'What this page comes to, by kind.' })
  sums(@Root() { sums }: DriftPage): DriftSum[] {
    return sums;
  }

  @FieldResolver(() => DriftLook, { description: 'How far storages were looked into for this page.' })
  look(@Root() { look }: DriftPage): DriftLook {
    return look;
  }
}

@Resolver(() => DriftStorage)
export class DriftStorageResolver {
  @FieldResolver(() => Storage, { description: 'The storage.' })
  storage(@Root() { storageId }: DriftStorage, @Ctx() { loaders }: Context) {
    return loaders.storage.load(storageId);
  }
}

@Resolver(() => DriftEntry)
export class DriftEntryResolver {
  @FieldResolver(() => Storage, { nullable: true, description: 'The storage; null: it lies in none that is known.' })
  storage(@Root() { storageId }: DriftEntry, @Ctx() { loaders }: Context) {
    return storageId && loaders.storage.load(storageId);
  }

  @FieldResolver(() => Deployment, {
    nullable: true,
    description: 'The deployment that it is of; null: an imported savepoint that is listed with none.',
  })
  deployment(@Root() { deploymentId }: DriftEntry, @Ctx() { loaders }: Context) {
    return deploymentId && loaders.deployment.load(deploymentId);
  }

  @FieldResolver(() => Savepoint, { nullable: true, description: 'The savepoint of ours; null: it is nobody’s here.' })
  savepoint(@Root() { savepointId }: DriftEntry, @Ctx() { loaders }: Context) {
    return savepointId && loaders.savepoint.load(savepointId);
  }

  @FieldResolver(() => Savepoint, {
    nullable: true,
    description: 'Of two that are recorded at one place, the other; else null.',
  })
  otherSavepoint(@Root() { otherSavepointId }: DriftEntry, @Ctx() { loaders }: Context) {
    return otherSavepointId && loaders.savepoint.load(otherSavepointId);
  }
}
