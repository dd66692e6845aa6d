import { Field, ID, InterfaceType, ObjectType } from 'type-graphql';

/**
 * Every refusal that a mutation may answer with: a request that was understood and declined. docs/errors.md lists the
 * same codes with what unlocks each; a test compares the two, both ways.
 */
export const refusalCodes = [
  'NOT_FOUND',
  'INVALID_INPUT',
  'IDEMPOTENCY_KEY_REUSED',
  'NAME_TAKEN',
  'CLUSTER_ALREADY_REGISTERED',
  'CLUSTER_UNREACHABLE',
  'CLUSTER_CHANGED',
  'CLUSTER_NOT_CHANGED',
  'CLUSTER_IN_USE',
  'CLUSTER_NOT_GONE',
  'CLUSTER_TAKES_NO_JARS',
  'NO_SAVEPOINT_ROOT',
  'STORAGES_COLLIDE',
  'ALREADY_KNOWN',
  'ARTIFACT_IN_USE',
  'NO_LIVE_JOB',
  'ENTRY_CLASS_MISSING',
  'CLUSTER_LEVEL_KEY',
  'DEPLOYMENT_NOT_STOPPED',
  'DEPLOYMENT_NOT_RUNNING',
  'NO_RESTORABLE_STATE',
  'JOB_HAD_FINISHED',
  'CHECKPOINT_OF_LIVE_JOB',
  'LATEST_STATE_UNCERTAIN',
  'SNAPSHOT_NOT_RESTORABLE',
  'STATE_IS_DRAINED',
  'STATE_NOT_REACHABLE',
  'RESTORE_INCOMPATIBLE',
  'ANOTHER_RUN_IS_LIVE',
  'AMBIGUOUS_JOB',
  'JOB_NOT_ON_CLUSTER',
  'JOB_ALREADY_MANAGED',
  'ARTIFACT_NEEDED',
  'CODE_NOT_KNOWN',
  'OUTSIDE_STORAGES',
  'SAVEPOINT_IN_PROGRESS',
  'STOP_IN_PROGRESS',
  'STATE_WOULD_BE_LOST',
  'DRAIN_IS_FINAL',
  'FORMAT_NOT_SUPPORTED',
  'SAVEPOINT_HAS_ENDED',
  'INVALID_CRON',
  'NO_SCHEDULE',
  'SCHEDULE_UNREADABLE',
  'CHECKPOINT_IS_FLINKS',
  'SAVEPOINT_UNDER_WAY',
  'SAVEPOINT_PROTECTED',
  'LAST_STATE',
  'SAVEPOINT_NOT_DELETABLE',
  'NOT_BEING_DELETED',
  'DISPOSAL_UNDER_WAY',
  'BEING_DELETED',
  'LARGE_CLEANUP',
  'DELETION_NOT_PREVIEWED',
  'NO_RETENTION_POLICY',
] as const;
export type RefusalCode = (typeof refusalCodes)[number];

@InterfaceType({
  description:
    'A request that was understood and declined, with the reason and what would unlock it. Ask for `... on UserError { code message }` and new refusals will not surprise you.',
  resolveType: (value: object) => value.constructor.name,
})
export abstract class UserError {
  @Field(() => String, { description: 'From a closed list, documented in docs/errors.md.' })
  readonly code!: RefusalCode;

  @Field(() => String, { description: 'What was declined, why, and what to do, for a person.' })
  readonly message!: string;
}

@ObjectType({
  implements: UserError,
  description: 'Declined: nothing has the id that `field` names. Use an id from an answer of this API.',
})
export class NotFound extends UserError {
  override readonly code = 'NOT_FOUND' as const;
  override readonly message: string;

  @Field(() => String, { description: 'The argument that named it.' })
  readonly field: string;

  @Field(() => ID, { description: 'The id that was given.' })
  readonly id: string;

  constructor(field: string, what: string, id: string) {
    super();
    this.field = field;
    this.id = id;
    this.message = `There is no ${what} ${id} (${field}).`;
  }
}

@ObjectType({
  implements: UserError,
  description: 'Declined: `field` cannot be used; the message says why. Correct it.',
})
export class InvalidInput extends UserError {
  override readonly code = 'INVALID_INPUT' as const;
  override readonly message: string;

  @Field(() => String, { description: 'The field that cannot be used.' })
  readonly field: string;

  constructor(field: string, problem: string) {
    super();
    this.field = field;
    this.message = `${field}: ${problem}`;
  }
}

@ObjectType({
  implements: UserError,
  description:
    'Declined: this key was used within 24 h for a request with other input. Use a new key for a new request.',
})
export class IdempotencyKeyReused extends UserError {
  override readonly code = 'IDEMPOTENCY_KEY_REUSED' as const;
  override readonly message: string;

  constructor(key: string) {
    super();
    this.message = `The idempotency key "${key}" was used within the last 24 h for a request with other input. Use a new key for a new request.`;
  }
}

@ObjectType({ implements: UserError, description: 'Declined: another object has this name. Choose another.' })
export class NameTaken extends UserError {
  override readonly code = 'NAME_TAKEN' as const;
  override readonly message: string;

  @Field(() => ID, { description: 'What has this name.' })
  readonly takenById: string;

  constructor(what: string, name: string, takenById: string) {
    super();
    this.takenById = takenById;
    this.message = `A ${what} named "${name}" exists already (${takenById}). Choose another name.`;
  }
}
