import type { Cron } from './cron.js';
import { timesOfDay } from './times-of-day.js';

const MOST_LISTED = 12;

type Times = Pick<Cron, 'hours' | 'minutes' | 'everyHour'>;

/** The hour and minute fields in words, without the days. */
export function describeTimes({ hours, minutes, everyHour }: Times): string {
  if (everyHour) return inEveryHour(minutes);
  const times = timesOfDay({ hours, minutes });
  const short = inRuns(times) ?? (times.length <= MOST_LISTED ? atTimes(times) : null);
  return short ?? `${inAnHour(minutes)} of the hours ${ranges(hours, String)}`;
}

/** Any times of a day. */
export function timesInWords(times: readonly number[]): string {
  const hours = [...new Set(times.map((time) => Math.floor(time / 60)))];
  const minutes = [...new Set(times.map((time) => time % 60))].sort((a, b) => a - b);
  if (hours.length * minutes.length === times.length)
    return describeTimes({ hours, minutes, everyHour: hours.length === 24 });
  return inRuns(times) ?? (times.length <= MOST_LISTED ? atTimes(times) : shortened(times));
}

export function every(minutes: number): string {
  if (minutes === 1) return 'Every minute';
  if (minutes === 60) return 'Every hour';
  return minutes % 60 === 0 ? `Every ${minutes / 60} hours` : `Every ${minutes} minutes`;
}

function inEveryHour(minutes: readonly number[]): string {
  if (minutes.length === 1 && minutes[0] === 0) return 'Every hour';
  return goesRound(minutes) ? inAnHour(minutes) : `${inAnHour(minutes)} of every hour`;
}

function inAnHour(minutes: readonly number[]): string {
  const step = stepOf(minutes);
  if (step !== null && goesRound(minutes)) return every(step);
  if (step !== null && minutes.length > 3)
    return `${every(step)} from minute ${minutes[0]} to minute ${minutes.at(-1)}`;
  return `At ${minutes.length === 1 ? 'minute' : 'minutes'} ${ranges(minutes, String)}`;
}

/** From 0 in equal steps to the end of the hour and on. */
const goesRound = (minutes: readonly number[]) => minutes[0] === 0 && minutes.length * (stepOf(minutes) ?? 0) === 60;

/** In equal steps, all in one or in up to three groups; null: they are few, or not like that. */
function inRuns(times: readonly number[]): string | null {
  if (times.length < 4) return null;
  const step = Math.min(...gapsOf(times));
  const runs = split(times, (gap) => gap !== step);
  if (runs.length > 3 || runs.some((run) => run.length < 3)) return null;
  return `${every(step)} ${listed(runs.map((run) => `from ${clock(run[0])} to ${clock(run.at(-1))}`))}`;
}

const atTimes = (times: readonly number[]) => `At ${listed(times.map(clock))}`;

const shortened = (times: readonly number[]) =>
  `At ${times.slice(0, 4).map(clock).join(', ')}, … and ${clock(times.at(-1))}`;

function clock(time = 0): string {
  const two = (value: number) => String(value).padStart(2, '0');
  return `${two(Math.floor(time / 60))}:${two(time % 60)}`;
}

/** The step between all of them; null: there is none, or not a single one. */
export function stepOf(values: readonly number[]): number | null {
  const [step = null, ...others] = gapsOf(values);
  return others.every((gap) => gap === step) ? step : null;
}

/** `1 to 5 and 7`: three and more in a row are a range. */
export function ranges(values: readonly number[], word: (value: number) => string): string {
  const runs = split(values, (gap) => gap > 1);
  const words = runs.flatMap((run) => {
    const all = run.map(word);
    return all.length > 2 ? [`${all[0]} to ${all.at(-1)}`] : all;
  });
  return listed(words);
}

const gapsOf = (values: readonly number[]) => values.slice(1).map((value, index) => value - (values[index] ?? 0));

function split(values: readonly number[], apart: (gap: number) => boolean): number[][] {
  const runs: number[][] = [];
  for (const value of values) {
    const run = runs.at(-1);
    if (run && !apart(value - (run.at(-1) ?? 0))) run.push(value);
    else runs.push([value]);
  }
  return runs;
}

const listed = (words: readonly string[]) =>
  words.length > 1 ? `${words.slice(0, -1).join(', ')} and ${words.at(-1)}` : (words[0] ?? '');
