import type { HandleCounts, SnapshotMetadata, SnapshotOperator } from '../flink/metadata/metadata.types.js';
import type { Inspection } from './inspect-snapshot.js';

/** What a snapshot holds, as it was read last and is kept. */
export type SnapshotContents = ContentsOfMetadata | ContentsOfRest;

export interface ContentsOfMetadata {
  source: 'METADATA';
  metadata: KeptMetadata;
  files: FilesSeen;
}

/** Without which of its subtasks are written: of a wide job that would be most of it. */
export type KeptOperator = Omit<SnapshotOperator, 'subtasks'>;
export interface KeptMetadata extends Omit<SnapshotMetadata, 'operators' | 'masterStates' | 'inlineBytes'> {
  operators: KeptOperator[];
}
export type FilesSeen = Omit<Inspection, 'metadata'>;

/** `_metadata` could not be read: Flink's statistics tell of chains, and of no operator inside one. */
export interface ContentsOfRest {
  source: 'REST';
  vertices: SnapshotVertex[];
}

export interface SnapshotVertex {
  /** Of its first operator. */
  id: string;
  name: string;
  parallelism: number;
  maxParallelism: number | null;
  /** null: the statistics had forgotten it. */
  stateBytes: number | null;
}

export function contentsOf({ metadata, ...files }: Inspection): ContentsOfMetadata {
  const { masterStates: _, inlineBytes: __, operators, ...rest } = metadata;
  return {
    source: 'METADATA',
    metadata: { ...rest, operators: operators.map(({ subtasks: ___, ...one }) => one) },
    files,
  };
}

type Entries<Of> = Of extends ReadonlyMap<infer K, infer V> ? [K, V][] : never;
/** As JSON, which has no maps. */
export type StoredContents =
  | ContentsOfRest
  | (Omit<ContentsOfMetadata, 'metadata'> & {
      metadata: Omit<KeptMetadata, 'operators' | 'handles'> & {
        operators: (Omit<KeptOperator, 'operatorStates'> & {
          operatorStates: Entries<KeptOperator['operatorStates']>;
        })[];
        handles: Record<keyof HandleCounts, [number, number][]>;
      };
    });

export function toStored(contents: SnapshotContents): StoredContents {
  if (contents.source === 'REST') return contents;
  const { operators, handles, ...rest } = contents.metadata;
  return {
    ...contents,
    metadata: {
      ...rest,
      operators: operators.map((one) => ({ ...one, operatorStates: [...one.operatorStates] })),
      handles: {
        stream: [...handles.stream],
        keyed: [...handles.keyed],
        operator: [...handles.operator],
        channel: [...handles.channel],
      },
    },
  };
}

export function fromStored(stored: StoredContents): SnapshotContents {
  if (stored.source === 'REST') return stored;
  const { operators, handles, ...rest } = stored.metadata;
  return {
    ...stored,
    metadata: {
      ...rest,
      operators: operators.map((one) => ({ ...one, operatorStates: new Map(one.operatorStates) })),
      handles: {
        stream: new Map(handles.stream),
        keyed: new Map(handles.keyed),
        operator: new Map(handles.operator),
        channel: new Map(handles.channel),
      },
    },
  };
}
