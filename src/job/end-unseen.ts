import type { Transaction } from '../db/database.js';
import { followJob } from '../deployment/find-deployment.js';
import { type NewEvent, recordEvent } from '../event/record-event.js';
import type { ClusterFollower } from './cluster-follower.js';
import type { ObservedJob } from './find-job.js';
import { JobState } from './job.entity.js';
import { deploymentStateOf } from './job.lifecycle.js';
import { moveJob } from './job.store.js';

export interface UnseenEnd {
  /** Columns besides the state. */
  set: Record<string, unknown>;
  event: (job: ObservedJob) => NewEvent;
}

/**
 * Ends runs by the word of a person, without Flink having said so, and tells of it. The cluster's row is locked. A
 * submission that is under way is refused at its next write: the run is not SUBMITTING any more.
 */
export async function endUnseen(
  tx: Transaction,
  clusterFollower: ClusterFollower,
  jobs: readonly ObservedJob[],
  { set, event }: UnseenEnd,
): Promise<ObservedJob[]> {
  const ended: ObservedJob[] = [];
  for (const job of jobs) {
    const rest = { waiting_for: null, missing_since: null, missing_answers: 0, look_at: null, claimed_until: null };
    if (await moveJob(tx, job.id, job.state, JobState.FAILED, { ...rest, ...set })) ended.push(job);
  }
  const inOrder = ended.toSorted((a, b) => (a.deploymentId < b.deploymentId ? -1 : 1));
  for (const job of inOrder) await clusterFollower.jobChanged(tx, { job, from: job.state, to: JobState.FAILED });
  for (const job of inOrder) {
    await followJob(tx, job.deploymentId, job.id, deploymentStateOf(JobState.FAILED));
    await recordEvent(tx, { ...event(job), deploymentId: job.deploymentId, jobId: job.id, clusterId: job.clusterId });
  }
  return ended;
}
