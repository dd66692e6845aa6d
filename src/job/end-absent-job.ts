import { NOW } from '../db/assign.js';
import { EventType } from '../event/event-types.js';
import type { LookAtClusterDeps } from './cluster-follower.js';
import type { SeenJobs } from './follow-seen-jobs.js';
import type { ObservedJob } from './find-job.js';
import { JobFailureCode, JobState } from './job.entity.js';
import { countMissing } from './job.store.js';
import { commitMove } from './move-seen-job.js';

/** A job counts as gone only after so many answers of a leader that does not know it, over so long (CL-3). */
const GONE_AFTER_ANSWERS = 3;
const GONE_AFTER_MS = 30_000;

/** Counts one more answer that does not know a run, and ends it when they are enough. */
export async function endAbsent(deps: LookAtClusterDeps, seen: SeenJobs, job: ObservedJob): Promise<void> {
  const { answers, forMs } = await countMissing(deps.database, job.id);
  if (answers < GONE_AFTER_ANSWERS || forMs < GONE_AFTER_MS) return;
  const newProcess = job.processMark !== seen.processMark;
  const lastSeen = job.observedAt?.toISOString() ?? 'never';
  const goOn = 'Start the deployment again: LATEST_STATE goes on from the newest state that it left.';
  const message = newProcess
    ? `A new JobManager process of cluster ${seen.cluster.name} does not know the job (last seen ${lastSeen}). Without high availability its jobs end with it. ${goOn}`
    : `Cluster ${seen.cluster.name} does not know the job any more (last seen ${lastSeen}): it ended unseen and Flink has dropped it. ${goOn}`;
  const code = newProcess ? JobFailureCode.JOB_LOST : JobFailureCode.END_UNKNOWN;
  await commitMove(deps, seen.cluster.id, job, JobState.FAILED, {
    set: { ended_at: NOW, failure_code: code, failure_message: message, waiting_for: null },
    event: { type: EventType.JOB_FAILED, message: `${code}: ${message}` },
    cause: null,
    inFlink: null,
  });
}
