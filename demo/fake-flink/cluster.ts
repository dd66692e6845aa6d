import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import type { FlinkVersion } from './captured-replies.js';
import type { FakeJob } from './fake-job.js';
import type { ProgramTraits } from './job-checkpoints.js';
import type { Retention } from './job-settings.js';
import { type HeldByOperators, isBelow, localPath } from './snapshot-files.js';
import { Timeline } from './timeline.js';

/**
 * What a test may turn at any time, on `flink.knobs`. Beside the knobs, what it may do:
 *
 * - **stop**: POST /stop as in Flink. `closeDurationMs` > 0: the savepoint is whole, the job still RUNNING, the poll still
 *   IN_PROGRESS for so long; a cancel meanwhile ends it as `stop-poll-cancelled-while-stopping`. Other ends:
 *   `flink.savepointsFailWith('stop-poll-stopping-failed')` (whole savepoint, job FAILED), `'stop-poll-failed-timeout'` or
 *   `'stop-poll-failed-taskmanager-lost'` (no savepoint; RESTARTING, then RUNNING; FAILED with `restarts: false`),
 *   `'stop-poll-savepoint-failed'` (no savepoint, the job runs on), `'stop-poll-cancelled-while-stopping'`.
 * - **cancel**: `cancelDurationMs`. What is kept follows the job's retention: of its flinkConfiguration, else `retention`.
 * - **checkpoints**: `flink.job(id).completeCheckpoint()` and `failCheckpoint(message)` at once, or by themselves:
 *   `takesCheckpoints` (every job) or `flink.job(id).takesCheckpoints = true`, every interval of the job in real time.
 * - **restore**: a run with savepointPath restores what is there, and is refused as Flink does when it is not. By
 *   arguments of the program: `--counter-uid x` (missing operator), `--max-parallelism n` (mismatch). By the test:
 *   `flink.restoresFailWith('run-restore-missing-operator')`, on either scheduler. `restores` makes the next runs lie.
 * - **a start that fails**: `flink.startsFailWith('exceptions-restore-missing-file', { afterMs, restarts })`.
 * - **a job in trouble**: `flink.job(id).restart()` (RESTARTING, then RUNNING from its newest checkpoint),
 *   `flink.loseTaskManagers()` and `flink.returnTaskManagers()`, `flink.job(id).setState(…)`, `setTasks(…)`.
 * - **the JobManager**: `flink.restart()`, with `{ keepJobs: true }` for high availability.
 * - **the adaptive scheduler**: `startFakeFlink({ scheduler: 'adaptive' })`.
 * - **disposals**: `disposals` (half done, untrue, failed) and `disposalDurationMs`.
 * - **stale answers**: `statisticsCacheMs` (checkpoints) and `detailsCacheMs` (job, exceptions); a real cluster says 3,000.
 */
export interface FakeFlinkKnobs {
  /** Between the arrival of a request and its handling. */
  latencyMs: number;
  /** From the trigger to the end of a savepoint; `Infinity`: never. Read when the savepoint is triggered. */
  savepointDurationMs: number;
  /** In how many steps the subtasks of a savepoint acknowledge, evenly over its duration. */
  savepointSteps: number;
  /** If set: a savepoint answers IN_PROGRESS to n polls and has ended at the next one, whatever the time. Read when triggered. */
  pendingPolls: number | null;
  /** From the whole savepoint of a stop to the end of the job; `Infinity`: `flink.finishSavepoints` ends it. */
  closeDurationMs: number;
  /** From a run (or a restart inside the job) until its tasks are RUNNING; until then they are INITIALIZING. */
  startDelayMs: number;
  /** Of jobs whose own and whose cluster's configuration name no interval; null: periodic checkpoints are off. */
  checkpointIntervalMs: number | null;
  /** Of jobs whose own and whose cluster's configuration name none. */
  retention: Retention;
  /** Whether jobs take their periodic checkpoints by themselves. Off: only when a test says so. */
  takesCheckpoints: boolean;
  /** From the trigger to the end of a periodic checkpoint. */
  checkpointDurationMs: number;
  /** Periodic checkpoints fail with this message, and the job goes on; null: they complete. */
  checkpointsFail: string | null;
  /** How long main() runs in the JobManager: the run call is answered after it. */
  mainDurationMs: number;
  /**
   * What a run with a savepoint path restores: what was asked for, nothing (`latest.restored` stays null although the run
   * was accepted), or something else.
   */
  restores: 'AS_ASKED' | 'NOTHING' | { id: number; location: string };
  /** From a cancel until the job is CANCELED; it is CANCELLING until then. */
  cancelDurationMs: number;
  /** false: as with restart strategy none, whatever would restart a job ends it FAILED. */
  restarts: boolean;
  /** How long a job stays RESTARTING when nothing else is said. */
  restartDurationMs: number;
  /** While no TaskManager is there, jobs alternate RUNNING (tasks SCHEDULED) and RESTARTING at this pace (real: 1,000). */
  lostTaskManagerCycleMs: number;
  /** Savepoints and checkpoints get a folder and `_metadata` on disk, when they lie below the fake's own folder. */
  writesFiles: boolean;
  /** What the operators of a program hold in its snapshots; null: nothing. */
  held: ((program: ProgramTraits) => HeldByOperators) | null;
  /** How old `/jobs/:id/checkpoints` may be. */
  statisticsCacheMs: number;
  /** How old `/jobs/:id` and `/jobs/:id/exceptions` may be; null: as the statistics. */
  detailsCacheMs: number | null;
  /** From the request to the end of a disposal, when its effect happens; `Infinity`: never. */
  disposalDurationMs: number;
  /**
   * What a disposal of a savepoint that is there does: what it should; it deletes `_metadata` alone and fails; it succeeds and
   * deletes nothing; it fails and deletes nothing.
   */
  disposals: 'AS_ASKED' | 'DIE_HALF_WAY' | 'LEAVE_DATA' | 'FAIL';
  /** Where its TaskManagers say they run. */
  taskManagerHosts: string[];
}

/** A snapshot that was made here, also one without files. */
export interface KnownSnapshot extends ProgramTraits {
  id: number;
}

export interface SavepointMade {
  jobId: string;
  triggerId: string;
  location: string;
  /** As the request named it; null when the cluster's default was used. */
  targetDirectory: string | null;
}

/** mulberry32: small, and good enough for ids in tests. */
function seededBytes(seed: number): (count: number) => Buffer {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) & 0xff;
  };
  return (count) => Buffer.from(Array.from({ length: count }, next));
}

/** Everything that the parts of one fake cluster share. What `restart` forgets is what a JobManager process keeps in memory. */
export class Cluster {
  readonly timeline = new Timeline();
  readonly jobs = new Map<string, FakeJob>();
  /** Ids once submitted, also refused ones: taken for good (of this process). */
  readonly takenJobIds = new Set<string>();
  readonly savepointsMade: SavepointMade[] = [];
  readonly knownLocations = new Map<string, KnownSnapshot>();
  /** Locations that were deleted, by Flink itself or by a disposal. */
  readonly goneLocations = new Set<string>();
  readonly disposed: string[] = [];
  readonly knobs: FakeFlinkKnobs = {
    latencyMs: 0,
    savepointDurationMs: 0,
    savepointSteps: 4,
    pendingPolls: null,
    closeDurationMs: 0,
    startDelayMs: 0,
    checkpointIntervalMs: 60_000,
    retention: 'RETAIN_ON_CANCELLATION',
    takesCheckpoints: false,
    checkpointDurationMs: 0,
    checkpointsFail: null,
    mainDurationMs: 0,
    restores: 'AS_ASKED',
    cancelDurationMs: 0,
    restarts: true,
    restartDurationMs: 50,
    lostTaskManagerCycleMs: 1_000,
    writesFiles: true,
    held: null,
    statisticsCacheMs: 0,
    detailsCacheMs: null,
    disposalDurationMs: 0,
    disposals: 'AS_ASKED',
    taskManagerHosts: ['localhost'],
  };
  /** Counts JobManager processes. */
  generation = 0;
  /** No TaskManager is registered, hence no slot. */
  taskManagersLost = false;
  processMark: string;
  private readonly stopping = new AbortController();
  private readonly bytes: (count: number) => Buffer;

  constructor(
    readonly version: FlinkVersion,
    readonly folder: string,
    readonly slots: number,
    readonly configuration: Map<string, string>,
    readonly asyncStoreDurationMs: number,
    readonly showsProcessMark: boolean,
    seed: number | undefined,
  ) {
    this.bytes = seed === undefined ? randomBytes : seededBytes(seed);
    this.processMark = this.uuid();
  }

  /** Waits, but not beyond the end of the fake. */
  async pause(durationMs: number): Promise<void> {
    await wait(durationMs, undefined, { signal: this.stopping.signal }).catch(() => undefined);
  }

  stop(): void {
    this.forgetProcess();
    this.stopping.abort();
  }

  hex(digits: number): string {
    return this.bytes(Math.ceil(digits / 2))
      .toString('hex')
      .slice(0, digits);
  }

  uuid(): string {
    return this.hex(32).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  }

  get savepointRoot(): string | null {
    return (
      this.configuration.get('execution.checkpointing.savepoint-dir') ??
      this.configuration.get('state.savepoints.dir') ??
      null
    );
  }

  get checkpointRoot(): string | null {
    return (
      this.configuration.get('execution.checkpointing.dir') ?? this.configuration.get('state.checkpoints.dir') ?? null
    );
  }

  get isAdaptive(): boolean {
    return this.configuration.get('jobmanager.scheduler') === 'adaptive';
  }

  /** Whether a snapshot that was made here, or lies in the fake's own folder, is not there any more. */
  isGone(location: string): boolean {
    const file = localPath(location);
    const isOwnFile = this.knobs.writesFiles && file !== null && isBelow(this.folder, file);
    return this.goneLocations.has(location) || (isOwnFile && !existsSync(file));
  }

  setConfiguration(key: string, value: string | null): void {
    if (value === null) this.configuration.delete(key);
    else this.configuration.set(key, value);
  }

  /** `web.checkpoints.history`. */
  get historySize(): number {
    return Number(this.configuration.get('web.checkpoints.history') ?? 10);
  }

  availableSlots(): number {
    if (this.taskManagersLost) return 0;
    const used = [...this.jobs.values()].reduce((sum, job) => sum + job.usedSlots(), 0);
    return Math.max(0, this.slots - used);
  }

  /** Gives freed slots to jobs that wait for them. */
  assignSlots(): void {
    for (const job of this.jobs.values()) {
      if (job.waitsForSlots && job.parallelism <= this.availableSlots()) job.deploy();
    }
  }

  /** Flink's memory of one process is gone; files, and what the test was told, stay. */
  forgetProcess(): void {
    this.generation += 1;
    this.processMark = this.uuid();
    this.jobs.clear();
    this.takenJobIds.clear();
    this.timeline.clear();
  }
}
