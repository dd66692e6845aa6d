import { Field, ID, Int, ObjectType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { DateTime, SafeInt } from '../api/scalars.js';
import {
  CompatibilityFinding,
  KeptState,
  RestoreMapping,
  RestoreNotChecked,
} from '../compatibility/compatibility-verdict.types.js';
import type { CompatibilityVerdict as Judged } from '../compatibility/compatibility.types.js';
import type { Mapping, NotChecked } from '../compatibility/verdict.js';
import { bigintToNumber } from '../db/database.js';
import { ConfigurationEntry } from '../deployment/deployment.types.js';
import { shownConfiguration } from '../deployment/secrets.js';
import { SnapshotKind } from '../job/snapshot-kind.js';
import { CheckFailureCode, CheckState, PlanSource } from './check.enums.js';

/** What a check waits for while main() runs; how long is said when it is asked. */
export const MAIN_RUNS = 'the JobManager to run main()';

@ObjectType({ description: 'Why a check FAILED.' })
export class CheckFailure {
  @Field(() => CheckFailureCode, { description: 'From a closed list, documented in docs/errors.md.' })
  code!: CheckFailureCode;

  @Field(() => String, { description: 'What happened and what to do, for a person.' })
  message!: string;

  @Field(() => String, { nullable: true, description: "Flink's root cause in one line." })
  rootCause!: string | null;
}

@ObjectType({
  description:
    'The state that a check is about. Of a live job it may become a newer checkpoint, as long as the check goes on: Flink deletes the older ones.',
})
export class CheckedSnapshot {
  @Field(() => SnapshotKind, { description: 'Checkpoint or savepoint.' })
  kind!: SnapshotKind;

  @Field(() => String, { description: 'Where it lies, as the cluster reaches it.' })
  location!: string;

  @Field(() => DateTime, {
    nullable: true,
    description: "When Flink took it, on the JobManager's clock; null: not known.",
  })
  takenAt!: Date | null;

  @Field(() => String, { description: 'Why this one.' })
  why!: string;

  savepointId!: string | null;
  jobId!: string | null;
  flinkCheckpointId!: number | null;
}

@ObjectType({ description: 'Whether a program takes a state, by everything that can be told without starting it.' })
export class CompatibilityVerdict {
  @Field(() => RestoreMapping, { description: 'Whether the state fits the program.' })
  mapping!: Mapping;

  @Field(() => [RestoreNotChecked], { description: 'What the verdict says nothing about.' })
  notChecked!: NotChecked[];

  @Field(() => [CompatibilityFinding], { description: "What was found, in the order of Flink's own checks." })
  findings!: CompatibilityFinding[];

  @Field(() => [KeptState], { description: 'Operators with state that get it back.' })
  kept!: KeptState[];

  @Field(() => SafeInt, { nullable: true, description: 'All state of the snapshot; null: its _metadata is not known.' })
  stateBytes!: number | null;

  @Field(() => PlanSource, {
    nullable: true,
    description:
      'Where the operators of the program are known from; null: they are not known (STATEWARD_PLAN_JARS), or Flink refuses the state whatever the program is.',
  })
  planSource!: PlanSource | null;

  @Field(() => DateTime, { nullable: true, description: 'When Flink planned the program; null: it has not.' })
  plannedAt!: Date | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When the _metadata was read that the verdict goes by; null: it was never read.',
  })
  metadataReadAt!: Date | null;
}

/** A question whether a program would take a state. */
@Entity('compatibility_check')
@ObjectType({
  description:
    'A question whether a program would take a state, and its answer. Nothing is started, and neither job nor state is touched. Kept for 30 days after its end.',
})
export class CompatibilityCheck {
  @Field(() => ID, { description: 'Its id, a UUID.' })
  @PrimaryColumn('uuid')
  id!: string;

  @Column('uuid', { name: 'deployment_id', nullable: true })
  deploymentId!: string | null;

  @Column('uuid', { name: 'cluster_id' })
  clusterId!: string;

  @Column('uuid', { name: 'artifact_id' })
  artifactId!: string;

  @Field(() => String, { nullable: true, description: "The class of main(); null: that of the jar's manifest." })
  @Column('text', { name: 'entry_class', nullable: true })
  entryClass!: string | null;

  @Field(() => [String], { description: 'Arguments of main(); secrets are shown as they were written.' })
  @Column('text', { name: 'program_arguments', array: true })
  programArguments!: string[];

  @Field(() => Int, { nullable: true, description: "Null: the cluster's default." })
  @Column('integer', { nullable: true })
  parallelism!: number | null;

  @Column('jsonb', { name: 'flink_configuration' })
  configuration!: Record<string, string>;

  @Field(() => [ConfigurationEntry], { description: 'Flink settings of the program; sensitive values are hidden.' })
  get flinkConfiguration(): { key: string; value: string }[] {
    return shownConfiguration(this.configuration);
  }

  @Field(() => Boolean, { description: 'Whether state without an operator is to be dropped, or to be refused.' })
  @Column('boolean', { name: 'allow_non_restored_state' })
  allowNonRestoredState!: boolean;

  @Field(() => Boolean, { description: 'Whether the program is planned anew, although a plan is remembered.' })
  @Column('boolean')
  fresh!: boolean;

  @Field(() => CheckState, { description: 'Where it stands.' })
  @Column('text')
  state!: CheckState;

  @Field(() => DateTime, { description: 'Since when it has this state.' })
  @Column('timestamptz', { name: 'state_since' })
  stateSince!: Date;

  @Column('text', { name: 'waiting_for', nullable: true })
  waitsFor!: string | null;

  @Column('timestamptz', { name: 'plan_sent_at', nullable: true })
  planSentAt!: Date | null;

  @Field(() => String, {
    nullable: true,
    description: 'How far it is, or what it waits for, in words; null when it has ended.',
  })
  get waitingFor(): string | null {
    if (this.waitsFor !== MAIN_RUNS || this.planSentAt === null) return this.waitsFor;
    return `${MAIN_RUNS}: for ${Math.max(0, Math.round((Date.now() - this.planSentAt.getTime()) / 1_000))} s by now`;
  }

  @Field(() => CheckedSnapshot, { description: 'The state that it is about.' })
  get snapshot(): CheckedSnapshot {
    const { kind, triggeredAt, savepointId, jobId, flinkCheckpointId } = this.point;
    return Object.assign(new CheckedSnapshot(), {
      kind,
      location: this.location,
      takenAt: triggeredAt === null ? null : new Date(triggeredAt),
      why: this.why,
      savepointId,
      jobId,
      flinkCheckpointId,
    });
  }

  @Column('jsonb')
  point!: {
    kind: SnapshotKind;
    triggeredAt: number | null;
    savepointId: string | null;
    jobId: string | null;
    flinkCheckpointId: number | null;
  };

  @Column('text')
  location!: string;

  @Column('text')
  why!: string;

  @Column('jsonb', { name: 'verdict', nullable: true })
  judged!: Judged | null;

  @Column('text', { name: 'plan_source', nullable: true })
  planSource!: PlanSource | null;

  @Column('timestamptz', { name: 'planned_at', nullable: true })
  plannedAt!: Date | null;

  @Column('timestamptz', { name: 'metadata_read_at', nullable: true })
  metadataReadAt!: Date | null;

  @Field(() => CompatibilityVerdict, { nullable: true, description: 'Set when it is COMPLETED.' })
  get verdict(): CompatibilityVerdict | null {
    if (this.judged === null) return null;
    const { planSource, plannedAt, metadataReadAt } = this;
    return Object.assign(new CompatibilityVerdict(), { ...this.judged, planSource, plannedAt, metadataReadAt });
  }

  @Column('text', { name: 'failure_code', nullable: true })
  failureCode!: CheckFailureCode | null;

  @Column('text', { name: 'failure_message', nullable: true })
  failureMessage!: string | null;

  @Column('text', { name: 'failure_root_cause', nullable: true })
  failureRootCause!: string | null;

  @Field(() => CheckFailure, { nullable: true, description: 'Set when it FAILED.' })
  get failure(): CheckFailure | null {
    if (this.failureCode === null) return null;
    return { code: this.failureCode, message: this.failureMessage ?? '', rootCause: this.failureRootCause };
  }

  @Column('bigint', { name: 'event_before', nullable: true, transformer: bigintToNumber })
  eventBefore!: number | null;

  @Field(() => String, {
    nullable: true,
    description:
      'Give it as deploymentEvents(after:) to see everything from the request on; null: it is about no deployment.',
  })
  get eventCursor(): string | null {
    return this.eventBefore === null ? null : String(this.eventBefore);
  }

  @Field(() => String, { description: 'Who asked.' })
  @Column('text')
  actor!: string;

  @Field(() => DateTime, { description: 'When it was accepted.' })
  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;

  @Field(() => DateTime, { nullable: true, description: 'When it was COMPLETED or FAILED.' })
  @Column('timestamptz', { name: 'ended_at', nullable: true })
  endedAt!: Date | null;
}
