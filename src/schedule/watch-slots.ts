import { setTimeout as sleep } from 'node:timers/promises';
import type { Watch } from '../event/event-wakeups.js';
import type { Decided } from './decide-slots.js';
import { LOOK_AHEAD_MS } from './slot.store.js';

export interface SlotWatcherOptions {
  /** Decides what is due, in as many transactions as that takes. */
  decide(): Promise<Decided>;
  /** Milliseconds until a slot is due; null: none within {@link LOOK_AHEAD_MS}. */
  nextInMs(): Promise<number | null>;
  /** Lets the savepoints of some clusters go on, as far as their budgets allow. */
  admit(clusterIds: string[]): Promise<void>;
  /** Woken by whoever gives a schedule an earlier slot. */
  watch: Watch;
  onError(error: unknown): void;
}

/** Clusters in one transaction, and transactions at once: the other connections of the process are for everybody else. */
const CLUSTERS_TOGETHER = 32;
const ADMISSIONS = 2;
/** While slots are due without an end, as after an outage, what was decided so long ago is admitted all the same. */
const ADMITTED_WITHIN_MS = 1_000;
const LEAST_PAUSE_MS = 5;
const AFTER_TROUBLE_MS = 500;

/**
 * Decides slots when they are due. Deciding comes first and waits for nothing; the clusters where something was decided are
 * admitted to beside it. What is admitted late, since a process died in between, is found by the row's own due time.
 */
export function watchSlots({ decide, nextInMs, admit, watch, onError }: SlotWatcherOptions): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const waiting = new Set<string>();
  const admitting = new Set<Promise<void>>();
  let waitingSince = 0;

  const admitNext = (): void => {
    if (waiting.size === 0 || admitting.size >= ADMISSIONS || stopping.signal.aborted) return;
    const clusterIds = [...waiting].slice(0, CLUSTERS_TOGETHER);
    clusterIds.forEach((id) => waiting.delete(id));
    const admission: Promise<void> = admit(clusterIds)
      .catch(onError)
      .finally(() => {
        admitting.delete(admission);
        admitNext();
      });
    admitting.add(admission);
    admitNext();
  };

  const loop = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        const { clusterIds, more, failures } = await decide();
        failures.forEach(onError);
        if (waiting.size === 0) waitingSince = performance.now();
        clusterIds.forEach((id) => waiting.add(id));
        if (!more || performance.now() - waitingSince > ADMITTED_WITHIN_MS) admitNext();
        if (more) continue;
        const inMs = (await nextInMs()) ?? LOOK_AHEAD_MS;
        await watch.next(stopping.signal, Math.max(LEAST_PAUSE_MS, Math.ceil(inMs)));
      } catch (error) {
        onError(error);
        await sleep(AFTER_TROUBLE_MS, undefined, { signal: stopping.signal }).catch(() => undefined); // stopping ends the pause
      }
    }
    watch.stop();
    while (admitting.size > 0) await Promise.all(admitting);
  };
  const done = loop();
  return {
    stop: () => {
      stopping.abort();
      return done;
    },
  };
}
