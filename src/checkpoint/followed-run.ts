import type { CheckpointAccount, SeenStatistics } from './account.types.js';
import { carryOn } from './checkpoint-account.js';
import type { LoadedRun, RunDetails } from './checkpoint.store.js';
import type { NewLook } from './look-writes.js';

/** That nothing is new is written so often. */
const TOLD_EVERY_MS = 15_000;

/** What a worker has in mind of one run between two looks. All of it can be had again from the rows. */
export class FollowedRun {
  readonly details: RunDetails;
  /** Per new entry, as it was last seen; null: none was new. */
  spacingMs: number | null = null;
  private account: CheckpointAccount | null;
  private looks: number;
  /** What is written of each entry that the last answer held. */
  private written = new Map<number, string>();
  private writtenAt = -Infinity;
  private awaitsSource: boolean;

  constructor({ details, account, looks }: LoadedRun) {
    this.details = details;
    this.awaitsSource = details.awaitsSource;
    this.account = account;
    this.looks = looks;
  }

  /** Whether the answer reads as if the statistics had begun anew, although the process is said to be the same. */
  seemsAnew(seen: SeenStatistics): boolean {
    if (!this.account || this.account.processMark !== seen.processMark) return false;
    return this.read(seen).gaps.some(({ reason }) => reason === 'JOBMANAGER_CHANGED');
  }

  /** What there is to write; null: nothing that was not written before. */
  look(seen: SeenStatistics, agoMs: number): NewLook | null {
    const look = this.read(seen);
    const written = new Map(look.entries.map((entry) => [entry.id, signatureOf(entry)]));
    const entries = look.entries.filter(({ id }) => this.written.get(id) !== written.get(id));
    const before = this.account;
    const restored = this.awaitsSource ? seen.statistics.latest.restored : null;
    const same =
      before !== null &&
      restored === null &&
      entries.length === 0 &&
      look.gaps.length === 0 &&
      before.toldTotal === look.account.toldTotal &&
      before.toldCompleted === look.account.toldCompleted &&
      before.toldFailed === look.account.toldFailed &&
      before.processMark === look.account.processMark &&
      look.vanished.length === 0;
    if (same) {
      this.account = { ...before, lookedAt: look.account.lookedAt };
      return null;
    }
    return { ...look, entries, written, restored, run: this.details, looks: this.looks + 1, agoMs };
  }

  /** It is written: the next look goes on from here. */
  keep(look: NewLook): void {
    const begun = look.account.toldTotal - (this.account?.toldTotal ?? look.account.toldTotal);
    const forMs = look.account.lookedAt - (this.account?.lookedAt ?? look.account.lookedAt);
    this.spacingMs = begun > 0 && forMs > 0 ? forMs / begun : null;
    this.account = look.account;
    this.looks = look.looks;
    if (look.restored) this.awaitsSource = false;
    this.written = look.written;
    this.writtenAt = performance.now();
  }

  /** Whether it is time to write that it was looked at. */
  isTouchDue(): boolean {
    if (performance.now() - this.writtenAt < TOLD_EVERY_MS) return false;
    this.writtenAt = performance.now();
    return true;
  }

  get lastCompleted(): CheckpointAccount['lastCompleted'] {
    return this.account?.lastCompleted ?? null;
  }

  private read(seen: SeenStatistics) {
    const { startedAt, startCheckpointId } = this.details;
    return carryOn(this.account, seen, { startedAt, startCheckpointId });
  }
}

const signatureOf = (entry: {
  status: string;
  discarded: boolean;
  acknowledgedSubtasks: number;
  checkpointedBytes: number;
}): string => `${entry.status}${entry.discarded}${entry.acknowledgedSubtasks}/${entry.checkpointedBytes}`;
