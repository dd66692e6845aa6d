/** A file that a snapshot points to. One file may be pointed to many times, and in parts. */
export type FileReference =
  /** Beside `_metadata`, by its name alone. */
  | { kind: 'RELATIVE'; name: string; sizeBytes: number }
  | { kind: 'ABSOLUTE'; location: string; sizeBytes: number }
  /** A part of a file that holds the state of several (file merging, from 1.20 on). */
  | { kind: 'SEGMENT'; location: string; fromByte: number; sizeBytes: number }
  /** Of a changelog. `sizeBytes` counts the changes before they were compressed, without what the file begins with: it may be any length. */
  | { kind: 'CHANGES'; location: string; sizeBytes: number };

/** How operator state is distributed when the parallelism changes. */
export type Distribution = 'SPLIT' | 'UNION' | 'BROADCAST';

export interface SnapshotOperator {
  /** 32 hex digits; with a uid its hash. */
  id: string;
  /** Written from version 5 (Flink 2.0) on; null: none was given, or it is not written. */
  name: string | null;
  uid: string | null;
  parallelism: number;
  maxParallelism: number;
  /** Of its coordinator, such as a source's. */
  coordinatorBytes: number;
  /** All of its subtasks had finished: it has no state. */
  fullyFinished: boolean;
  /** That are written at all, in the order of the file; subtasks without state may be missing. */
  subtasks: number[];
  finishedSubtasks: number[];
  stateBytes: StateBytesByKind;
  operatorStates: Map<string, Distribution>;
}

/** In bytes, of all subtasks together. */
export interface StateBytesByKind {
  /** Lists, unions and broadcasts, managed and raw. */
  operator: number;
  /** Managed and raw. */
  keyed: number;
  /** In flight, of unaligned checkpoints. */
  channel: number;
}

/** The state backend that wrote keyed state, as far as its handles tell. */
export type BackendFamily =
  /** Readable by each backend. */
  | 'CANONICAL'
  | 'HEAP'
  /** RocksDB and ForSt write the same handles. */
  | 'ROCKSDB_OR_FORST'
  | 'CHANGELOG';

export interface SnapshotMetadata {
  /** 2 to 6. */
  version: number;
  checkpointId: number;
  masterStates: { version: number; name: string; bytes: number }[];
  operators: SnapshotOperator[];
  properties: SnapshotProperties;
  backends: BackendFamily[];
  /** How often each kind of handle was met. */
  handles: HandleCounts;
  /** Of `_metadata` itself, and of the state inside it. */
  metadataBytes: number;
  inlineBytes: number;
}

/** By the type byte of the format: `keyed` 11 is an incremental one, for instance. */
export interface HandleCounts {
  stream: ReadonlyMap<number, number>;
  keyed: ReadonlyMap<number, number>;
  operator: ReadonlyMap<number, number>;
  channel: ReadonlyMap<number, number>;
}

export interface SnapshotProperties {
  /** null: versions 2 and 3 do not say, and nothing in it tells. */
  kind: 'SAVEPOINT' | 'CHECKPOINT' | null;
  /** Of a savepoint; null: not known. */
  format: 'CANONICAL' | 'NATIVE' | null;
  /** Made by a stop with drain: the end of input was seen. null: versions 2 and 3 do not say. */
  drained: boolean | null;
}
