import { createUnionType, Field, ID, InputType, ObjectType } from 'type-graphql';
import { SafeInt } from '../api/scalars.js';
import { IdempotencyKeyReused, InvalidInput, NotFound, UserError } from '../api/user-error.js';
import { ClusterChanged, NoSavepointRoot } from '../cluster/cluster.types.js';
import { SavepointFormat } from '../deployment/savepoint-format.js';
import { AmbiguousJob } from '../job/ambiguous-job.js';
import { DeploymentNotRunning, FormatNotSupported } from '../savepoint/savepoint.types.js';
import { Stop } from './stop.entity.js';
import { OnFailureAction, StopMode, WhenSavepointRuns } from './stop.enums.js';

@InputType({ description: 'What is done when the savepoint of a stop fails and the job runs on.' })
export class OnFailureInput {
  @Field(() => OnFailureAction, { defaultValue: OnFailureAction.LEAVE, description: 'LEAVE, unless told otherwise.' })
  action!: OnFailureAction;

  @Field(() => SafeInt, {
    nullable: true,
    description:
      'With CANCEL_IF_CHECKPOINT_YOUNGER_THAN: the most that its trigger time may lie back, on the clock of the JobManager.',
  })
  checkpointYoungerThanMs?: number | null;
}

@InputType({ description: 'A deployment to stop, and how.' })
export class StopDeploymentInput {
  @Field(() => ID, {
    description:
      'The deployment to stop. With a savepoint it must be RUNNING; without one STARTING, RUNNING, RESTARTING or STOPPING.',
  })
  deploymentId!: string;

  @Field(() => StopMode, { description: 'With or without a savepoint; there is no default.' })
  mode!: StopMode;

  @Field(() => SavepointFormat, {
    nullable: true,
    description:
      "Of its savepoint. Default: the deployment's; where it names none CANONICAL, or NATIVE on ForSt, which cannot write CANONICAL.",
  })
  format?: SavepointFormat | null;

  @Field(() => String, { nullable: true, description: 'Up to 500 characters, kept and shown: why it is stopped.' })
  description?: string | null;

  @Field(() => Boolean, {
    defaultValue: false,
    description: 'WITH_DRAIN needs true: the job is told that its data are at an end.',
  })
  final!: boolean;

  @Field(() => WhenSavepointRuns, {
    defaultValue: WhenSavepointRuns.WAIT,
    description: 'What to do about a savepoint that is in progress, which Flink would abort.',
  })
  whenSavepointRuns!: WhenSavepointRuns;

  @Field(() => OnFailureInput, {
    nullable: true,
    description: 'What to do when its savepoint fails and the job runs on. Default: the job runs on.',
  })
  onFailure?: OnFailureInput | null;

  @Field(() => Boolean, {
    defaultValue: false,
    description: 'WITHOUT_SAVEPOINT: go on although state is lost by it (STATE_WOULD_BE_LOST).',
  })
  acceptStateLoss!: boolean;

  @Field(() => String, { nullable: true, description: 'The same key and input within 24 h answer with the same stop.' })
  idempotencyKey?: string | null;
}

@ObjectType({
  implements: UserError,
  description: 'Declined: a stop of it is under way. Follow that one; WITHOUT_SAVEPOINT takes its place.',
})
export class StopInProgress extends UserError {
  override readonly code = 'STOP_IN_PROGRESS' as const;
  override readonly message: string;

  @Field(() => ID, { description: 'The one that is under way: follow it.' })
  readonly stopId: string;

  constructor(name: string, stop: Pick<Stop, 'id' | 'mode' | 'waitingFor'>) {
    super();
    this.stopId = stop.id;
    const waits = stop.waitingFor ? `, and waits for ${stop.waitingFor}` : '';
    const wayOut =
      stop.mode === StopMode.WITHOUT_SAVEPOINT
        ? 'Follow it: it cancels the job already.'
        : 'Follow it. Should it hang: WITHOUT_SAVEPOINT takes its place.';
    this.message = `Stop ${stop.id} of "${name}" (${stop.mode}) is under way${waits}. ${wayOut}`;
  }
}

@ObjectType({
  implements: UserError,
  description:
    'Declined: a cancel would lose state. Stop with a savepoint, or say acceptStateLoss: true to go on all the same.',
})
export class StateWouldBeLost extends UserError {
  override readonly code = 'STATE_WOULD_BE_LOST' as const;
  override readonly message: string;

  @Field(() => String, {
    nullable: true,
    description: 'The newest state that would remain: its location; null: none.',
  })
  readonly remainingLocation: string | null;

  @Field(() => SafeInt, {
    nullable: true,
    description: 'How old that state is, on the clock of the JobManager; null where it is not known.',
  })
  readonly remainingAgeMs: number | null;

  /** `loss` from {@link explainLoss}. */
  constructor(loss: { message: string; remaining: { location: string; ageMs: number | null } | null }) {
    super();
    this.remainingLocation = loss.remaining?.location ?? null;
    this.remainingAgeMs = loss.remaining?.ageMs ?? null;
    this.message = loss.message;
  }
}

@ObjectType({
  implements: UserError,
  description: 'Declined: a drain tells the job that its data are at an end. Say final: true, or use WITH_SAVEPOINT.',
})
export class DrainIsFinal extends UserError {
  override readonly code = 'DRAIN_IS_FINAL' as const;
  override readonly message =
    'WITH_DRAIN tells the job that its data are at an end: windows fire before their time, and its savepoint is not meant to be gone on from. Say final: true if that is meant; to go on later, use WITH_SAVEPOINT.';
}

export const StopDeploymentResult = createUnionType({
  name: 'StopDeploymentResult',
  description: 'The stop that was accepted, or why none was.',
  types: () =>
    [
      Stop,
      NotFound,
      InvalidInput,
      DeploymentNotRunning,
      StopInProgress,
      NoSavepointRoot,
      ClusterChanged,
      StateWouldBeLost,
      DrainIsFinal,
      FormatNotSupported,
      AmbiguousJob,
      IdempotencyKeyReused,
    ] as const,
});
export type StopDeploymentResult = typeof StopDeploymentResult;
