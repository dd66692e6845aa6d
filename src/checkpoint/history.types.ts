import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import { connectionOf } from '../api/connection.js';
import { DateTime, SafeInt } from '../api/scalars.js';
import { SavepointFormat } from '../deployment/savepoint-format.js';
import { SnapshotKind } from '../job/snapshot-kind.js';
import { CheckpointState, GapReason } from './checkpoint.enums.js';

@ObjectType({ description: 'A span of a run of which nothing is recorded, or less than Flink counted.' })
export class CheckpointGap {
  @Field(() => ID, { description: 'Its id, a UUID.' })
  id!: string;

  @Field(() => DateTime, { description: "Where it begins, on the JobManager's clock where that is known." })
  from!: Date;

  @Field(() => DateTime, { description: "Where it ends, on the JobManager's clock where that is known." })
  to!: Date;

  @Field(() => Int, { nullable: true, description: 'How many checkpoints are missing; null: that is not known.' })
  missing!: number | null;

  @Field(() => GapReason, { description: 'How it is known that something is missing.' })
  reason!: GapReason;

  @Field(() => DateTime, { description: 'When it was noticed, on the clock of the database.' })
  noticedAt!: Date;

  jobId!: string;

  @Field(() => String, { description: 'What is missing and why, for a person.' })
  get message(): string {
    const span = `between ${this.from.toISOString()} and ${this.to.toISOString()}`;
    const what =
      this.missing === null
        ? 'Checkpoints may be missing'
        : `${this.missing} ${this.missing === 1 ? 'checkpoint is' : 'checkpoints are'} missing`;
    return `${what} ${span}: ${causes[this.reason]}`;
  }
}

const tooLate = 'Flink remembers few of them (web.checkpoints.history), and nobody asked it in time.';
const causes: Record<GapReason, string> = {
  COUNTED_MORE: `Flink counted more than are recorded. ${tooLate}`,
  ID_MISSING: `their ids were left out. ${tooLate}`,
  JOBMANAGER_CHANGED: 'the JobManager was restarted, and what it knew of them went with it.',
};

export const CheckpointGapConnection = connectionOf('CheckpointGap', () => CheckpointGap);

@InputType({ description: 'Which checkpoints a list holds: those that meet every field that is given.' })
export class CheckpointFilterInput {
  @Field(() => [CheckpointState], { nullable: true, description: 'Only those in one of these states.' })
  states?: CheckpointState[] | null;

  @Field(() => [SnapshotKind], { nullable: true, description: 'Only those of one of these kinds.' })
  kinds?: SnapshotKind[] | null;

  @Field(() => [String], {
    nullable: true,
    description:
      'Only those of one of these types of Flink: CHECKPOINT, UNALIGNED_CHECKPOINT, SAVEPOINT, SYNC_SAVEPOINT.',
  })
  types?: string[] | null;

  @Field(() => [SavepointFormat], {
    nullable: true,
    description: 'Only those in one of these formats, which savepoints alone have.',
  })
  formats?: SavepointFormat[] | null;

  @Field(() => DateTime, { nullable: true, description: 'Only those that were triggered at this time or later.' })
  from?: Date | null;

  @Field(() => DateTime, { nullable: true, description: 'Only those that were triggered before this time.' })
  to?: Date | null;

  @Field(() => ID, { nullable: true, description: 'Only those of this run.' })
  jobId?: string | null;

  @Field(() => Boolean, {
    defaultValue: false,
    description:
      'With the entries that Flink made for savepoints of Stateward, which `savepoints` lists with more detail.',
  })
  withOwnSavepoints?: boolean;
}

@ObjectType({
  description:
    'LEFT_BEHIND: checkpoints that ended runs retained. They belong to nobody: Flink has forgotten them, and no later run deletes them.',
})
export class LeftBehind {
  @Field(() => SafeInt, {
    description: 'The whole state that they stand for, together. Incremental ones of a run share files, and take less.',
  })
  totalBytes!: number;

  @Field(() => Int, { description: 'How many there are.' })
  count!: number;

  @Field(() => Int, { description: 'Of how many the size is not known; they are not in totalBytes.' })
  ofUnknownSize!: number;

  deploymentId!: string;
}
