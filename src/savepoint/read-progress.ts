import type { FlinkClients } from '../cluster/flink-clients.js';
import { type Progress, progressOf } from './savepoint.lifecycle.js';
import type { SavepointAtWork } from './savepoint.store.js';

/** Where the job's checkpoint timeout was not observed: Flink's default. */
const DEFAULT_TIMEOUT_MS = 600_000;
/** Stateward waits as long as Flink does, and this much longer (SP-11). */
const GRACE_MS = 120_000;

/** How long a savepoint may be pending from its first call on, until Flink is not believed any more. */
export const patienceMs = ({ job }: SavepointAtWork): number =>
  (job.checkpointTimeoutMs ?? DEFAULT_TIMEOUT_MS) + GRACE_MS;

/** Time of the first call, on the JobManager's clock (epoch ms). */
export const sentOnJobManagersClock = ({ attempt, cluster }: SavepointAtWork): number =>
  (attempt?.sentAt ?? 0) + (cluster.clockOffsetMs ?? 0);

/** What the job's statistics tell of it now; null when they tell nothing. */
export async function progressNow(flinkClients: FlinkClients, work: SavepointAtWork): Promise<Progress | null> {
  const statistics = await flinkClients.at(work.cluster.url).checkpoints(work.job.flinkJobId);
  return statistics && progressOf(statistics.history, sentOnJobManagersClock(work));
}
