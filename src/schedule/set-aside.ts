import { lockClusters } from '../cluster/find-cluster.js';
import type { Database, Transaction } from '../db/database.js';
import { EventType } from '../event/event-types.js';
import { type NewEvent, recordInOrder } from '../event/record-event.js';
import { type DueSchedule, lockDue, markAside, type OwnedSchedule } from './slot.store.js';

/** So that a worker of another version, or on another Node.js, soon decides what this one cannot. */
const TRIED_AGAIN_AFTER_MS = 60_000;

/** A schedule of which slots are due and cannot be decided. */
export interface Aside {
  schedule: DueSchedule;
  /** What is wrong, and what to do, for a person. */
  why: string;
}

/**
 * Lets schedules wait whose slots cannot be decided, so that they keep no other: the chain stays where it is, and they are tried again
 * in a minute. Their rows are locked. Answers the events to be recorded: of each it is told once.
 */
export async function setAside(tx: Transaction, aside: readonly Aside[]): Promise<NewEvent[]> {
  if (aside.length === 0) return [];
  await markAside(
    tx,
    aside.map(({ schedule, why }) => ({ id: schedule.id, why })),
    TRIED_AGAIN_AFTER_MS,
  );
  return aside.flatMap(({ schedule, why }) =>
    schedule.setAsideAt
      ? []
      : [
          {
            ...about(schedule),
            type: EventType.SCHEDULE_SET_ASIDE,
            message: `The schedule of ${schedule.deploymentName} ("${schedule.expression}", ${schedule.zone}) is set aside: ${why} Its slots from ${schedule.nextSlotAt.toISOString()} on wait; it is tried again each minute.`,
          },
        ],
  );
}

/** One whose decision has failed, otherwise than by what it holds. Answers what is to be logged. */
export async function setFailedAside(
  database: Database,
  { id, clusterId }: OwnedSchedule,
  cause: unknown,
): Promise<Error> {
  const why = `Deciding its slots failed (${cause instanceof Error ? cause.message : String(cause)}). That is a fault of Stateward: the log of the worker tells more. Set the schedule anew (setSavepointSchedule), or remove it, if that goes on.`;
  await database.transaction(async (tx) => {
    const due = await lockDue(tx, [id], await lockClusters(tx, [clusterId]));
    const aside = due.map((schedule): Aside => ({ schedule, why }));
    await recordInOrder(tx, await setAside(tx, aside));
  });
  return new Error(`The slots of schedule ${id} could not be decided: it is set aside, and tried again`, { cause });
}

/** The event that one which was set aside is decided again; none of others. */
export const goesOn = (schedule: DueSchedule): NewEvent[] =>
  schedule.setAsideAt
    ? [
        {
          ...about(schedule),
          type: EventType.SCHEDULE_GOES_ON,
          message: `The schedule of ${schedule.deploymentName}, which was set aside since ${schedule.setAsideAt.toISOString()}, goes on: its slots tell what became of those that have waited.`,
        },
      ]
    : [];

const about = ({ id, deploymentId, clusterId }: DueSchedule) => ({
  deploymentId,
  clusterId,
  details: { scheduleId: id },
});
