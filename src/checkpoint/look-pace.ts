import { parseFlinkDuration } from '../flink/cluster-facts.js';

/** How long an answer about checkpoints may be cached: its own key, else web.refresh-interval, else 3 s (1.20.5 and 2.3.0). */
export function cacheMs(configuration: Readonly<Record<string, string>>): number {
  const told =
    parseFlinkDuration(configuration['rest.cache.checkpoint-statistics.timeout'] ?? null) ??
    parseFlinkDuration(configuration['web.refresh-interval'] ?? null);
  return Math.min(LONGEST_MS, Math.max(SHORTEST_MS, told ?? 3_000));
}

export interface Pace {
  /** `web.checkpoints.history`. */
  historySize: number;
  /** Of the job's configuration; null: periodic checkpoints are off, or it is not known. */
  intervalMs: number | null;
  /** Time per new entry as it was last seen; null: none was new. */
  spacingMs: number | null;
  /** How old an answer may be. */
  staleMs: number;
  /** How many jobs this worker looks at. */
  followed: number;
}

const LONGEST_MS = 30_000;
const SHORTEST_MS = 2_000;
/** Nobody looks at a checkpoint more closely than this unless it would be missed. */
const FRESH_ENOUGH_MS = 10_000;
/** Beyond so many looks a second in all, each job is looked at more seldom, as far as that loses nothing. */
const LOOKS_PER_SECOND = 100;

/**
 * How long to wait for the next look at a job. Two looks fit into the time that an entry stays in Flink's list, less what the answer
 * may be old by: one may fail. Sooner than the cache has passed nothing new is told.
 */
export function lookPauseMs({ historySize, intervalMs, spacingMs, staleMs, followed }: Pace): number {
  const every = Math.min(intervalMs ?? Infinity, spacingMs ?? Infinity);
  const least = staleMs + 50; // a look at the very end of a cache's life would get the old answer again
  const most = Math.min(LONGEST_MS, (historySize * every - staleMs) / 2);
  const wanted = intervalMs === null ? LONGEST_MS : Math.min(FRESH_ENOUGH_MS, intervalMs / 3);
  const byLoad = (followed / LOOKS_PER_SECOND) * 1_000;
  return Math.max(least, Math.min(most, Math.max(wanted, byLoad)));
}

/** After the n-th failure in a row of a cluster to answer. */
export const troublePauseMs = (failures: number): number => Math.min(LONGEST_MS, 500 * 2 ** Math.min(failures, 10));
