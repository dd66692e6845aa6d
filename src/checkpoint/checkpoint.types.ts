import { Field, ID, Int, ObjectType } from 'type-graphql';
import { connectionOf } from '../api/connection.js';
import { DateTime, SafeInt } from '../api/scalars.js';
import { SavepointFormat } from '../deployment/savepoint-format.js';
import { SnapshotKind } from '../job/snapshot-kind.js';
import { CheckpointState, type DeletionObstacle, SnapshotOwner } from './checkpoint.enums.js';
import type { CheckpointToJudge, SavepointToJudge, Verdict } from './restorable.js';
import {
  checkpointDeletable,
  checkpointOwner,
  checkpointRestorable,
  savepointDeletable,
  savepointOwner,
  savepointRestorable,
} from './restorable.js';
import { Restorable } from './verdicts.types.js';

/** What a {@link Checkpoint} is made of. Plain data: no entity, since they are many. */
export interface CheckpointRow {
  jobId: string;
  deploymentId: string;
  flinkCheckpointId: number;
  kind: SnapshotKind;
  type: string | null;
  format: SavepointFormat | null;
  state: CheckpointState;
  triggeredAt: Date;
  endedAt: Date | null;
  durationMs: number | null;
  checkpointedBytes: number | null;
  stateBytes: number | null;
  subtasks: number | null;
  acknowledgedSubtasks: number | null;
  location: string | null;
  failureMessage: string | null;
  discarded: boolean;
  savepointId: string | null;
  run: CheckpointToJudge['run'];
  retained: CheckpointToJudge['retained'];
  /** The row of ours that this entry of Flink's history is of. */
  savepoint: SavepointToJudge | null;
}

@ObjectType({
  description:
    'A snapshot as Flink told of it: a checkpoint, or a savepoint that shows up in the history of its job. It stays listed for some weeks; what the last run did, and what was left behind, is kept for ever.',
})
export class Checkpoint {
  @Field(() => ID, { description: 'The id of its run, a colon, and the id that Flink gave it.' })
  readonly id: string;

  @Field(() => SafeInt, { description: "Flink's own id; counts up within a run, with holes." })
  readonly flinkCheckpointId: number;

  @Field(() => SnapshotKind, { description: 'Whether Flink made it by itself, or somebody asked for it.' })
  readonly kind: SnapshotKind;

  @Field(() => String, {
    nullable: true,
    description:
      'As Flink names it: CHECKPOINT, UNALIGNED_CHECKPOINT, SAVEPOINT or SYNC_SAVEPOINT (of a stop). Null: not told, or not kept.',
  })
  readonly type: string | null;

  @Field(() => SavepointFormat, { nullable: true, description: 'Of a savepoint; null for a checkpoint.' })
  readonly format: SavepointFormat | null;

  @Field(() => CheckpointState, { description: 'Where it stood when Flink last told of it.' })
  readonly state: CheckpointState;

  @Field(() => DateTime, { description: "When Flink began it, on the JobManager's clock." })
  readonly triggeredAt: Date;

  @Field(() => DateTime, {
    nullable: true,
    description: "When it was complete or had failed, on the JobManager's clock; null: not yet, or not told.",
  })
  readonly endedAt: Date | null;

  @Field(() => SafeInt, { nullable: true, description: 'From its beginning to its end; null: not yet, or not told.' })
  readonly durationMs: number | null;

  @Field(() => SafeInt, { nullable: true, description: 'Written by this one alone; null: not told.' })
  readonly checkpointedBytes: number | null;

  @Field(() => SafeInt, {
    nullable: true,
    description: 'The whole state that it stands for, earlier files that it uses included; null: not told.',
  })
  readonly stateBytes: number | null;

  @Field(() => Int, { nullable: true, description: 'How many subtasks take part; null: not told, or not kept.' })
  readonly subtasks: number | null;

  @Field(() => Int, {
    nullable: true,
    description: 'How many of subtasks have acknowledged it; null: not told, or not kept.',
  })
  readonly acknowledgedSubtasks: number | null;

  @Field(() => String, {
    nullable: true,
    description: 'Where it lies, as its cluster writes it; null: nowhere, or in the memory of the JobManager.',
  })
  readonly location: string | null;

  @Field(() => String, { nullable: true, description: 'Why it failed, in the words of Flink; null when it did not.' })
  readonly failureMessage: string | null;

  @Field(() => Boolean, { description: 'Flink said that it has deleted its data.' })
  readonly discarded: boolean;

  readonly jobId: string;
  readonly deploymentId: string;
  readonly savepointId: string | null;
  private readonly facts: CheckpointToJudge;
  private readonly ours: SavepointToJudge | null;

  constructor(row: CheckpointRow) {
    this.id = `${row.jobId}:${row.flinkCheckpointId}`;
    this.flinkCheckpointId = row.flinkCheckpointId;
    this.kind = row.kind;
    this.type = row.type;
    this.format = row.format;
    this.state = row.state;
    this.triggeredAt = row.triggeredAt;
    this.endedAt = row.endedAt;
    this.durationMs = row.durationMs;
    this.checkpointedBytes = row.checkpointedBytes;
    this.stateBytes = row.stateBytes;
    this.subtasks = row.subtasks;
    this.acknowledgedSubtasks = row.acknowledgedSubtasks;
    this.location = row.location;
    this.failureMessage = row.failureMessage;
    this.discarded = row.discarded;
    this.jobId = row.jobId;
    this.deploymentId = row.deploymentId;
    this.savepointId = row.savepointId;
    this.facts = row;
    this.ours = row.savepoint;
  }

  @Field(() => SnapshotOwner, {
    description: 'Who decides how long it stays. NOBODY: it is LEFT_BEHIND by an ended run.',
  })
  get owner(): SnapshotOwner {
    return this.ours ? savepointOwner(this.ours) : checkpointOwner(this.facts);
  }

  /** An attempt of ours that is under way or failed is judged as that, whatever became of its savepoint by another one. */
  private get judged(): SavepointToJudge | null {
    const { state } = this.facts;
    return this.ours && (state === 'COMPLETED' ? this.ours : { ...this.ours, state });
  }

  @Field(() => Restorable, { description: 'Whether a run can be started from it now.' })
  get restorable(): Restorable {
    return new Restorable(this.judged ? savepointRestorable(this.judged) : checkpointRestorable(this.facts));
  }

  /** By ownership and state alone. */
  get deletion(): Verdict<DeletionObstacle> {
    return this.judged ? savepointDeletable(this.judged) : checkpointDeletable(this.facts);
  }
}

export const CheckpointConnection = connectionOf('Checkpoint', () => Checkpoint);
