import type { Cluster } from './cluster.js';
import type { JobCheckpoints } from './job-checkpoints.js';
import { risingInSteps } from './progress.js';

/** What the schedule looks at before each checkpoint. */
export interface Scheduled {
  readonly settings: { readonly checkpointIntervalMs: number | null; readonly checkpointTimeoutMs: number };
  readonly checkpoints: JobCheckpoints;
  readonly tasks: readonly string[];
  readonly takesCheckpoints: boolean;
  allTasksRun(): boolean;
}

/** From RUNNING to the first periodic checkpoint of 2.3.0, whatever the interval; 1.20.5 waits a random part of the interval. */
const FIRST_AFTER_MS = 200;

/** Periodic checkpoints of one job in real time, one at a time, while it is RUNNING. */
export class CheckpointSchedule {
  private offPlan = (): void => undefined;

  constructor(
    private readonly cluster: Cluster,
    private readonly job: Scheduled,
  ) {}

  start(): void {
    this.stop();
    const { checkpointIntervalMs: intervalMs } = this.job.settings;
    if (intervalMs === null || intervalMs <= 0) return;
    const share = parseInt(this.cluster.hex(2), 16) / 256;
    const firstMs = this.cluster.version === '2.3.0' ? Math.min(FIRST_AFTER_MS, intervalMs) : intervalMs * share;
    this.offPlan = this.cluster.timeline.after(firstMs, () => this.tick(intervalMs));
  }

  stop(): void {
    this.offPlan();
  }

  private tick(intervalMs: number): void {
    this.offPlan = this.cluster.timeline.after(intervalMs, () => this.tick(intervalMs));
    const { job } = this;
    if (!job.takesCheckpoints || job.checkpoints.underWay().length > 0) return;
    if (job.allTasksRun()) this.take();
    else job.checkpoints.countAttempt();
  }

  private take(): void {
    const { checkpoints, settings, tasks } = this.job;
    const { timeline, knobs } = this.cluster;
    const { checkpointDurationMs: durationMs, checkpointsFail } = knobs;
    const snapshot = checkpoints.begin(risingInSteps(timeline, tasks.length, durationMs, knobs.savepointSteps));
    const expires = durationMs > settings.checkpointTimeoutMs;
    const failure = expires ? 'Checkpoint expired before completing.' : checkpointsFail;
    const end = (): void =>
      failure === null ? checkpoints.complete(snapshot) : checkpoints.abandon(snapshot, failure);
    if (durationMs <= 0) end();
    else timeline.after(Math.min(durationMs, settings.checkpointTimeoutMs), end);
  }
}
