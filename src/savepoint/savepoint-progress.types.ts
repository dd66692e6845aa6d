import { Field, Int, ObjectType } from 'type-graphql';
import { DateTime, SafeInt } from '../api/scalars.js';
import { NoProgressReason } from './savepoint.enums.js';

/** The columns that progress is told from. */
export interface ProgressColumns {
  acknowledgedSubtasks: number | null;
  totalSubtasks: number | null;
  progressBytes: number | null;
  progressAt: Date | null;
  stateSince: Date;
  expectedDurationMs: number | null;
  noProgress: NoProgressReason | null;
}

@ObjectType({ description: 'Progress of a savepoint in Flink. Numbers are null where noProgress says why.' })
export class SavepointProgressNow {
  @Field(() => Int, { nullable: true, description: 'How many of totalSubtasks have written their part.' })
  readonly acknowledgedSubtasks: number | null;

  @Field(() => Int, { nullable: true, description: 'How many subtasks take part.' })
  readonly totalSubtasks: number | null;

  @Field(() => SafeInt, { nullable: true, description: 'Written so far.' })
  readonly bytes: number | null;

  @Field(() => DateTime, { nullable: true, description: 'When Flink was asked.' })
  readonly observedAt: Date | null;

  @Field(() => SafeInt, { description: 'Since it was admitted.' })
  readonly elapsedMs: number;

  @Field(() => SafeInt, {
    nullable: true,
    description: 'Median of the last ten of this deployment in this format; null when there were none.',
  })
  readonly expectedDurationMs: number | null;

  @Field(() => NoProgressReason, { nullable: true, description: 'Why the numbers are null; null when they are there.' })
  readonly noProgress: NoProgressReason | null;

  constructor(savepoint: ProgressColumns) {
    this.acknowledgedSubtasks = savepoint.acknowledgedSubtasks;
    this.totalSubtasks = savepoint.totalSubtasks;
    this.bytes = savepoint.progressBytes;
    this.observedAt = savepoint.progressAt;
    this.elapsedMs = Math.max(0, Date.now() - savepoint.stateSince.getTime());
    this.expectedDurationMs = savepoint.expectedDurationMs;
    this.noProgress =
      savepoint.noProgress ?? (savepoint.totalSubtasks === null ? NoProgressReason.NOT_YET_REPORTED : null);
  }
}
