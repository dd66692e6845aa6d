import { Field, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { DateTime, SafeInt } from '../api/scalars.js';
import { bigintToNumber } from '../db/database.js';

export enum WhileStopped {
  DEFER = 'DEFER',
  CLEAN = 'CLEAN',
}
registerEnumType(WhileStopped, {
  name: 'WhileStopped',
  description: 'What a policy does while its deployment is stopped.',
  valuesConfig: {
    DEFER: { description: 'Waits, until the next start has completed a checkpoint.' },
    CLEAN: { description: 'Cleans; what LATEST_STATE would use, and the newest good one, stay in any case.' },
  },
});

export enum LeftBehindRule {
  KEEP = 'KEEP',
  DISPOSE = 'DISPOSE',
}
registerEnumType(LeftBehindRule, {
  name: 'LeftBehindRule',
  description: 'What a policy does with the checkpoints that ended runs have left behind.',
  valuesConfig: {
    KEEP: { description: 'They are shown, and nothing is done with them.' },
    DISPOSE: {
      description:
        'All of one ended run go together, 24 h after a later run has completed its first checkpoint, if the _metadata of each was read, nobody took one by CLAIM or in an unknown mode, and no snapshot that is kept uses their files. Else they are kept, with the reason (previewRetention).',
    },
  },
});

/** How long the savepoints of a deployment are kept. */
@Entity('retention_policy')
@ObjectType({
  description:
    'How long the savepoints of a deployment are kept. It touches SCHEDULED ones, and those of stops only with includeStop. A savepoint goes when either limit says so.',
})
export class RetentionPolicy {
  @Field(() => ID, { description: 'The deployment that it is of.' })
  @PrimaryColumn('uuid', { name: 'deployment_id' })
  deploymentId!: string;

  @Field(() => Int, {
    nullable: true,
    description: 'How many are kept; pinned, held and used ones beside them. null: as many as there are.',
  })
  @Column('integer', { name: 'max_count', nullable: true })
  maxCount!: number | null;

  @Field(() => SafeInt, { nullable: true, description: 'How old one may become. null: as old as it gets.' })
  @Column('bigint', { name: 'max_age_ms', nullable: true, transformer: bigintToNumber })
  maxAgeMs!: number | null;

  @Field(() => Boolean, { description: 'Whether it goes for savepoints of stops as well.' })
  @Column('boolean', { name: 'include_stop' })
  includeStop!: boolean;

  @Field(() => WhileStopped, { description: 'What it does while the deployment is stopped.' })
  @Column('text', { name: 'while_stopped' })
  whileStopped!: WhileStopped;

  @Field(() => LeftBehindRule, { description: 'What it does with the checkpoints that ended runs have left behind.' })
  @Column('text', { name: 'left_behind' })
  leftBehind!: LeftBehindRule;

  @Field(() => String, { description: 'Who gave it, or changed it last.' })
  @Column('text')
  actor!: string;

  @Field(() => DateTime, { description: 'When it was given, or changed last.' })
  @Column('timestamptz', { name: 'updated_at' })
  updatedAt!: Date;

  @Field(() => DateTime, { nullable: true, description: 'The last pass; null: none yet.' })
  @Column('timestamptz', { name: 'swept_at', nullable: true })
  sweptAt!: Date | null;

  @Field(() => DateTime, { description: 'The next pass, at the latest.' })
  @Column('timestamptz', { name: 'sweep_at' })
  sweepAt!: Date;

  @Field(() => DateTime, {
    nullable: true,
    description:
      'Since when a pass waits that would delete more than half of what the policy may touch (LARGE_CLEANUP_WAITING): look at previewRetention, then confirmCleanup. null: none waits.',
  })
  @Column('timestamptz', { name: 'waiting_since', nullable: true })
  largeCleanupWaitingSince!: Date | null;

  @Column('text', { name: 'waiting_token', nullable: true })
  waitingToken!: string | null;

  @Column('text', { name: 'confirmed_token', nullable: true })
  confirmedToken!: string | null;

  @Column('text', { name: 'confirmed_by', nullable: true })
  confirmedBy!: string | null;
}
