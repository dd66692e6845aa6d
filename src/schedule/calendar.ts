import type { Cron } from './cron.js';

/**
 * Days and times of the wall clock, as no zone disturbs them: a moment on it is a number, the epoch ms at which a clock in UTC shows the
 * same.
 */

export const MINUTE_MS = 60_000;
export const DAY_MS = 86_400_000;

/** 1 January 1970 was a Thursday. */
const weekdayOf = (day: number) => ((((day / DAY_MS + 3) % 7) + 7) % 7) + 1;

function matchesDay(cron: Cron, dayOfMonth: number, day: number): boolean {
  const byDay = cron.dayMatters && cron.daysOfMonth.includes(dayOfMonth);
  const byWeekday = cron.weekdayMatters && cron.daysOfWeek.includes(weekdayOf(day));
  return byDay || byWeekday || (!cron.dayMatters && !cron.weekdayMatters);
}

/** 29 February 2096 and 2104 are eight years apart. */
const FARTHEST_YEARS = 8;

/** The first matching minute at or after a moment of the wall clock; null: none in its year and the eight to come. */
export function firstOnWall(cron: Cron, moment: number): number | null {
  const start = Math.ceil(moment / MINUTE_MS) * MINUTE_MS;
  const today = Math.floor(start / DAY_MS) * DAY_MS;
  const date = new Date(today);
  const [year, month, dayOfMonth] = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()];
  if (cron.months.includes(month) && matchesDay(cron, dayOfMonth, today)) {
    const time = firstTimeFrom(cron, (start - today) / MINUTE_MS);
    if (time !== null) return today + time * MINUTE_MS;
  }
  const day = firstDayAfter(cron, year, month, dayOfMonth, year + FARTHEST_YEARS);
  return day === null ? null : day + (firstTimeFrom(cron, 0) ?? 0) * MINUTE_MS;
}

/** Times of day are minutes since midnight. */
function firstTimeFrom({ hours, minutes }: Cron, time: number): number | null {
  for (const hour of hours) {
    if (hour * 60 + 59 < time) continue;
    for (const minute of minutes) if (hour * 60 + minute >= time) return hour * 60 + minute;
  }
  return null;
}

function firstDayAfter(cron: Cron, year: number, month: number, dayOfMonth: number, lastYear: number): number | null {
  for (let y = year; y <= lastYear; y++)
    for (const m of cron.months) {
      if (y === year && m < month) continue;
      const start = Date.UTC(y, m - 1, 1);
      const end = Date.UTC(y, m, 1);
      let d = y === year && m === month ? dayOfMonth + 1 : 1;
      for (let day = start + (d - 1) * DAY_MS; day < end; day += DAY_MS) if (matchesDay(cron, d++, day)) return day;
    }
  return null;
}

/** Whether two of its days ever follow each other. In 28 years each date comes on each weekday, 29 February too. */
export function hasNeighbours(cron: Cron): boolean {
  const lastYear = 2027;
  let day = firstDayAfter(cron, 2000, 1, 0, lastYear);
  while (day !== null) {
    const date = new Date(day);
    const next = firstDayAfter(cron, date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate(), lastYear);
    if (next === day + DAY_MS) return true;
    day = next;
  }
  return false;
}
