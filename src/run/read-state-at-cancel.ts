import type { FlinkApi } from '../flink/flink.types.js';
import type { JobState } from '../job/job.entity.js';
import { everyTaskRuns, jobStateOf } from '../job/job.lifecycle.js';
import type { StateAtCancel } from './state-at-cancel.js';
import type { AdvanceStopDeps } from './stop-deps.js';
import { recordedState, type StopAtWork } from './stop.store.js';

/** A run that came to the cluster so long before its stop and was not seen to run fully has not been looked at. */
const OBSERVED_WITHIN_MS = 60_000;

/** What Flink and the record tell together, read now; null: Flink does not know the job. */
export async function readStateAtCancel(
  { database }: AdvanceStopDeps,
  work: StopAtWork,
  flink: FlinkApi,
): Promise<{ state: StateAtCancel; jobState: JobState; jobManagerNow: number } | null> {
  const { flinkJobId, startLocation, started } = work.job;
  const [config, statistics, details] = await Promise.all([
    flink.checkpointConfig(flinkJobId),
    flink.checkpoints(flinkJobId),
    flink.job(flinkJobId),
  ]);
  if (!details) return null;
  const recorded = await recordedState(database, work.job.id);
  const newest = statistics?.latest.completed ?? recorded.completed;
  // After a restart of the JobManager the statistics begin anew, and name what it went on from.
  const restored = statistics?.latest.restored;
  const wentOnFromOwn = restored && !restored.isSavepoint && restored.location !== startLocation;
  return {
    state: {
      checkpointing: config ?? { intervalMs: null, retainedOnCancellation: false },
      everRan: started || (everyTaskRuns(details) && details.startTime < details.now - work.ageMs - OBSERVED_WITHIN_MS),
      completed: newest ?? (wentOnFromOwn ? { triggeredAt: null, location: restored.location } : null),
      startState: recorded.startState,
    },
    jobState: jobStateOf(details, started),
    jobManagerNow: details.now,
  };
}
