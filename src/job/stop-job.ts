import { wake } from '../db/claims.js';
import type { Transaction } from '../db/database.js';
import { DeploymentState } from '../deployment/deployment.entity.js';
import type { NewEvent } from '../event/record-event.js';
import type { ClusterFollower } from './cluster-follower.js';
import { liveJobsOf } from './find-job.js';
import { type Job, JobState } from './job.entity.js';
import { moveJob } from './job.store.js';
import { type Became, became } from './tell-deployment.js';

/**
 * A stop of a run was accepted: from now on it is STOPPING, whatever Flink still says. One that is being submitted stays so for
 * whoever submits it, who sees the stop. The cluster's row is locked. Answers what its deployment is to be told. No follower is:
 * nothing waits for a run to be STOPPING, and what a stop ends or wakes is done by whoever accepts it.
 */
export async function beginStopping(
  tx: Transaction,
  job: Pick<Job, 'id' | 'deploymentId' | 'clusterId' | 'state'>,
): Promise<Became> {
  if (job.state === JobState.SUBMITTING) await wake(tx, 'job', job.id);
  else {
    if (job.state !== JobState.STOPPING) await moveJob(tx, job.id, job.state, JobState.STOPPING, { waiting_for: null });
    await wake(tx, 'cluster', job.clusterId);
  }
  return { job, state: DeploymentState.STOPPING };
}

/**
 * Its stop has failed and it runs on. A run that has moved meanwhile, or is stopped anew, is left as it is. The cluster's row is
 * locked. Answers what is to be told of it.
 */
export async function endStopping(
  tx: Transaction,
  clusterFollower: ClusterFollower,
  { id, clusterId }: { id: string; clusterId: string },
  to: JobState,
): Promise<{ moved: Became[]; events: NewEvent[] }> {
  const job = (await liveJobsOf(tx, clusterId)).find((one) => one.id === id);
  if (!job || job.stop !== null) return { moved: [], events: [] };
  if (job.state === JobState.SUBMITTING) return { moved: [became(job, JobState.SUBMITTING)], events: [] };
  await wake(tx, 'cluster', clusterId);
  if (!(await moveJob(tx, id, JobState.STOPPING, to, {}))) return { moved: [], events: [] };
  const events = await clusterFollower.jobChanged(tx, { job, from: JobState.STOPPING, to, inFlink: null });
  return { moved: [became(job, to)], events };
}
