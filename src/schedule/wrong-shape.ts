import type { CronProblem, Part } from './cron-fields.js';

const macros: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * SUN',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

const FIELDS = 'five fields are needed: minute, hour, day of the month, month, weekday';

/** What was meant by something that is not five fields. */
export function wrongShape(parts: readonly Part[]): CronProblem {
  const [first, last] = [parts[0], parts.at(-1)];
  if (!first || !last)
    return whole(1, `It is empty, and ${FIELDS}.`, 'Write them, such as 0 3 * * * (every day at 03:00).');
  const start = first.text.toLowerCase();
  if (start.startsWith('@')) {
    const meant = Object.hasOwn(macros, start)
      ? macros[start]
      : 'the five fields of it, such as */30 * * * * (every 30 minutes)';
    return whole(first.column, `"${first.text}" is a word of other schedulers, and ${FIELDS}.`, `Write ${meant}.`);
  }
  if (/^(?:cron_)?tz=/.test(start))
    return whole(
      first.column,
      `"${first.text}" is no field, and ${FIELDS}.`,
      'Leave it out: the time zone is set by itself.',
    );
  const count = `It has ${parts.length} ${parts.length === 1 ? 'field' : 'fields'}, and ${FIELDS}.`;
  if (parts.length > 5) return tooMany(parts, count);
  const filled = [...parts.map(({ text }) => text), '*', '*', '*', '*'].slice(0, 5).join(' ');
  return whole(last.column + last.text.length, count, `Write * for each that is missing, such as ${filled}.`);
}

/** Other schedulers have seconds in front, a year at the end, or both; a crontab has the command there. */
function tooMany(parts: readonly Part[], count: string): CronProblem {
  const [first, , , , fifth, sixth, seventh] = parts.map(({ text }) => text);
  const columns = parts.map(({ column }) => column);
  const leaveOut = (index: number, extra: string, kept: readonly Part[]) =>
    whole(columns[index] ?? 1, count, `Leave ${extra} out: ${withoutQuestionMarks(kept)}.`);
  if (parts.length === 7 && isTime(first) && isYear(seventh))
    return leaveOut(0, 'the seconds and the year', parts.slice(1, 6));
  if (parts.length === 6 && isYear(sixth) && (sixth !== '*' || isWeekday(fifth)))
    return leaveOut(5, 'the year', parts.slice(0, 5));
  if (parts.length === 6 && isTime(sixth)) return leaveOut(0, 'the seconds', parts.slice(1));
  return leaveOut(5, 'what follows the weekday', parts.slice(0, 5));
}

const isYear = (text = '') => /^(?:\d{4}|\*$)/.test(text);
const isTime = (text = '') => /^(?:[\d*?]|mon|tue|wed|thu|fri|sat|sun)/i.test(text);
/** And nothing that a month could be. */
const isWeekday = (text = '') => /[?#]|mon|tue|wed|thu|fri|sat|sun/i.test(text);

function withoutQuestionMarks(kept: readonly Part[]): string {
  const text = kept.map((part) => part.text.replaceAll('?', '*')).join(' ');
  // Where seconds or years are written, Sunday is often 1.
  return /\d$/.test(text) ? `${text} (1 is Monday, 7 is Sunday)` : text;
}

const whole = (position: number, message: string, remedy: string): CronProblem => ({
  field: null,
  position,
  message,
  remedy,
});
