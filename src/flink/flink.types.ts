/** What the rest of Stateward sees of Flink: plain data, already parsed and checked. Times are epoch milliseconds on the JobManager's clock. */

/** Why something failed in Flink, read out of a Java stack trace. */
export interface FlinkCause {
  /** The root cause in one line: `<short class name>: <message>`, at most 500 characters. */
  summary: string;
  /** Fully qualified class of every link of the `Caused by` chain, outermost first. */
  classes: string[];
  /** Messages of the same chain, in the same order. */
  messages: string[];
  /** The whole text as Flink sent it, at most 256 KiB. */
  fullText: string;
}

export interface ClusterFacts {
  flinkVersion: string;
  /** `features.web-submit`: false or absent on application clusters, where jars cannot be submitted. */
  acceptsJars: boolean;
  /** Differs between any two JobManager processes (last folder of `web.tmpdir`); null when the cluster does not show it. */
  processMark: string | null;
  /** `execution.checkpointing.savepoint-dir` or its deprecated name, as written; null when not set. */
  savepointRoot: string | null;
  /** `execution.checkpointing.dir` or its deprecated name, as written; null when not set. */
  checkpointRoot: string | null;
  /** `high-availability.cluster-id`, where high availability is on; else null. */
  haClusterId: string | null;
  /** `rest.async.store-duration`: how long a finished trigger id stays known. 0 = for ever. Default 300,000. */
  asyncStoreDurationMs: number;
  /** `heartbeat.timeout`; tasks of a lost JobManager may go on writing for so long. Default 50,000. */
  heartbeatTimeoutMs: number;
  /** `web.checkpoints.history`. Default 10. */
  checkpointHistorySize: number;
  /** Every key of `/jobmanager/config`, today's names and deprecated ones as they are written; Flink masks secrets itself. */
  configuration: Record<string, string>;
}

export interface Slots {
  taskManagers: number;
  total: number;
  available: number;
}

export type FlinkJobState =
  | 'INITIALIZING'
  | 'CREATED'
  | 'RUNNING'
  | 'FAILING'
  | 'FAILED'
  | 'CANCELLING'
  | 'CANCELED'
  | 'FINISHED'
  | 'RESTARTING'
  | 'SUSPENDED'
  | 'RECONCILING';

/** Tasks per task state, upper case names of Flink (`RUNNING`, `INITIALIZING`, …), and their sum under `TOTAL`. */
export type TaskCounts = Record<string, number>;

/** One line of `/jobs/overview`, which Flink does not cache. */
export interface FlinkJobOverview {
  jobId: string;
  name: string;
  state: FlinkJobState;
  startTime: number;
  /** null while the job runs. */
  endTime: number | null;
  tasks: TaskCounts;
}

/** `/jobs/:id`; up to 3 s old (Flink's cache). */
export interface FlinkJobDetails extends FlinkJobOverview {
  /** The JobManager's clock when it answered. */
  now: number;
  vertices: { id: string; name: string; parallelism: number; maxParallelism: number; status: string }[];
}

export type StateBackendFamily = 'HASHMAP' | 'ROCKSDB' | 'FORST' | 'OTHER';

export interface CheckpointConfig {
  /** null when periodic checkpointing is off. */
  intervalMs: number | null;
  timeoutMs: number;
  minPauseMs: number;
  /** Kept after a cancel or failure (`externalization.enabled` and not `delete_on_cancellation`). */
  retainedOnCancellation: boolean;
  /** Kept after a failure (`externalization.enabled`), under DELETE_ON_CANCELLATION too. */
  retainedOnFailure: boolean;
  /**
   * State is kept in the memory of the JobManager. That alone does not say that it is lost: where a checkpoint directory is
   * set too, Flink writes it there within `_metadata`, and the entries of the history have a location (1.20.5, 2.3.0).
   */
  inJobManagerMemory: boolean;
  unaligned: boolean;
  tolerableFailures: number;
  stateBackend: StateBackendFamily;
  /** Class name as Flink says it. */
  stateBackendClass: string;
  checkpointStorageClass: string | null;
}

export type SnapshotStatus = 'IN_PROGRESS' | 'COMPLETED' | 'FAILED';

/** An entry of the checkpoint history: checkpoints and savepoints alike. */
export interface SnapshotEntry {
  id: number;
  status: SnapshotStatus;
  isSavepoint: boolean;
  /** CHECKPOINT, UNALIGNED_CHECKPOINT, SAVEPOINT or SYNC_SAVEPOINT; null where the version does not say. */
  type: string | null;
  format: 'CANONICAL' | 'NATIVE' | null;
  triggeredAt: number;
  latestAckAt: number | null;
  /** Bytes written by this one. */
  checkpointedBytes: number;
  /** Bytes of the whole state. */
  stateBytes: number;
  /** null until something was acknowledged. */
  durationMs: number | null;
  subtasks: number;
  acknowledgedSubtasks: number;
  /** Normalised ({@link normaliseLocation}); null where there is none or it cannot be addressed. */
  location: string | null;
  discarded: boolean;
  failedAt: number | null;
  failureMessage: string | null;
}

export interface RestoredEntry {
  id: number;
  restoredAt: number;
  isSavepoint: boolean;
  location: string | null;
}

/** `/jobs/:id/checkpoints`; up to 3 s old (Flink's cache). */
export interface CheckpointStatistics {
  counts: { restored: number; total: number; inProgress: number; completed: number; failed: number };
  latest: {
    completed: SnapshotEntry | null;
    savepoint: SnapshotEntry | null;
    failed: SnapshotEntry | null;
    restored: RestoredEntry | null;
  };
  /** Newest first. */
  history: SnapshotEntry[];
}

/** Subtasks of one vertex that have, or have not, acknowledged a snapshot. */
export interface VertexAcknowledgement {
  vertexId: string;
  subtasks: number;
  acknowledged: number;
  /** Indexes (from 0) of the subtasks that have not acknowledged, at most the first 20; null when not asked for. */
  pending: number[] | null;
}

/** What Flink says of a savepoint (or stop) operation. UNKNOWN is not FAILED: Flink forgets (5 min after the end, or with its process). */
export type OperationStatus =
  | { status: 'PENDING' }
  | { status: 'COMPLETED'; location: string }
  | { status: 'FAILED'; cause: FlinkCause }
  | { status: 'UNKNOWN' };

/** What Flink says of a disposal. Its memory of ids is that of one JobManager process; UNKNOWN is not FAILED. */
export type DisposalStatus =
  { status: 'PENDING' } | { status: 'COMPLETED' } | { status: 'FAILED'; cause: FlinkCause } | { status: 'UNKNOWN' };

/** A reply of Flink to something that we asked it to do. `REFUSED`: an HTTP status of 400 or above came back. */
export type FlinkReply<T> = ({ outcome: 'ACCEPTED' } & T) | { outcome: 'REFUSED'; status: number; cause: FlinkCause };

export type SavepointFormatName = 'CANONICAL' | 'NATIVE';

export interface TriggerSavepoint {
  /** 32 lower-case hex characters, chosen and stored by us before the call. */
  triggerId: string;
  /** Full URI; Flink makes it and adds `savepoint-…` below it. */
  targetDirectory: string;
  format: SavepointFormatName;
}

export interface StopWithSavepoint extends TriggerSavepoint {
  /** Sends end-of-time and calls finish() before the savepoint: the job's data is at an end. */
  drain: boolean;
}

export interface RunJar {
  /** 32 lower-case hex characters, chosen and stored by us before the call. */
  jobId: string;
  entryClass: string | null;
  programArguments: string[];
  parallelism: number | null;
  flinkConfiguration: Record<string, string>;
  /** Absent for a start without state. An empty text is refused by us: Flink would take it as absent and start empty. */
  savepointPath?: string;
  allowNonRestoredState?: boolean;
}

/** What a program's main() is to be called with, for its graph alone. */
export type PlanJar = Pick<RunJar, 'entryClass' | 'programArguments' | 'parallelism' | 'flinkConfiguration'>;

export interface PlannedOperator {
  /** 32 hex digits; with a uid its hash, without one an id that chaining may change. */
  id: string;
  name: string;
  parallelism: number;
  /** Ids of the operators before it. */
  inputs: string[];
}

/** One JobManager REST address. Reads throw AppError FLINK_UNREACHABLE, FLINK_ERROR or NOT_A_FLINK; each names the address. */
export interface FlinkApi {
  readonly url: string;
  /** GET /config and /jobmanager/config. */
  clusterFacts(): Promise<ClusterFacts>;
  /** GET /jobmanager/config alone: the cheap question before an effect. */
  processMark(): Promise<string | null>;
  slots(): Promise<Slots>;
  /** Hosts of the registered TaskManagers, each once, sorted. */
  taskManagerHosts(): Promise<string[]>;
  jobs(): Promise<FlinkJobOverview[]>;
  /** GET /jobs/:id/status, which Flink does not cache. null: a leader answered and does not know the job. */
  jobStatus(jobId: string): Promise<FlinkJobState | null>;
  /** null: a leader answered and does not know the job. */
  job(jobId: string): Promise<FlinkJobDetails | null>;
  checkpointConfig(jobId: string): Promise<CheckpointConfig | null>;
  /** null: the job is unknown, or it is a batch job. */
  checkpoints(jobId: string): Promise<CheckpointStatistics | null>;
  /** Per vertex, with the indexes of pending subtasks; null: no statistics for this id any more. */
  acknowledgements(jobId: string, checkpointId: number): Promise<VertexAcknowledgement[] | null>;
  /** Bytes of state by vertex, of one completed snapshot; null: no statistics for this id any more. */
  stateBytesByVertex(jobId: string, checkpointId: number): Promise<Map<string, number> | null>;
  /** Why a job failed: exception history, else execution result; null when neither names a cause. */
  jobFailure(jobId: string): Promise<FlinkCause | null>;
  triggerSavepoint(jobId: string, body: TriggerSavepoint): Promise<FlinkReply<{ requestId: string }>>;
  /** POST /jobs/:id/stop. Polled with {@link savepointOperation}: both share one memory of trigger ids. */
  stopWithSavepoint(jobId: string, body: StopWithSavepoint): Promise<FlinkReply<{ requestId: string }>>;
  savepointOperation(jobId: string, triggerId: string): Promise<OperationStatus>;
  /**
   * POST /savepoint-disposal: deletes whatever the `_metadata` at that location lists, `_metadata` first. The id is of Flink's
   * making, so that a disposal whose reply is lost cannot be asked for again.
   */
  disposeSavepoint(location: string): Promise<FlinkReply<{ requestId: string }>>;
  disposalOperation(requestId: string): Promise<DisposalStatus>;
  /** Streams the file; up to 10 min. `signal` aborts it. */
  uploadJar(file: { path: string; name: string }, signal?: AbortSignal): Promise<FlinkReply<{ jarId: string }>>;
  /** Runs the program's main() in the JobManager; up to 10 min. */
  runJar(jarId: string, body: RunJar, signal?: AbortSignal): Promise<FlinkReply<{ jobId: string }>>;
  /**
   * Runs the program's main() in the JobManager, with chaining off, and starts nothing: each operator by itself, those before
   * it first. Of a main() with several jobs it is the first one. REFUSED: main() has failed, or made no job; up to 10 min.
   * A program that ends its process ends the JobManager: that is FLINK_UNREACHABLE.
   */
  planJar(jarId: string, body: PlanJar, signal?: AbortSignal): Promise<FlinkReply<{ operators: PlannedOperator[] }>>;
  /** GET /jars: those that were uploaded to this JobManager. */
  uploadedJars(): Promise<{ id: string; name: string }[]>;
  /** True when the jar is gone afterwards, also if it was not there. */
  deleteJar(jarId: string): Promise<boolean>;
  cancelJob(jobId: string): Promise<FlinkReply<object>>;
  close(): Promise<void>;
}
