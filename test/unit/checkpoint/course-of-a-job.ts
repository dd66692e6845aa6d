import type { CheckpointStatistics, RestoredEntry, SnapshotEntry } from '../../../src/flink/flink.types.js';

/** What happens to a job, in the terms of Flink's own checkpoint coordinator. */
export type Step =
  | { do: 'TRIGGER'; savepoint: boolean }
  | { do: 'COMPLETE' | 'FAIL'; which: number }
  /** An attempt that is counted as failed and gets no entry; some take an id with them. */
  | { do: 'NO_ENTRY'; takesId: boolean }
  /** The job fails inside its process, and goes on from its newest checkpoint. */
  | { do: 'RECOVER' }
  /** Another JobManager process takes it over. */
  | { do: 'TAKE_OVER' }
  | { do: 'LOOK' };

export interface Truth {
  id: number;
  triggeredAt: number;
  status: SnapshotEntry['status'];
  /** Its process ended while it was in progress. */
  lost: boolean;
}

/** Keeps a job's statistics as Flink does: counts, the newest entries of one process, and what `latest` names. */
export class CourseOfAJob {
  now = 1_000;
  process = 1;
  readonly startedAt = 1_000;
  /** Every entry that ever was, in any process. */
  readonly truth = new Map<number, Truth>();
  /** Trigger times of attempts that took an id and got no entry. */
  readonly idsWithoutEntry: number[] = [];
  private entries: SnapshotEntry[] = [];
  private counts = { restored: 0, total: 0, completed: 0, failed: 0 };
  private nextId = 1;
  private restored: RestoredEntry | null = null;
  private lastCheckpoint: SnapshotEntry | null = null;

  constructor(readonly historySize: number) {}

  take(step: Exclude<Step, { do: 'LOOK' }>): void {
    this.now += 10;
    if (step.do === 'TRIGGER') this.trigger(step.savepoint);
    if (step.do === 'COMPLETE' || step.do === 'FAIL') {
      const pending = this.pending();
      const entry = pending[step.which % Math.max(1, pending.length)];
      if (entry) this.end(entry, step.do === 'COMPLETE' ? 'COMPLETED' : 'FAILED');
    }
    if (step.do === 'NO_ENTRY') {
      this.counts.failed += 1;
      this.counts.total += 1;
      if (step.takesId) this.idsWithoutEntry.push(this.now);
      if (step.takesId) this.nextId += 1;
    }
    if (step.do === 'RECOVER') {
      for (const entry of this.pending()) this.end(entry, 'FAILED');
      this.restore();
    }
    if (step.do === 'TAKE_OVER') {
      for (const { id } of this.pending()) Object.assign(this.truth.get(id) ?? {}, { lost: true });
      this.process += 1;
      this.entries = [];
      this.counts = { restored: 0, total: 0, completed: 0, failed: 0 };
      this.restored = null;
      this.restore();
    }
  }

  answer(): CheckpointStatistics {
    const newest = (matches: (entry: SnapshotEntry) => boolean) => this.entries.findLast(matches) ?? null;
    return structuredClone({
      counts: { ...this.counts, inProgress: this.pending().length },
      latest: {
        completed: newest((entry) => entry.status === 'COMPLETED' && !entry.isSavepoint),
        savepoint: newest((entry) => entry.status === 'COMPLETED' && entry.isSavepoint),
        failed: newest((entry) => entry.status === 'FAILED'),
        restored: this.restored,
      },
      history: this.entries.slice(-this.historySize).reverse(),
    });
  }

  private trigger(isSavepoint: boolean): void {
    const entry = entryOf({ id: this.nextId++, triggeredAt: this.now, isSavepoint });
    this.counts.total += 1;
    this.entries.push(entry);
    this.truth.set(entry.id, { id: entry.id, triggeredAt: this.now, status: 'IN_PROGRESS', lost: false });
  }

  private end(entry: SnapshotEntry, status: 'COMPLETED' | 'FAILED'): void {
    entry.status = status;
    if (status === 'COMPLETED') Object.assign(entry, { latestAckAt: this.now, location: `file:/c/chk-${entry.id}` });
    else Object.assign(entry, { failedAt: this.now, failureMessage: 'Checkpoint expired before completing.' });
    this.counts[status === 'COMPLETED' ? 'completed' : 'failed'] += 1;
    if (status === 'COMPLETED' && !entry.isSavepoint) this.lastCheckpoint = entry;
    Object.assign(this.truth.get(entry.id) ?? {}, { status });
  }

  private restore(): void {
    const { lastCheckpoint } = this;
    if (!lastCheckpoint) return;
    this.counts.restored += 1;
    this.restored = {
      id: lastCheckpoint.id,
      restoredAt: this.now,
      isSavepoint: false,
      location: lastCheckpoint.location,
    };
  }

  private pending(): SnapshotEntry[] {
    return this.entries.filter(({ status }) => status === 'IN_PROGRESS');
  }
}

export function entryOf(part: Partial<SnapshotEntry> & { id: number }): SnapshotEntry {
  return {
    status: 'IN_PROGRESS',
    isSavepoint: false,
    type: part.isSavepoint ? 'SAVEPOINT' : 'CHECKPOINT',
    format: null,
    triggeredAt: part.id * 1_000,
    latestAckAt: null,
    checkpointedBytes: 0,
    stateBytes: 0,
    durationMs: null,
    subtasks: 4,
    acknowledgedSubtasks: 0,
    location: null,
    discarded: false,
    failedAt: null,
    failureMessage: null,
    ...part,
  };
}
