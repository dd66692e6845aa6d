import { Field, Int, ObjectType } from 'type-graphql';
import { DateTime, SafeInt } from '../api/scalars.js';
import { Deployment } from '../deployment/deployment.entity.js';
import { SnapshotKind } from '../job/snapshot-kind.js';
import { Savepoint } from '../savepoint/savepoint.entity.js';
import { Checkpoint } from './checkpoint.types.js';

@ObjectType({
  description:
    'The state that a deployment could be started from with the least loss. A checkpoint of a live job is none: Flink deletes it when newer ones are complete.',
})
export class NewestRestorableState {
  @Field(() => SnapshotKind, { description: 'Which of the two fields below is set.' })
  kind!: SnapshotKind;

  @Field(() => Savepoint, { nullable: true, description: 'The savepoint of Stateward that it is; else null.' })
  savepoint!: Savepoint | null;

  @Field(() => Checkpoint, {
    nullable: true,
    description: 'The checkpoint that was left behind, or the savepoint of somebody else, that it is; else null.',
  })
  checkpoint!: Checkpoint | null;

  @Field(() => String, { nullable: true, description: 'Where it lies, as the cluster that made it writes it.' })
  location!: string | null;

  @Field(() => DateTime, { nullable: true, description: "When Flink began it, on the JobManager's clock." })
  triggeredAt!: Date | null;

  @Field(() => SafeInt, {
    nullable: true,
    description: "How far back it goes, on the JobManager's clock; null while ageUnknown says why.",
  })
  ageMs!: number | null;

  @Field(() => String, { nullable: true, description: 'Why its age is not known, for a person; null when it is.' })
  ageUnknown!: string | null;
}

@ObjectType({
  description: 'How the state of a deployment stands: what was made, what failed, and what it could be started from.',
})
export class StateOverview {
  deploymentId!: string;

  @Field(() => Checkpoint, {
    nullable: true,
    description: 'The last one that was completed, of the newest run that has any; savepoints aside.',
  })
  lastCompletedCheckpoint!: Checkpoint | null;

  @Field(() => Checkpoint, {
    nullable: true,
    description: 'The last one that failed, of the newest run that has any; savepoints aside.',
  })
  lastFailedCheckpoint!: Checkpoint | null;

  @Field(() => Int, {
    description: 'How many checkpoints of the current run have failed since the last completed one.',
  })
  failedInARow!: number;

  @Field(() => SafeInt, {
    description:
      'Failed attempts of the current run that never got an entry in the history: Flink counts them, and tells nothing of them.',
  })
  failedWithoutEntry!: number;

  @Field(() => Savepoint, {
    nullable: true,
    description: 'The savepoint that was completed last and is still there; imported ones aside.',
  })
  lastCompletedSavepoint!: Savepoint | null;

  @Field(() => Savepoint, { nullable: true, description: 'The savepoint that failed last; failure says when and why.' })
  lastFailedSavepoint!: Savepoint | null;

  @Field(() => NewestRestorableState, {
    nullable: true,
    description: 'What it could be started from with the least loss; null: there is nothing.',
  })
  newestRestorableState!: NewestRestorableState | null;

  @Field(() => SafeInt, { description: 'savepointBytes and leftBehindBytes together.' })
  storedBytes!: number;

  @Field(() => SafeInt, { description: 'Of its savepoints that are not proven gone.' })
  savepointBytes!: number;

  @Field(() => SafeInt, {
    description: 'Of these, those that are being deleted or could not be: DELETING and DELETION_FAILED.',
  })
  deletingBytes!: number;

  @Field(() => Int, {
    description: 'How many of its savepoints could not be deleted; each is tried again (savepoints, DELETION_FAILED).',
  })
  deletionsFailed!: number;

  @Field(() => SafeInt, { description: 'Of the checkpoints that its ended runs left behind.' })
  leftBehindBytes!: number;

  @Field(() => Int, { description: 'Of how many of these the size is not known; they are not in the sums.' })
  ofUnknownSize!: number;

  @Field(() => DateTime, {
    nullable: true,
    description: "When Flink last told of the current run's checkpoints, on the clock of the database; null: never.",
  })
  lastLookAt!: Date | null;

  @Field(() => SafeInt, { nullable: true, description: 'How long lastLookAt is ago; null: Flink never told.' })
  lookAgeMs!: number | null;

  @Field(() => SafeInt, {
    nullable: true,
    description: "JobManager's clock minus the database's, where they differ by more than 5 s; else null.",
  })
  clockOffsetMs!: number | null;

  /** Differs when something has changed that a subscriber should see; ages and looks that saw nothing new aside. */
  fingerprint!: string;
}

@ObjectType({ description: 'A deployment and the state that it has, each time that either has visibly changed.' })
export class DeploymentStateNow {
  @Field(() => Deployment, { description: 'The deployment as it is now.' })
  deployment!: Deployment;

  @Field(() => StateOverview, { description: 'How its state stands now.' })
  overview!: StateOverview;
}
