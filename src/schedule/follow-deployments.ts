import type { DeploymentFollower } from '../deployment/deployment-follower.js';
import { EventType } from '../event/event-types.js';
import { endSchedule } from './end-schedule.js';
import { lockScheduleOf } from './schedule.store.js';

/** What schedules do about deployments: one that is deleted has none any more (OB-1). Moved or renamed, it keeps it. */
export const schedulesFollowDeployments = (floorMs: number): DeploymentFollower => ({
  async deploymentDeleted(tx, deployment, cluster, actor) {
    const schedule = await lockScheduleOf(tx, deployment.id);
    if (!schedule) return [];
    const ended = await endSchedule(tx, schedule, cluster, actor, floorMs);
    const removed = {
      type: EventType.SCHEDULE_REMOVED,
      deploymentId: deployment.id,
      clusterId: cluster.id,
      actor,
      message: `The schedule of ${deployment.name} ("${schedule.expression}", ${schedule.zone}) has ended with it.`,
      details: { scheduleId: schedule.id },
    };
    return [...ended, removed];
  },
});
