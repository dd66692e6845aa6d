import type { FlinkJobState } from '../../src/flink/flink.types.js';
import { CheckpointSchedule } from './checkpoint-schedule.js';
import type { Cluster } from './cluster.js';
import { JobCheckpoints } from './job-checkpoints.js';
import type { ProgramTraits, Restored, Snapshot, Vertex } from './job-checkpoints.js';
import { readFailure } from './job-failure.js';
import type { Failure } from './job-failure.js';
import { settingsOf } from './job-settings.js';
import type { JobSettings, Retention } from './job-settings.js';

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
  /** null: periodic checkpoints are off (default: the knob's 60,000). They are taken as the knob `takesCheckpoints` says. */
  checkpointIntervalMs?: number | null;
  /** Default: the knob's. */
  retention?: Retention;
  /** State of one subtask, in bytes (default 4,096). */
  bytesPerSubtask?: number;
  /** How it takes checkpoints; the options above win. Default: as the cluster's configuration and the knobs say. */
  settings?: JobSettings;
  program?: ProgramTraits;
  /** False of a job whose restore was refused: it has no plan, and without tasks nothing of a scheduler. */
  isBuilt?: boolean;
}

export const ENDED = ['FINISHED', 'CANCELED', 'FAILED'] as const;
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
export const SUSPENDING = 'Checkpoint Coordinator is suspending.';

/** One job: its states and tasks. A test may move it at any time. */
export class FakeJob {
  readonly id: string;
  readonly name: string;
  readonly settings: JobSettings;
  readonly program: ProgramTraits;
  readonly isBuilt: boolean;
  readonly bytesPerSubtask: number;
  readonly parallelism: number;
  readonly startTime: number;
  readonly slotSharingGroupId: string;
  readonly checkpoints: JobCheckpoints;
  state: FlinkJobState = 'INITIALIZING';
  endTime = -1;
  lastModification: number;
  readonly timestamps = new Map<string, number>();
  /** State of each subtask, in the order of the vertices. */
  tasks: string[];
  waitsForSlots = false;
  /** A stop is under way: the coordinator takes no periodic checkpoint. */
  stopping = false;
  failure: Failure | null = null;
  /** Told whenever the job leaves RUNNING: pending savepoints end then. */
  onSuspended: () => void = () => undefined;
  /** null: as the knob says. */
  private takesOwn: boolean | null = null;
  private readonly schedule: CheckpointSchedule;

  constructor(
    private readonly cluster: Cluster,
    options: FakeJobOptions = {},
  ) {
    this.id = options.jobId ?? cluster.hex(32);
    this.name = options.name ?? 'orders';
    const { stateBackend, checkpointTimeoutMs, checkpointIntervalMs, retention } = options;
    this.settings = {
      ...(options.settings ?? settingsOf(cluster)),
      ...(stateBackend !== undefined && { stateBackend }),
      ...(checkpointTimeoutMs !== undefined && { checkpointTimeoutMs }),
      ...(checkpointIntervalMs !== undefined && { checkpointIntervalMs }),
      ...(retention !== undefined && { retention }),
    };
    this.program = options.program ?? { counterUid: 'counter', maxParallelism: null };
    this.isBuilt = options.isBuilt ?? true;
    this.bytesPerSubtask = options.bytesPerSubtask ?? 4096;
    const tasks = options.tasks ?? 4;
    this.parallelism = options.parallelism ?? Math.ceil(tasks / 2);
    this.tasks = Array.from({ length: tasks }, () => 'CREATED');
    this.startTime = cluster.timeline.now();
    this.lastModification = this.startTime;
    this.slotSharingGroupId = cluster.hex(32);
    this.checkpoints = new JobCheckpoints(cluster, this);
    this.schedule = new CheckpointSchedule(cluster, this);
    this.timestamps.set('INITIALIZING', this.startTime);
    const state = options.state ?? 'RUNNING';
    if (state === 'RUNNING') this.timestamps.set('CREATED', this.startTime);
    if (state !== 'INITIALIZING') this.setState(state);
  }

  /** Its statistics, newest first. */
  get snapshots(): readonly Snapshot[] {
    return this.checkpoints.snapshots;
  }

  get counts(): { restored: number; total: number; completed: number; failed: number } {
    return this.checkpoints.counts;
  }

  get restored(): Restored | null {
    return this.checkpoints.restored;
  }

  get takesCheckpoints(): boolean {
    return !this.stopping && (this.takesOwn ?? this.cluster.knobs.takesCheckpoints);
  }

  /** Whether it takes its periodic checkpoints by itself, whatever the knob says. */
  set takesCheckpoints(takes: boolean) {
    this.takesOwn = takes;
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

  hasEnded(): boolean {
    return isEnded(this.state);
  }

  allTasksRun(): boolean {
    return this.state === 'RUNNING' && this.tasks.every((task) => task === 'RUNNING' || task === 'FINISHED');
  }

  usedSlots(): number {
    return this.state === 'RUNNING' && !this.waitsForSlots ? this.parallelism : 0;
  }

  /**
   * Moves the job to a state, its tasks with it. `failure`: name of a captured reply (`exceptions-…`,
   * `execution-result-…`, a failed poll), a stack trace, or all of it. Pending savepoints end when the job leaves RUNNING.
   */
  setState(state: FlinkJobState, failure?: string | Failure): void {
    const now = this.cluster.timeline.now();
    const leavesRunning = this.state === 'RUNNING' && state !== 'RUNNING';
    this.state = state;
    this.timestamps.set(state, now);
    this.lastModification = now;
    this.waitsForSlots = false;
    this.endTime = this.hasEnded() ? now : -1;
    this.tasks = this.tasks.map(() => (this.isBuilt && TASK_STATE_OF[state]) || 'CREATED');
    if (state === 'FAILED' || state === 'RESTARTING') {
      if (this.isBuilt && this.tasks.length > 0) this.tasks[0] = 'FAILED';
      this.failure =
        typeof failure === 'object'
          ? failure
          : readFailure(this.cluster.version, failure ?? 'exceptions-job-failed', this.id);
    }
    if (state === 'RUNNING') this.schedule.start();
    if (leavesRunning) this.suspend();
    if (isEnded(state)) this.checkpoints.end(state);
    if (leavesRunning) this.cluster.assignSlots();
  }

  /** Sets how many tasks are in which state, e.g. `{ RUNNING: 2, INITIALIZING: 2 }`; the job's own state stays. */
  setTasks(counts: Record<string, number>): void {
    this.tasks = Object.entries(counts).flatMap(([state, count]) => Array.from({ length: count }, () => state));
    this.lastModification = this.cluster.timeline.now();
  }

  /**
   * RUNNING, with tasks SCHEDULED until there are slots (adaptive scheduler: CREATED until then), then INITIALIZING for
   * `startDelayMs`, then RUNNING.
   */
  deploy(): void {
    const { knobs, timeline, isAdaptive } = this.cluster;
    const fits = this.parallelism <= this.cluster.availableSlots();
    const wanted = fits || !isAdaptive ? 'RUNNING' : 'CREATED';
    if (this.state !== wanted) this.setState(wanted);
    this.waitsForSlots = !fits;
    if (!fits) return this.waitForSlots();
    const running: Record<string, number> = { RUNNING: this.tasks.length };
    if (knobs.startDelayMs <= 0) return this.setTasks(running);
    this.setTasks({ INITIALIZING: this.tasks.length });
    timeline.after(knobs.startDelayMs, () => {
      if (this.tasks.every((task) => task === 'INITIALIZING') && this.state === 'RUNNING') this.setTasks(running);
    });
  }

  /**
   * A failure inside the job: RESTARTING for `restartDurationMs`, then RUNNING from its newest checkpoint. FAILED where
   * the knob `restarts` is off, and where what it would restore is gone.
   */
  restart(failure?: string): void {
    const { knobs, timeline, taskManagersLost } = this.cluster;
    if (!knobs.restarts) return this.setState('FAILED', failure);
    this.setState('RESTARTING', failure);
    timeline.after(taskManagersLost ? knobs.lostTaskManagerCycleMs : knobs.restartDurationMs, () => {
      if (this.state !== 'RESTARTING') return;
      if (this.recover()) this.deploy();
      else this.setState('FAILED', 'exceptions-restore-missing-file');
    });
  }

  /** Notes that the newest checkpoint (or what the job was started from) was restored once more. */
  recover(): boolean {
    return this.checkpoints.recover();
  }

  /** A periodic checkpoint that completed just now; those before it are subsumed, hence deleted. Returns its location. */
  completeCheckpoint(): string | null {
    const snapshot = this.checkpoints.begin();
    this.checkpoints.complete(snapshot);
    return snapshot.location;
  }

  /** A periodic checkpoint that failed just now; the job goes on. */
  failCheckpoint(message = 'Checkpoint expired before completing.'): void {
    this.checkpoints.abandon(this.checkpoints.begin(), message);
  }

  private suspend(): void {
    this.schedule.stop();
    this.onSuspended();
    this.stopping = false;
    this.checkpoints.abandonUnderWay(SUSPENDING);
  }

  /** Without a TaskManager Flink gives up waiting soon, and starts over. */
  private waitForSlots(): void {
    const { knobs, timeline, taskManagersLost, isAdaptive } = this.cluster;
    if (isAdaptive) return;
    this.setTasks({ SCHEDULED: this.tasks.length });
    if (!taskManagersLost) return;
    timeline.after(knobs.lostTaskManagerCycleMs, () => {
      if (this.waitsForSlots && this.state === 'RUNNING') this.restart(NO_SLOTS);
    });
  }
}

export const NO_SLOTS = 'exceptions-taskmanager-lost-savepoints';

function isEnded(state: FlinkJobState): state is (typeof ENDED)[number] {
  return (ENDED as readonly FlinkJobState[]).includes(state);
}
