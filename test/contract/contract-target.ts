import type { FlinkVersion } from '../../demo/fake-flink/captured-replies.js';

/** How a job of a case shall behave. Two subtasks of a source and two of a counter, unless it asks for another parallelism. */
export interface JobWish {
  parallelism?: number;
  /** A snapshot takes about twice as long: subtask i of the counter needs this times (i + 1). */
  slowSnapshotMs?: number;
  /** Fails soon after its start, for good unless it {@link restartsLate}. */
  fails?: boolean;
  /** It is restarted an hour after it has failed. */
  restartsLate?: boolean;
  /** Its counter fails when it is closed: of a stop, after the savepoint. */
  failsOnClose?: boolean;
  /** Periodic checkpoints are off unless it says so. */
  checkpointIntervalMs?: number;
  flinkConfiguration?: Record<string, string>;
  maxParallelism?: number;
  /** Another one does not map to state that was saved under `counter`. */
  counterUid?: string;
  savepointPath?: string;
  allowNonRestoredState?: boolean;
}

/** How a cluster is set up. */
export interface ContractCluster {
  scheduler: 'default' | 'adaptive';
  /** `web.checkpoints.history`. */
  historySize: number;
  /** Without one checkpoints are kept in the memory of the JobManager alone. */
  hasCheckpointDirectory: boolean;
}

export const DEFAULT_CLUSTER: ContractCluster = {
  scheduler: 'default',
  historySize: 100,
  hasCheckpointDirectory: true,
};
export const ADAPTIVE_CLUSTER: ContractCluster = {
  scheduler: 'adaptive',
  historySize: 5,
  hasCheckpointDirectory: false,
};

/** What the cases ask: a fake or a real cluster of one version. */
export interface ContractTarget {
  readonly version: FlinkVersion;
  readonly cluster: ContractCluster;
  readonly url: string;
  /** Jar of the test job on this machine. */
  readonly jarFile: string;
  /** An empty folder that Flink and the case can write to. */
  newFolder(): Promise<string>;
  /** Whatever the fake must be told of a job that is to be started; a real cluster learns it from the job's arguments. */
  prepareFor(wish: JobWish): void;
  /** Ends the JobManager process and starts another. Resolves when it answers and all slots are back. */
  restartJobManager(): Promise<void>;
  stop(): Promise<void>;
}
