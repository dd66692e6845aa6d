import { Field, Int, ObjectType, registerEnumType } from 'type-graphql';
import { DateTime, SafeInt } from '../api/scalars.js';
import type { SnapshotContents } from './snapshot-contents.js';
import type { ReadContents } from './snapshot-contents.store.js';
import { bytesOf, stateBytesOf } from './state-of-contents.js';

export enum FingerprintSource {
  METADATA = 'METADATA',
  REST = 'REST',
}
registerEnumType(FingerprintSource, {
  name: 'FingerprintSource',
  description: 'What a fingerprint was read from.',
  valuesConfig: {
    METADATA: { description: 'The _metadata of the snapshot: each operator by itself, and every file.' },
    REST: {
      description:
        "Flink's statistics, since its storage cannot be read here: chains of operators, and nothing about files.",
    },
  },
});

@ObjectType({ description: 'An operator of which a snapshot holds state, or a chain of them where isChain says so.' })
export class OperatorInSnapshot {
  @Field(() => String, {
    description: 'Its id in Flink, 32 hex digits: the hash of its uid, if it has one. Of a chain: that of its vertex.',
  })
  id!: string;

  @Field(() => String, { nullable: true, description: 'Its name; null: Flink before 2.0 does not write it.' })
  name!: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'The uid that the program gives it; null: none, or it is not written (Flink before 2.0, or a chain).',
  })
  uid!: string | null;

  @Field(() => Int, { description: 'In how many subtasks it ran.' })
  parallelism!: number;

  @Field(() => Int, { nullable: true, description: 'How far it can be scaled with this state; null: not known.' })
  maxParallelism!: number | null;

  @Field(() => SafeInt, {
    nullable: true,
    description: 'Bytes of its state, without what a coordinator keeps; null: the statistics do not tell any more.',
  })
  stateBytes!: number | null;

  @Field(() => Boolean, {
    description:
      'It is a whole chain (a vertex of the job), as statistics tell it: which operators are in it is not known.',
  })
  isChain!: boolean;
}

@ObjectType({ description: 'A file that a snapshot needs and that is not there as it should be.' })
export class DamagedFile {
  @Field(() => String, {
    description: 'Its name in the folder of the snapshot, or the whole location of one elsewhere.',
  })
  file!: string;

  @Field(() => SafeInt, { description: 'So long it must be, at least.' })
  expectedBytes!: number;

  @Field(() => SafeInt, { nullable: true, description: 'So long it is; null: it is not there.' })
  foundBytes!: number | null;
}

@ObjectType({ description: 'What a savepoint holds, as it was read last; whether it is there now is told by data.' })
export class SnapshotFingerprint {
  @Field(() => FingerprintSource, { description: 'What it was read from.' })
  readonly source: FingerprintSource;

  @Field(() => DateTime, {
    description: 'When it was read and its files were looked for, on the clock of the database.',
  })
  readonly readAt: Date;

  @Field(() => Int, {
    nullable: true,
    description:
      'Version of the format of _metadata: 4 is written by Flink 1.16 to 1.20, 5 by 2.0, 6 by 2.1 to 2.3; null: it was not read.',
  })
  readonly metadataVersion: number | null;

  @Field(() => Int, { description: 'How many operators there are, those without state included.' })
  readonly operatorCount: number;

  @Field(() => SafeInt, {
    nullable: true,
    description: 'Bytes of state of all operators together, as Flink counts them; null: not all of it is known.',
  })
  readonly stateBytes: number | null;

  @Field(() => SafeInt, {
    nullable: true,
    description:
      'Bytes of _metadata and of all files that were seen, each counted once; null: they were not looked for.',
  })
  readonly totalBytes: number | null;

  @Field(() => Int, {
    nullable: true,
    description: 'How many files it needs besides _metadata, which holds small state itself; null: not known.',
  })
  readonly files: number | null;

  @Field(() => Boolean, {
    nullable: true,
    description: 'All that it needs lies in its own folder; if not, its data are never deleted here. null: not known.',
  })
  readonly selfContained: boolean | null;

  @Field(() => Boolean, {
    nullable: true,
    description: 'Its folder may be copied elsewhere and restored from there; null: not known.',
  })
  readonly relocatable: boolean | null;

  @Field(() => [DamagedFile], { description: 'Files that are missing or of another size; the first 20.' })
  readonly damages: DamagedFile[];

  @Field(() => Int, { nullable: true, description: 'How many files are missing or of another size; null: not known.' })
  readonly damaged: number | null;

  @Field(() => Int, {
    nullable: true,
    description: 'How many files could not be looked at, such as in a storage that is not read here; null: not known.',
  })
  readonly notReached: number | null;

  constructor({ contents, readAt }: ReadContents) {
    const read = contents.source === 'METADATA' ? contents : null;
    this.contents = contents;
    this.source = FingerprintSource[contents.source];
    this.readAt = readAt;
    this.metadataVersion = read?.metadata.version ?? null;
    this.operatorCount = contents.source === 'METADATA' ? contents.metadata.operators.length : contents.vertices.length;
    this.stateBytes = stateBytesOf(contents);
    this.totalBytes = read?.files.totalBytes ?? null;
    this.files = read?.files.files ?? null;
    this.selfContained = read?.files.selfContained ?? null;
    this.relocatable = read?.files.relocatable ?? null;
    this.damages = read?.files.damages ?? [];
    this.damaged = read?.files.damaged ?? null;
    this.notReached = read?.files.notReached ?? null;
  }

  readonly contents: SnapshotContents;
}

/** The largest first. */
export function largestOperators(contents: SnapshotContents, first: number): OperatorInSnapshot[] {
  const all: OperatorInSnapshot[] =
    contents.source === 'METADATA'
      ? contents.metadata.operators.map((one) => ({ ...one, stateBytes: bytesOf(one), isChain: false }))
      : contents.vertices.map((one) => ({ ...one, uid: null, isChain: true }));
  const size = ({ stateBytes }: OperatorInSnapshot) => stateBytes ?? -1;
  return all.sort((a, b) => size(b) - size(a) || (a.id < b.id ? -1 : 1)).slice(0, first);
}
