import type { Transaction } from '../db/database.js';
import { followJob } from '../deployment/find-deployment.js';
import type { EventType } from '../event/event-types.js';
import { recordEvent } from '../event/record-event.js';
import type { Job, JobState } from './job.entity.js';
import { deploymentStateOf } from './job.lifecycle.js';

/** Carries a job's new state to its deployment, and tells of it. Last in a transaction: the deployment's row lock numbers the events. */
export async function tellDeployment(
  tx: Transaction,
  job: Pick<Job, 'id' | 'deploymentId' | 'clusterId'>,
  to: JobState,
  event: { type: EventType; message: string } | null,
): Promise<void> {
  await followJob(tx, job.deploymentId, job.id, deploymentStateOf(to));
  if (event)
    await recordEvent(tx, { ...event, deploymentId: job.deploymentId, jobId: job.id, clusterId: job.clusterId });
}
