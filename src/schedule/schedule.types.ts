import { createUnionType, Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import { SafeInt } from '../api/scalars.js';
import { IdempotencyKeyReused, InvalidInput, NotFound, UserError } from '../api/user-error.js';
import { NoSavepointRoot } from '../cluster/cluster.types.js';
import { SavepointFormat } from '../deployment/savepoint-format.js';
import { FormatNotSupported } from '../savepoint/savepoint.types.js';
import type { CronProblem } from './cron.js';
import { SavepointSchedule } from './schedule.entity.js';
import { CatchUp, SlotOutcome, SlotReason } from './schedule.enums.js';

@InputType({ description: 'Times at which a schedule does not fire.' })
export class BlackoutInput {
  @Field(() => String, {
    description: 'Cron expression: when such a window begins, such as 0 8 * * MON-FRI.',
  })
  start!: string;

  @Field(() => SafeInt, { description: 'How long it lasts: 60000 (1 min) to 2678400000 (31 days).' })
  durationMs!: number;

  @Field(() => String, { nullable: true, description: "IANA time zone of start. Default: the schedule's." })
  zone?: string | null;
}

@InputType({ description: 'When savepoints are made, and how.' })
export class ScheduleInput {
  @Field(() => String, {
    description:
      'Cron expression of five fields: minute, hour, day, month, weekday, where 1 is Monday and 7 Sunday. Only * , - / and names such as JAN or MON. Slots are at least 10 min apart.',
  })
  expression!: string;

  @Field(() => String, { nullable: true, description: 'IANA time zone, such as Europe/Berlin. Default: UTC.' })
  zone?: string | null;

  @Field(() => CatchUp, { nullable: true, description: 'What is done about slots that were missed. Default: ONE.' })
  catchUp?: CatchUp | null;

  @Field(() => Int, {
    nullable: true,
    description:
      'Savepoints are asked for up to so many seconds after their slot, each deployment always at the same time, so that neighbours spread. 0 to 540; default: 0.',
  })
  jitterSeconds?: number | null;

  @Field(() => [BlackoutInput], { nullable: true, description: 'Windows in which slots are skipped; up to 20.' })
  blackouts?: BlackoutInput[] | null;

  @Field(() => Int, {
    nullable: true,
    description: 'How often one savepoint is tried, where its failure may pass. 1 to 5; default: 2.',
  })
  attempts?: number | null;

  @Field(() => SavepointFormat, { nullable: true, description: "Default: the deployment's." })
  format?: SavepointFormat | null;
}

@InputType({ description: 'The schedule that a deployment shall have.' })
export class SetSavepointScheduleInput {
  @Field(() => ID, { description: 'The deployment; it need not run.' })
  deploymentId!: string;

  @Field(() => ScheduleInput, {
    description: 'Takes the place of the schedule that it has. A paused one stays paused.',
  })
  schedule!: ScheduleInput;

  @Field(() => String, {
    nullable: true,
    description: 'The same key and input within 24 h answer with the same schedule.',
  })
  idempotencyKey?: string | null;
}

@InputType({ description: 'A schedule whose slots shall go by.' })
export class PauseSavepointScheduleInput {
  @Field(() => ID, { description: 'The deployment whose schedule it is.' })
  deploymentId!: string;

  @Field(() => String, { nullable: true, description: 'Kept and shown, up to 500 characters: why.' })
  reason?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'The same key and input within 24 h answer with the same schedule.',
  })
  idempotencyKey?: string | null;
}

@InputType({ description: 'A paused schedule that shall go on.' })
export class ResumeSavepointScheduleInput {
  @Field(() => ID, { description: 'The deployment whose schedule it is.' })
  deploymentId!: string;

  @Field(() => String, {
    nullable: true,
    description: 'The same key and input within 24 h answer with the same schedule.',
  })
  idempotencyKey?: string | null;
}

@InputType({ description: 'A schedule that shall end.' })
export class RemoveSavepointScheduleInput {
  @Field(() => ID, { description: 'The deployment whose schedule it is.' })
  deploymentId!: string;

  @Field(() => String, {
    nullable: true,
    description: 'The same key and input within 24 h answer with the same schedule.',
  })
  idempotencyKey?: string | null;
}

@InputType({ description: 'Which slots a list holds: those that meet every field that is given.' })
export class SlotFilterInput {
  @Field(() => [SlotOutcome], { nullable: true, description: 'Only those that came out so.' })
  outcomes?: SlotOutcome[] | null;

  @Field(() => [SlotReason], { nullable: true, description: 'Only those that were skipped for one of these reasons.' })
  reasons?: SlotReason[] | null;
}

@ObjectType({
  implements: UserError,
  description: 'Declined: a cron expression cannot be used. remedy says what would be right.',
})
export class InvalidCron extends UserError {
  override readonly code = 'INVALID_CRON' as const;
  override readonly message: string;

  @Field(() => String, { description: 'Which argument holds the expression, such as schedule.expression.' })
  readonly argument: string;

  @Field(() => String, {
    description:
      'Which of its fields is wrong: minute, hour, dayOfMonth, month or dayOfWeek; expression: it as a whole.',
  })
  readonly field: string;

  @Field(() => Int, { description: 'At which character, counted from 1.' })
  readonly position: number;

  @Field(() => String, { description: 'What would be right.' })
  readonly remedy: string;

  constructor(argument: string, problem: CronProblem) {
    super();
    this.argument = argument;
    this.field = problem.field ?? 'expression';
    this.position = problem.position;
    this.remedy = problem.remedy;
    this.message = `${argument}, ${this.field}, character ${problem.position}: ${problem.message} ${problem.remedy}`;
  }
}

@ObjectType({ implements: UserError, description: 'Declined: the deployment has no schedule. Set one.' })
export class NoSchedule extends UserError {
  override readonly code = 'NO_SCHEDULE' as const;
  override readonly message: string;

  constructor(deploymentName: string) {
    super();
    this.message = `Deployment "${deploymentName}" has no schedule. setSavepointSchedule gives it one.`;
  }
}

@ObjectType({
  implements: UserError,
  description: 'Declined: the schedule cannot be read, so nobody can tell which of its slots were paused. Set it anew.',
})
export class ScheduleUnreadable extends UserError {
  override readonly code = 'SCHEDULE_UNREADABLE' as const;
  override readonly message: string;

  constructor(deploymentName: string, unreadable: string) {
    super();
    this.message = `The schedule of deployment "${deploymentName}" cannot go on, since it cannot be read. ${unreadable}`;
  }
}

export const SetSavepointScheduleResult = createUnionType({
  name: 'SetSavepointScheduleResult',
  description: 'The schedule as it is now, or why it was not set.',
  types: () =>
    [
      SavepointSchedule,
      NotFound,
      InvalidInput,
      InvalidCron,
      NoSavepointRoot,
      FormatNotSupported,
      IdempotencyKeyReused,
    ] as const,
});
export type SetSavepointScheduleResult = typeof SetSavepointScheduleResult;

export const PauseSavepointScheduleResult = createUnionType({
  name: 'PauseSavepointScheduleResult',
  description: 'The schedule, paused, or why it was not.',
  types: () => [SavepointSchedule, NotFound, InvalidInput, NoSchedule, IdempotencyKeyReused] as const,
});
export type PauseSavepointScheduleResult = typeof PauseSavepointScheduleResult;

export const ResumeSavepointScheduleResult = createUnionType({
  name: 'ResumeSavepointScheduleResult',
  description: 'The schedule, which goes on, or why it does not.',
  types: () => [SavepointSchedule, NotFound, NoSchedule, ScheduleUnreadable, IdempotencyKeyReused] as const,
});
export type ResumeSavepointScheduleResult = typeof ResumeSavepointScheduleResult;

export const RemoveSavepointScheduleResult = createUnionType({
  name: 'RemoveSavepointScheduleResult',
  description: 'The schedule that has ended, kept for its slots, or why it has not.',
  types: () => [SavepointSchedule, NotFound, NoSchedule, IdempotencyKeyReused] as const,
});
export type RemoveSavepointScheduleResult = typeof RemoveSavepointScheduleResult;
