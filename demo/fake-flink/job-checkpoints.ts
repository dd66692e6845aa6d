import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Cluster } from './cluster.js';
import type { JobSettings } from './job-settings.js';
import { foldLocation, isBelow, localPath, writeSnapshot } from './snapshot-files.js';

export interface Vertex {
  id: string;
  name: string;
  parallelism: number;
}

/** One checkpoint or savepoint of a job. */
export interface Snapshot {
  id: number;
  type: 'CHECKPOINT' | 'UNALIGNED_CHECKPOINT' | 'SAVEPOINT' | 'SYNC_SAVEPOINT';
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

export interface Restored {
  id: number;
  at: number;
  /** True for whatever a start named, also a checkpoint; false for a recovery inside the job. */
  isSavepoint: boolean;
  location: string;
}

/** What the checkpoints need to know of their job. */
export interface Checkpointed {
  readonly id: string;
  readonly settings: JobSettings;
  readonly vertices: Vertex[];
  readonly tasks: readonly string[];
  /** Of the program that runs: what a restore from its snapshots is compared with. */
  readonly program: ProgramTraits;
}

export interface ProgramTraits {
  /** `--counter-uid`; another one does not map to the state that was saved under this. */
  counterUid: string;
  /** `--max-parallelism`; null: left to Flink. */
  maxParallelism: number | null;
}

export const isSavepoint = ({ type }: Pick<Snapshot, 'type'>): boolean =>
  type === 'SAVEPOINT' || type === 'SYNC_SAVEPOINT';
const notBegun = (): { acknowledged: number; latestAckAt: number } => ({ acknowledged: 0, latestAckAt: -1 });

/** The coordinator of one job: its statistics, the checkpoints that it retains, and their files. */
export class JobCheckpoints {
  /** The statistics, newest first; what has left the history is dropped, but for what `latest` names. */
  snapshots: Snapshot[] = [];
  /** Completed checkpoints that are not subsumed, newest first: the job recovers from the first. */
  retained: Snapshot[] = [];
  readonly counts = { restored: 0, total: 0, completed: 0, failed: 0 };
  restored: Restored | null = null;
  nextId = 1;

  constructor(
    private readonly cluster: Cluster,
    private readonly job: Checkpointed,
  ) {}

  add(part: Pick<Snapshot, 'type' | 'format' | 'progress' | 'location'>): Snapshot {
    const snapshot: Snapshot = {
      id: this.nextId++,
      status: 'IN_PROGRESS',
      triggeredAt: this.cluster.timeline.now(),
      vertices: this.job.vertices,
      subtasks: this.job.tasks.length,
      discarded: false,
      failedAt: -1,
      failureMessage: '',
      ...part,
    };
    this.counts.total += 1;
    this.snapshots.unshift(snapshot);
    this.forgetOld();
    return snapshot;
  }

  finish(snapshot: Snapshot): void {
    const now = this.cluster.timeline.now();
    snapshot.status = 'COMPLETED';
    snapshot.progress = () => ({ acknowledged: snapshot.subtasks, latestAckAt: now });
    this.counts.completed += 1;
    if (snapshot.location === null) return;
    this.cluster.goneLocations.delete(snapshot.location);
    this.cluster.knownLocations.set(snapshot.location, { id: snapshot.id, ...this.job.program });
  }

  /** Nothing happens to one that has ended already. */
  abandon(snapshot: Snapshot, message: string): void {
    if (snapshot.status !== 'IN_PROGRESS') return;
    const soFar = snapshot.progress();
    snapshot.status = 'FAILED';
    snapshot.progress = () => soFar;
    snapshot.failedAt = this.cluster.timeline.now();
    snapshot.failureMessage = message;
    this.counts.failed += 1;
    if (!isSavepoint(snapshot)) this.removeFiles(snapshot);
    snapshot.location = null;
  }

  /** Checkpoints under way end, as when the coordinator stops or a stop begins; savepoints are for others to end. */
  abandonUnderWay(message: string): void {
    for (const snapshot of this.underWay()) this.abandon(snapshot, message);
  }

  /** An attempt that got no entry, as one while not all tasks run: it shows in the counts alone. */
  countAttempt(): void {
    this.counts.total += 1;
    this.counts.failed += 1;
  }

  /** Begins a checkpoint; `latest.completed` names it after {@link complete}. */
  begin(progress: Snapshot['progress'] = notBegun): Snapshot {
    const { settings, id: jobId } = this.job;
    const wanted = `${settings.checkpointRoot ?? ''}/${jobId}/chk-${String(this.nextId)}`;
    const folded = settings.checkpointRoot === null ? null : foldLocation(wanted, this.cluster.folder);
    const snapshot = this.add({
      type: settings.unaligned ? 'UNALIGNED_CHECKPOINT' : 'CHECKPOINT',
      format: null,
      progress,
      location: folded?.kind === 'location' ? folded.location : null,
    });
    const folder = this.ownFolder(snapshot.location);
    for (const name of folder === null ? [] : [path.basename(folder), 'shared', 'taskowned']) {
      mkdirSync(path.join(path.dirname(folder ?? ''), name), { recursive: true });
    }
    return snapshot;
  }

  /** It is complete; those beyond the retained number are subsumed, hence deleted. */
  complete(snapshot: Snapshot): void {
    if (snapshot.status !== 'IN_PROGRESS') return;
    this.finish(snapshot);
    const { version } = this.cluster;
    const { vertices: operators, id: checkpointId } = snapshot;
    const folder = this.ownFolder(snapshot.location);
    const held = this.cluster.knobs.held?.(this.job.program);
    if (folder !== null) writeSnapshot(folder, { version, checkpointId, kind: 'CHECKPOINT', operators, held });
    this.retained.unshift(snapshot);
    this.retained.splice(this.job.settings.retained).forEach((entry) => this.discard(entry));
  }

  /** Notes a restore: of what the start named, else of the newest checkpoint. False when it is not there any more. */
  recover(): boolean {
    const now = this.cluster.timeline.now();
    const [newest] = this.retained;
    if (newest?.location != null) {
      this.restored = { id: newest.id, at: now, isSavepoint: false, location: newest.location };
    } else if (this.restored !== null) this.restored = { ...this.restored, at: now };
    if (this.restored === null) return true;
    this.counts.restored += 1;
    return !this.cluster.isGone(this.restored.location);
  }

  /** What a start named was restored. */
  restoreFrom(restored: { id: number; location: string }): void {
    this.restored = { ...restored, at: this.cluster.timeline.now(), isSavepoint: true };
    this.counts.restored = 1;
    this.nextId = restored.id + 1;
  }

  /** Of a process that has died, under high availability: everything but the statistics. */
  takeOver(before: JobCheckpoints): void {
    this.retained = before.retained;
    this.restored = before.restored;
    this.nextId = before.nextId;
    this.recover();
  }

  /** What the end of a job deletes (the same on 2.3.0 and 1.20.5). */
  end(state: 'FINISHED' | 'CANCELED' | 'FAILED'): void {
    const { retention } = this.job.settings;
    const deletes =
      state === 'FINISHED' ||
      retention === 'NO_EXTERNALIZED_CHECKPOINTS' ||
      (state === 'CANCELED' && retention === 'DELETE_ON_CANCELLATION');
    if (deletes) this.retained.splice(0).forEach((entry) => this.discard(entry));
  }

  /** The JobManager dies: what was being written stays without its `_metadata`, for ever. */
  die(): void {
    for (const { location } of this.underWay()) {
      const folder = this.ownFolder(location);
      if (folder !== null) writeFileSync(path.join(folder, this.cluster.uuid()), 'half a state');
    }
  }

  /** Where to write; null when the fake must not or cannot write there. */
  ownFolder(location: string | null): string | null {
    const folder = location === null ? null : localPath(location);
    if (folder === null || !this.cluster.knobs.writesFiles || !isBelow(this.cluster.folder, folder)) return null;
    return folder;
  }

  underWay(): Snapshot[] {
    return this.snapshots.filter((entry) => entry.status === 'IN_PROGRESS' && !isSavepoint(entry));
  }

  private discard(entry: Snapshot): void {
    entry.discarded = true;
    if (entry.location === null) return;
    this.cluster.knownLocations.delete(entry.location);
    this.cluster.goneLocations.add(entry.location);
    this.removeFiles(entry);
  }

  private removeFiles(entry: Snapshot): void {
    const folder = this.ownFolder(entry.location);
    if (folder !== null && path.basename(folder).startsWith('chk-')) rmSync(folder, { recursive: true, force: true });
  }

  /** Keeps what the history lists, what `latest` names, and what is not ended. */
  private forgetOld(): void {
    const { historySize } = this.cluster;
    if (this.snapshots.length <= historySize) return;
    const named = new Set(latestOf(this.snapshots));
    this.snapshots = this.snapshots.filter(
      (entry, index) => index < historySize || entry.status === 'IN_PROGRESS' || named.has(entry),
    );
  }
}

/** What `latest` names of these, newest first: completed, savepoint, failed. */
export function latestOf(snapshots: Snapshot[]): [Snapshot | undefined, Snapshot | undefined, Snapshot | undefined] {
  const completed = snapshots.filter(({ status }) => status === 'COMPLETED');
  return [
    completed.find((entry) => !isSavepoint(entry)),
    completed.find(isSavepoint),
    snapshots.find(({ status }) => status === 'FAILED'),
  ];
}
