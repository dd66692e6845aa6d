import { createUnionType, Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import { connectionOf } from '../api/connection.js';
import { DateTime, SafeInt } from '../api/scalars.js';
import { IdempotencyKeyReused, InvalidInput, NotFound } from '../api/user-error.js';
import { AlreadyKnown } from '../savepoint/import-savepoint.types.js';
import { CheckpointIsFlinks } from '../savepoint/savepoint-id.js';
import { Savepoint } from '../savepoint/savepoint.entity.js';
import { DriftKind, DriftRemedyKind } from './drift.enums.js';

const KEY = 'The same key and input within 24 h answer with the same savepoint.';

@ObjectType({ description: 'One thing that can be done about an entry.' })
export class DriftRemedy {
  @Field(() => DriftRemedyKind, { description: 'What kind of thing.' })
  kind!: DriftRemedyKind;

  @Field(() => String, { description: 'What to do, with the mutation and its arguments, for a person.' })
  message!: string;
}

@ObjectType({ description: 'When a person took an entry off the report, and why.' })
export class DriftForgotten {
  @Field(() => DateTime, { description: 'When that was.' })
  at!: Date;

  @Field(() => String, { description: 'Who did it.' })
  by!: string;

  @Field(() => String, { description: 'Why, as given.' })
  reason!: string;
}

@ObjectType({ description: 'One difference between the record and what lies in a storage.' })
export class DriftEntry {
  @Field(() => ID, { description: 'The same from look to look, for as long as it is the same difference.' })
  id!: string;

  @Field(() => DriftKind, { description: 'In what way they differ.' })
  kind!: DriftKind;

  storageId!: string | null;
  deploymentId!: string | null;
  savepointId!: string | null;
  otherSavepointId!: string | null;

  @Field(() => Int, {
    nullable: true,
    description: 'The attempt of the savepoint whose directory it lies in; forgetLeftover takes it. Null: none.',
  })
  attempt!: number | null;

  @Field(() => String, { nullable: true, description: "Path below the storage's root; null: it lies in no storage." })
  path!: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'Where that is, as a cluster that reaches the storage writes it; null: none ever reached it.',
  })
  location!: string | null;

  @Field(() => [String], {
    description:
      'Locations of whole savepoints there that are not recorded: those with _metadata, which Flink writes last.',
  })
  snapshots!: string[];

  @Field(() => SafeInt, {
    nullable: true,
    description:
      'How much lies there: counted where the storage can be read, else as Flink or the record has it. Null: not known.',
  })
  bytes!: number | null;

  @Field(() => Boolean, { description: 'There are more files than one look counts, so bytes is less than the whole.' })
  bytesCutShort!: boolean;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When the newest file there was written, on the clock of the storage; null: it cannot be seen.',
  })
  lastWrittenAt!: Date | null;

  @Field(() => DateTime, {
    description:
      'Since when it is so: the trigger time, the end of the attempt or deletion, or when it was noticed. The list is ordered by it.',
  })
  since!: Date;

  @Field(() => SafeInt, { description: 'How long ago that was: of what was last written there, else of since.' })
  ageMs!: number;

  @Field(() => String, { description: 'What is there and how it came about, for a person.' })
  message!: string;

  @Field(() => [DriftRemedy], { description: 'What can be done about it, the best first.' })
  remedies!: DriftRemedy[];

  @Field(() => DriftForgotten, {
    nullable: true,
    description: 'Only with includeForgotten: a person has taken it off the report. Else null.',
  })
  forgotten!: DriftForgotten | null;
}

export const DriftEntryConnection = connectionOf('DriftEntry', () => DriftEntry);

@ObjectType({ description: 'What the entries of one kind on a page come to.' })
export class DriftSum {
  @Field(() => DriftKind, { description: 'Of which kind.' })
  kind!: DriftKind;

  @Field(() => Int, { description: 'How many.' })
  entries!: number;

  @Field(() => SafeInt, { description: 'Their bytes, as far as they are known.' })
  bytes!: number;

  @Field(() => Int, { description: 'Of how many the bytes are not known, or not to the end.' })
  ofUnknownSize!: number;
}

@ObjectType({ description: 'How far storages were looked into for one page.' })
export class DriftLook {
  @Field(() => Int, { description: 'Directories of attempts that were looked into.' })
  directories!: number;

  @Field(() => Int, { description: 'Files that were counted in them.' })
  files!: number;

  @Field(() => Int, {
    description:
      "Directories left out because something was written there within the TaskManagers' heartbeat timeout: tasks may still be at it.",
  })
  stillWritten!: number;

  @Field(() => Boolean, {
    description:
      'The look ended at its limit (directories, files or time) before the page was full: go on with endCursor, however few entries it has.',
  })
  truncated!: boolean;
}

@ObjectType({ description: 'Whether the left-overs of a storage can be seen.' })
export class DriftStorage {
  storageId!: string;

  @Field(() => Boolean, {
    description:
      "Stateward reads it and it is proven to be the same place. Else only what Flink's history tells is listed.",
  })
  leftoversChecked!: boolean;

  @Field(() => String, { nullable: true, description: 'Why not, and what to do, for a person; null where they are.' })
  notCheckedBecause!: string | null;
}

/** What was asked for: each field reads its own part. */
@ObjectType({ description: 'Where the record and what lies in storages differ, and what to do about each.' })
export class DriftReport {
  storageId!: string | null;
}

@InputType({ description: 'What an attempt has left, and that it is not to be listed any more.' })
export class ForgetLeftoverInput {
  @Field(() => ID, { description: 'The savepoint whose attempt it was.' })
  savepointId!: string;

  @Field(() => Int, { description: 'The number of the attempt.' })
  attempt!: number;

  @Field(() => String, { description: 'What was done about it, or why it stays; 1 to 500 characters, kept and shown.' })
  reason!: string;

  @Field(() => String, { nullable: true, description: KEY })
  idempotencyKey?: string | null;
}

@InputType({ description: 'A whole savepoint that showed up after its savepoint had FAILED.' })
export class AdoptLeftoverInput {
  @Field(() => ID, { description: 'The savepoint, FAILED with RESULT_LOST or ABANDONED.' })
  savepointId!: string;

  @Field(() => Int, { description: 'The number of its last attempt, below whose directory it lies.' })
  attempt!: number;

  @Field(() => String, { nullable: true, description: KEY })
  idempotencyKey?: string | null;
}

@InputType({ description: 'A savepoint whose data are to be looked for once more.' })
export class RecheckSavepointInput {
  @Field(() => ID, { description: 'The savepoint; it must be COMPLETED.' })
  savepointId!: string;

  @Field(() => String, { nullable: true, description: KEY })
  idempotencyKey?: string | null;
}

export const ForgetLeftoverResult = createUnionType({
  name: 'ForgetLeftoverResult',
  description: 'The savepoint, whose attempt says so now, or why not.',
  types: () => [Savepoint, NotFound, InvalidInput, CheckpointIsFlinks, IdempotencyKeyReused] as const,
});
export type ForgetLeftoverResult = typeof ForgetLeftoverResult;

export const AdoptLeftoverResult = createUnionType({
  name: 'AdoptLeftoverResult',
  description: 'The savepoint, which becomes COMPLETED within seconds, or why not. Follow it with deploymentEvents.',
  types: () => [Savepoint, NotFound, InvalidInput, AlreadyKnown, CheckpointIsFlinks, IdempotencyKeyReused] as const,
});
export type AdoptLeftoverResult = typeof AdoptLeftoverResult;

export const RecheckSavepointResult = createUnionType({
  name: 'RecheckSavepointResult',
  description: 'The savepoint, whose data were looked for, or why they could not be.',
  types: () => [Savepoint, NotFound, InvalidInput, CheckpointIsFlinks, IdempotencyKeyReused] as const,
});
export type RecheckSavepointResult = typeof RecheckSavepointResult;
