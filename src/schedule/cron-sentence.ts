import { MINUTE_MS } from './calendar.js';
import type { Cron } from './cron.js';
import { monthNames, weekdayNames } from './cron-fields.js';
import { type Thinned, thinOut } from './times-of-day.js';
import { describeTimes, every, ranges, stepOf, timesInWords } from './times-in-words.js';

/** When it fires, in a sentence (SC-11); with a floor, also what that leaves of it on days without a clock change. */
export function describeCron(cron: Cron, zone: string, floorMs?: number): string {
  const sentence = `${describeInAnyZone(cron)}, ${zone}`;
  if (floorMs === undefined) return sentence;
  const left = describeLeft(cron, thinOut(cron, floorMs / MINUTE_MS));
  return left === null ? sentence : `${sentence}; at least ${floorMs / MINUTE_MS} minutes apart, so ${left}`;
}

export function describeInAnyZone(cron: Cron): string {
  const { everyHour, dayMatters, weekdayMatters, months } = cron;
  const days = describeDays(cron) || (everyHour ? '' : 'every day');
  const timesAndDays = [describeTimes(cron), days].filter(Boolean).join(' ');
  // One month beside days of the month is named there.
  if (months.length === 12 || (dayMatters && !weekdayMatters && months.length === 1)) return timesAndDays;
  return `${timesAndDays}${dayMatters ? ',' : ''} in ${ranges(months, monthName)}`;
}

/** null: all. */
function describeLeft({ dayMatters, weekdayMatters, months }: Cron, thinned: Thinned): string | null {
  switch (thinned.kind) {
    case 'UNCHANGED':
      return null;
    case 'TIMES':
      return lowerFirst(timesInWords(thinned.times));
    case 'STEPS': {
      const neverRests = !dayMatters && !weekdayMatters && months.length === 12;
      return `${lowerFirst(every(thinned.step))}${neverRests ? ', counted from the first' : ''}`;
    }
    case 'VARYING':
      return 'some of these are left out';
  }
}

/** Either one is enough (SC-3). Empty: every day. */
function describeDays({ dayMatters, weekdayMatters, daysOfMonth, daysOfWeek, months }: Cron): string {
  const ofMonth = !weekdayMatters && months.length === 1 ? monthName(months[0] ?? 1) : 'the month';
  const byDay = dayMatters ? `on ${daysInWords(daysOfMonth)} of ${ofMonth}` : '';
  const byWeekday = weekdayMatters ? `on ${ranges(daysOfWeek, weekdaysName)}` : '';
  return [byDay, byWeekday].filter(Boolean).join(' or ');
}

function daysInWords(days: readonly number[]): string {
  const step = stepOf(days) ?? 1;
  if (days.length === 1) return `day ${days[0]}`;
  if (step === 1 || days.length < 4) return `days ${ranges(days, String)}`;
  const ordinal = `${step}${step === 2 ? 'nd' : step === 3 ? 'rd' : 'th'}`;
  return `every ${ordinal} day from day ${days[0]} to day ${days.at(-1)}`;
}

const monthName = (value: number) => monthNames[value - 1] ?? '';
const weekdaysName = (value: number) => `${weekdayNames[value - 1]}s`;

const lowerFirst = (text: string) => text.charAt(0).toLowerCase() + text.slice(1);
