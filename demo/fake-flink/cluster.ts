import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { FlinkVersion } from './captured-replies.js';
import type { FakeJob } from './fake-job.js';
import { Timeline } from './timeline.js';

export interface FakeFlinkKnobs {
  /** Between the arrival of a request and its handling. */
  latencyMs: number;
  /** From the trigger to the end of a savepoint; `Infinity`: never. Read when the savepoint is triggered. */
  savepointDurationMs: number;
  /** In how many steps the subtasks of a savepoint acknowledge, evenly over its duration. */
  savepointSteps: number;
  /** If set: a savepoint answers IN_PROGRESS to n polls and has ended at the next one, whatever the time. Read when triggered. */
  pendingPolls: number | null;
  /** From a run (or a restart inside the job) until its tasks are RUNNING; until then they are INITIALIZING. */
  startDelayMs: number;
  /** Of jobs that are run from a jar; null: periodic checkpoints are off. */
  checkpointIntervalMs: number | null;
  /** How long main() runs in the JobManager: the run call is answered after it. */
  mainDurationMs: number;
  /** From a cancel until the job is CANCELED; it is CANCELLING until then. */
  cancelDurationMs: number;
  /** Savepoints and checkpoints get a folder and `_metadata` on disk, when they lie below the fake's own folder. */
  writesFiles: boolean;
  /** Where its TaskManagers say they run. */
  taskManagerHosts: string[];
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
  /** Checkpoint ids of locations made here, also of those without files. */
  readonly knownLocations = new Map<string, number>();
  readonly disposed: string[] = [];
  readonly knobs: FakeFlinkKnobs = {
    latencyMs: 0,
    savepointDurationMs: 0,
    savepointSteps: 4,
    pendingPolls: null,
    startDelayMs: 0,
    checkpointIntervalMs: 60_000,
    mainDurationMs: 0,
    cancelDurationMs: 0,
    writesFiles: true,
    taskManagerHosts: ['localhost'],
  };
  /** Counts JobManager processes. */
  generation = 0;
  processMark: string;
  private readonly stopping = new AbortController();
  private readonly bytes: (count: number) => Buffer;

  constructor(
    readonly version: FlinkVersion,
    readonly folder: string,
    readonly slots: number,
    readonly configuration: Map<string, string>,
    readonly asyncStoreDurationMs: number,
    readonly statisticsCacheMs: number,
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

  setConfiguration(key: string, value: string | null): void {
    if (value === null) this.configuration.delete(key);
    else this.configuration.set(key, value);
  }

  /** `web.checkpoints.history`. */
  get historySize(): number {
    return Number(this.configuration.get('web.checkpoints.history') ?? 10);
  }

  availableSlots(): number {
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
