import type { PlannedOperator } from '../flink/flink.types.js';
import type { KeptMetadata } from '../savepoint/snapshot-contents.js';
import type { Mapping, NotChecked, Severity } from './verdict.js';

/** What can be said of new code and old state; each names its remedy. */
export enum CompatibilityCode {
  NO_METADATA = 'NO_METADATA',
  NO_PLAN = 'NO_PLAN',
  FILES_DAMAGED = 'FILES_DAMAGED',
  /** An older Flink does not know the format. */
  METADATA_TOO_NEW = 'METADATA_TOO_NEW',
  NEWER_FLINK_VERSION = 'NEWER_FLINK_VERSION',
  MAJOR_VERSION_CHANGE = 'MAJOR_VERSION_CHANGE',
  MAX_PARALLELISM_CHANGED = 'MAX_PARALLELISM_CHANGED',
  /** Code had set it, and may do so still. */
  MAX_PARALLELISM_NOT_TOLD = 'MAX_PARALLELISM_NOT_TOLD',
  STATE_WITHOUT_OPERATOR = 'STATE_WITHOUT_OPERATOR',
  STATE_DROPPED = 'STATE_DROPPED',
  /** It has no uid: its id in the plan may be another than at run time. */
  OPERATOR_NOT_TOLD = 'OPERATOR_NOT_TOLD',
  UNFINISHED_BEFORE_FINISHED = 'UNFINISHED_BEFORE_FINISHED',
  PARALLELISM_ABOVE_MAX = 'PARALLELISM_ABOVE_MAX',
  OTHER_STATE_BACKEND = 'OTHER_STATE_BACKEND',
  STATE_BACKEND_NOT_TOLD = 'STATE_BACKEND_NOT_TOLD',
  UNALIGNED_CHANGE = 'UNALIGNED_CHANGE',
  INCREMENTAL_CHECKPOINT = 'INCREMENTAL_CHECKPOINT',
  DRAINED = 'DRAINED',
  OPERATOR_FINISHED = 'OPERATOR_FINISHED',
  STARTS_EMPTY = 'STARTS_EMPTY',
  UID_NOT_SET = 'UID_NOT_SET',
  UIDS_NOT_WRITTEN = 'UIDS_NOT_WRITTEN',
}

export interface OperatorName {
  id: string;
  /** null: neither the snapshot nor the plan tells. */
  name: string | null;
  uid: string | null;
}

export interface CompatibilityFinding {
  code: CompatibilityCode;
  severity: Severity;
  /** null: it is about the snapshot as a whole. */
  operator: OperatorName | null;
  /** How much state it is about; of one operator all that it has. */
  stateBytes: number;
  /** What happens, and to what. */
  message: string;
  /** What to do; null: nothing needs to be done. */
  remedy: string | null;
}

/** HASHMAP, ROCKSDB or FORST; null: another class, or not known. */
export type BackendName = string | null;

export type ReadMetadata = Pick<KeptMetadata, 'version' | 'operators' | 'properties' | 'backends' | 'handles'>;

export interface HeldState {
  /** `gone`: it is known that there is none any more. */
  metadata: { read: ReadMetadata } | { unreadable: string; gone?: boolean };
  /** As recorded; null: not known, and the version of the metadata gives bounds alone. */
  flinkVersion: string | null;
  /** As recorded of the job that made it. */
  stateBackend: BackendName;
  /** As recorded, of what is not in its metadata; of a checkpoint NATIVE. null: not known. */
  format: 'CANONICAL' | 'NATIVE' | null;
  /** All files that it points to were seen. */
  filesSeen: boolean;
  /** Of those, how many are known to be gone or to have another size. */
  damagedFiles?: number;
}

/** What is set for the whole job by the person or the program. NOT_SET: Flink takes that of the state. */
export type SetMaxParallelism = number | 'NOT_SET' | 'NOT_KNOWN';

export interface RestoreTarget {
  /** Every operator by itself: of a plan without chaining. `mayHave`: code may give an operator this id besides (setUidHash), which no plan shows. */
  plan: { operators: readonly PlannedOperator[]; mayHave?: (id: string) => boolean } | { missing: string };
  maxParallelism: SetMaxParallelism;
  /** What a setting of the run that made the state said; null: none, or it is not known. */
  madeWithMaxParallelism: number | null;
  flinkVersion: string | null;
  stateBackend: BackendName;
  allowNonRestoredState: boolean;
  /** The artifact, its arguments and settings are byte for byte those that made the state; it may run wider or narrower. */
  sameCode: boolean;
  /** The same code, as wide as it was: chains, and with them the ids of operators without uid, are what they were. */
  sameProgram: boolean;
}

export interface CompatibilityVerdict {
  mapping: Mapping;
  /** In the order of Flink's own checks. */
  findings: CompatibilityFinding[];
  notChecked: NotChecked[];
  /** Operators with state that get it back. Empty where metadata or plan are missing. */
  kept: { operator: OperatorName; stateBytes: number }[];
  /** null: it could not be read. */
  stateBytes: number | null;
}
