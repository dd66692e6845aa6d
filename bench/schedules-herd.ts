import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { createLogger } from '../src/logger.js';
import { openQueueTarget } from '../src/queue/queue-target.js';
import { advanceSavepoint } from '../src/queue/tasks.js';
import type { SchedulersFigures, SchedulersTask } from './bare-schedulers.js';
import type { Open } from './benchmark.js';
import { messageOf, startScript } from './child.js';
import type { ArrivedTrigger } from './fake-clusters.js';
import { judge, milliseconds, printTable, seconds, spread, percentile } from './figures.js';
import { query } from './in-flight-run.js';
import type { Stage } from './schedule-stage.js';
import type { SeededDeployment } from './seed-deployments.js';
import { seedSchedules } from './seed-schedules.js';

/** All schedules due in the same second: how late each is decided, and how late what the budgets allow reaches the clusters. */

export interface HerdOptions {
  deployments: readonly SeededDeployment[];
  /** Savepoints in flight of one cluster. */
  budget: number;
}

interface Herd {
  /** Of decided_at − slot_at. */
  lagsMs: number[];
  /** From the slot until the attempt was stored. */
  admittedMs: number[];
  /** From the slot to the first arrival of a trigger, of each job that got one. */
  arrivalsMs: number[];
  /** From the slot until all rows could be read. */
  visibleMs: number;
  /** Of the savepoints. */
  states: Map<string, number>;
  /** Schedules without exactly one slot and one savepoint of it. */
  notOnce: number;
  /** Clusters that were asked for more or fewer savepoints than their budget. */
  notAsAllowed: number;
  /** Jobs of which other trigger ids arrived than the one of their attempt. */
  notSingle: number;
  /** Triggers that were sent again with the same id. */
  repeated: number;
  queueEntries: number;
}

/** Until they are due: the workers rest again after the seeding. */
const AHEAD_MS = 12_000;
const LOOK_EVERY_MS = 100;
const GIVE_UP_MS = 60_000;
/** What comes late, or a second time, has come by then. */
const SETTLE_MS = 8_000;
const DECIDED_P99_MS = 1_000;
const ARRIVED_P99_MS = 4_000;
const CONCURRENCY = 100;
const REFERENCE_AHEAD_MS = 20_000;

/** Answers whether every target was met. Ends the stage, since the reference runs alone. */
export async function measureHerd(open: Open, folder: string, stage: Stage, options: HerdOptions): Promise<boolean> {
  const herd = await stampede(stage, options);
  await stage.stop();
  const reference = stage.redisUrl
    ? await measureReference(open, folder, stage.redisUrl, options.deployments.length)
    : null;
  printTable(`${options.deployments.length} schedules due in the same second`, [
    ['', 'number', 'p50', 'p99', 'max'],
    ['decided after the slot', String(herd.lagsMs.length), ...spread(herd.lagsMs)],
    ['admitted after the slot', String(herd.admittedMs.length), ...spread(herd.admittedMs)],
    ['trigger at the cluster after the slot', String(herd.arrivalsMs.length), ...spread(herd.arrivalsMs)],
    ...(reference
      ? [
          [
            `reference: BullMQ's job schedulers, begun by a worker of ${CONCURRENCY}`,
            String(reference.lagsMs.length),
            ...spread(reference.lagsMs),
          ],
        ]
      : []),
  ]);
  const states = [...herd.states].map(([state, count]) => `${state} ${count}`).join(', ');
  console.log(
    `  all decisions could be read ${milliseconds(herd.visibleMs)} after the slot, looked at each ${LOOK_EVERY_MS} ms; ` +
      `savepoints: ${states}; ${herd.repeated} triggers were repeated`,
  );
  if (reference)
    console.log(
      `  the reference: made in ${seconds(reference.upsertMs)}, ${reference.doubled} jobs began twice; its worker alone on the machine`,
    );
  else console.log('  no reference: job schedulers of BullMQ are measured on Redis');
  const number = (value: number) => String(value);
  return judge([
    { what: 'slots not decided exactly once', value: herd.notOnce, atMost: 0, show: number },
    {
      what: 'lag of the decision, p99',
      value: percentile(herd.lagsMs, 0.99),
      atMost: DECIDED_P99_MS,
      show: milliseconds,
    },
    {
      what: 'clusters with more or fewer triggers than their budget',
      value: herd.notAsAllowed,
      atMost: 0,
      show: number,
    },
    {
      what: 'trigger at the cluster, p99',
      value: percentile(herd.arrivalsMs, 0.99),
      atMost: ARRIVED_P99_MS,
      show: milliseconds,
    },
    { what: 'jobs with other than the one trigger of their attempt', value: herd.notSingle, atMost: 0, show: number },
    { what: 'queue entries while the rest waits', value: herd.queueEntries, atMost: 0, show: number },
  ]);
}

async function stampede(stage: Stage, { deployments, budget }: HerdOptions): Promise<Herd> {
  const { databaseUrl, fleet, costs } = stage;
  const slotAt = Math.ceil((Date.now() + AHEAD_MS) / 1000) * 1000;
  const schedules = deployments.map(({ id }) => ({ deploymentId: id, nextSlotAt: slotAt }));
  await seedSchedules(databaseUrl, schedules);
  if (Date.now() > slotAt - AHEAD_MS / 2) throw new Error('The schedules were written too late: try again.');
  await sleep(slotAt - Date.now());

  const began = costs.take();
  const clusters = new Set(deployments.map(({ cluster }) => cluster)).size;
  const visibleMs = await onceAllIsDone(stage, slotAt, { slots: deployments.length, triggers: clusters * budget });
  costs.note('from the slot to the last trigger', began);
  await costs.during('the rest waits', SETTLE_MS);
  const { triggers } = await fleet.tally();
  await query(databaseUrl, 'analyze'); // what follows reads all of it
  return {
    ...(await judgeSlots(databaseUrl)),
    ...(await judgeTriggers(databaseUrl, triggers)),
    admittedMs: await readAdmissions(databaseUrl),
    arrivalsMs: firstOfEach(triggers).map(({ at }) => at - slotAt),
    visibleMs,
    notAsAllowed: countNotAsAllowed(deployments, triggers, budget),
    queueEntries: await countQueueEntries(stage),
  };
}

/** Waits for all decisions and triggers. Answers how long after the slot all decisions could be read. */
async function onceAllIsDone(
  { databaseUrl, fleet }: Stage,
  slotAt: number,
  wanted: { slots: number; triggers: number },
): Promise<number> {
  const database = new pg.Client({ connectionString: databaseUrl });
  await database.connect();
  try {
    let visibleMs = Number.NaN;
    for (; Date.now() < slotAt + GIVE_UP_MS; await sleep(LOOK_EVERY_MS)) {
      if (Number.isNaN(visibleMs)) {
        const { rows } = await database.query<{ left: number }>(
          'select count(*)::int as left from (select 1 from savepoint_schedule where removed_at is null and next_slot_at <= $1 limit 1) s',
          [new Date(slotAt)],
        );
        if (rows[0]?.left === 0) visibleMs = Date.now() - slotAt;
      } else if ((await fleet.progress()).triggered >= wanted.triggers) return visibleMs;
    }
    return visibleMs;
  } finally {
    await database.end();
  }
}

async function judgeSlots(databaseUrl: string): Promise<Pick<Herd, 'lagsMs' | 'notOnce' | 'states'>> {
  const rows = await query<{ lag: number | null; slots: number; savepoints: number; state: string | null }>(
    databaseUrl,
    `select l.lag, coalesce(l.slots, 0) as slots, coalesce(p.savepoints, 0) as savepoints, p.state from savepoint_schedule s
       left join (select schedule_id, count(*)::int as slots, min(extract(epoch from decided_at - slot_at))::float8 * 1000 as lag
                    from schedule_slot where outcome = 'FIRED' group by schedule_id) l on l.schedule_id = s.id
       left join (select schedule_id, count(*)::int as savepoints, min(state) as state
                    from savepoint where schedule_id is not null group by schedule_id) p on p.schedule_id = s.id
      where s.removed_at is null`,
  );
  const states = new Map<string, number>();
  for (const { state } of rows) states.set(state ?? 'none', (states.get(state ?? 'none') ?? 0) + 1);
  return {
    lagsMs: rows.flatMap(({ lag }) => lag ?? []),
    notOnce: rows.filter(({ slots, savepoints }) => slots !== 1 || savepoints !== 1).length,
    states,
  };
}

async function readAdmissions(databaseUrl: string): Promise<number[]> {
  const rows = await query<{ ms: number }>(
    databaseUrl,
    `select extract(epoch from a.stored_at - s.slot_at)::float8 * 1000 as ms
       from savepoint_schedule c join savepoint s on s.schedule_id = c.id join savepoint_attempt a on a.savepoint_id = s.id where c.removed_at is null`,
  );
  return rows.map(({ ms }) => ms);
}

/** The clusters' own truth against the attempts: of each job the one trigger id that was stored for it, and no other. */
async function judgeTriggers(
  databaseUrl: string,
  triggers: readonly ArrivedTrigger[],
): Promise<Pick<Herd, 'notSingle' | 'repeated'>> {
  const attempts = await query<{ flinkJobId: string; triggerIds: string[] }>(
    databaseUrl,
    `select j.flink_job_id as "flinkJobId", array_agg(a.trigger_id) as "triggerIds"
       from savepoint_schedule c join savepoint s on s.schedule_id = c.id join savepoint_attempt a on a.savepoint_id = s.id join job j on j.id = s.job_id
      where c.removed_at is null group by 1`,
  );
  const arrived = new Map<string, Set<string>>();
  for (const { flinkJobId, triggerId } of triggers)
    arrived.set(flinkJobId, (arrived.get(flinkJobId) ?? new Set()).add(triggerId));
  const stored = new Map(attempts.map(({ flinkJobId, triggerIds }) => [flinkJobId, triggerIds]));
  const jobs = new Set([...arrived.keys(), ...stored.keys()]);
  const isSingle = (job: string) => {
    const [one, ...more] = stored.get(job) ?? [];
    const came = arrived.get(job);
    return one !== undefined && more.length === 0 && came?.size === 1 && came.has(one);
  };
  const distinct = [...arrived.values()].reduce((sum, { size }) => sum + size, 0);
  return { notSingle: [...jobs].filter((job) => !isSingle(job)).length, repeated: triggers.length - distinct };
}

function firstOfEach(triggers: readonly ArrivedTrigger[]): ArrivedTrigger[] {
  const first = new Map<string, ArrivedTrigger>();
  for (const trigger of triggers) {
    const known = first.get(trigger.flinkJobId);
    if (!known || trigger.at < known.at) first.set(trigger.flinkJobId, trigger);
  }
  return [...first.values()];
}

function countNotAsAllowed(
  deployments: readonly SeededDeployment[],
  triggers: readonly ArrivedTrigger[],
  budget: number,
): number {
  const clusterOf = new Map(deployments.map(({ flinkJobId, cluster }) => [flinkJobId, cluster.url]));
  const counts = new Map(deployments.map(({ cluster }) => [cluster.url, 0]));
  for (const { flinkJobId } of firstOfEach(triggers)) {
    const url = clusterOf.get(flinkJobId) ?? '';
    counts.set(url, (counts.get(url) ?? 0) + 1);
  }
  return [...counts.values()].filter((count) => count !== budget).length;
}

/** Of the task that moves savepoints, whatever becomes of them: BullMQ has none while they only wait. */
async function countQueueEntries({ databaseUrl, redisUrl }: Stage): Promise<number> {
  const log = createLogger('fatal', 'worker');
  const target = await openQueueTarget({ redisUrl, redisPrefix: 'stateward' }, databaseUrl, 1, log);
  const queue = target.openQueue(advanceSavepoint.name);
  try {
    const counts = await queue.getJobCounts('active', 'delayed', 'prioritized', 'wait', 'waiting-children');
    return Object.values(counts).reduce((sum, count) => sum + count, 0);
  } finally {
    await queue.close();
    await target.close();
  }
}

async function measureReference(
  open: Open,
  folder: string,
  redisUrl: string,
  schedulers: number,
): Promise<SchedulersFigures> {
  const child = startScript('./bare-schedulers.js', { name: 'bare-schedulers', folder });
  open('the bare schedulers', () => child.stop());
  await messageOf(child, 'The process of bare schedulers');
  const task: SchedulersTask = { redisUrl, schedulers, concurrency: CONCURRENCY, inMs: REFERENCE_AHEAD_MS };
  const answer = messageOf<{ figures?: SchedulersFigures; error?: string }>(child, 'The process of bare schedulers');
  child.process.send(task);
  const { figures, error } = await answer;
  if (!figures) throw new Error(`The bare schedulers failed: ${error}`);
  await child.stop();
  return figures;
}
