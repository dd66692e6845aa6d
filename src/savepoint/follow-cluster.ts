import { NOW } from '../db/assign.js';
import type { Transaction } from '../db/database.js';
import { EventType } from '../event/event-types.js';
import type { NewEvent } from '../event/record-event.js';
import type { ClusterFollower } from '../job/cluster-follower.js';
import { isLive } from '../job/job.lifecycle.js';
import { JobState } from '../job/job.entity.js';
import { admitSavepoints } from './admit-savepoints.js';
import { SavepointFailureCode, SavepointState } from './savepoint.enums.js';
import { leaveReplacedCluster, leaveUnseenEnd } from './leave-begun.js';
import { moveSavepoint, pendingOfJob } from './savepoint.store.js';
import { markStopFailedAfter } from './stop-savepoint.store.js';

/** What savepoints do about jobs and clusters: those that wait go on when their job runs again, and end when it has ended. */
export const savepointsFollowCluster: ClusterFollower = {
  async jobChanged(tx, { job, to, inFlink }) {
    if (isLive(to)) return to === JobState.RUNNING ? admitSavepoints(tx, job.clusterId, 0) : [];
    if (to !== JobState.FINISHED && inFlink !== 'FINISHED') await markStopFailedAfter(tx, job.id);
    const events = await endPending(tx, job.id, to);
    if (inFlink === null) events.push(...(await leaveUnseenEnd(tx, job)));
    return events;
  },
  clusterIsBack: (tx, clusterId) => admitSavepoints(tx, clusterId, 0),
  clusterReplaced: (tx, clusterId) => leaveReplacedCluster(tx, clusterId),
};

async function endPending(tx: Transaction, jobId: string, to: JobState): Promise<NewEvent[]> {
  const events: NewEvent[] = [];
  for (const savepoint of await pendingOfJob(tx, jobId)) {
    const message = `The job ended (${to}) before its turn came. Start the deployment, then ask again.`;
    await moveSavepoint(tx, savepoint.id, [SavepointState.PENDING], {
      state: SavepointState.FAILED,
      state_since: NOW,
      failed_at: NOW,
      failure_code: SavepointFailureCode.JOB_ENDED,
      failure_message: message,
      look_at: null,
    });
    events.push({
      type: EventType.SAVEPOINT_FAILED,
      deploymentId: savepoint.deploymentId,
      savepointId: savepoint.id,
      jobId,
      clusterId: savepoint.clusterId,
      message: `Savepoint ${savepoint.id} failed (JOB_ENDED): ${message}`,
      details: { code: SavepointFailureCode.JOB_ENDED },
    });
  }
  return events;
}
