import { blackoutAt } from './blackout.js';
import type { ScheduleWarning } from './schedule.entity.js';
import type { ScheduleSettings } from './schedule-settings.js';
import { LEAST_INTERVAL_MS } from './next-slot.js';

/** What a schedule would do, as far as warnings go by it. Pure. */
export interface Circumstances {
  settings: ScheduleSettings;
  floorMs: number;
  clamped: boolean;
  /** The coming slots, epoch ms. */
  coming: readonly number[];
  /** How long savepoints of the deployment usually take; null: not known. */
  usualMs: number | null;
  /** Of the deployment's cluster; null: none is given. `demand`: savepoints in flight on average, of all its schedules and this one. */
  budget: { demand: number; savepointBudget: number; clusterName: string } | null;
}

export function warningsOf(circumstances: Circumstances): ScheduleWarning[] {
  const { settings, floorMs, clamped, coming, usualMs, budget } = circumstances;
  const warnings: ScheduleWarning[] = [];
  const warn = (code: string, message: string) => warnings.push({ code, message });
  if (floorMs < LEAST_INTERVAL_MS)
    warn(
      'FLOOR_LOWERED',
      `Slots may be ${inWords(floorMs)} apart, since STATEWARD_LEAST_SLOT_INTERVAL_S lowers the least interval of 10 min. That is for tests alone: remove the setting.`,
    );
  if (clamped)
    warn(
      'CLAMPED',
      `"${settings.cron.text}" matches more often than every ${inWords(floorMs)}, and slots are at least so far apart: those in between are left out. nextSlots are what comes.`,
    );
  const shortest = shortestGap(coming);
  if (usualMs !== null && shortest !== null && usualMs > shortest)
    warn(
      'SHORTER_THAN_USUAL',
      `A savepoint of this deployment usually takes ${inWords(usualMs)}, and slots come ${inWords(shortest)} after each other: those that come while one is under way are skipped (IN_PROGRESS). Choose longer intervals, or the NATIVE format.`,
    );
  const swallowed = coming.filter((slot) => blackoutAt(settings.blackouts, slot) !== null).length;
  if (swallowed > 0)
    warn(
      'SWALLOWED_BY_BLACKOUTS',
      `Of the next ${coming.length} slots ${swallowed} lie in a blackout and will be skipped.`,
    );
  if (budget && budget.demand > budget.savepointBudget)
    warn(
      'BUDGET_TOO_SMALL',
      `The schedules of cluster "${budget.clusterName}" together keep ${budget.demand.toFixed(1)} savepoints in flight on average, and its budget is ${budget.savepointBudget}: they will wait, and slots will be skipped (IN_PROGRESS). Choose longer intervals, or raise savepointBudget (updateCluster).`,
    );
  return warnings;
}

function shortestGap(slots: readonly number[]): number | null {
  let shortest: number | null = null;
  slots.forEach((slot, index) => {
    const before = slots[index - 1];
    if (before !== undefined && (shortest === null || slot - before < shortest)) shortest = slot - before;
  });
  return shortest;
}

/** Rounded: 45 s, 10 min, 1.5 h. */
export function inWords(ms: number): string {
  const rounded = (value: number) => String(Math.round(value * 10) / 10);
  if (ms < 60_000) return `${rounded(ms / 1_000)} s`;
  return ms < 2 * 3_600_000 ? `${rounded(ms / 60_000)} min` : `${rounded(ms / 3_600_000)} h`;
}
