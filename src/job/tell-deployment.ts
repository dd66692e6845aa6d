import type { Transaction } from '../db/database.js';
import type { DeploymentState } from '../deployment/deployment.entity.js';
import { followJob } from '../deployment/find-deployment.js';
import type { EventType } from '../event/event-types.js';
import { type NewEvent, recordInOrder } from '../event/record-event.js';
import type { Job, JobState } from './job.entity.js';
import { deploymentStateOf } from './job.lifecycle.js';

/** What a run has become, and with it its deployment. */
export interface Became {
  job: Pick<Job, 'id' | 'deploymentId'>;
  state: DeploymentState;
}

export const became = (job: Became['job'], to: JobState): Became => ({ job, state: deploymentStateOf(to) });

/**
 * Carries the new states of jobs to their deployments, and tells of them and of all else that came of it. Last in a
 * transaction, and all at once: the rows of the deployments, whose locks number the events, are taken in the order of their ids.
 */
export async function tellDeployments(
  tx: Transaction,
  moved: readonly Became[],
  events: readonly NewEvent[],
): Promise<void> {
  const ids = new Set([...moved.map(({ job }) => job.deploymentId), ...events.map(idOf)]);
  for (const id of [...ids].sort()) {
    for (const { job, state } of moved) if (job.deploymentId === id) await followJob(tx, id, job.id, state);
    await recordInOrder(
      tx,
      events.filter((event) => idOf(event) === id),
    );
  }
}

const idOf = ({ deploymentId }: NewEvent): string => deploymentId ?? '';

/** The same of one job, of which there is one thing to tell, or none. */
export const tellDeployment = (
  tx: Transaction,
  job: Pick<Job, 'id' | 'deploymentId' | 'clusterId'>,
  to: JobState,
  event: { type: EventType; message: string } | null,
): Promise<void> => tellDeployments(tx, [became(job, to)], event ? [{ ...event, ...aboutJob(job) }] : []);

export const aboutJob = ({ id, deploymentId, clusterId }: Pick<Job, 'id' | 'deploymentId' | 'clusterId'>) => ({
  deploymentId,
  jobId: id,
  clusterId,
});
