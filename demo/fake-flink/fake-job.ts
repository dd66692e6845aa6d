import { rmSync } from 'node:fs';
import path from 'node:path';
import type { FlinkJobState } from '../../src/flink/flink.types.js';
import { captured, failureCauseIn, hasCaptured, isObject, mapTexts } from './captured-replies.js';
import type { JsonObject } from './captured-replies.js';
import type { Cluster } from './cluster.js';
import { foldLocation, isBelow, localPath, writeSnapshot } from './snapshot-files.js';

export interface FakeJobOptions {
  jobId?: string;
  name?: string;
  state?: FlinkJobState;
  /** Subtasks in all, spread over two vertices (default 4). */
  tasks?: number;
  /** Slots taken (default: half of the tasks). */
  parallelism?: number;
  /** Class name as Flink says it, e.g. `HashMapStateBackend` (default), `EmbeddedRocksDBStateBackend`. */
  stateBackend?: string;
  /** `execution.checkpointing.timeout`, also for savepoints (default 600,000). */
  checkpointTimeoutMs?: number;
  /** null: periodic checkpoints are off. The fake takes none by itself either way (default 60,000). */
  checkpointIntervalMs?: number | null;
  retention?: 'RETAIN_ON_CANCELLATION' | 'DELETE_ON_CANCELLATION' | 'NO_EXTERNALIZED_CHECKPOINTS';
  /** State of one subtask, in bytes (default 4,096). */
  bytesPerSubtask?: number;
}

export interface Vertex {
  id: string;
  name: string;
  parallelism: number;
}

/** One checkpoint or savepoint of a job. */
export interface Snapshot {
  id: number;
  type: 'CHECKPOINT' | 'SAVEPOINT' | 'SYNC_SAVEPOINT';
  format: 'CANONICAL' | 'NATIVE' | null;
  status: 'IN_PROGRESS' | 'COMPLETED' | 'FAILED';
  triggeredAt: number;
  vertices: Vertex[];
  subtasks: number;
  /** While in progress, asked for afresh at every read. */
  progress: () => { acknowledged: number; latestAckAt: number };
  location: string | null;
  discarded: boolean;
  failedAt: number;
  failureMessage: string;
}

export interface Failure {
  class: string;
  stackTrace: string;
  /** The adaptive scheduler shows some failures in the execution result only. */
  inHistory: boolean;
  /** What else the captured entry of the history tells: `concurrentExceptions`, the task. */
  entry: JsonObject;
  /** `all-exceptions` of 1.20. */
  ofTasks: unknown[];
}

export const ENDED: readonly FlinkJobState[] = ['FINISHED', 'CANCELED', 'FAILED'];
const TASK_STATE_OF: Partial<Record<FlinkJobState, string>> = {
  INITIALIZING: 'CREATED',
  CREATED: 'CREATED',
  RUNNING: 'RUNNING',
  CANCELLING: 'CANCELING',
  FAILING: 'CANCELING',
  RESTARTING: 'CANCELED',
  FAILED: 'CANCELED',
  CANCELED: 'CANCELED',
  FINISHED: 'FINISHED',
};
/** How long a job stays RESTARTING when nothing else is said. */
const RESTART_MS = 50;

export class FakeJob {
  readonly id: string;
  readonly name: string;
  readonly stateBackend: string;
  readonly checkpointTimeoutMs: number;
  readonly checkpointIntervalMs: number | null;
  readonly retention: NonNullable<FakeJobOptions['retention']>;
  readonly bytesPerSubtask: number;
  readonly parallelism: number;
  readonly startTime: number;
  readonly slotSharingGroupId: string;
  state: FlinkJobState = 'INITIALIZING';
  endTime = -1;
  lastModification: number;
  readonly timestamps = new Map<string, number>();
  /** State of each subtask, in the order of the vertices. */
  tasks: string[];
  waitsForSlots = false;
  failure: Failure | null = null;
  readonly snapshots: Snapshot[] = [];
  nextCheckpointId = 1;
  counts = { restored: 0, total: 0, failed: 0 };
  restored: { id: number; at: number; isSavepoint: boolean; location: string } | null = null;
  /** Told whenever the job leaves RUNNING: pending savepoints end then. */
  onSuspended: () => void = () => undefined;

  constructor(
    private readonly cluster: Cluster,
    options: FakeJobOptions = {},
  ) {
    this.id = options.jobId ?? cluster.hex(32);
    this.name = options.name ?? 'orders';
    this.stateBackend = options.stateBackend ?? 'HashMapStateBackend';
    this.checkpointTimeoutMs = options.checkpointTimeoutMs ?? 600_000;
    this.checkpointIntervalMs = options.checkpointIntervalMs === undefined ? 60_000 : options.checkpointIntervalMs;
    this.retention = options.retention ?? 'RETAIN_ON_CANCELLATION';
    this.bytesPerSubtask = options.bytesPerSubtask ?? 4096;
    const tasks = options.tasks ?? 4;
    this.parallelism = options.parallelism ?? Math.ceil(tasks / 2);
    this.tasks = Array.from({ length: tasks }, () => 'CREATED');
    this.startTime = cluster.timeline.now();
    this.lastModification = this.startTime;
    this.slotSharingGroupId = cluster.hex(32);
    this.timestamps.set('INITIALIZING', this.startTime);
    const state = options.state ?? 'RUNNING';
    if (state === 'RUNNING') this.timestamps.set('CREATED', this.startTime);
    if (state !== 'INITIALIZING') this.setState(state);
  }

  get vertices(): Vertex[] {
    const source = Math.floor(this.tasks.length / 2);
    return [
      { id: 'e5a72f353fc1e6bbf3bd96a41384998c', name: 'Source: numbers', parallelism: source },
      {
        id: '0da08f51eaa85fc298e176a139b3649a',
        name: 'counter -> mapper -> sink: Writer',
        parallelism: this.tasks.length - source,
      },
    ].filter((vertex) => vertex.parallelism > 0);
  }

  tasksOf(vertexIndex: number): string[] {
    const before = this.vertices.slice(0, vertexIndex).reduce((sum, vertex) => sum + vertex.parallelism, 0);
    return this.tasks.slice(before, before + (this.vertices[vertexIndex]?.parallelism ?? 0));
  }

  /** false for a job that failed before it had tasks, as one whose restore was refused. */
  hadTasks(): boolean {
    return this.tasks.length > 0;
  }

  hasEnded(): boolean {
    return ENDED.includes(this.state);
  }

  usedSlots(): number {
    return this.state === 'RUNNING' && !this.waitsForSlots ? this.parallelism : 0;
  }

  /**
   * Moves the job to a state, its tasks with it. `failure`: name of a captured reply (`exceptions-…`,
   * `execution-result-…`, a failed poll) or a stack trace. Pending savepoints end when the job leaves RUNNING.
   */
  setState(state: FlinkJobState, failure?: string): void {
    const now = this.cluster.timeline.now();
    const leavesRunning = this.state === 'RUNNING' && state !== 'RUNNING';
    this.state = state;
    this.timestamps.set(state, now);
    this.lastModification = now;
    this.waitsForSlots = false;
    this.endTime = this.hasEnded() ? now : -1;
    this.tasks = this.tasks.map(() => TASK_STATE_OF[state] ?? 'CREATED');
    if (state === 'FAILED' || state === 'RESTARTING') {
      if (this.tasks.length > 0) this.tasks[0] = 'FAILED';
      this.failure = this.readFailure(failure ?? 'exceptions-job-failed');
    }
    if (this.hasEnded()) this.discardAtEnd();
    if (leavesRunning) this.onSuspended();
    if (leavesRunning) this.cluster.assignSlots();
  }

  /** Sets how many tasks are in which state, e.g. `{ RUNNING: 2, INITIALIZING: 2 }`; the job's own state stays. */
  setTasks(counts: Record<string, number>): void {
    this.tasks = Object.entries(counts).flatMap(([state, count]) => Array.from({ length: count }, () => state));
    this.lastModification = this.cluster.timeline.now();
  }

  /** RUNNING, with tasks SCHEDULED until there are slots, then INITIALIZING for `startDelayMs`, then RUNNING. */
  deploy(): void {
    const fits = this.parallelism <= this.cluster.availableSlots();
    if (this.state !== 'RUNNING') this.setState('RUNNING');
    const running: Record<string, number> = { RUNNING: this.tasks.length };
    this.waitsForSlots = !fits;
    if (!fits) return this.setTasks({ SCHEDULED: this.tasks.length });
    if (this.cluster.knobs.startDelayMs <= 0) return this.setTasks(running);
    this.setTasks({ INITIALIZING: this.tasks.length });
    this.cluster.timeline.after(this.cluster.knobs.startDelayMs, () => {
      if (this.tasks.every((task) => task === 'INITIALIZING') && this.state === 'RUNNING') this.setTasks(running);
    });
  }

  /** A failure inside the job: RESTARTING, then RUNNING from its newest checkpoint. */
  restart(failure?: string): void {
    this.setState('RESTARTING', failure);
    this.cluster.timeline.after(RESTART_MS, () => {
      if (this.state !== 'RESTARTING') return;
      this.recover();
      this.deploy();
    });
  }

  /** Notes that the newest checkpoint (or what the job was started from) was restored once more. */
  recover(): void {
    const newest = this.snapshots.find((entry) => entry.type === 'CHECKPOINT' && entry.status === 'COMPLETED');
    if (newest?.location != null) {
      this.restored = { id: newest.id, at: this.cluster.timeline.now(), isSavepoint: false, location: newest.location };
    }
    if (this.restored !== null) this.counts.restored += 1;
  }

  addSnapshot(part: Pick<Snapshot, 'type' | 'format' | 'progress' | 'location'>): Snapshot {
    const snapshot: Snapshot = {
      id: this.nextCheckpointId++,
      status: 'IN_PROGRESS',
      triggeredAt: this.cluster.timeline.now(),
      vertices: this.vertices,
      subtasks: this.tasks.length,
      discarded: false,
      failedAt: -1,
      failureMessage: '',
      ...part,
    };
    this.counts.total += 1;
    this.snapshots.unshift(snapshot);
    return snapshot;
  }

  finishSnapshot(snapshot: Snapshot): void {
    const now = this.cluster.timeline.now();
    snapshot.status = 'COMPLETED';
    snapshot.progress = () => ({ acknowledged: snapshot.subtasks, latestAckAt: now });
    if (snapshot.location !== null) this.cluster.knownLocations.set(snapshot.location, snapshot.id);
  }

  abandonSnapshot(snapshot: Snapshot, message: string): void {
    const soFar = snapshot.progress();
    snapshot.status = 'FAILED';
    snapshot.progress = () => soFar;
    snapshot.failedAt = this.cluster.timeline.now();
    snapshot.failureMessage = message;
    this.counts.failed += 1;
  }

  /** A periodic checkpoint that completed just now; the one before it is subsumed, hence deleted. Returns its location. */
  completeCheckpoint(): string | null {
    const snapshot = this.beginCheckpoint();
    this.finishCheckpoint(snapshot);
    return snapshot.location;
  }

  beginCheckpoint(): Snapshot {
    const { cluster } = this;
    const id = this.nextCheckpointId;
    const folded =
      cluster.checkpointRoot === null
        ? null
        : foldLocation(`${cluster.checkpointRoot}/${this.id}/chk-${String(id)}`, cluster.folder);
    const location = folded?.kind === 'location' ? folded.location : null;
    return this.addSnapshot({
      type: 'CHECKPOINT',
      format: null,
      progress: () => ({ acknowledged: 0, latestAckAt: -1 }),
      location,
    });
  }

  /** It is complete; the one before it is subsumed, hence deleted. */
  finishCheckpoint(snapshot: Snapshot): void {
    this.snapshots.forEach((entry) => this.discard(entry));
    this.finishSnapshot(snapshot);
    const folder = this.ownFolder(snapshot.location);
    if (folder === null) return;
    const { version } = this.cluster;
    writeSnapshot(folder, { version, checkpointId: snapshot.id, kind: 'CHECKPOINT', operators: this.vertices });
  }

  /** A periodic checkpoint that failed just now. */
  failCheckpoint(message = 'Checkpoint expired before completing.'): void {
    const snapshot = this.addSnapshot({
      type: 'CHECKPOINT',
      format: null,
      progress: () => ({ acknowledged: 0, latestAckAt: -1 }),
      location: null,
    });
    this.abandonSnapshot(snapshot, message);
  }

  /** Where to write; null when the fake must not or cannot write there. */
  ownFolder(location: string | null): string | null {
    const folder = location === null ? null : localPath(location);
    if (folder === null || !this.cluster.knobs.writesFiles || !isBelow(this.cluster.folder, folder)) return null;
    return folder;
  }

  /** What the end of a job deletes (the same on both versions). */
  private discardAtEnd(): void {
    const deletes =
      this.state === 'FINISHED' ||
      this.retention === 'NO_EXTERNALIZED_CHECKPOINTS' ||
      (this.state === 'CANCELED' && this.retention === 'DELETE_ON_CANCELLATION');
    if (deletes) this.snapshots.forEach((entry) => this.discard(entry));
  }

  private discard(entry: Snapshot): void {
    if (entry.type !== 'CHECKPOINT' || entry.status !== 'COMPLETED' || entry.discarded) return;
    entry.discarded = true;
    const folder = this.ownFolder(entry.location);
    if (folder !== null && path.basename(folder).startsWith('chk-')) rmSync(folder, { recursive: true, force: true });
  }

  private readFailure(text: string): Failure {
    const { version } = this.cluster;
    if (!hasCaptured(version, text)) {
      const name = /^[\w.$]+/.exec(text)?.[0] ?? 'java.lang.Exception';
      return { class: name, stackTrace: text, inHistory: true, entry: {}, ofTasks: [] };
    }
    const { body, request } = captured(version, text);
    const foreignId = /[0-9a-f]{32}/.exec(request.path)?.[0] ?? '';
    const own = (trace: string): string => (foreignId === '' ? trace : trace.replaceAll(foreignId, this.id));
    const cause = failureCauseIn(body);
    if (cause !== null) {
      return {
        class: cause.class,
        stackTrace: own(cause['stack-trace']),
        inHistory: !/^execution-result.*-adaptive$/.test(text),
        entry: {},
        ofTasks: [],
      };
    }
    const history = isObject(body) && isObject(body['exceptionHistory']) ? body['exceptionHistory']['entries'] : [];
    const first: unknown = Array.isArray(history) ? history[0] : undefined;
    if (!isObject(first)) throw new Error(`No failure is captured in ${version}/${text}`);
    const { exceptionName, stacktrace, ...entry } = mapTexts(first, own) as JsonObject;
    const ofTasks =
      isObject(body) && Array.isArray(body['all-exceptions']) ? (body['all-exceptions'] as unknown[]) : [];
    return { class: String(exceptionName), stackTrace: String(stacktrace), inHistory: true, entry, ofTasks };
  }
}
