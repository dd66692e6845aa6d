import { hasNeighbours } from './calendar.js';
import type { Cron } from './cron.js';

/** Times of day are minutes since midnight; sorted. */
export const timesOfDay = ({ hours, minutes }: Pick<Cron, 'hours' | 'minutes'>): number[] =>
  hours.flatMap((hour) => minutes.map((minute) => hour * 60 + minute));

const DAY = 24 * 60;

/** How the floor, in minutes, changes the times of a day without a clock change. */
export type Thinned =
  | { kind: 'UNCHANGED' }
  /** Of each day these are left. */
  | { kind: 'TIMES'; times: number[] }
  /** It goes on over midnight in equal steps. */
  | { kind: 'STEPS'; step: number }
  /** It goes on over midnight, and one day may have others than the next. */
  | { kind: 'VARYING' };

export function thinOut(cron: Cron, floor: number): Thinned {
  const times = timesOfDay(cron);
  const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  const overMidnight = DAY - (times.at(-1) ?? 0) + (times[0] ?? 0);
  if (overMidnight >= floor || !hasNeighbours(cron)) {
    if (gaps.every((gap) => gap >= floor)) return { kind: 'UNCHANGED' };
    return { kind: 'TIMES', times: chain(times, floor) };
  }
  if (gaps.some((gap) => gap !== overMidnight)) return { kind: 'VARYING' };
  return { kind: 'STEPS', step: Math.ceil(floor / overMidnight) * overMidnight };
}

function chain(times: readonly number[], floor: number): number[] {
  const kept: number[] = [];
  for (const time of times) if (time - (kept.at(-1) ?? -Infinity) >= floor) kept.push(time);
  return kept;
}
