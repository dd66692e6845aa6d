import { DAY_MS, firstOnWall, MINUTE_MS } from './calendar.js';
import type { Cron } from './cron.js';
import { thinOut } from './times-of-day.js';
import { clockChanges, offsetAt } from './zone.js';

/** Between two slots of a schedule at least so much time passes (SC-4). */
export const LEAST_INTERVAL_MS = 600_000;

/**
 * The first instant after `after` at which the expression matches in the zone (SC-6); null: none in this year and the eight to come.
 * With an hour field that covers all hours it follows elapsed time, otherwise the wall clock.
 */
export function nextMatch(cron: Cron, zone: string, after: number): number | null {
  const last = Math.floor(after);
  return cron.everyHour ? nextElapsed(cron, zone, last) : nextOnWall(cron, zone, last);
}

/** Each instant whose local clock matches. Between two changes the clock runs as in UTC. */
function nextElapsed(cron: Cron, zone: string, after: number): number | null {
  let from = after + 1;
  let offset = offsetAt(zone, from);
  for (;;) {
    const wall = firstOnWall(cron, from + offset);
    if (wall === null) return null;
    const [change] = clockChanges(zone, from, wall - offset);
    if (!change) return wall - offset;
    from = change.at;
    offset = change.after;
  }
}

/**
 * Each matching moment of the wall clock, at the first instant at which the clock shows it or has gone past it. So what a change skips
 * comes together at its end, and what it repeats comes the first time.
 */
function nextOnWall(cron: Cron, zone: string, after: number): number | null {
  const wall = firstOnWall(cron, wallGoneBy(zone, after));
  return wall === null ? null : instantOnWall(zone, wall);
}

/** No change moves a clock by more than a day, and no zone is farther than that from UTC. */
const REACH_MS = 2 * DAY_MS;

/** What the clock has shown up to an instant, ends before this moment: later than what it shows while it repeats. */
function wallGoneBy(zone: string, instant: number): number {
  const shown = instant + offsetAt(zone, instant) + 1;
  return clockChanges(zone, instant - REACH_MS, instant).reduce(
    (most, { at, before }) => Math.max(most, at + before),
    shown,
  );
}

/** The first instant at which the clock of the zone shows the moment or has gone past it. */
function instantOnWall(zone: string, wall: number): number {
  const from = wall - REACH_MS;
  let offset = offsetAt(zone, from);
  for (const change of clockChanges(zone, from, wall + REACH_MS)) {
    if (wall - offset < change.at) break;
    if (wall < change.at + change.after) return change.at;
    offset = change.after;
  }
  return wall - offset;
}

/** The last match after `after`, up to and with `until`; null: there is none. */
export function lastMatch(cron: Cron, zone: string, after: number, until: number): number | null {
  let found = nextMatch(cron, zone, after);
  if (found === null || found > until) return null;
  let end = until;
  // Two matches are at least a minute apart.
  while (end - found >= MINUTE_MS) {
    const middle: number = found + Math.floor((end - found) / 2);
    const next = nextMatch(cron, zone, middle);
    if (next !== null && next <= end) found = next;
    else end = middle;
  }
  return found;
}

/** Where a schedule stands: when it was saved, or now; and its previous slot (SC-4), or the last of what it replaces. */
export interface ChainStart {
  after: number;
  previous: number | null;
}

/** The next slot of the chain: the first match after `after` that is at least the floor after the previous slot. */
export function nextSlot(
  cron: Cron,
  zone: string,
  { after, previous, floorMs }: ChainStart & { floorMs: number },
): number | null {
  if (previous === null) return nextMatch(cron, zone, after);
  return nextMatch(cron, zone, Math.max(after, previous, previous + floorMs - 1));
}

/** The coming slots of the chain, `count` of them at most. */
export function* slots(
  cron: Cron,
  zone: string,
  start: ChainStart,
  count: number,
  floorMs: number,
): Generator<number, void, void> {
  let { previous } = start;
  for (let found = 0; found < count; found++) {
    previous = nextSlot(cron, zone, { after: start.after, previous, floorMs });
    if (previous === null) return;
    yield previous;
  }
}

/**
 * Whether the floor takes any of its matches away: ever, on days without a clock change; or around one of the changes of its zone in the
 * year after `from`. Exact for floors up to a day.
 */
export function isClamped(cron: Cron, zone: string, from: number, floorMs: number): boolean {
  return thinOut(cron, floorMs / MINUTE_MS).kind !== 'UNCHANGED' || isTooDenseAtChange(cron, zone, from, floorMs);
}

function isTooDenseAtChange(cron: Cron, zone: string, from: number, floorMs: number): boolean {
  return clockChanges(zone, from, from + 366 * DAY_MS).some(({ at }) => {
    let previous = nextMatch(cron, zone, at - floorMs - 1);
    while (previous !== null && previous <= at) {
      const next = nextMatch(cron, zone, previous);
      if (next !== null && next - previous < floorMs) return true;
      previous = next;
    }
    return false;
  });
}
