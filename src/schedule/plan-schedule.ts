import { InvalidInput } from '../api/user-error.js';
import type { Cluster } from '../cluster/cluster.entity.js';
import { NoSavepointRoot } from '../cluster/cluster.types.js';
import type { Sql } from '../db/database.js';
import type { Deployment } from '../deployment/deployment.entity.js';
import { findJob } from '../job/find-job.js';
import { chooseFormat } from '../savepoint/choose-format.js';
import { FormatNotSupported } from '../savepoint/savepoint.types.js';
import { usualDurationMs } from '../savepoint/usual-duration.js';
import { allSwallowed } from './blackout.js';
import { type ChainStart, isClamped, slots } from './next-slot.js';
import type { ScheduleWarning } from './schedule.entity.js';
import { findSchedulesOf } from './find-schedule.js';
import type { ScheduleSettings } from './schedule-settings.js';
import { demandOn, lastSlotOf } from './schedule.store.js';
import { warningsOf } from './schedule-warnings.js';
import { slotsUpTo } from './slot-decision.js';
import { isUnreadable, readStored } from './stored-schedule.js';

/** What a schedule would do; the same for one that is set and one that is looked at. */
export interface SchedulePlan {
  /** The last slot before it, of what it takes the place of; epoch ms. */
  previous: number | null;
  /** Its coming slots, the first 100; at least one. */
  coming: readonly number[];
  clamped: boolean;
  warnings: ScheduleWarning[];
  meanIntervalMs: number;
}

const SHOWN = 100;
const WEEK_MS = 7 * 86_400_000;

type Refusal = InvalidInput | NoSavepointRoot | FormatNotSupported;

/** The plan, or what speaks against it. `of`: the deployment that would have it; null: of that nothing is known. */
export async function planSchedule(
  sql: Sql,
  settings: ScheduleSettings,
  floorMs: number,
  of: { deployment: Deployment; cluster: Cluster } | null,
): Promise<SchedulePlan | Refusal> {
  if (of && !of.cluster.savepointStorageId) return new NoSavepointRoot(of.cluster);
  const job = of?.deployment.currentJobId ? await findJob(sql, of.deployment.currentJobId) : null;
  const format = chooseFormat(settings.format ?? of?.deployment.savepointFormat ?? null, job?.stateBackend ?? null);
  if (format instanceof FormatNotSupported) return format;

  const { cron, zone, blackouts } = settings;
  const { now, previous } = await chainBefore(sql, of?.deployment.id ?? null, floorMs);
  const start: ChainStart = { after: now, previous };
  const coming = [...slots(cron, zone, start, SHOWN, floorMs)];
  if (coming.length === 0)
    return new InvalidInput('schedule.expression', `"${cron.text}" matches at no time in the next eight years.`);
  if (allSwallowed(cron, zone, blackouts, start, floorMs))
    return new InvalidInput(
      'schedule.blackouts',
      'they cover each of the coming slots, so it would never fire. Shorten them, or choose other times.',
    );

  const meanIntervalMs = meanInterval(settings, start, floorMs);
  const usualMs = of && (await usualDurationMs(sql, of.deployment.id, format));
  const demand = of && (await demandOn(sql, of.cluster.id, of.deployment.id)) + (usualMs ?? 0) / meanIntervalMs;
  const clamped = isClamped(cron, zone, now, floorMs);
  const { name: clusterName, savepointBudget } = of?.cluster ?? { name: '', savepointBudget: 0 };
  const budget = demand === null ? null : { demand, savepointBudget, clusterName };
  const warnings = warningsOf({ settings, floorMs, clamped, coming, usualMs, budget });
  return { previous, coming, clamped, warnings, meanIntervalMs };
}

/** Now, and the last slot of what the deployment has or has had, whether it is decided already or is about to be. */
async function chainBefore(
  sql: Sql,
  deploymentId: string | null,
  floorMs: number,
): Promise<{ now: number; previous: number | null }> {
  const { now, last } = await lastSlotOf(sql, deploymentId);
  const [current] = deploymentId === null ? [] : await findSchedulesOf(sql, [deploymentId]);
  if (!current?.nextSlotAt) return { now, previous: last };
  const next = current.nextSlotAt.getTime();
  const settings = readStored(current);
  if (isUnreadable(settings)) return { now, previous: next <= now ? next : last };
  const { cron, zone } = settings;
  const { due } = slotsUpTo({ cron, zone, floorMs }, next, now, Infinity);
  return { now, previous: due.at(-1) ?? last };
}

/** Between the slots of a week, or the next ten where those are fewer. */
function meanInterval({ cron, zone }: ScheduleSettings, start: ChainStart, floorMs: number): number {
  let first: number | null = null;
  let last = 0;
  let count = 0;
  for (const slot of slots(cron, zone, start, 2_000, floorMs)) {
    first ??= slot;
    if (count > 10 && slot > first + WEEK_MS) break;
    last = slot;
    count += 1;
  }
  return first === null || count < 2 ? WEEK_MS : (last - first) / (count - 1);
}
