import { InvalidInput } from '../api/user-error.js';
import type { SavepointFormat } from '../deployment/savepoint-format.js';
import type { Blackout } from './blackout.js';
import { type Cron, isCronProblem, parseCron } from './cron.js';
import type { ScheduleBlackout } from './schedule.entity.js';
import { CatchUp } from './schedule.enums.js';
import { InvalidCron, type ScheduleInput } from './schedule.types.js';
import { zoneName } from './zone.js';

/** What a schedule is, read and checked. Pure. */
export interface ScheduleSettings {
  cron: Cron;
  zone: string;
  catchUp: CatchUp;
  jitterSeconds: number;
  blackouts: Blackout[];
  attempts: number;
  format: SavepointFormat | null;
}

const MOST_JITTER_S = 540;
const MOST_ATTEMPTS = 5;
const MOST_BLACKOUTS = 20;
const SHORTEST_BLACKOUT_MS = 60_000;
const LONGEST_BLACKOUT_MS = 31 * 86_400_000;

/** A call comes before the next slot. */
export const mostJitterS = (floorMs: number): number => Math.min(MOST_JITTER_S, Math.ceil(floorMs / 1_000) - 1);

/** The settings, or the refusal that names the first of them that cannot be. */
export function readSettings(input: ScheduleInput, floorMs: number): ScheduleSettings | InvalidCron | InvalidInput {
  const cron = parseCron(input.expression);
  if (isCronProblem(cron)) return new InvalidCron('schedule.expression', cron);
  const zone = readZone('schedule.zone', input.zone ?? 'UTC');
  if (zone instanceof InvalidInput) return zone;
  const jitterSeconds = input.jitterSeconds ?? 0;
  const mostJitter = mostJitterS(floorMs);
  if (jitterSeconds < 0 || jitterSeconds > mostJitter)
    return new InvalidInput(
      'schedule.jitterSeconds',
      `${jitterSeconds} is not between 0 and ${mostJitter}: the call of a slot comes before the next slot.`,
    );
  const attempts = input.attempts ?? 2;
  if (attempts < 1 || attempts > MOST_ATTEMPTS)
    return new InvalidInput('schedule.attempts', `${attempts} is not between 1 and ${MOST_ATTEMPTS}.`);
  const blackouts = readBlackouts(input.blackouts ?? [], zone);
  if (blackouts instanceof InvalidInput || blackouts instanceof InvalidCron) return blackouts;
  const { catchUp, format } = input;
  return { cron, zone, catchUp: catchUp ?? CatchUp.ONE, jitterSeconds, blackouts, attempts, format: format ?? null };
}

function readZone(field: string, name: string): string | InvalidInput {
  const problem = `"${name.slice(0, 60)}" is no time zone of IANA. Write one such as Europe/Berlin, or UTC.`;
  return zoneName(name) ?? new InvalidInput(field, problem);
}

function readBlackouts(
  given: NonNullable<ScheduleInput['blackouts']>,
  zoneOfSchedule: string,
): Blackout[] | InvalidCron | InvalidInput {
  if (given.length > MOST_BLACKOUTS)
    return new InvalidInput('schedule.blackouts', `there are ${given.length}; up to ${MOST_BLACKOUTS} are taken.`);
  const read: Blackout[] = [];
  for (const [index, { start, durationMs, zone }] of given.entries()) {
    const at = `schedule.blackouts[${index}]`;
    const cron = parseCron(start);
    if (isCronProblem(cron)) return new InvalidCron(`${at}.start`, cron);
    const zoneThere = readZone(`${at}.zone`, zone ?? zoneOfSchedule);
    if (zoneThere instanceof InvalidInput) return zoneThere;
    if (durationMs < SHORTEST_BLACKOUT_MS || durationMs > LONGEST_BLACKOUT_MS)
      return new InvalidInput(
        `${at}.durationMs`,
        `${durationMs} is not between ${SHORTEST_BLACKOUT_MS} (1 min) and ${LONGEST_BLACKOUT_MS} (31 days).`,
      );
    read.push({ start: cron, durationMs, zone: zoneThere });
  }
  return read;
}

/** As they are stored. */
export const storedBlackouts = ({ blackouts }: Pick<ScheduleSettings, 'blackouts'>): ScheduleBlackout[] =>
  blackouts.map(({ start, durationMs, zone }) => ({ start: start.text, durationMs, zone }));

/** Whether nothing would change. */
export const isSame = (a: ScheduleSettings, b: ScheduleSettings): boolean => textOf(a) === textOf(b);

const textOf = (settings: ScheduleSettings) =>
  JSON.stringify([
    settings.cron.text.toUpperCase(),
    settings.zone,
    settings.catchUp,
    settings.jitterSeconds,
    storedBlackouts(settings).map(({ start, durationMs, zone }) => [start.toUpperCase(), durationMs, zone]),
    settings.attempts,
    settings.format,
  ]);
