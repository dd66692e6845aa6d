import { randomUUID } from 'node:crypto';
import type { Cluster } from '../cluster/cluster.entity.js';
import type { Transaction } from '../db/database.js';
import type { SavepointFormat } from '../deployment/savepoint-format.js';
import { EventType } from '../event/event-types.js';
import type { NewEvent } from '../event/record-event.js';
import type { Job } from '../job/job.entity.js';
import { directoryOf, newTriggerId } from './admit-savepoints.js';
import { expectedDurationMs, likelyToExpire } from './expectations.js';
import { SavepointOrigin } from './savepoint.enums.js';
import { beginAttempts } from './admission.store.js';
import { insertSavepoint, lastDurationsMs } from './savepoint.store.js';
import { tieToStop } from './stop-savepoint.store.js';

export interface StopSavepoint {
  stopId: string;
  deploymentName: string;
  job: Pick<Job, 'id' | 'deploymentId' | 'checkpointTimeoutMs'>;
  format: SavepointFormat;
  description: string | null;
  drained: boolean;
  actor: string;
}

/**
 * The savepoint of a stop, admitted at once, whatever the budget (SO-4): trigger id, directory and process mark are stored, and
 * the row is due now. The cluster's row is locked; it has a savepoint root.
 */
export async function makeStopSavepoint(
  tx: Transaction,
  cluster: Cluster & { savepointStorageId: string },
  { stopId, deploymentName, job, format, description, drained, actor }: StopSavepoint,
): Promise<{ savepointId: string; events: NewEvent[] }> {
  const durations = await lastDurationsMs(tx, job.deploymentId, format);
  const warning = likelyToExpire(durations, job.checkpointTimeoutMs);
  const id = randomUUID();
  await insertSavepoint(
    tx,
    {
      id,
      deploymentId: job.deploymentId,
      jobId: job.id,
      clusterId: cluster.id,
      origin: SavepointOrigin.STOP,
      format,
      description,
      expectedDurationMs: expectedDurationMs(durations),
      warnings: warning ? [warning] : [],
      actor,
      stopId,
      drained,
    },
    0,
  );
  const attempt = {
    savepointId: id,
    number: 1,
    triggerId: newTriggerId(),
    directory: directoryOf(job.deploymentId, id, 1),
    storageId: cluster.savepointStorageId,
    cluster,
  };
  await beginAttempts(tx, [attempt], 0);
  await tieToStop(tx, stopId, id);
  const about = { deploymentId: job.deploymentId, savepointId: id, jobId: job.id, clusterId: cluster.id, stopId };
  return {
    savepointId: id,
    events: [
      {
        ...about,
        type: EventType.SAVEPOINT_IN_PROGRESS,
        actor,
        message: `Savepoint ${id} of the stop of ${deploymentName} goes to Flink${drained ? ', with drain' : ''}.`,
      },
    ],
  };
}
