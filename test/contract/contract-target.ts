import type { FlinkVersion } from '../../demo/fake-flink/captured-replies.js';

/** How a job of a case shall behave. Two subtasks of a source and two of a counter, unless it asks for another parallelism. */
export interface JobWish {
  parallelism?: number;
  /** A snapshot takes about twice as long: subtask i of the counter needs this times (i + 1). */
  slowSnapshotMs?: number;
  /** Fails for good soon after its start. */
  fails?: boolean;
  /** Periodic checkpoints are off unless it says so. */
  checkpointIntervalMs?: number;
  savepointPath?: string;
}

/** What the cases ask: a fake or a real cluster of one version. */
export interface ContractTarget {
  readonly version: FlinkVersion;
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
