import { DAY_MS } from './calendar.js';
import type { Cron } from './cron.js';
import { type ChainStart, lastMatch, slots } from './next-slot.js';

/** A window in which no slot fires (SC-9): it begins whenever `start` matches, and lasts for so much elapsed time. */
export interface Blackout {
  start: Cron;
  durationMs: number;
  zone: string;
}

export interface BlackoutAt {
  blackout: Blackout;
  from: number;
  /** It ends before this instant. */
  until: number;
}

/** The window that covers the instant; of several, the one that ends last. null: none does. */
export function blackoutAt(blackouts: readonly Blackout[], instant: number): BlackoutAt | null {
  return blackouts.reduce<BlackoutAt | null>((longest, blackout) => {
    const from = lastMatch(blackout.start, blackout.zone, instant - blackout.durationMs, instant);
    if (from === null) return longest;
    const until = from + blackout.durationMs;
    return longest === null || until > longest.until ? { blackout, from, until } : longest;
  }, null);
}

/**
 * Whether blackouts cover each of the coming slots: the next `count` of them, and none that is more than a year away but the first.
 */
export function allSwallowed(
  cron: Cron,
  zone: string,
  blackouts: readonly Blackout[],
  start: ChainStart,
  floorMs: number,
  count = 500,
): boolean {
  let covered = false;
  for (const slot of slots(cron, zone, start, count, floorMs)) {
    if (covered && slot > start.after + 366 * DAY_MS) return true;
    if (!blackoutAt(blackouts, slot)) return false;
    covered = true;
  }
  return covered;
}
