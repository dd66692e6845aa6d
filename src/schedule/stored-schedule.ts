import { type Cron, isCronProblem, parseCron } from './cron.js';
import type { SavepointSchedule } from './schedule.entity.js';
import type { ScheduleSettings } from './schedule-settings.js';
import { isKnownZone } from './zone.js';

/** It was checked when it was set, by another version perhaps, or where other time zones were known. */
export interface Unreadable {
  /** What cannot be read, and what to do, for a person. */
  unreadable: string;
}

export const isUnreadable = (read: ScheduleSettings | Unreadable): read is Unreadable => 'unreadable' in read;

/** The settings of a schedule that was stored, or why they cannot be read here. */
export function readStored(
  schedule: Pick<
    SavepointSchedule,
    'expression' | 'zone' | 'catchUp' | 'jitterSeconds' | 'blackouts' | 'attempts' | 'format'
  >,
): ScheduleSettings | Unreadable {
  const { expression, zone, catchUp, jitterSeconds, attempts, format } = schedule;
  const cron = storedCron(expression);
  if ('unreadable' in cron) return cron;
  if (!isKnownZone(zone)) return unknownZone(zone);
  const blackouts: ScheduleSettings['blackouts'] = [];
  for (const blackout of schedule.blackouts) {
    const start = storedCron(blackout.start);
    if ('unreadable' in start) return start;
    if (!isKnownZone(blackout.zone)) return unknownZone(blackout.zone);
    blackouts.push({ ...blackout, start });
  }
  return { cron, zone, catchUp, jitterSeconds, blackouts, attempts, format };
}

const unknownZone = (zone: string): Unreadable => ({
  unreadable: `No time zone "${zone}" is known here. Run Stateward on a newer Node.js, which brings the zones, or set the schedule anew in another zone (setSavepointSchedule).`,
});

/** Read once for each slot, and the same for many schedules. */
const storedCrons = new Map<string, Cron>();
const MOST_KEPT = 2_000;

function storedCron(text: string): Cron | Unreadable {
  const known = storedCrons.get(text);
  if (known) return known;
  const cron = parseCron(text);
  if (isCronProblem(cron))
    return {
      unreadable: `This version does not read "${text}": ${cron.message} Set the schedule anew (setSavepointSchedule), or run the version that it was set with.`,
    };
  if (storedCrons.size >= MOST_KEPT) storedCrons.clear();
  storedCrons.set(text, cron);
  return cron;
}
