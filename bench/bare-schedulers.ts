import { Queue, Worker } from 'bullmq';

/**
 * The reference of schedules.ts: a process with BullMQ's own job schedulers, all due in the same second, and a worker that does nothing
 * but note when each job begins. Driven over IPC: one task, one answer.
 */
export interface SchedulersTask {
  redisUrl: string;
  schedulers: number;
  concurrency: number;
  /** The second after the next that is so far away: all must be there by then. */
  inMs: number;
}

export interface SchedulersFigures {
  upsertMs: number;
  /** From the second in which they are due to the begin of each job. */
  lagsMs: number[];
  /** Jobs that began a second time. */
  doubled: number;
}

const UPSERTS_AT_ONCE = 200;
const ALL_WITHIN_MS = 60_000;

async function run({ redisUrl, schedulers, concurrency, inMs }: SchedulersTask): Promise<SchedulersFigures> {
  const connection = { url: redisUrl };
  const queue = new Queue('reference', { connection, prefix: 'reference' });
  const dueAt = Math.ceil((Date.now() + inMs) / 1000) * 1000;
  const at = new Date(dueAt);
  const pattern = `${at.getUTCSeconds()} ${at.getUTCMinutes()} ${at.getUTCHours()} ${at.getUTCDate()} * *`;
  const began = performance.now();
  for (let from = 0; from < schedulers; from += UPSERTS_AT_ONCE) {
    const some = Array.from({ length: Math.min(UPSERTS_AT_ONCE, schedulers - from) }, (_, number) => from + number);
    await Promise.all(some.map((number) => queue.upsertJobScheduler(`schedule-${number}`, { pattern, tz: 'UTC' })));
  }
  const upsertMs = performance.now() - began;
  if (Date.now() >= dueAt) throw new Error(`${schedulers} job schedulers took ${upsertMs.toFixed(0)} ms to be made`);

  const lagsMs: number[] = [];
  const seen = new Set<string | undefined>();
  let doubled = 0;
  let settle: () => void;
  const all = new Promise<void>((resolve) => (settle = resolve));
  const worker = new Worker(
    'reference',
    async (job) => {
      if (seen.has(job.repeatJobKey)) doubled += 1;
      else lagsMs.push(Date.now() - dueAt);
      seen.add(job.repeatJobKey);
      if (seen.size === schedulers) settle();
    },
    { connection, prefix: 'reference', concurrency, removeOnComplete: { count: 0 } },
  );
  const late = setTimeout(() => settle(), inMs + ALL_WITHIN_MS); // what is missing then is seen in the count
  await all;
  clearTimeout(late);
  await worker.close();
  await queue.close();
  return { upsertMs, lagsMs, doubled };
}

process.on('message', (task: SchedulersTask) => {
  run(task).then(
    (figures) => process.send?.({ figures }),
    (error: unknown) => process.send?.({ error: error instanceof Error ? error.message : String(error) }),
  );
});
process.send?.({ ready: true });
process.on('disconnect', () => process.exit(0));
