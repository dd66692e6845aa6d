import { blackoutAt } from './blackout.js';
import { jitterMs } from './jitter.js';
import { nextSlot } from './next-slot.js';
import type { SavepointSchedule } from './schedule.entity.js';
import type { ScheduleSettings } from './schedule-settings.js';
import { ComingSlot, type NextScheduledSavepoint } from './schedule-preview.types.js';
import { slotsUpTo } from './slot-decision.js';
import { isUnreadable, readStored } from './stored-schedule.js';

/** Slots that are still to come, as they are shown. Pure. */
export const comingSlots = (
  slots: readonly number[],
  { blackouts, jitterSeconds }: Pick<ScheduleSettings, 'blackouts' | 'jitterSeconds'>,
  deploymentId: string | null,
): ComingSlot[] =>
  slots.map((slot) => {
    const until = blackoutAt(blackouts, slot)?.until;
    return Object.assign(new ComingSlot(), {
      slotAt: new Date(slot),
      expectedCallAt: deploymentId === null ? null : new Date(slot + jitterMs(deploymentId, jitterSeconds)),
      blackoutUntil: until === undefined ? null : new Date(until),
    });
  });

/** The next slots of a schedule, whatever will become of them; of one that cannot be read none is known. */
export function comingSlotsOf(schedule: SavepointSchedule, count: number, floorMs: number): ComingSlot[] {
  if (!schedule.nextSlotAt) return [];
  const settings = readStored(schedule);
  if (isUnreadable(settings)) return [];
  const { cron, zone } = settings;
  const { due } = slotsUpTo({ cron, zone, floorMs }, schedule.nextSlotAt.getTime(), Infinity, count);
  return comingSlots(due, settings, schedule.deploymentId);
}

/** Blackouts that cover more slots than these in a row are looked through no farther. */
const LOOKED_THROUGH = 500;

/** The next slot that no blackout covers; null: it is paused, has ended, cannot be read, or none is in sight. */
export function nextScheduledOf(schedule: SavepointSchedule, floorMs: number): NextScheduledSavepoint | null {
  if (schedule.pausedAt || !schedule.nextSlotAt) return null;
  const settings = readStored(schedule);
  if (isUnreadable(settings)) return null;
  const { cron, zone, blackouts } = settings;
  let slot: number | null = schedule.nextSlotAt.getTime();
  for (let looked = 0; slot !== null && looked < LOOKED_THROUGH; looked += 1) {
    if (!blackoutAt(blackouts, slot))
      return { slotAt: new Date(slot), expectedCallAt: new Date(slot + schedule.jitterMs) };
    slot = nextSlot(cron, zone, { after: slot, previous: slot, floorMs });
  }
  return null;
}
