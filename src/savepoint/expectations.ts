import { SavepointState } from './savepoint.enums.js';

/** What earlier savepoints of a deployment, in one format, say of the next. Pure. */

const sorted = (durations: readonly number[]) => [...durations].sort((a, b) => a - b);

/** Median; null when there were none. */
export function expectedDurationMs(lastDurationsMs: readonly number[]): number | null {
  const all = sorted(lastDurationsMs);
  const middle = all.length >> 1;
  const upper = all[middle];
  if (upper === undefined) return null;
  const lower = all.length % 2 === 0 ? (all[middle - 1] ?? upper) : upper;
  return Math.round((lower + upper) / 2);
}

const LIKELY_SHARE = 0.7;

/** A warning when the p95 of the last ten exceeds 70 % of the job's checkpoint timeout, after which Flink gives a savepoint up. */
export function likelyToExpire(
  lastDurationsMs: readonly number[],
  timeoutMs: number | null,
): { code: string; message: string } | null {
  const all = sorted(lastDurationsMs);
  const p95 = all[Math.ceil(all.length * 0.95) - 1];
  if (p95 === undefined || timeoutMs === null || p95 <= timeoutMs * LIKELY_SHARE) return null;
  return {
    code: 'LIKELY_TO_EXPIRE',
    message:
      `Earlier savepoints took up to ${Math.round(p95 / 1000)} s, and Flink gives up after ${Math.round(timeoutMs / 1000)} s. ` +
      'Raise execution.checkpointing.timeout of the job at its next start, or use the NATIVE format.',
  };
}

/** How much longer a savepoint in progress is expected to take; null: it is not in progress, or nothing is expected. */
export function expectedRestMs(
  savepoint: { state: SavepointState; stateSince: Date; expectedDurationMs: number | null },
  now: Date,
): number | null {
  if (savepoint.state !== SavepointState.IN_PROGRESS || savepoint.expectedDurationMs === null) return null;
  return Math.max(0, savepoint.expectedDurationMs - (now.getTime() - savepoint.stateSince.getTime()));
}
