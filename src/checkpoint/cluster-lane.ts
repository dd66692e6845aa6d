import type { FlinkClients } from '../cluster/flink-clients.js';
import type { FlinkApi } from '../flink/flink.types.js';
import type { WatchedCluster } from './checkpoint.store.js';
import { cacheMs, troublePauseMs } from './look-pace.js';

/** Of the four requests at once that one JobManager takes from us: triggers and polls of savepoints find the others free. */
const AT_ONCE = 2;
/** The process is asked for by itself so often; the look at the cluster sees a change sooner, mostly. */
const MARK_EVERY_MS = 60_000;

/**
 * The looks at the jobs of one cluster, in the order in which they became due. A cluster that is slow or away keeps its own
 * jobs waiting, and nobody else's.
 */
export class ClusterLane {
  private readonly queue: (() => Promise<void>)[] = [];
  private running = 0;
  private failures = 0;
  private pause: NodeJS.Timeout | undefined;
  private mark: Promise<string | null> | undefined;
  private markAskedAt = -Infinity;
  private stopped = false;

  constructor(
    public cluster: WatchedCluster,
    private readonly flinkClients: FlinkClients,
  ) {}

  get flink(): FlinkApi {
    return this.flinkClients.at(this.cluster.url);
  }

  get staleMs(): number {
    return cacheMs(this.cluster.configuration);
  }

  /** What was read of the cluster meanwhile. */
  update(cluster: WatchedCluster): void {
    if (cluster.processMark !== this.cluster.processMark) this.mark = undefined;
    this.cluster = cluster;
  }

  /** `look` throws AppError FLINK_UNREACHABLE alone: it is called again then, after a pause. */
  push(look: () => Promise<void>): void {
    this.queue.push(look);
    this.pump();
  }

  /** The JobManager process that answers now, asked for again after every trouble. */
  processMark(anew = false): Promise<string | null> {
    const old = performance.now() - this.markAskedAt > MARK_EVERY_MS;
    if (!this.mark || old || anew) {
      this.markAskedAt = performance.now();
      const asked = this.flink.processMark();
      this.mark = asked;
      // Whoever waits for it is told; the next one asks again.
      asked.catch(() => {
        if (this.mark === asked) this.mark = undefined;
      });
    }
    return this.mark;
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.pause);
    this.queue.length = 0;
  }

  private pump(): void {
    // After a failure one at a time: the first answer says whether it is back.
    const most = this.failures > 0 ? 1 : AT_ONCE;
    while (!this.stopped && !this.pause && this.running < most) {
      const look = this.queue.shift();
      if (!look) return;
      this.running += 1;
      void this.take(look).finally(() => {
        this.running -= 1;
        this.pump();
      });
    }
  }

  private async take(look: () => Promise<void>): Promise<void> {
    try {
      await look();
      this.failures = 0;
    } catch {
      this.queue.push(look);
      this.mark = undefined;
      this.failures += 1;
      if (this.stopped) return;
      this.pause ??= setTimeout(() => {
        this.pause = undefined;
        this.pump();
      }, troublePauseMs(this.failures));
    }
  }
}
