import type { CheckpointStatistics, SnapshotEntry } from '../flink/flink.types.js';

/** A snapshot that was in progress when it was last seen. */
export interface Pending {
  id: number;
  triggeredAt: number;
}

/** What outlives the entry itself. */
export type RememberedSnapshot = Pick<
  SnapshotEntry,
  | 'id'
  | 'triggeredAt'
  | 'latestAckAt'
  | 'failedAt'
  | 'durationMs'
  | 'checkpointedBytes'
  | 'stateBytes'
  | 'location'
  | 'failureMessage'
>;

/** What is remembered of a run's checkpoints from look to look. Times are epoch ms on the JobManager's clock. */
export interface CheckpointAccount {
  /** The JobManager process that the counts are of; null where the cluster does not show it. */
  processMark: string | null;
  lookedAt: number;
  /** The highest id that this process has listed; null: none yet. */
  newestId: number | null;
  /** Of the newest that any process has listed. */
  newestTriggeredAt: number | null;
  /** Flink's counts at the last look, and what is recorded of them: both since that process began. Savepoints included. */
  toldTotal: number;
  toldCompleted: number;
  toldFailed: number;
  recordedCompleted: number;
  recordedFailed: number;
  /** Failed attempts without an entry, of the processes before this one. */
  failedWithoutEntry: number;
  pending: Pending[];
  firstCompletedId: number | null;
  /** Checkpoints only, no savepoints. */
  lastCompleted: RememberedSnapshot | null;
  lastFailed: RememberedSnapshot | null;
  /** Since the last completed one. */
  failedInARow: number;
}

/** One answer of Flink about a run, and what it must be read with. */
export interface SeenStatistics {
  statistics: CheckpointStatistics;
  processMark: string | null;
  /** The JobManager's clock when it answered. */
  now: number;
  /** `web.checkpoints.history`. */
  historySize: number;
  /** How old such an answer may be. */
  staleMs: number;
}

/** What is known of the run itself. */
export interface RunFacts {
  /** Flink's start time; null: not known. */
  startedAt: number | null;
  /** Flink's id of the snapshot that it was started from: its own ids begin behind it. 0: started without state; null: not known. */
  startCheckpointId: number | null;
}

/** A pending snapshot that has left Flink's statistics before its end was seen. */
export interface Vanished extends Pending {
  /** FAILED: nothing that completed is unaccounted for. UNSEEN: it lies in a gap. */
  fate: 'FAILED' | 'UNSEEN';
}

export type GapReason = 'COUNTED_MORE' | 'ID_MISSING' | 'JOBMANAGER_CHANGED';

/** A span of a run of which nothing is recorded, or less than Flink counted. Epoch ms on the JobManager's clock. */
export interface Gap {
  from: number;
  to: number;
  /** How many are missing: of COUNTED_MORE the completed ones alone. null: not known. */
  missing: number | null;
  reason: GapReason;
}

/** What makes an event: the first completed checkpoint of a run, a failed one after good ones, and a good one after those. */
export type News =
  | { what: 'FIRST_COMPLETED'; entry: SnapshotEntry }
  | { what: 'FAILED'; entry: SnapshotEntry; lastCompleted: RememberedSnapshot }
  | { what: 'RECOVERED'; entry: SnapshotEntry; failures: number };

export interface Look {
  account: CheckpointAccount;
  /** Everything that the answer holds, by id. Rows of them may be written any number of times. */
  entries: SnapshotEntry[];
  vanished: Vanished[];
  gaps: Gap[];
  news: News[];
}

/** A list that is not full has lost nothing since the statistics began. */
export const holdsEverything = ({ statistics: { history }, historySize }: SeenStatistics): boolean =>
  history.length < historySize;
