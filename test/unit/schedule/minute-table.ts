/**
 * A zone as a table: what its clock shows in each minute of UTC. What a schedule does there is found by watching that clock go, minute by
 * minute. Slow, and as simple as it can be: it is what the real computation is compared with.
 */
export interface MinuteTable {
  zone: string;
  /** Epoch minute of its first entry. */
  start: number;
  /** What the clock shows, as the epoch minute at which a clock in UTC shows the same. */
  shown: Int32Array;
  /** Of what may be shown, from `firstShown` on. */
  firstShown: number;
  fields: Record<'minute' | 'hour' | 'dayOfMonth' | 'month' | 'dayOfWeek', Uint8Array>;
}

/** The values of each field, written down by whoever made up the expression. */
export type Values = Record<keyof MinuteTable['fields'], readonly number[]>;

const MARGIN = 2 * 1440;

export function minuteTable(zone: string, firstYear: number, years: number): MinuteTable {
  const start = Date.UTC(firstYear, 0, 1) / 60_000;
  const end = Date.UTC(firstYear + years, 0, 1) / 60_000;
  const shown = new Int32Array(end - start);
  const clock = clockOf(zone);
  for (let hour = start; hour < end; hour += 60) {
    const ahead = clock(hour) - hour;
    const steady = clock(hour + 59) - (hour + 59) === ahead;
    for (let minute = hour; minute < hour + 60; minute++)
      shown[minute - start] = steady ? minute + ahead : clock(minute);
  }
  return { zone, start, shown, firstShown: start - MARGIN, fields: fieldsOf(start - MARGIN, end + MARGIN) };
}

function clockOf(zone: string): (epochMinute: number) => number {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' });
  return (epochMinute) => {
    const [, day, month, year, time] =
      /^(\d+)\/(\d+)\/(\d+), (\d+:\d+)$/.exec(format.format(epochMinute * 60_000)) ?? [];
    return Date.parse(`${year}-${month}-${day}T${time}Z`) / 60_000;
  };
}

function fieldsOf(first: number, end: number): MinuteTable['fields'] {
  const column = () => new Uint8Array(end - first);
  const fields = { minute: column(), hour: column(), dayOfMonth: column(), month: column(), dayOfWeek: column() };
  for (let index = 0; index < end - first; index++) {
    if (index % 1440 === 0) {
      const date = new Date((first + index) * 60_000);
      fields.dayOfMonth.fill(date.getUTCDate(), index, index + 1440);
      fields.month.fill(date.getUTCMonth() + 1, index, index + 1440);
      fields.dayOfWeek.fill(date.getUTCDay() || 7, index, index + 1440);
    }
    fields.minute[index] = index % 60;
    fields.hour[index] = (index % 1440) / 60;
  }
  return fields;
}

/** The epoch minutes from which on the clock is another time ahead. */
export function changesIn({ start, shown }: MinuteTable): number[] {
  const changes: number[] = [];
  for (let index = 1; index < shown.length; index++)
    if ((shown[index] ?? 0) - (shown[index - 1] ?? 0) !== 1) changes.push(start + index);
  return changes;
}

/** In which epoch minutes, of those from `from` to `to`, the expression fires (SC-3, SC-6). */
export function watch(table: MinuteTable, values: Values): (from: number, to: number) => number[] {
  const matches = matcher(table, values);
  const { shown, start } = table;
  const followsElapsedTime = values.hour.length === 24;
  return (from, to) => {
    const found: number[] = [];
    if (followsElapsedTime) {
      for (let minute = from; minute <= to; minute++) if (matches(shown[minute - start]!)) found.push(minute);
      return found;
    }
    // No clock of the table is set back by more than two hours.
    let latest = shown[from - 180 - start]!;
    for (let minute = from - 179; minute <= to; minute++) {
      let due = false;
      for (const now = shown[minute - start]!; latest < now; latest++) due = matches(latest + 1) || due;
      if (due && minute >= from) found.push(minute);
    }
    return found;
  };
}

function matcher({ fields, firstShown }: MinuteTable, values: Values): (shown: number) => boolean {
  const flags = (wanted: readonly number[]) => {
    const all = new Uint8Array(60);
    for (const value of wanted) all[value] = 1;
    return all;
  };
  const wanted = { minute: flags(values.minute), hour: flags(values.hour), month: flags(values.month) };
  const days = { ofMonth: flags(values.dayOfMonth), ofWeek: flags(values.dayOfWeek) };
  const [anyDay, anyWeekday] = [values.dayOfMonth.length === 31, values.dayOfWeek.length === 7];
  const { minute, hour, month, dayOfMonth, dayOfWeek } = fields;
  return (shown) => {
    const at = shown - firstShown;
    if (!wanted.minute[minute[at]!] || !wanted.hour[hour[at]!] || !wanted.month[month[at]!]) return false;
    const day = days.ofMonth[dayOfMonth[at]!] === 1;
    const weekday = days.ofWeek[dayOfWeek[at]!] === 1;
    return anyDay ? weekday : anyWeekday ? day : day || weekday;
  };
}
