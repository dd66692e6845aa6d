export enum Severity {
  INFO = 'INFO',
  WARNING = 'WARNING',
  /** Flink would refuse it, or fail over it. */
  BLOCKER = 'BLOCKER',
}

export type Mapping = 'FULLY_COMPATIBLE' | 'PARTIALLY_COMPATIBLE' | 'INCOMPATIBLE' | 'UNKNOWN';
export type NotChecked = 'OPERATORS' | 'MAX_PARALLELISM' | 'FLINK_VERSION' | 'STATE_BACKEND' | 'FILES' | 'STATE_TYPES';
