import { setTimeout as sleep } from 'node:timers/promises';
import type { FlinkClients } from '../cluster/flink-clients.js';
import { SOON_MS } from '../cluster/storage-access.js';
import type { Database } from '../db/database.js';
import { AppError } from '../errors.js';
import type { EventWakeups } from '../event/event-wakeups.js';
import type { Logger } from '../logger.js';
import { ClusterLane } from './cluster-lane.js';
import type { SeenStatistics } from './account.types.js';
import { loadRuns, watchedClusters, type WatchedRun, watchedRuns } from './checkpoint.store.js';
import { FollowedRun } from './followed-run.js';
import { lookPauseMs } from './look-pace.js';
import { LookWrites, type Outcome } from './look-writes.js';
import { readEnd } from './read-end.js';

/** Between two readings of which runs there are; longer the more there are. */
const LEAST_LIST_PAUSE_MS = 1_000;
const LIST_PAUSE_PER_RUN_MS = 0.5;
const LIST_AT_LEAST_EVERY_MS = 5_000;
const LOADED_AT_ONCE = 1_000;
const AFTER_TROUBLE_MS = 10_000;
const AFTER_AWAY_MS = 1_000;
/** Looks at the end of a run while its storage is slow to answer others; longer than it takes to know that it is silent (15 s). */
const END_LOOKS_AT_MOST = 60;

interface Followed {
  run: FollowedRun;
  watched: WatchedRun;
  lane: ClusterLane;
  timer: NodeJS.Timeout | undefined;
  /** Waits in its lane, or is being looked at. */
  busy: boolean;
  /** Wanted sooner while it was busy. */
  again: boolean;
  gone: boolean;
  /** Of its end, while the storage was slow. */
  endLooks: number;
  deaf: () => void;
}

/**
 * Looks at the checkpoints of every live run on this worker's clusters, often enough to miss none (ST-1), and once more at those
 * that have ended. Everything in memory is derived from rows; two workers that look at the same run record it once.
 */
export class CheckpointCollector {
  private readonly lanes = new Map<string, ClusterLane>();
  private readonly followed = new Map<string, Followed>();
  private readonly writes: LookWrites;
  private readonly stopping = new AbortController();
  private readonly running: Promise<void>;
  /** The database's clock less performance.now(). */
  private clock = 0;

  constructor(
    private readonly database: Database,
    private readonly flinkClients: FlinkClients,
    private readonly wakeups: EventWakeups,
    private readonly workerId: string,
    private readonly log: Logger,
  ) {
    this.writes = new LookWrites(database, log);
    this.running = this.keepList();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    for (const one of this.followed.values()) this.unfollow(one);
    for (const lane of this.lanes.values()) lane.stop();
    await this.writes.stop();
  }

  private async keepList(): Promise<void> {
    const watch = this.wakeups.watch('due');
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const begunAt = performance.now();
      try {
        await this.refresh();
      } catch (error) {
        this.log.warn(
          { err: error },
          'the runs whose checkpoints are looked at could not be read; the next reading is',
        );
      }
      await watch.next(signal, Math.max(LIST_AT_LEAST_EVERY_MS, this.listPauseMs));
      const soon = this.listPauseMs - (performance.now() - begunAt);
      if (soon > 0) await sleep(soon, undefined, { signal }).catch(() => undefined); // stopping ends the pause
    }
    watch.stop();
  }

  private get listPauseMs(): number {
    return Math.max(LEAST_LIST_PAUSE_MS, this.followed.size * LIST_PAUSE_PER_RUN_MS);
  }

  private async refresh(): Promise<void> {
    const askedAt = performance.now();
    const { now, clusters } = await watchedClusters(this.database, this.workerId);
    if (clusters.length > 0) this.clock = now - (askedAt + performance.now()) / 2;
    const runs = clusters.length > 0 ? await watchedRuns(this.database, this.workerId) : [];
    const owned = new Map(clusters.map((cluster) => [cluster.id, cluster]));
    for (const cluster of clusters) {
      const lane = this.lanes.get(cluster.id);
      if (lane) lane.update(cluster);
      else this.lanes.set(cluster.id, new ClusterLane(cluster, this.flinkClients));
    }
    for (const [id, lane] of this.lanes) {
      if (owned.has(id)) continue;
      lane.stop();
      this.lanes.delete(id);
    }
    const wanted = new Map(runs.map((run) => [run.id, run]));
    for (const [id, one] of this.followed) {
      const run = wanted.get(id);
      // One that has ended, or has come back, is read anew: its row has changed.
      if (!run || run.live !== one.watched.live || this.lanes.get(run.clusterId) !== one.lane) this.unfollow(one);
      else this.update(one, run);
    }
    await this.followNew(runs.filter(({ id, clusterId }) => !this.followed.has(id) && this.lanes.has(clusterId)));
  }

  private async followNew(runs: readonly WatchedRun[]): Promise<void> {
    const byId = new Map(runs.map((run) => [run.id, run]));
    const ids = [...byId.keys()];
    for (let from = 0; from < ids.length && !this.stopping.signal.aborted; from += LOADED_AT_ONCE) {
      for (const loaded of await loadRuns(this.database, ids.slice(from, from + LOADED_AT_ONCE))) {
        const watched = byId.get(loaded.details.id);
        const lane = watched && this.lanes.get(watched.clusterId);
        if (watched && lane) this.follow(watched, lane, new FollowedRun(loaded));
      }
    }
  }

  private follow(watched: WatchedRun, lane: ClusterLane, run: FollowedRun): void {
    const one: Followed = {
      run,
      watched,
      lane,
      timer: undefined,
      busy: false,
      again: false,
      gone: false,
      endLooks: 0,
      deaf: () => undefined,
    };
    // A savepoint of ours that has ended is in the statistics when their cache has passed.
    one.deaf = this.wakeups.onWake(`job:${watched.id}`, () => this.lookSoon(one));
    this.followed.set(watched.id, one);
    // Of an ended run the last word is in the statistics when their cache has passed. Others are spread, should there be many.
    const inMs = watched.live
      ? Math.random() * Math.min(2_000, this.followed.size * 2)
      : Math.max(0, lane.staleMs + 500 - watched.endedAgoMs);
    this.schedule(one, inMs);
  }

  private unfollow(one: Followed): void {
    one.gone = true;
    one.deaf();
    clearTimeout(one.timer);
    if (this.followed.get(one.watched.id) === one) this.followed.delete(one.watched.id);
  }

  /** Its interval is known only when it has started; until then it was looked at seldom. */
  private update(one: Followed, run: WatchedRun): void {
    const isNew = one.watched.intervalMs !== run.intervalMs;
    one.watched = run;
    if (!isNew) return;
    if (one.busy) one.again = true;
    else this.schedule(one, 0);
  }

  private lookSoon(one: Followed): void {
    if (!one.watched.live) return;
    if (one.busy) one.again = true;
    else if (one.watched.intervalMs === null) this.schedule(one, one.lane.staleMs + 100);
  }

  private schedule(one: Followed, inMs: number): void {
    if (one.gone || this.stopping.signal.aborted) return;
    clearTimeout(one.timer);
    one.timer = setTimeout(() => {
      one.busy = true;
      one.lane.push(() => this.look(one));
    }, inMs);
  }

  /** @throws AppError FLINK_UNREACHABLE alone: the lane tries again. */
  private async look(one: Followed): Promise<void> {
    if (one.gone) return;
    let againInMs: number;
    try {
      againInMs = one.watched.live ? await this.lookAtLive(one) : await this.lookAtEnded(one);
    } catch (error) {
      if (error instanceof AppError && error.code === 'FLINK_UNREACHABLE') throw error;
      this.log.warn(
        { err: error, job: one.watched.id },
        'the checkpoints of a job could not be looked at; the next look tries again',
      );
      againInMs = AFTER_TROUBLE_MS;
    }
    one.busy = false;
    this.schedule(one, one.again ? one.lane.staleMs + 100 : againInMs);
    one.again = false;
  }

  private async lookAtLive(one: Followed): Promise<number> {
    const seen = await this.ask(one);
    if (seen) {
      const outcome = await this.record(one, seen);
      if (outcome === 'AWAY') return AFTER_AWAY_MS;
      if (outcome === 'OVERTAKEN') this.unfollow(one); // read anew with the next list
    }
    return lookPauseMs({
      historySize: one.lane.cluster.historySize,
      intervalMs: one.watched.intervalMs,
      spacingMs: one.run.spacingMs,
      staleMs: one.lane.staleMs,
      followed: this.followed.size,
    });
  }

  private async lookAtEnded(one: Followed): Promise<number> {
    const end = await readEnd(this.database, one.run, one.lane.cluster, () => this.ask(one));
    const outcome = end.seen ? await this.record(one, end.seen) : 'WRITTEN';
    if (outcome === 'AWAY') return AFTER_AWAY_MS;
    if (outcome !== 'OVERTAKEN') {
      one.endLooks += 1;
      if ((await end.settle(one.endLooks >= END_LOOKS_AT_MOST)) === 'SOON') return SOON_MS;
    }
    this.unfollow(one); // what is not settled is read anew with the next list
    return AFTER_TROUBLE_MS;
  }

  /** null: Flink does not know the job, or it is none that can have checkpoints. */
  private async ask({ run, lane }: Followed): Promise<(SeenStatistics & { at: number }) | null> {
    const { cluster, staleMs, flink } = lane;
    const processMark = await lane.processMark();
    const at = performance.now();
    const statistics = await flink.checkpoints(run.details.flinkJobId);
    if (!statistics) return null;
    const now = at + this.clock + (cluster.clockOffsetMs ?? 0);
    const seen = { statistics, processMark, now, historySize: cluster.historySize, staleMs, at };
    // Another process may have answered than was known of: its mark belongs to its counts.
    return run.seemsAnew(seen) ? { ...seen, processMark: await lane.processMark(true) } : seen;
  }

  private async record({ run }: Followed, seen: SeenStatistics & { at: number }): Promise<Outcome> {
    const look = run.look(seen, performance.now() - seen.at);
    if (!look) {
      if (run.isTouchDue()) this.writes.touch(run.details.id, performance.now() - seen.at);
      return 'WRITTEN';
    }
    const outcome = await this.writes.add(look);
    if (outcome === 'WRITTEN') run.keep(look);
    return outcome;
  }
}
