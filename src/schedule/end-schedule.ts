import type { LockedCluster } from '../cluster/find-cluster.js';
import type { Transaction } from '../db/database.js';
import type { Deployment } from '../deployment/deployment.entity.js';
import { EventType } from '../event/event-types.js';
import type { NewEvent } from '../event/record-event.js';
import { decideAllOf } from './decide-slots.js';
import type { SavepointSchedule } from './schedule.entity.js';
import { markRemoved } from './schedule.store.js';

/**
 * Ends a schedule, after what is due of it was decided: a slot that has just come fires, and what was missed is written down and
 * not made up for. Of one that cannot be read the slot that has waited is missed. The cluster's row is locked. Answers the events to
 * be recorded.
 */
export async function endSchedule(
  tx: Transaction,
  { id }: Pick<SavepointSchedule, 'id'>,
  cluster: LockedCluster,
  actor: string,
  floorMs: number,
): Promise<NewEvent[]> {
  const events = await decideAllOf(tx, id, cluster, { floorMs, ends: true });
  await markRemoved(tx, id, actor);
  return events;
}

/** The schedule of a deployment that is deleted (OB-1). Moved or renamed, a deployment keeps it. */
export async function endScheduleWith(
  tx: Transaction,
  deployment: Deployment,
  schedule: SavepointSchedule,
  { cluster, actor, floorMs }: { cluster: LockedCluster; actor: string; floorMs: number },
): Promise<NewEvent[]> {
  const ended = await endSchedule(tx, schedule, cluster, actor, floorMs);
  const removed = {
    type: EventType.SCHEDULE_REMOVED,
    deploymentId: deployment.id,
    clusterId: deployment.clusterId,
    actor,
    message: `The schedule of ${deployment.name} ("${schedule.expression}", ${schedule.zone}) has ended with it.`,
    details: { scheduleId: schedule.id },
  };
  return [...ended, removed];
}
