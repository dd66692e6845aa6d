import { setTimeout as sleep } from 'node:timers/promises';
import type { Watch } from '../event/event-wakeups.js';

export interface WatcherOptions<Due> {
  claimDue(limit: number): Promise<Due[]>;
  /** Milliseconds until something is due; null when nothing is. */
  nextDueInMs(): Promise<number | null>;
  /** Must deal with its own errors; one that escapes is given to `onError`. */
  look(due: Due): Promise<void>;
  /** Woken by whoever makes a row due earlier than was known, in this process or another. */
  watch: Watch;
  /** Wakes `watch`: a look that has ended has set its row a new due time. */
  wake(): void;
  /** Looks that run together, per table. */
  atOnce: number;
  onError(error: unknown): void;
}

/** Between two questions to the database: many wake-ups at once are one. */
const SPACING_MS = 15;
/** A wake-up may be lost with its connection: look at least this often. */
const LONGEST_SLEEP_MS = 5_000;
const AFTER_TROUBLE_MS = 500;

/**
 * Looks at rows that are due. Any number of processes may run one: the claim decides who looks. With nothing due it
 * sleeps until the earliest due time, at most 5 s, and is woken by NOTIFY.
 */
export function startWatcher<Due>(options: WatcherOptions<Due>): { stop(): Promise<void> } {
  const { claimDue, nextDueInMs, look, watch, wake, atOnce, onError } = options;
  const running = new Set<Promise<void>>();
  const stopping = new AbortController();

  const loop = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        const askedAt = performance.now();
        const room = atOnce - running.size;
        const due = room > 0 ? await claimDue(room) : [];
        for (const one of due) {
          const looking: Promise<void> = look(one)
            .catch(onError)
            .finally(() => {
              running.delete(looking);
              wake();
            });
          running.add(looking);
        }
        if (due.length > 0) continue;
        const inMs = room > 0 ? await nextDueInMs() : 50;
        await watch.next(stopping.signal, Math.max(5, Math.min(LONGEST_SLEEP_MS, inMs ?? LONGEST_SLEEP_MS)));
        const soon = SPACING_MS - (performance.now() - askedAt);
        if (soon > 0) await sleep(soon, undefined, { signal: stopping.signal }).catch(() => undefined); // stopping ends the pause
      } catch (error) {
        onError(error);
        await sleep(AFTER_TROUBLE_MS, undefined, { signal: stopping.signal }).catch(() => undefined); // stopping ends the pause
      }
    }
    watch.stop();
    await Promise.allSettled(running);
  };
  const done = loop();
  return {
    stop: () => {
      stopping.abort();
      return done;
    },
  };
}

/** Does something at once and then again and again, one at a time, with a pause in between. */
export function every(
  pauseMs: number,
  work: () => Promise<void>,
  onError: (error: unknown) => void,
): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const loop = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await work().catch(onError);
      await sleep(pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined); // stopping ends the pause
    }
  };
  const done = loop();
  return {
    stop: () => {
      stopping.abort();
      return done;
    },
  };
}
