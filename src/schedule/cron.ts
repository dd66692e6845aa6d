import {
  type CronProblem,
  dayOfMonth,
  dayOfWeek,
  hour,
  isCronProblem,
  minute,
  month,
  type Part,
} from './cron-fields.js';
import { parseField } from './parse-field.js';
import { wrongShape } from './wrong-shape.js';

export { type CronFieldName, type CronProblem, isCronProblem } from './cron-fields.js';

/** An expression of five fields (SC-1), each as the sorted set of its values. Plain data. */
export interface Cron {
  minutes: readonly number[];
  hours: readonly number[];
  daysOfMonth: readonly number[];
  months: readonly number[];
  /** 1 = Monday, 7 = Sunday. */
  daysOfWeek: readonly number[];
  /** Its hour field covers all hours: then it follows elapsed time, otherwise the wall clock (SC-6). */
  everyHour: boolean;
  /** It leaves some day out. When the weekday matters too, either one is enough (SC-3). */
  dayMatters: boolean;
  weekdayMatters: boolean;
  /** As it was written, with single blanks. */
  text: string;
}

const LONGEST_TEXT = 250;

export function parseCron(text: string): Cron | CronProblem {
  if (text.length > LONGEST_TEXT) return tooLong(text);
  const parts = [...text.matchAll(/\S+/g)].map((match): Part => ({ text: match[0], column: match.index + 1 }));
  const [first, second, third, fourth, fifth, more] = parts;
  if (!first || !second || !third || !fourth || !fifth || more) return wrongShape(parts);
  const minutes = parseField(minute, first);
  if (isCronProblem(minutes)) return minutes;
  const hours = parseField(hour, second);
  if (isCronProblem(hours)) return hours;
  const daysOfMonth = parseField(dayOfMonth, third);
  if (isCronProblem(daysOfMonth)) return daysOfMonth;
  const months = parseField(month, fourth);
  if (isCronProblem(months)) return months;
  const daysOfWeek = parseField(dayOfWeek, fifth);
  if (isCronProblem(daysOfWeek)) return daysOfWeek;
  const cron: Cron = {
    minutes,
    hours,
    daysOfMonth,
    months,
    daysOfWeek,
    everyHour: hours.length === 24,
    dayMatters: daysOfMonth.length < 31,
    weekdayMatters: daysOfWeek.length < 7,
    text: parts.map((part) => part.text).join(' '),
  };
  return neverComes(cron, third) ?? cron;
}

const tooLong = ({ length }: string): CronProblem => ({
  field: null,
  position: LONGEST_TEXT + 1,
  message: `It has ${length} characters, and at most ${LONGEST_TEXT} are read.`,
  remedy: 'Write ranges and steps instead of long lists, such as 0-30 or */5.',
});

/** A day that none of its months has, and no weekday beside it. */
function neverComes({ daysOfMonth: days, months, weekdayMatters }: Cron, { text, column }: Part): CronProblem | null {
  const [firstDay = 1] = days;
  const longest = Math.max(...months.map(mostDaysOf));
  if (weekdayMatters || firstDay <= longest) return null;
  return {
    field: 'dayOfMonth',
    position: column,
    message: `It would never fire: there is no day ${text} in ${months.map((value) => month.names[value - 1]).join(' or ')}.`,
    remedy: `Write a day up to ${longest}, or another month.`,
  };
}

const mostDaysOf = (value: number) => (value === 2 ? 29 : [4, 6, 9, 11].includes(value) ? 30 : 31);
