import type { RestoredEntry } from '../flink/flink.types.js';
import { sameLocation } from '../flink/location.js';

/** What a run was to be started from; null: without state. */
export interface ChosenState {
  location: string;
  /** Flink's id of the snapshot; null: not known. */
  checkpointId: number | null;
}

/**
 * Whether Flink shows the chosen state as restored (SR-8). `latest.restored` names what the start named; after a recovery
 * inside the job it names a checkpoint of the job's own, whose id is higher, instead (2.3.0 and 1.20.5).
 * PENDING: nothing is shown yet, which the statistics' cache explains for a while.
 */
export function restoreSeen(
  chosen: ChosenState | null,
  restored: RestoredEntry | null,
): 'TAKEN' | 'NOT_TAKEN' | 'PENDING' {
  if (!chosen) return 'TAKEN';
  if (!restored) return 'PENDING';
  if (restored.location !== null && sameLocation(restored.location, chosen.location)) return 'TAKEN';
  if (!restored.isSavepoint && chosen.checkpointId !== null && restored.id > chosen.checkpointId) return 'TAKEN';
  // A recovery inside the job: it had got as far as a checkpoint of its own, which is proof where the first id is not known.
  if (!restored.isSavepoint && chosen.checkpointId === null) return 'TAKEN';
  return 'NOT_TAKEN';
}

/** How far Flink's statistics may lag: web.refresh-interval or its own key, 3 s by default, and a second for the way. */
export function statisticsLagMs(configuration: Readonly<Record<string, string>>): number {
  const told =
    configuration['rest.cache.checkpoint-statistics.timeout'] ?? configuration['web.refresh-interval'] ?? '3000';
  const [, amount = '3000', unit = 'ms'] = /^(\d+)\s*(ms|s|min)?/.exec(told.trim()) ?? [];
  const factor = { ms: 1, s: 1_000, min: 60_000 }[unit] ?? 1;
  return Math.min(60_000, Number(amount) * factor) + 1_000;
}
