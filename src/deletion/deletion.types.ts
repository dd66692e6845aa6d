import { createUnionType, Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import { SafeInt } from '../api/scalars.js';
import { IdempotencyKeyReused, InvalidInput, NotFound } from '../api/user-error.js';
import { Savepoint } from '../savepoint/savepoint.entity.js';
import { CheckpointIsFlinks } from '../savepoint/savepoint-id.js';
import { SavepointFilterInput } from '../savepoint/savepoint.types.js';
import {
  DisposalUnderWay,
  LastState,
  NotBeingDeleted,
  SavepointNotDeletable,
  SavepointProtected,
  SavepointUnderWay,
} from './deletion-refusals.types.js';

const KEY = 'The same key and input within 24 h answer with the same savepoint.';

@InputType({ description: 'A savepoint to delete, and what may be passed over.' })
export class DeleteSavepointInput {
  @Field(() => ID, { description: 'The savepoint; it must be COMPLETED.' })
  savepointId!: string;

  @Field(() => Boolean, {
    defaultValue: false,
    description:
      'Also where it is the newest good one of its deployment (NEWEST_GOOD), or what LATEST_STATE would start a stopped deployment from. Never passes a live run, a start under way, a pin or a hold.',
  })
  force!: boolean;

  @Field(() => Boolean, {
    defaultValue: false,
    description:
      'Also where nothing would remain that its deployment, or a stopped one that falls back to it, could be restored from.',
  })
  lastState!: boolean;

  @Field(() => Boolean, {
    nullable: true,
    description:
      'Of an imported one: its data too, and not its record alone (the default). Of one that Stateward has made the data always go.',
  })
  alsoData?: boolean | null;

  @Field(() => String, {
    nullable: true,
    description: 'Kept with the deletion and in its event, up to 500 characters.',
  })
  reason?: string | null;

  @Field(() => String, { nullable: true, description: KEY })
  idempotencyKey?: string | null;
}

@InputType({ description: 'Which savepoints to delete: those that meet every field that is given.' })
export class SavepointsToDeleteInput extends SavepointFilterInput {
  @Field(() => [ID], { nullable: true, description: 'Only these, at most 1,000. Ids of checkpoints are declined.' })
  ids?: string[] | null;
}

@InputType({ description: 'Savepoints to delete together.' })
export class DeleteSavepointsInput {
  @Field(() => SavepointsToDeleteInput, {
    description: 'Which ones; deploymentId or ids must be given. Without states and ids: those that are COMPLETED.',
  })
  filter!: SavepointsToDeleteInput;

  @Field(() => Boolean, { description: 'Only say what would be done: nothing is changed.' })
  dryRun!: boolean;

  @Field(() => Boolean, { defaultValue: false, description: 'As of deleteSavepoint, for each of them.' })
  force!: boolean;

  @Field(() => Boolean, { defaultValue: false, description: 'As of deleteSavepoint, for each of them.' })
  lastState!: boolean;

  @Field(() => Boolean, {
    nullable: true,
    description: 'Of imported ones: their data too, and not their records alone (the default).',
  })
  alsoData?: boolean | null;

  @Field(() => String, { nullable: true, description: 'Kept with each deletion, up to 500 characters.' })
  reason?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'The same key and input within 24 h answer with the same report. A dry run is made each time.',
  })
  idempotencyKey?: string | null;
}

@InputType({ description: 'A deletion to try again at once.' })
export class RetryDeletionInput {
  @Field(() => ID, { description: 'The savepoint; it must be DELETING or DELETION_FAILED.' })
  savepointId!: string;

  @Field(() => String, { nullable: true, description: KEY })
  idempotencyKey?: string | null;
}

@InputType({ description: 'A deletion to give up.' })
export class ForgetSavepointInput {
  @Field(() => ID, { description: 'The savepoint; it must be DELETING or DELETION_FAILED.' })
  savepointId!: string;

  @Field(() => String, { nullable: true, description: 'Kept in its event, up to 500 characters.' })
  reason?: string | null;

  @Field(() => String, { nullable: true, description: KEY })
  idempotencyKey?: string | null;
}

@ObjectType({ description: 'Why one of many savepoints is not deleted, as deleteSavepoint would answer.' })
export class DeclinedDeletion {
  @Field(() => String, { description: 'Code of the refusal, documented in docs/errors.md.' })
  readonly code!: string;

  @Field(() => String, { description: 'What was declined, why, and what to do, for a person.' })
  readonly message!: string;
}

@ObjectType({ description: 'What became of one savepoint that was to be deleted, or would become of it.' })
export class DeletionAnswer {
  @Field(() => ID, { description: 'The savepoint, as it was named.' })
  readonly savepointId!: string;

  @Field(() => Boolean, {
    description: 'It is being deleted, or would be. True also where that was asked for before, or it is gone already.',
  })
  readonly accepted!: boolean;

  @Field(() => DeclinedDeletion, { nullable: true, description: 'Why not; null when accepted.' })
  readonly refusal!: DeclinedDeletion | null;

  @Field(() => SafeInt, { nullable: true, description: 'Its size; null where it is not known.' })
  readonly bytes!: number | null;
}

@ObjectType({ description: 'What became of many savepoints that were to be deleted, each on its own.' })
export class DeletionReport {
  @Field(() => Boolean, { description: 'True: nothing was changed.' })
  readonly dryRun!: boolean;

  @Field(() => Int, { description: 'How many are being deleted, or would be.' })
  readonly accepted!: number;

  @Field(() => Int, { description: 'How many are not, each for its own reason.' })
  readonly refused!: number;

  @Field(() => SafeInt, {
    description: 'Of those that this request has begun to delete, or would, and whose size is known.',
  })
  readonly freedBytes!: number;

  @Field(() => Boolean, {
    description: 'More than 1,000 meet the filter: these are the oldest. Ask again for the rest.',
  })
  readonly hasMore!: boolean;

  @Field(() => [DeletionAnswer], { description: 'One for each, in the order of ids, or else the oldest first.' })
  readonly answers!: DeletionAnswer[];

  constructor(answers: DeletionAnswer[], more: { dryRun: boolean; freedBytes: number; hasMore: boolean }) {
    Object.assign(this, more);
    this.answers = answers;
    this.accepted = answers.filter(({ accepted }) => accepted).length;
    this.refused = answers.length - this.accepted;
  }
}

export const DeleteSavepointResult = createUnionType({
  name: 'DeleteSavepointResult',
  description: 'The savepoint that is being deleted, or is gone; or why it is not deleted.',
  types: () =>
    [
      Savepoint,
      NotFound,
      InvalidInput,
      SavepointUnderWay,
      SavepointProtected,
      LastState,
      SavepointNotDeletable,
      CheckpointIsFlinks,
      IdempotencyKeyReused,
    ] as const,
});
export type DeleteSavepointResult = typeof DeleteSavepointResult;

export const DeleteSavepointsResult = createUnionType({
  name: 'DeleteSavepointsResult',
  description: 'What became of each, or why nothing was looked at.',
  types: () => [DeletionReport, NotFound, InvalidInput, IdempotencyKeyReused] as const,
});
export type DeleteSavepointsResult = typeof DeleteSavepointsResult;

export const RetryDeletionResult = createUnionType({
  name: 'RetryDeletionResult',
  description: 'The savepoint whose deletion is tried again, or why it is not.',
  types: () => [Savepoint, NotFound, NotBeingDeleted, CheckpointIsFlinks, IdempotencyKeyReused] as const,
});
export type RetryDeletionResult = typeof RetryDeletionResult;

export const ForgetSavepointResult = createUnionType({
  name: 'ForgetSavepointResult',
  description: 'The savepoint whose deletion was given up, or why it was not.',
  types: () =>
    [
      Savepoint,
      NotFound,
      InvalidInput,
      NotBeingDeleted,
      DisposalUnderWay,
      CheckpointIsFlinks,
      IdempotencyKeyReused,
    ] as const,
});
export type ForgetSavepointResult = typeof ForgetSavepointResult;
