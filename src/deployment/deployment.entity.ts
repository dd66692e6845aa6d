import { Field, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { DateTime, SafeInt } from '../api/scalars.js';
import { bigintToNumber } from '../db/database.js';
import { SavepointFormat } from './savepoint-format.js';

export enum DeploymentState {
  CANCELLED = 'CANCELLED',
  STARTING = 'STARTING',
  RUNNING = 'RUNNING',
  RESTARTING = 'RESTARTING',
  STOPPING = 'STOPPING',
  FINISHED = 'FINISHED',
  FAILED = 'FAILED',
}
registerEnumType(DeploymentState, {
  name: 'DeploymentState',
  description: 'As observed at observedAt. CANCELLED, FINISHED and FAILED are the stopped ones.',
  valuesConfig: {
    CANCELLED: { description: 'New, or stopped on request.' },
    STARTING: { description: 'A run was asked for and not every task runs yet.' },
    RUNNING: { description: 'The job runs and every task is RUNNING or FINISHED.' },
    RESTARTING: { description: 'Flink is recovering it.' },
    STOPPING: { description: 'A stop is under way.' },
    FINISHED: { description: 'Ended by itself.' },
    FAILED: { description: 'Ended with an error; the current job says which.' },
  },
});

/** The lasting definition of one streaming job. */
@Entity('deployment')
@ObjectType({ description: 'The lasting definition of one streaming job; its runs are jobs.' })
export class Deployment {
  @Field(() => ID, { description: 'Its id, a UUID.' })
  @PrimaryColumn('uuid')
  id!: string;

  @Field(() => String, { description: 'Unique among deployments.' })
  @Column('text')
  name!: string;

  @Column('uuid', { name: 'cluster_id' })
  clusterId!: string;

  @Column('uuid', { name: 'artifact_id', nullable: true })
  artifactId!: string | null;

  @Field(() => String, {
    nullable: true,
    description: "Class whose main() builds the job; null: the jar's Main-Class.",
  })
  @Column('text', { name: 'entry_class', nullable: true })
  entryClass!: string | null;

  @Field(() => [String], { description: 'Arguments of main().' })
  @Column('text', { name: 'program_arguments', array: true })
  programArguments!: string[];

  @Field(() => Int, { nullable: true, description: "Default parallelism; null: the cluster's." })
  @Column('integer', { nullable: true })
  parallelism!: number | null;

  @Column('jsonb', { name: 'flink_configuration' })
  flinkConfiguration!: Record<string, string>;

  @Field(() => SavepointFormat, {
    nullable: true,
    description:
      'Format of its savepoints where a request names none; null: CANONICAL, or NATIVE where the state backend cannot write CANONICAL.',
  })
  @Column('text', { name: 'savepoint_format', nullable: true })
  savepointFormat!: SavepointFormat | null;

  @Column('jsonb')
  labels!: Record<string, string>;

  @Field(() => SafeInt, {
    description: 'After so long a start that has not taken hold is told of as an event; it goes on.',
  })
  @Column('bigint', { name: 'start_deadline_ms', transformer: bigintToNumber })
  startDeadlineMs!: number;

  @Field(() => DeploymentState, { description: 'What its newest run does; CANCELLED before the first start.' })
  @Column('text')
  state!: DeploymentState;

  @Field(() => DateTime, { description: 'Since when it has this state.' })
  @Column('timestamptz', { name: 'state_since' })
  stateSince!: Date;

  @Field(() => DateTime, { nullable: true, description: 'When Flink last answered about it.' })
  @Column('timestamptz', { name: 'observed_at', nullable: true })
  observedAt!: Date | null;

  @Column('uuid', { name: 'current_job_id', nullable: true })
  currentJobId!: string | null;

  /** The job of others that it follows, by Flink's id on its cluster; null: none, or by its name. */
  @Column('text', { name: 'adopted_job_id', nullable: true })
  adoptedJobId!: string | null;

  /** It follows whatever job runs under this name on its cluster; null: none, or by its id. */
  @Column('text', { name: 'adopted_job_name', nullable: true })
  adoptedJobName!: string | null;

  /** Two jobs bear the name that it follows; null: it is clear which one is meant. */
  @Column('timestamptz', { name: 'ambiguous_since', nullable: true })
  ambiguousSince!: Date | null;

  @Column('bigint', { name: 'last_event' })
  lastEvent!: string;

  @Field(() => String, { description: 'Where deploymentEvents(after:) goes on from this moment.' })
  get eventCursor(): string {
    return String(this.lastEvent);
  }

  @Field(() => DateTime, { description: 'When it was created.' })
  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When it was deleted: nothing can be asked of it any more, and its history stays. Null: it was not.',
  })
  @Column('timestamptz', { name: 'archived_at', nullable: true })
  archivedAt!: Date | null;
}
