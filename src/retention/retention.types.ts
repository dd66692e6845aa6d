import { createUnionType, Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import { DateTime, SafeInt } from '../api/scalars.js';
import { IdempotencyKeyReused, InvalidInput, NotFound, UserError } from '../api/user-error.js';
import { Deployment } from '../deployment/deployment.entity.js';
import { DeletionRule } from '../deletion/deletion.enums.js';
import { inWordsBytes } from '../deletion/words.js';
import { LeftBehindKeptBecause } from '../left-behind/left-behind.enums.js';
import { LeftBehindRule, WhileStopped } from './retention.entity.js';

@InputType({ description: 'How long savepoints are kept. One of maxCount and maxAgeMs at the least.' })
export class RetentionInput {
  @Field(() => Int, {
    nullable: true,
    description: 'How many are kept, at least 1; pinned, held and used ones beside them.',
  })
  maxCount?: number | null;

  @Field(() => SafeInt, { nullable: true, description: 'How old one may become, at least one hour (3,600,000).' })
  maxAgeMs?: number | null;

  @Field(() => Boolean, { defaultValue: false, description: 'Go for savepoints of stops as well.' })
  includeStop!: boolean;

  @Field(() => WhileStopped, {
    defaultValue: WhileStopped.DEFER,
    description: 'What is done while the deployment is stopped.',
  })
  whileStopped!: WhileStopped;

  @Field(() => LeftBehindRule, {
    defaultValue: LeftBehindRule.KEEP,
    description: 'What is done with the checkpoints that ended runs have left behind.',
  })
  leftBehind!: LeftBehindRule;
}

@InputType({ description: 'A policy for a deployment.' })
export class SetRetentionPolicyInput {
  @Field(() => ID, { description: 'The deployment.' })
  deploymentId!: string;

  @Field(() => RetentionInput, { description: 'The policy; it takes the place of the one before.' })
  policy!: RetentionInput;

  @Field(() => String, {
    nullable: true,
    description: 'Of previewRetention with this very policy: needed where it would delete more than half at once.',
  })
  previewToken?: string | null;

  @Field(() => String, { nullable: true, description: 'The same key and input within 24 h give the same answer.' })
  idempotencyKey?: string | null;
}

@InputType({ description: 'The deployment whose policy goes.' })
export class RemoveRetentionPolicyInput {
  @Field(() => ID, { description: 'The deployment. Afterwards no rule deletes its savepoints.' })
  deploymentId!: string;

  @Field(() => String, { nullable: true, description: 'The same key and input within 24 h give the same answer.' })
  idempotencyKey?: string | null;
}

@InputType({ description: 'Lets one pass go that waits because it would delete more than half.' })
export class ConfirmCleanupInput {
  @Field(() => ID, { description: 'The deployment whose pass waits.' })
  deploymentId!: string;

  @Field(() => String, { description: 'Of previewRetention: it names exactly the savepoints that go.' })
  previewToken!: string;

  @Field(() => String, { nullable: true, description: 'The same key and input within 24 h give the same answer.' })
  idempotencyKey?: string | null;
}

@ObjectType({ description: 'A savepoint that a policy deletes.' })
export class GoingSavepoint {
  savepointId!: string;

  @Field(() => [DeletionRule], { description: 'MAX_COUNT, MAX_AGE, or both.' })
  rules!: DeletionRule[];

  @Field(() => String, { description: 'Why, for a person.' })
  message!: string;

  @Field(() => SafeInt, { nullable: true, description: 'What it frees; null: its size is not known.' })
  bytes!: number | null;
}

@ObjectType({ description: 'Why a savepoint is kept, and until when.' })
export class KeptSavepoint {
  savepointId!: string;

  @Field(() => String, {
    description:
      'WITHIN_POLICY, ORIGIN, CLEANING_WAITS, NOT_DELETABLE (where it lies nothing is deleted), NO_POLICY, GOES (with the next pass), or what protects it: START_UNDER_WAY, SOURCE_OF_LIVE_RUN, LATEST_STATE, NEWEST_GOOD, SHARED_DATA, PINNED, HELD.',
  })
  why!: string;

  @Field(() => String, { description: 'The same for a person.' })
  message!: string;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When it goes, if nothing else happens; null: no time can be given.',
  })
  expiresAt!: Date | null;

  @Field(() => String, {
    nullable: true,
    description:
      'What must happen before it goes, or what else it goes by; null with expiresAt null: no rule deletes it.',
  })
  expiresWhen!: string | null;
}

@ObjectType({ description: 'An ended run of which a policy disposes of all checkpoints that it has left behind.' })
export class GoingLeftBehind {
  jobId!: string;

  @Field(() => Int, { description: 'How many it has left; they go together.' })
  checkpoints!: number;

  @Field(() => String, { description: 'Why, for a person.' })
  message!: string;

  @Field(() => SafeInt, {
    description:
      'The state that they stand for, as far as sizes are known; files that several use are counted with each.',
  })
  bytes!: number;
}

@ObjectType({ description: 'Why all checkpoints that an ended run has left behind are kept.' })
export class KeptLeftBehind {
  jobId!: string;

  @Field(() => Int, { description: 'How many it has left.' })
  checkpoints!: number;

  @Field(() => LeftBehindKeptBecause, { description: 'The firmest of what keeps them.' })
  why!: LeftBehindKeptBecause;

  @Field(() => String, { description: 'All that keeps them, for a person.' })
  message!: string;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When they go, if nothing else happens; null: no time can be given.',
  })
  goesAt!: Date | null;

  @Field(() => String, { description: 'What must happen before they go: goes on from "when".' })
  goesWhen!: string;

  @Field(() => SafeInt, {
    description:
      'The state that they stand for, as far as sizes are known; files that several use are counted with each.',
  })
  bytes!: number;
}

@ObjectType({ description: 'What a policy would do now. Nothing was changed.' })
export class RetentionPreview {
  @Field(() => [GoingSavepoint], { description: 'What would go now, newest first.' })
  goes!: GoingSavepoint[];

  @Field(() => [KeptSavepoint], { description: 'What stays, newest first, by which rule, and until when.' })
  stays!: KeptSavepoint[];

  @Field(() => [GoingLeftBehind], {
    description: 'Ended runs of which it would dispose of all checkpoints that they have left behind, oldest first.',
  })
  leftBehindGoes!: GoingLeftBehind[];

  @Field(() => [KeptLeftBehind], {
    description:
      'Ended runs whose checkpoints stay, oldest first, and why. Of the 500 oldest; those that are being disposed of already are not listed.',
  })
  leftBehindStays!: KeptLeftBehind[];

  @Field(() => SafeInt, {
    description: 'What goes frees so many bytes of savepoints, as far as sizes are known.',
  })
  freedBytes!: number;

  @Field(() => Int, { description: 'Of how many that go the size is not known.' })
  ofUnknownSize!: number;

  @Field(() => Int, { description: 'How many the policy speaks of at all, protected ones included.' })
  mayTouch!: number;

  @Field(() => String, { nullable: true, description: 'Why cleaning waits, and until when; null: it does not.' })
  deferred!: string | null;

  @Field(() => Boolean, {
    description:
      'It would delete more than half of the savepoints that it may touch, or dispose of what more than half of the ended runs have left (each run counts once; fewer than 5 are never large), so it needs the token: in setRetentionPolicy, or confirmCleanup.',
  })
  large!: boolean;

  @Field(() => String, { description: 'Names exactly what goes here, and by which policy.' })
  previewToken!: string;
}

@ObjectType({
  implements: UserError,
  description:
    'Declined: the policy would at once delete more than half of the savepoints that it may touch, or dispose of what more than half of the ended runs have left. Look at previewRetention, then ask with its token.',
})
export class LargeCleanup extends UserError {
  override readonly code = 'LARGE_CLEANUP' as const;
  override readonly message: string;

  @Field(() => Int, { description: 'How many would go.' })
  readonly savepoints: number;

  @Field(() => Int, { description: 'Of how many that the policy may touch.' })
  readonly of: number;

  @Field(() => Int, { description: 'Of how many ended runs it would dispose of what they have left.' })
  readonly leftBehindRuns: number;

  @Field(() => SafeInt, { description: 'What the savepoints free, as far as sizes are known.' })
  readonly freedBytes: number;

  @Field(() => String, { description: 'The token of what would go now: give it when that is meant.' })
  readonly previewToken: string;

  constructor(
    { savepoints, of, runs, freedBytes }: { savepoints: number; of: number; runs: number; freedBytes: number },
    { token, given }: { token: string; given: string | null },
  ) {
    super();
    this.savepoints = savepoints;
    this.of = of;
    this.leftBehindRuns = runs;
    this.freedBytes = freedBytes;
    this.previewToken = token;
    this.message =
      `${given ? 'The preview does not hold any more: now it' : 'It'} would delete ${savepoints} of ${of} savepoints at once (${inWordsBytes(freedBytes)})${runs > 0 ? ` and dispose of what ${runs} ended ${runs === 1 ? 'run has' : 'runs have'} left` : ''}. ` +
      'Look at previewRetention; if that is meant, ask again with its previewToken.';
  }
}

@ObjectType({
  implements: UserError,
  description: 'Declined: the deployment has no retention policy. Give it one with setRetentionPolicy.',
})
export class NoRetentionPolicy extends UserError {
  override readonly code = 'NO_RETENTION_POLICY' as const;
  override readonly message: string;

  constructor(deploymentName: string) {
    super();
    this.message = `Deployment "${deploymentName}" has no retention policy: no rule deletes its savepoints. Give one with setRetentionPolicy.`;
  }
}

export const SetRetentionPolicyResult = createUnionType({
  name: 'SetRetentionPolicyResult',
  description: 'The deployment, with its policy in `retention`, or why it was not taken.',
  types: () => [Deployment, NotFound, InvalidInput, LargeCleanup, IdempotencyKeyReused] as const,
});
export type SetRetentionPolicyResult = typeof SetRetentionPolicyResult;

export const RemoveRetentionPolicyResult = createUnionType({
  name: 'RemoveRetentionPolicyResult',
  description: 'The deployment, without a policy now, or why not. One that had none answers as it is.',
  types: () => [Deployment, NotFound, IdempotencyKeyReused] as const,
});
export type RemoveRetentionPolicyResult = typeof RemoveRetentionPolicyResult;

export const ConfirmCleanupResult = createUnionType({
  name: 'ConfirmCleanupResult',
  description: 'The deployment, whose next pass is made at once, or why not.',
  types: () => [Deployment, NotFound, NoRetentionPolicy, LargeCleanup, IdempotencyKeyReused] as const,
});
export type ConfirmCleanupResult = typeof ConfirmCleanupResult;

export const PreviewRetentionResult = createUnionType({
  name: 'PreviewRetentionResult',
  description: 'What the policy would do, or why that cannot be said.',
  types: () => [RetentionPreview, NotFound, InvalidInput, NoRetentionPolicy] as const,
});
export type PreviewRetentionResult = typeof PreviewRetentionResult;
