import type { Transaction } from '../db/database.js';
import type { NewEvent } from '../event/record-event.js';
import type { ClusterFollower } from './cluster-follower.js';
import type { ObservedJob } from './find-job.js';
import { JobState } from './job.entity.js';
import { moveJob } from './job.store.js';
import { aboutJob, became, tellDeployments } from './tell-deployment.js';

export interface UnseenEnd {
  /** Columns besides the state. */
  set: Record<string, unknown>;
  event: (job: ObservedJob) => NewEvent;
  /** What the transaction has to tell besides; before it. */
  before?: readonly NewEvent[];
}

/**
 * Ends runs by the word of a person, without Flink having said so, and tells of it: last in the transaction. The cluster's row is
 * locked. A submission that is under way is refused at its next write: the run is not SUBMITTING any more.
 */
export async function endUnseen(
  tx: Transaction,
  clusterFollower: ClusterFollower,
  jobs: readonly ObservedJob[],
  { set, event, before = [] }: UnseenEnd,
): Promise<ObservedJob[]> {
  const ended: ObservedJob[] = [];
  const events = [...before];
  for (const job of jobs) {
    const rest = {
      waiting_for: null,
      missing_since: null,
      missing_answers: 0,
      own_look: 'DONE', // nobody reaches its snapshots any more
      look_at: null,
      claimed_until: null,
    };
    if (await moveJob(tx, job.id, job.state, JobState.FAILED, { ...rest, ...set })) ended.push(job);
  }
  for (const job of ended)
    events.push(
      ...(await clusterFollower.jobChanged(tx, { job, from: job.state, to: JobState.FAILED, inFlink: null })),
    );
  events.push(...ended.map((job) => ({ ...event(job), ...aboutJob(job) })));
  const moved = ended.map((job) => became(job, JobState.FAILED));
  await tellDeployments(tx, moved, events);
  return ended;
}
