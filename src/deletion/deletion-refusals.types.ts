import { Field, ID, ObjectType } from 'type-graphql';
import { DateTime } from '../api/scalars.js';
import { UserError } from '../api/user-error.js';
import { SavepointState } from '../savepoint/savepoint.enums.js';
import { ProtectionKind } from './deletion.enums.js';
import type { Disposal } from './disposal.store.js';
import type { Protection } from './protection.js';

@ObjectType({ description: 'One reason why a savepoint is not deleted now.' })
export class SavepointProtection {
  @Field(() => ProtectionKind, { description: 'What kind of reason.' })
  readonly kind: ProtectionKind;

  @Field(() => String, { description: 'The same for a person.' })
  readonly message: string;

  @Field(() => String, { description: 'What ends it: goes on from "until" or "when".' })
  readonly unlock: string;

  readonly deploymentId: string | null;
  readonly jobId: string | null;

  constructor({ kind, message, unlock, deploymentId, jobId }: Protection) {
    this.kind = ProtectionKind[kind];
    this.message = message;
    this.unlock = unlock;
    this.deploymentId = deploymentId ?? null;
    this.jobId = jobId ?? null;
  }
}

@ObjectType({
  implements: UserError,
  description:
    'Declined: something needs it. `protections` says what, and what would end that; force: true passes NEWEST_GOOD and LATEST_STATE.',
})
export class SavepointProtected extends UserError {
  override readonly code = 'SAVEPOINT_PROTECTED' as const;
  override readonly message: string;

  @Field(() => ID, { description: 'The savepoint.' })
  readonly savepointId: string;

  @Field(() => [SavepointProtection], { description: 'What stands in the way, the firmest first.' })
  readonly protections: SavepointProtection[];

  constructor(savepointId: string, protections: readonly Protection[]) {
    super();
    this.savepointId = savepointId;
    this.protections = protections.map((one) => new SavepointProtection(one));
    const [first] = protections;
    const passable = protections.every(({ kind }) => kind === 'NEWEST_GOOD' || kind === 'LATEST_STATE');
    this.message =
      `Savepoint ${savepointId} is not deleted. ${protections.map(({ message }) => message).join(' ')} ` +
      `It can be when ${first?.unlock}${passable ? '; or with force: true' : ''}.`;
  }
}

@ObjectType({
  implements: UserError,
  description:
    'Declined: a deployment, its own or a stopped one that falls back to it, could be restored from nothing afterwards. lastState: true if that is meant.',
})
export class LastState extends UserError {
  override readonly code = 'LAST_STATE' as const;
  override readonly message: string;

  @Field(() => ID, { description: 'The savepoint.' })
  readonly savepointId: string;

  constructor(savepointId: string, deploymentName: string) {
    super();
    this.savepointId = savepointId;
    this.message =
      `Savepoint ${savepointId} is the last state that deployment "${deploymentName}" could be restored from: checkpoints of a live run are Flink's, and go with it. ` +
      'Take another savepoint of it first; or ask with lastState: true.';
  }
}

@ObjectType({
  implements: UserError,
  description: 'Declined: it is not complete yet. Wait for its end, or give it up first (abandonSavepoint).',
})
export class SavepointUnderWay extends UserError {
  override readonly code = 'SAVEPOINT_UNDER_WAY' as const;
  override readonly message: string;

  @Field(() => ID, { description: 'The savepoint: follow it.' })
  readonly savepointId: string;

  @Field(() => SavepointState, { description: 'The state that it has.' })
  readonly savepointState: SavepointState;

  constructor(savepointId: string, savepointState: SavepointState) {
    super();
    this.savepointId = savepointId;
    this.savepointState = savepointState;
    this.message = `Savepoint ${savepointId} is ${savepointState}, and there is nothing to delete yet. Wait for its end, or give it up first (abandonSavepoint).`;
  }
}

@ObjectType({
  implements: UserError,
  description:
    'Declined: there is nothing to delete, or it lies where Stateward deletes nothing. `location` is for whoever owns that place.',
})
export class SavepointNotDeletable extends UserError {
  override readonly code = 'SAVEPOINT_NOT_DELETABLE' as const;
  override readonly message: string;

  @Field(() => ID, { description: 'The savepoint.' })
  readonly savepointId: string;

  @Field(() => String, { nullable: true, description: 'Where it lies; null: nowhere that is known.' })
  readonly location: string | null;

  constructor(savepointId: string, why: string, location: string | null) {
    super();
    this.savepointId = savepointId;
    this.location = location;
    const byHand = location === null ? '' : ` When nothing needs it any more, remove it by hand: ${location}`;
    this.message = `Savepoint ${savepointId} is not deleted: ${why}.${byHand}`;
  }
}

@ObjectType({
  implements: UserError,
  description: 'Declined: no deletion of it is under way that could be tried again or given up.',
})
export class NotBeingDeleted extends UserError {
  override readonly code = 'NOT_BEING_DELETED' as const;
  override readonly message: string;

  @Field(() => SavepointState, { description: 'The state that it has instead.' })
  readonly savepointState: SavepointState;

  constructor(savepointId: string, savepointState: SavepointState) {
    super();
    this.savepointState = savepointState;
    const asIs =
      savepointState === SavepointState.DELETED ? 'it is gone already' : 'ask for its deletion first (deleteSavepoint)';
    this.message = `Savepoint ${savepointId} is ${savepointState}, and no deletion of it is under way: ${asIs}.`;
  }
}

@ObjectType({
  implements: UserError,
  description:
    'Declined: Flink was asked to delete it and may still be at it, so its place is not free yet. It can be given up when that has ended.',
})
export class DisposalUnderWay extends UserError {
  override readonly code = 'DISPOSAL_UNDER_WAY' as const;
  override readonly message: string;

  @Field(() => ID, { description: 'The savepoint: follow it.' })
  readonly savepointId: string;

  @Field(() => DateTime, { description: 'When Flink was asked, on the clock of the database.' })
  readonly askedAt: Date;

  constructor(savepointId: string, { clusterName, location, askedAt, untoldUntil }: Disposal) {
    super();
    this.savepointId = savepointId;
    this.askedAt = askedAt;
    const asked = clusterName === null ? 'Flink' : `cluster "${clusterName}"`;
    const ends =
      untoldUntil === null
        ? 'Ask again when that has ended. If the cluster does not answer, Stateward lets go of it after its rest.async.store-duration (5 min by default); if it answers and never ends, restart its JobManager.'
        : `What became of that was not told, so the place counts as in use until ${untoldUntil.toISOString()}: ask again then.`;
    this.message = `The deletion of savepoint ${savepointId} is not given up now: ${asked} was asked at ${askedAt.toISOString()} and may still be deleting files at ${location}. ${ends}`;
  }
}
