import { setTimeout as sleep } from 'node:timers/promises';
import type { FlinkClients } from '../cluster/flink-clients.js';
import { type Claim, ClaimLost, giveBack } from '../db/claims.js';
import type { Database } from '../db/database.js';
import type { KeptClaims } from '../db/kept-claims.js';
import { AppError } from '../errors.js';
import type { Logger } from '../logger.js';
import { lookAgainAfter, recoverSavepoint } from './advance-savepoint.js';
import { settleStatus } from './ask-savepoint.js';
import { findLostResult } from './find-lost-result.js';
import { lookPauseMs, progressPauseMs } from './look-pause.js';
import { ProgressWrites } from './progress-writes.js';
import { patienceMs, progressNow } from './read-progress.js';
import type { AdvanceSavepointDeps, FollowSavepoints } from './savepoint-deps.js';
import type { SavepointAtWork } from './savepoint.store.js';

/** A call to a JobManager may last longer than a worker that stops may wait. */
const LEAVE_WITHIN_MS = 1_000;

interface Following {
  work: SavepointAtWork;
  claim: Claim;
  /** Of performance.now(): when it was taken over, and when its progress was last asked for. */
  since: number;
  progressAskedAt: number;
  /** Somebody else has it, or may have: nothing is written any more. */
  lost: boolean;
  /** To be given back: woken, its cluster is another worker's, or this worker stops. */
  disturbed: boolean;
  /** Ends the present pause. */
  stir: () => void;
}

/**
 * The savepoints that Flink is at, on the clusters of this worker. Each is asked for by a loop of its own in memory,
 * under a claim that is kept; the row is written when something has changed. Should this process end, the claims run out
 * and the rows are due for the next owner.
 */
export class SavepointFollowers implements FollowSavepoints {
  private readonly followed = new Map<Following, Promise<void>>();
  private readonly progressWrites: ProgressWrites;
  private stopping = false;

  constructor(
    private readonly database: Database,
    private readonly flinkClients: FlinkClients,
    private readonly keptClaims: KeptClaims,
    private readonly log: Logger,
  ) {
    this.progressWrites = new ProgressWrites(database, (error) =>
      log.warn({ err: error }, 'the progress of savepoints could not be written; the next reading is'),
    );
  }

  follow(work: SavepointAtWork, claim: Claim): void {
    const one: Following = {
      work,
      claim,
      since: performance.now(),
      progressAskedAt: work.progressAgeMs === null ? -Infinity : performance.now() - work.progressAgeMs,
      lost: false,
      disturbed: this.stopping,
      stir: () => undefined,
    };
    const letGo = this.keptClaims.keep(claim, {
      lost: () => stir(one, 'lost'),
      disturbed: () => stir(one, 'disturbed'),
    });
    const done = this.ask(one)
      .catch((error: unknown) => this.recover(one, error))
      .finally(() => {
        letGo();
        this.followed.delete(one);
      });
    this.followed.set(one, done);
  }

  /** Gives all back, and waits a moment for what is just being asked or written: whatever comes later is refused or right. */
  async stop(): Promise<void> {
    this.stopping = true;
    const all = [...this.followed];
    for (const [one] of all) stir(one, 'lost');
    const claims = all.map(([{ claim }]) => claim);
    await giveBack(this.database, 'savepoint', claims);
    await Promise.race([Promise.all(all.map(([, done]) => done)), sleep(LEAVE_WITHIN_MS, undefined, { ref: false })]);
    await this.progressWrites.stop();
  }

  private async ask(one: Following): Promise<void> {
    const { work, claim } = one;
    const flink = this.flinkClients.at(work.cluster.url);
    const { attempt } = work;
    if (!attempt) throw new Error(`Savepoint ${work.id} is followed without an attempt`);
    for (;;) {
      await pause(one, lookPauseMs(elapsedMs(one), work.expectedDurationMs, this.followed.size));
      if (one.lost) return;
      if (one.disturbed) return giveBack(this.database, claim.table, [claim]);
      const status = await flink.savepointOperation(work.job.flinkJobId, attempt.triggerId);
      if (status.status === 'UNKNOWN')
        return findLostResult(this.deps, asOfNow(one), claim, { processMark: await flink.processMark() });
      if (status.status !== 'PENDING') return settleStatus(this.deps, asOfNow(one), claim, status);
      if (elapsedMs(one) > patienceMs(work)) return findLostResult(this.deps, asOfNow(one), claim);
      this.readProgressIfDue(one);
    }
  }

  /** Beside the questions about its end, which must not wait for it. */
  private readProgressIfDue(one: Following): void {
    const now = performance.now();
    if (now - one.progressAskedAt < progressPauseMs(elapsedMs(one), this.followed.size)) return;
    one.progressAskedAt = now;
    progressNow(this.flinkClients, one.work).then(
      (progress) => {
        if (!progress) return;
        const { acknowledgedSubtasks, totalSubtasks } = progress;
        one.work = { ...one.work, acknowledgedSubtasks, totalSubtasks };
        if (!one.lost && this.followed.has(one)) this.progressWrites.add(one.claim, progress);
      },
      (error: unknown) => this.log.debug({ err: error, savepoint: one.work.id }, 'its progress could not be read'),
    );
  }

  /** As after a look of the watcher: Flink in trouble changes no state, and an error of our own is counted on the row. */
  private async recover(one: Following, error: unknown): Promise<void> {
    if (one.lost || error instanceof ClaimLost) return;
    const { work, claim } = one;
    try {
      if (error instanceof AppError && error.code !== 'DATABASE_UNAVAILABLE') {
        return await lookAgainAfter(this.database, work, claim);
      }
      this.log.error(
        { err: error, savepoint: work.id },
        'a savepoint could not be followed; it will be looked at again',
      );
      await recoverSavepoint(this.deps, claim, error);
    } catch (failure) {
      // The database is away: the claim runs out, and then the row is due for whoever comes.
      this.log.error({ err: failure, savepoint: work.id }, 'a savepoint could not be given back; its lease ends it');
    }
  }

  private get deps(): AdvanceSavepointDeps {
    return {
      database: this.database,
      flinkClients: this.flinkClients,
      followSavepoints: this,
    };
  }
}

const elapsedMs = ({ work, since }: Following) => (work.attempt?.sentAgoMs ?? 0) + performance.now() - since;

/** What was read when it was taken over, with the ages of now. */
function asOfNow(one: Following): SavepointAtWork {
  const later = performance.now() - one.since;
  const { work } = one;
  return {
    ...work,
    stateAgeMs: work.stateAgeMs + later,
    attempt: work.attempt && { ...work.attempt, sentAgoMs: elapsedMs(one) },
  };
}

function stir(one: Following, what: 'lost' | 'disturbed'): void {
  one[what] = true;
  one.stir();
}

async function pause(one: Following, ms: number): Promise<void> {
  if (one.lost || one.disturbed) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    one.stir = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}
