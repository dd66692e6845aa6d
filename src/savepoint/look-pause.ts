const SHORTEST_MS = 20;
const LONGEST_MS = 5_000;
/** Questions per second that one worker puts to all JobManagers together about running savepoints. */
const QUESTIONS_PER_S = 2_500;
/** The same for their statistics, which cost both sides more. */
const STATISTICS_PER_S = 200;
/** Flink serves statistics from a cache of 3 s; asking much more often shows nothing new. */
const STATISTICS_EVERY_MS = 900;

/**
 * Pause before Flink is asked again about a running savepoint. Seldom while it is far from the end that is expected,
 * closely around it, then ever more seldom; where nothing is expected, a small share of the time that it has taken so
 * far. So the detection of the end lags some tens of ms behind a savepoint of seconds, and at most 5 s behind any. The
 * more savepoints this worker follows, the longer each waits.
 */
export function lookPauseMs(elapsedMs: number, expectedDurationMs: number | null, followed: number): number {
  return Math.min(
    LONGEST_MS,
    Math.max(SHORTEST_MS, wanted(elapsedMs, expectedDurationMs), (followed * 1_000) / QUESTIONS_PER_S),
  );
}

function wanted(elapsedMs: number, expectedDurationMs: number | null): number {
  const share = elapsedMs * 0.03;
  if (expectedDurationMs === null) return share;
  const remainingMs = expectedDurationMs - elapsedMs;
  const seldom = Math.max(200, expectedDurationMs * 0.1) + elapsedMs * 0.15; // thousands may begin in one second
  return remainingMs > 0 ? Math.min(remainingMs / 2, seldom) : Math.min(-remainingMs / 4, share);
}

/** Pause before the progress of a running savepoint is read again. */
export function progressPauseMs(elapsedMs: number, followed: number): number {
  return Math.max(STATISTICS_EVERY_MS, Math.min(LONGEST_MS, elapsedMs * 0.05), (followed * 1_000) / STATISTICS_PER_S);
}

/**
 * Pause before somebody looks whether the turn of one that is PENDING has come. Whoever ends a savepoint admits the next, so this
 * is for those alone that nobody would: whose time comes by itself, and whom a process that died was about to admit. Of scheduled
 * ones thousands may wait together.
 */
export function turnPauseMs(notBeforeInMs: number | null, scheduled: boolean): number {
  if (notBeforeInMs !== null && notBeforeInMs > 0) return Math.ceil(notBeforeInMs);
  return scheduled ? 60_000 : 10_000;
}

/** Pause before a scheduled savepoint is tried again: 30 s, doubling. */
export const tryAgainPauseMs = (tries: number): number => 30_000 * 2 ** (tries - 1);

/** Pause after a question to Flink that got no answer: doubles from 500 ms to 5 s. */
export function troublePauseMs(failures: number): number {
  return Math.min(5_000, 500 * 2 ** Math.min(failures, 10));
}

/** Pause before a row looks again whether there is room for its look: the longer the longer it waits, and of many that wait not all at once. */
export const roomPauseMs = (waitedMs: number, random = Math.random()): number =>
  Math.min(30_000, Math.max(2_000, waitedMs / 4)) * (0.5 + random / 2);
