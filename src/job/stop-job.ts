import { wake } from '../db/claims.js';
import type { Transaction } from '../db/database.js';
import { followJob } from '../deployment/find-deployment.js';
import { DeploymentState } from '../deployment/deployment.entity.js';
import type { ClusterFollower } from './cluster-follower.js';
import { liveJobsOf } from './find-job.js';
import { type Job, JobState } from './job.entity.js';
import { moveJob } from './job.store.js';
import { tellDeployment } from './tell-deployment.js';

/**
 * A stop of a run was accepted: from now on it is STOPPING, whatever Flink still says. One that is being submitted stays so for
 * whoever submits it, who sees the stop. The cluster's row is locked.
 */
export async function beginStopping(tx: Transaction, job: Pick<Job, 'id' | 'deploymentId' | 'clusterId' | 'state'>) {
  if (job.state === JobState.SUBMITTING) {
    await wake(tx, 'job', job.id);
    return followJob(tx, job.deploymentId, job.id, DeploymentState.STOPPING);
  }
  if (job.state !== JobState.STOPPING) await moveJob(tx, job.id, job.state, JobState.STOPPING, { waiting_for: null });
  await wake(tx, 'cluster', job.clusterId);
  return tellDeployment(tx, job, JobState.STOPPING, null);
}

/** Its stop has failed and it runs on. A run that has moved meanwhile, or is stopped anew, is left as it is. The cluster's row is locked. */
export async function endStopping(
  tx: Transaction,
  clusterFollower: ClusterFollower,
  { id, clusterId }: { id: string; clusterId: string },
  to: JobState,
): Promise<void> {
  const job = (await liveJobsOf(tx, clusterId)).find((one) => one.id === id);
  if (!job || job.stop !== null) return;
  if (job.state === JobState.SUBMITTING) return tellDeployment(tx, job, JobState.SUBMITTING, null);
  await wake(tx, 'cluster', clusterId);
  if (!(await moveJob(tx, id, JobState.STOPPING, to, {}))) return;
  await clusterFollower.jobChanged(tx, { job, from: JobState.STOPPING, to });
  await tellDeployment(tx, job, to, null);
}
