import type { Database } from '../db/database.js';
import type { EventWakeups } from '../event/event-wakeups.js';
import { findJob } from './find-job.js';
import type { Job } from './job.entity.js';
import { isLive } from './job.lifecycle.js';

export enum JobMilestone {
  STARTED = 'STARTED',
  ENDED = 'ENDED',
}

const READ_AT_LEAST_EVERY_MS = 2_000;

const hasReached = (job: Job, milestone: JobMilestone): boolean =>
  !isLive(job.state) || (milestone === JobMilestone.STARTED && job.startedAt !== null);

/** Answers when the run has started (or ended), or when the time is up. */
export async function waitForJob(
  { database, wakeups }: { database: Database; wakeups: EventWakeups },
  id: string,
  waitMs: number,
  until: JobMilestone,
  signal: AbortSignal,
): Promise<Job | null> {
  const watch = wakeups.watch(`job:${id}`);
  const deadline = Date.now() + waitMs;
  try {
    for (;;) {
      const job = await findJob(database, id);
      const left = deadline - Date.now();
      if (!job || hasReached(job, until) || left <= 0 || signal.aborted) return job;
      await watch.next(signal, Math.min(left, READ_AT_LEAST_EVERY_MS));
    }
  } finally {
    watch.stop();
  }
}
