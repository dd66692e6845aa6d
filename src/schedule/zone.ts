/** Time zones, of what Intl knows of them. Offsets in ms, east of UTC is positive: local clock = instant + offset. */

/** From this instant on, the clock of a zone has another offset. */
export interface ClockChange {
  at: number;
  before: number;
  after: number;
}

interface YearOfZone {
  /** At its start. */
  offset: number;
  changes: readonly ClockChange[];
}

interface Clock {
  format: Intl.DateTimeFormat;
  years: Map<number, YearOfZone>;
}

const DAY_MS = 86_400_000;
/** How far apart a zone is looked at for changes. Since 1970 no two were closer than 7 days (Brazil in October 2000). */
const STEP_MS = 3 * DAY_MS;
const MOST_ZONES = 600;
const MOST_YEARS = 40;

/** ICU's own abbreviations are refused: its BST is Dhaka, its AST Alaska. These are IANA's. */
const shortNames = ['CET', 'EET', 'EST', 'GMT', 'HST', 'MET', 'MST', 'PRC', 'ROC', 'ROK', 'UCT', 'UTC', 'WET'];

/** The IANA name in its own spelling, where Intl tells it; null: there is no such zone. Offsets such as +05:30 are none. */
export function zoneName(name: string): string | null {
  if (!/^[a-z][\w+/-]*$/i.test(name) || /^systemv\//i.test(name)) return null;
  if (/^[a-z]{3}$/i.test(name)) return shortNames.find((short) => short === name.toUpperCase()) ?? null;
  try {
    const known = formatOf(name).resolvedOptions().timeZone;
    // An older name of the same zone is answered with another: then it stays as it was written.
    return known.toLowerCase() === name.toLowerCase() ? known : name;
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

export const isZone = (name: string): boolean => zoneName(name) !== null;

/** Whether the clock of a zone that was stored can be read here; quick for one that was. */
export const isKnownZone = (name: string): boolean => clocks.has(name) || isZone(name);

export function offsetAt(zone: string, instant: number): number {
  const { offset, changes } = yearOf(zone, new Date(instant).getUTCFullYear());
  let found = offset;
  for (const change of changes) if (change.at <= instant) found = change.after;
  return found;
}

/** After `from`, up to and with `to`, in their order. */
export function clockChanges(zone: string, from: number, to: number): ClockChange[] {
  const found: ClockChange[] = [];
  const last = new Date(to).getUTCFullYear();
  for (let year = new Date(from).getUTCFullYear(); year <= last; year++)
    for (const change of yearOf(zone, year).changes) if (change.at > from && change.at <= to) found.push(change);
  return found;
}

const clocks = new Map<string, Clock>();

function yearOf(zone: string, year: number): YearOfZone {
  let clock = clocks.get(zone);
  if (!clock) {
    clock = { format: formatOf(zone), years: new Map() };
    keep(clocks, zone, clock, MOST_ZONES);
  }
  let found = clock.years.get(year);
  if (!found) {
    found = readYear(clock.format, Date.UTC(year, 0, 1), Date.UTC(year + 1, 0, 1));
    keep(clock.years, year, found, MOST_YEARS);
  }
  return found;
}

/** The one that came first goes. */
function keep<K, V>(cache: Map<K, V>, key: K, value: V, most: number): void {
  const [oldest] = cache.size >= most ? cache.keys() : [];
  if (oldest !== undefined) cache.delete(oldest);
  cache.set(key, value);
}

function readYear(format: Intl.DateTimeFormat, start: number, end: number): YearOfZone {
  const changes: ClockChange[] = [];
  const offset = readOffset(format, start);
  let before = offset;
  for (let from = start; from < end; from += STEP_MS) {
    const to = Math.min(from + STEP_MS, end);
    const after = readOffset(format, to);
    findChanges(format, { from, before, to, after }, changes);
    before = after;
  }
  return { offset, changes };
}

/** Halves the span until the second of each change in it is found. */
function findChanges(
  format: Intl.DateTimeFormat,
  { from, before, to, after }: { from: number; before: number; to: number; after: number },
  found: ClockChange[],
): void {
  if (before === after) return;
  if (to - from <= 1_000) {
    found.push({ at: to, before, after });
    return;
  }
  const middle = from + Math.floor((to - from) / 2_000) * 1_000;
  const offset = readOffset(format, middle);
  findChanges(format, { from, before, to: middle, after: offset }, found);
  findChanges(format, { from: middle, before: offset, to, after }, found);
}

function readOffset(format: Intl.DateTimeFormat, instant: number): number {
  const shown = format.format(instant);
  const [month = 0, day = 0, year = 0, hour = 0, minute = 0, second = 0] = shown.split(/\D+/).map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second) - instant;
}

const formatOf = (zone: string) =>
  new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
