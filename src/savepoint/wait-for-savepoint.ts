import type { Database } from '../db/database.js';
import type { EventWakeups } from '../event/event-wakeups.js';
import { findSavepoint } from './find-savepoint.js';
import type { Savepoint } from './savepoint.entity.js';
import { DetailsState } from './savepoint.enums.js';
import { finalStates } from './savepoint.lifecycle.js';

const READ_AT_LEAST_EVERY_MS = 2_000;

export const isFinal = (savepoint: Savepoint, details: boolean): boolean =>
  finalStates.includes(savepoint.state) && !(details && savepoint.detailsState === DetailsState.NOT_YET_REPORTED);

/** Answers when the state is final (and its details are known, if asked for) or the time is up: a shell script needs no WebSocket. */
export async function waitForSavepoint(
  { database, wakeups }: { database: Database; wakeups: EventWakeups },
  id: string,
  waitMs: number,
  details: boolean,
  signal: AbortSignal,
): Promise<Savepoint | null> {
  const watch = wakeups.watch(`savepoint:${id}`);
  const deadline = Date.now() + waitMs;
  try {
    for (;;) {
      const savepoint = await findSavepoint(database, id);
      const left = deadline - Date.now();
      if (!savepoint || isFinal(savepoint, details) || left <= 0 || signal.aborted) return savepoint;
      await watch.next(signal, Math.min(left, READ_AT_LEAST_EVERY_MS));
    }
  } finally {
    watch.stop();
  }
}

/** Every change of a savepoint that can be seen, from now on to its end. */
export async function* followSavepoint(
  { database, wakeups }: { database: Database; wakeups: EventWakeups },
  id: string,
  signal: AbortSignal,
): AsyncGenerator<Savepoint> {
  const watch = wakeups.watch(`savepoint:${id}`);
  let shown = '';
  try {
    while (!signal.aborted) {
      const savepoint = await findSavepoint(database, id);
      if (!savepoint) return;
      const { state, attempt, acknowledgedSubtasks, progressBytes, noProgress, detailsState } = savepoint;
      const now = JSON.stringify([state, attempt, acknowledgedSubtasks, progressBytes, noProgress, detailsState]);
      if (now !== shown) yield savepoint;
      shown = now;
      if (isFinal(savepoint, true)) return;
      await watch.next(signal, READ_AT_LEAST_EVERY_MS);
    }
  } finally {
    watch.stop();
  }
}
