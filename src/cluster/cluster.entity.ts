import { Field, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { DateTime, SafeInt } from '../api/scalars.js';
import { bigintToNumber } from '../db/database.js';

export enum ClusterState {
  REACHABLE = 'REACHABLE',
  UNREACHABLE = 'UNREACHABLE',
  CHANGED = 'CHANGED',
}
registerEnumType(ClusterState, {
  name: 'ClusterState',
  description: 'Whether the JobManager answers, and whether it is the one that was registered.',
  valuesConfig: {
    REACHABLE: { description: 'It answered when last asked.' },
    UNREACHABLE: {
      description: 'It does not answer; lastError says why. Nothing that it runs changes its state for that.',
    },
    CHANGED: {
      description:
        'It answers, but with other storage roots or another high-availability id than recorded: it is observed, and nothing is started or triggered there until confirmCluster says what it is.',
    },
  },
});

@ObjectType({ description: 'Something about a cluster that deserves a thought before it hurts.' })
export class ClusterWarning {
  @Field(() => String, { description: 'STORAGE_MAY_BE_LOCAL: a file: root, and TaskManagers on several hosts.' })
  code!: string;

  @Field(() => String, { description: 'What may go wrong and what to make sure of, for a person.' })
  message!: string;
}

/** One Flink JobManager REST address. */
@Entity('cluster')
@ObjectType({ description: 'One Flink JobManager REST address.' })
export class Cluster {
  @Field(() => ID, { description: 'Its id, a UUID.' })
  @PrimaryColumn('uuid')
  id!: string;

  @Field(() => String, { description: 'Unique among clusters.' })
  @Column('text')
  name!: string;

  @Field(() => String, { description: 'REST address; a path in it is kept as prefix of every call.' })
  @Column('text')
  url!: string;

  @Field(() => ClusterState, { description: 'Whether it answers, and as the one that was registered.' })
  @Column('text')
  state!: ClusterState;

  @Field(() => DateTime, { description: 'Since when it has this state.' })
  @Column('timestamptz', { name: 'state_since' })
  stateSince!: Date;

  @Field(() => String, {
    nullable: true,
    description: 'Why it last did not answer as a Flink; kept after it came back.',
  })
  @Column('text', { name: 'last_error', nullable: true })
  lastError!: string | null;

  @Field(() => DateTime, { nullable: true, description: 'When lastError was met; null when there was none.' })
  @Column('timestamptz', { name: 'last_error_at', nullable: true })
  lastErrorAt!: Date | null;

  @Field(() => String, { nullable: true, description: 'As the cluster says it; null until it answered once.' })
  @Column('text', { name: 'flink_version', nullable: true })
  flinkVersion!: string | null;

  @Field(() => Boolean, { nullable: true, description: 'Whether jars can be submitted over REST (session clusters).' })
  @Column('boolean', { name: 'accepts_jars', nullable: true })
  acceptsJars!: boolean | null;

  @Field(() => String, {
    nullable: true,
    description: 'Tells one JobManager process from the next; changes when it is restarted.',
  })
  @Column('text', { name: 'process_mark', nullable: true })
  processMark!: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      'execution.checkpointing.savepoint-dir of the cluster; null: savepoints are refused with NO_SAVEPOINT_ROOT.',
  })
  @Column('text', { name: 'savepoint_root', nullable: true })
  savepointRoot!: string | null;

  @Field(() => String, { nullable: true, description: 'execution.checkpointing.dir of the cluster.' })
  @Column('text', { name: 'checkpoint_root', nullable: true })
  checkpointRoot!: string | null;

  @Column('text', { name: 'ha_cluster_id', nullable: true })
  haClusterId!: string | null;

  /** As the JobManager shows it; Flink masks secrets. */
  @Column('jsonb')
  configuration!: Record<string, string>;

  @Column('bigint', { name: 'async_store_duration_ms', transformer: bigintToNumber })
  asyncStoreDurationMs!: number;

  @Column('bigint', { name: 'heartbeat_timeout_ms', transformer: bigintToNumber })
  heartbeatTimeoutMs!: number;

  @Column('integer', { name: 'checkpoint_history_size' })
  checkpointHistorySize!: number;

  @Column('uuid', { name: 'savepoint_storage_id', nullable: true })
  savepointStorageId!: string | null;

  @Column('uuid', { name: 'checkpoint_storage_id', nullable: true })
  checkpointStorageId!: string | null;

  @Field(() => Int, { nullable: true, description: 'Task slots of all TaskManagers when last asked.' })
  @Column('integer', { name: 'slots_total', nullable: true })
  slotsTotal!: number | null;

  @Field(() => Int, {
    nullable: true,
    description: 'How many of slotsTotal were free when last asked; null until they were read.',
  })
  @Column('integer', { name: 'slots_available', nullable: true })
  slotsAvailable!: number | null;

  @Field(() => Int, {
    nullable: true,
    description: 'How many TaskManagers it had when last asked; null until they were read.',
  })
  @Column('integer', { name: 'task_managers', nullable: true })
  taskManagers!: number | null;

  @Field(() => [String], { description: 'Hosts of its TaskManagers when last asked.' })
  @Column('text', { name: 'task_manager_hosts', array: true })
  taskManagerHosts!: string[];

  @Field(() => SafeInt, {
    nullable: true,
    description: "JobManager's clock minus the database's; null while no job was looked at.",
  })
  @Column('bigint', { name: 'clock_offset_ms', nullable: true, transformer: bigintToNumber })
  clockOffsetMs!: number | null;

  @Column('integer')
  failures!: number;

  @Column('timestamptz', { name: 'facts_read_at', nullable: true })
  factsReadAt!: Date | null;

  @Field(() => DateTime, { nullable: true, description: 'When it last answered.' })
  @Column('timestamptz', { name: 'observed_at', nullable: true })
  observedAt!: Date | null;

  @Field(() => Int, { description: 'How many savepoints may be in flight there at once; the rest wait as PENDING.' })
  @Column('integer', { name: 'budget' })
  savepointBudget!: number;

  @Field(() => DateTime, { description: 'When it was registered.' })
  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When it was removed: it is not asked any more, and stays for its history. Null: it was not.',
  })
  @Column('timestamptz', { name: 'removed_at', nullable: true })
  removedAt!: Date | null;
}
