const FIRST_PAUSES_MS = [20, 40, 80, 160, 320];

/** Pauses of the looks inside the claim that sent the trigger: small savepoints end within them, whatever tick and queue do. */
export const firstPausesMs: readonly number[] = FIRST_PAUSES_MS;

/**
 * Pause before Flink is asked again about a running savepoint: a small share of the time that it has taken so far, or,
 * while it is younger than its expected duration, of that; between 250 ms and 5 s, so that the detection of the end
 * lags at most some percent behind, and a savepoint of an hour costs some hundred questions.
 */
export function lookPauseMs(elapsedMs: number, expectedDurationMs: number | null): number {
  const remaining = expectedDurationMs === null ? 0 : Math.max(0, expectedDurationMs - elapsedMs) / 4;
  return Math.min(5_000, Math.max(250, elapsedMs * 0.05, Math.min(remaining, 2_000)));
}

/** Pause after a question to Flink that got no answer: doubles from 500 ms to 5 s. */
export function troublePauseMs(failures: number): number {
  return Math.min(5_000, 500 * 2 ** Math.min(failures, 10));
}
