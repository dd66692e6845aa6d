import type { Database } from '../db/database.js';
import { AppError } from '../errors.js';
import { recordInOrder } from '../event/record-event.js';
import { failPoint } from '../fail-point.js';
import type { RestoredEntry, SnapshotEntry } from '../flink/flink.types.js';
import { ownLooksDue } from '../job/own-looks-due.js';
import { noteSources } from '../job/source-of-adopted.js';
import type { Logger } from '../logger.js';
import type { News } from './account.types.js';
import {
  type LookToWrite,
  settleVanished,
  tellDeployments,
  touchAccounts,
  writeAccounts,
  writeEntries,
  writeGaps,
} from './checkpoint.store.js';
import { wakeRetention } from '../savepoint/wake-retention.js';
import { linkOurs } from './our-savepoint.store.js';
import { eventOf } from './tell-news.js';

export interface NewLook extends LookToWrite {
  news: News[];
  /** What the run was restored from, where that is news; before its own checkpoints, which take protection from other savepoints. */
  restored: RestoredEntry | null;
  /** Of everything in the answer, what is written of it then. */
  written: Map<number, string>;
}

/**
 * WRITTEN: it is. OVERTAKEN: somebody else has carried the account on. AWAY: the database does not answer; the same look again loses
 * nothing. REFUSED: the database takes no row of it.
 */
export type Outcome = 'WRITTEN' | 'OVERTAKEN' | 'AWAY' | 'REFUSED';

const COLLECT_MS = 150;
const AT_ONCE = 250;

type Waiting = { look: NewLook; settle: (outcome: Outcome) => void };

/** Looks of many runs, written together: one transaction for all that came in meanwhile. One bad row never keeps the others. */
export class LookWrites {
  private waiting: Waiting[] = [];
  private touched = new Map<string, { seenAt: number; agoMs: number }>();
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(
    private readonly database: Database,
    private readonly log: Logger,
  ) {}

  add(look: NewLook): Promise<Outcome> {
    if (this.stopped) return Promise.resolve('AWAY');
    return new Promise((settle) => {
      this.waiting.push({ look, settle });
      this.begin();
    });
  }

  /** It was looked at, and nothing is new. */
  touch(runId: string, agoMs: number): void {
    if (this.stopped) return;
    this.touched.set(runId, { seenAt: performance.now(), agoMs });
    this.begin();
  }

  /** Writes what has come in. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.writing = this.writing.then(() => this.write());
    await this.writing;
  }

  private begin(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.writing = this.writing.then(() => this.write());
    }, COLLECT_MS);
  }

  private async write(): Promise<void> {
    while (this.waiting.length > 0) await this.writeTogether(this.waiting.splice(0, AT_ONCE));
    const now = performance.now();
    const touched = [...this.touched].map(([id, { seenAt, agoMs }]) => ({ id, agoMs: agoMs + now - seenAt }));
    this.touched = new Map();
    if (touched.length === 0) return;
    await touchAccounts(this.database, touched).catch((error: unknown) =>
      this.log.warn({ err: error }, 'that checkpoints were looked at could not be written; the next look is'),
    );
  }

  /** Halves what cannot be written, until the bad one is alone. */
  private async writeTogether(some: readonly Waiting[]): Promise<void> {
    try {
      await noteSources(
        this.database,
        some.flatMap(({ look: { run, restored } }) => (restored ? [{ jobId: run.id, restored }] : [])),
      );
      const carriedOn = await this.inOneTransaction(some.map(({ look }) => look));
      for (const { look, settle } of some) settle(carriedOn.has(look.run.id) ? 'WRITTEN' : 'OVERTAKEN');
    } catch (error) {
      if (error instanceof AppError) {
        this.log.warn({ err: error }, 'checkpoints could not be written; they are looked at again');
        for (const { settle } of some) settle('AWAY');
      } else if (some.length > 1) {
        const half = Math.ceil(some.length / 2);
        await this.writeTogether(some.slice(0, half));
        await this.writeTogether(some.slice(half));
      } else if (some[0]) await this.writeWhatCanBe(some[0], error);
    }
  }

  private inOneTransaction(looks: readonly NewLook[]): Promise<Set<string>> {
    return this.database.transaction(async (tx) => {
      const carriedOn = await writeAccounts(tx, looks);
      const ours = looks.filter(({ run }) => carriedOn.has(run.id)).sort((a, b) => (a.run.id < b.run.id ? -1 : 1));
      const entries = ours.flatMap(({ run, entries: of }) => of.map((entry) => ({ run, entry })));
      if (entries.length > 0) await writeEntries(tx, entries);
      await linkOurs(tx, entries);
      for (const { run, vanished } of ours) await settleVanished(tx, run.id, vanished);
      const gaps = ours.flatMap(({ run, gaps: of }) => of.map((gap) => ({ ...gap, run })));
      if (gaps.length > 0) await writeGaps(tx, gaps);
      await ownLooksDue(
        tx,
        ours.flatMap(({ run, news, entries: of }) => (hasFirst(news, of) ? [run.id] : [])),
      );
      await wakeRetention(
        tx,
        ours.flatMap(({ run, news }) =>
          news.some(({ what }) => what === 'FIRST_COMPLETED') ? [run.deploymentId] : [],
        ),
      );
      failPoint('checkpoints.before-commit');
      await tellDeployments(
        tx,
        ours.map(({ run }) => run.deploymentId),
      );
      await recordInOrder(
        tx,
        ours.flatMap(({ run, news }) => news.map((one) => eventOf(aboutOf(run), one))),
      );
      return carriedOn;
    });
  }

  /** The rows of one run that the database takes; the others are told of, and lie in a gap. */
  private async writeWhatCanBe({ look, settle }: Waiting, error: unknown): Promise<void> {
    const good: NewLook = { ...look, entries: [], gaps: [...look.gaps], account: { ...look.account } };
    for (const entry of look.entries) {
      try {
        await writeEntries(this.database, [{ run: look.run, entry }]);
      } catch (trouble) {
        this.log.error(
          { err: trouble, job: look.run.id, checkpoint: entry.id },
          'a checkpoint could not be recorded; it is shown as a gap',
        );
        const at = Number.isFinite(entry.triggeredAt) ? entry.triggeredAt : look.account.lookedAt;
        if (entry.status === 'COMPLETED') good.account.recordedCompleted -= 1;
        good.gaps.push({ from: at, to: at, missing: 1, reason: 'COUNTED_MORE' });
      }
    }
    try {
      const carriedOn = await this.inOneTransaction([good]);
      settle(carriedOn.size > 0 ? 'WRITTEN' : 'OVERTAKEN');
    } catch {
      this.log.error({ err: error, job: look.run.id }, 'the checkpoints of a run could not be recorded');
      settle('REFUSED');
    }
  }
}

/** Something of the run's own that can be read: its first checkpoint, or a savepoint. */
const hasFirst = (news: readonly News[], entries: readonly SnapshotEntry[]): boolean =>
  news.some(({ what }) => what === 'FIRST_COMPLETED') ||
  entries.some(({ isSavepoint, status }) => isSavepoint && status === 'COMPLETED');

const aboutOf = ({ id, deploymentId, clusterId, run }: NewLook['run']) => ({ jobId: id, deploymentId, clusterId, run });
