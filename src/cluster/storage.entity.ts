import { Field, ID, ObjectType, registerEnumType } from 'type-graphql';
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
        'A folder of that name is there, but nothing of Flink has been seen in it yet. What is found counts; what is not found proves nothing.',
    },
    PROVEN: { description: 'A savepoint of Flink was seen in it: it is the same place.' },
    MISMATCH: {
      description:
        'A savepoint that Flink had just completed was not there: it is another place of the same name, and is not looked at.',
    },
  },
});

/** A place for state. */
@Entity('storage')
@ObjectType({ description: 'A place where Flink keeps state, reached by one or more clusters under a root URI each.' })
export class Storage {
  @Field(() => ID, { description: 'Its id, a UUID.' })
  @PrimaryColumn('uuid')
  id!: string;

  @Field(() => String, { description: "Unique among storages; made from the cluster's name and what it holds." })
  @Column('text')
  name!: string;

  @Field(() => String, { nullable: true, description: 'Where Stateward itself reads it, if it can.' })
  @Column('text', { name: 'read_root', nullable: true })
  readRoot!: string | null;

  @Field(() => StorageAccess, { description: 'Whether Stateward itself can look into it.' })
  @Column('text', { name: 'read_state' })
  access!: StorageAccess;

  @Field(() => DateTime, { description: 'When it was first seen in the configuration of a cluster.' })
  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;
}
