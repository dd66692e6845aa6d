import { Field, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { DateTime } from '../api/scalars.js';

export enum StorageAccess {
  NONE = 'NONE',
  UNPROVEN = 'UNPROVEN',
  PROVEN = 'PROVEN',
  MISMATCH = 'MISMATCH',
}
registerEnumType(StorageAccess, {
  name: 'StorageAccess',
  description: 'Whether Stateward itself can look into a storage.',
  valuesConfig: {
    NONE: { description: 'It cannot. Everything works through Flink; what could not be checked is said.' },
    UNPROVEN: {
      description:
        'A place to read it by is named, but nothing of Flink has been seen in it yet. What is found counts; what is not found proves nothing.',
    },
    PROVEN: {
      description: 'A savepoint, or a checkpoint that a run had just left, was seen in it: it is the same place.',
    },
    MISMATCH: {
      description:
        'A savepoint that Flink had just completed was not there: it is another place of the same name, and is not looked at.',
    },
  },
});

@ObjectType({ description: 'The last time that a root of a storage, or where it is read, was moved.' })
export class StorageMove {
  @Field(() => DateTime, { description: 'When it was moved.' })
  at!: Date;

  @Field(() => Boolean, {
    description: 'Whether the new place could be looked into; if not, nothing is known of what lies there.',
  })
  readable!: boolean;

  @Field(() => String, {
    nullable: true,
    description: 'Why the new place could not be looked into, and what to do; null: it could, or there is none.',
  })
  notReadableBecause?: string | null;

  @Field(() => Int, { description: 'How many of the newest savepoints were looked for at the new place, at most 20.' })
  lookedFor!: number;

  @Field(() => Int, { description: 'How many of these were found there.' })
  found!: number;

  @Field(() => [ID], { description: 'Savepoints that were looked for and not found.' })
  missingSavepointIds!: string[];
}

/** As it is kept: JSON has no dates. */
const moveFromJson = {
  to: (value: unknown) => value,
  from: (value: (Omit<StorageMove, 'at'> & { at: string }) | null): StorageMove | null =>
    value && { ...value, at: new Date(value.at) },
};

/** A place for state. */
@Entity('storage')
@ObjectType({ description: 'A place where Flink keeps state, reached by one or more clusters under a root URI each.' })
export class Storage {
  @Field(() => ID, { description: 'Its id, a UUID.' })
  @PrimaryColumn('uuid')
  id!: string;

  @Field(() => String, {
    description: "Unique among storages; at first made from the cluster's name and what it holds.",
  })
  @Column('text')
  name!: string;

  @Field(() => String, {
    nullable: true,
    description: 'Where Stateward itself reads it, if it can: a folder, or s3://bucket/prefix.',
  })
  @Column('text', { name: 'read_root', nullable: true })
  readRoot!: string | null;

  @Field(() => StorageAccess, { description: 'Whether Stateward itself can look into it.' })
  @Column('text', { name: 'read_state' })
  access!: StorageAccess;

  @Field(() => Boolean, {
    description:
      'Flink there puts random text into the paths of files (s3.entropy.key), by the word of a person: savepoints in it are deleted only where their _metadata was read and all that it points to lies in their own folder.',
  })
  @Column('boolean', { name: 'injects_entropy' })
  injectsEntropy!: boolean;

  @Field(() => StorageMove, {
    nullable: true,
    description: 'What was found when it was last moved; null: it never was.',
  })
  @Column('jsonb', { name: 'last_move', nullable: true, transformer: moveFromJson })
  lastMove!: StorageMove | null;

  @Field(() => DateTime, {
    description: 'When it was first seen in the configuration of a cluster, or named by a person.',
  })
  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;
}
