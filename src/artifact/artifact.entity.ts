import { Field, ID, ObjectType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { DateTime, SafeInt } from '../api/scalars.js';
import { bigintToNumber } from '../db/database.js';

/** A job jar. Its bytes lie in the artifact folder under its SHA-256. */
@Entity('artifact')
@ObjectType({
  description:
    'A job jar, uploaded with PUT /artifacts/<name>.jar and known by its SHA-256: the same bytes are one artifact.',
})
export class Artifact {
  @Field(() => ID, { description: 'Its id, a UUID.' })
  @PrimaryColumn('uuid')
  id!: string;

  @Field(() => String, { description: 'File name of the first upload of these bytes.' })
  @Column('text')
  name!: string;

  @Field(() => String, { description: 'SHA-256 of its bytes, as 64 hex characters.' })
  @Column('text')
  sha256!: string;

  @Field(() => SafeInt, { description: 'Size of the jar in bytes.' })
  @Column('bigint', { name: 'size_bytes', transformer: bigintToNumber })
  sizeBytes!: number;

  @Field(() => String, {
    nullable: true,
    description: 'Main-Class of the manifest; without it a deployment must name an entryClass.',
  })
  @Column('text', { name: 'main_class', nullable: true })
  mainClass!: string | null;

  @Field(() => DateTime, { description: 'When these bytes were uploaded for the first time.' })
  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When it was removed: its bytes are gone, and it stays for the history of runs. Null: it was not.',
  })
  @Column('timestamptz', { name: 'removed_at', nullable: true })
  removedAt!: Date | null;
}
