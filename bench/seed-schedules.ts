import { randomUUID } from 'node:crypto';
import pg from 'pg';

export interface SeededSchedule {
  deploymentId: string;
  /** Epoch ms. */
  nextSlotAt: number;
}

const HOUR_MS = 3_600_000;
const PAST_DURATION_MS = 60_000;

/**
 * Writes schedules straight into the tables, as setting them leaves them, and wakes the workers as that does. All are hourly: none has a
 * second slot while a benchmark lasts. Half of them lie in a zone whose clock changes.
 */
export async function seedSchedules(databaseUrl: string, schedules: readonly SeededSchedule[]): Promise<void> {
  await onDatabase(databaseUrl, async (database) => {
    await database.query(
      `insert into savepoint_schedule (id, deployment_id, expression, zone, actor, mean_interval_ms, next_slot_at)
       select id, deployment_id, expression, zone, 'bench', ${HOUR_MS}, next_slot_at
         from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[]) as g(id, deployment_id, expression, zone, next_slot_at)`,
      [
        schedules.map(() => randomUUID()),
        schedules.map(({ deploymentId }) => deploymentId),
        schedules.map(({ nextSlotAt }) => `${new Date(nextSlotAt).getUTCMinutes()} * * * *`),
        schedules.map((_, at) => (at % 2 === 0 ? 'UTC' : 'Europe/Berlin')),
        schedules.map(({ nextSlotAt }) => new Date(nextSlotAt)),
      ],
    );
    await settleTables(database);
    await database.query(`select pg_notify('stateward', 'slots')`);
  });
}

/**
 * Lets the jobs have taken hold, as those that have run for a while, and gives each deployment slots and savepoints of a schedule that was
 * replaced: what is asked of them takes its time, and the statistics of their tables are those of an old system.
 */
export const seedPast = (databaseUrl: string, slots: number): Promise<void> =>
  onDatabase(databaseUrl, async (database) => {
    await database.query('update job set took_hold_at = now()');
    await database.query(`update cluster set facts_read_at = now() - random() * interval '50 s'`); // not all registered in one go
    await database.query(
      `insert into savepoint_schedule (id, deployment_id, expression, zone, actor, mean_interval_ms, last_slot_at, removed_at, removed_by)
       select gen_random_uuid(), deployment_id, '0 * * * *', 'UTC', 'bench', ${HOUR_MS}, now() - interval '1 hour', now(), 'bench' from job`,
    );
    await database.query(
      `with past as (
         select gen_random_uuid() as id, j.deployment_id, j.id as job_id, j.cluster_id, c.id as schedule_id, now() - n * interval '1 hour' as made, n
           from job j join savepoint_schedule c on c.deployment_id = j.deployment_id cross join generate_series(1, $1::integer) n),
            made as (
         insert into savepoint (id, deployment_id, job_id, cluster_id, origin, state, format, actor, data, location, triggered_at, completed_at,
                                size_bytes, duration_ms, details, created_at, schedule_id, slot_at)
         select id, deployment_id, job_id, cluster_id, 'SCHEDULED', 'COMPLETED', 'CANONICAL', 'bench', 'PRESENT',
                's3://bench/past/' || job_id || '/' || n, made, made, 900000000, ${PAST_DURATION_MS}, 'REPORTED', made, schedule_id, made from past)
       insert into schedule_slot (schedule_id, deployment_id, slot_at, last_slot_at, outcome, savepoint_id, decided_at)
       select schedule_id, deployment_id, made, made, 'FIRED', id, made from past`,
      [slots],
    );
    await database.query('vacuum (analyze) savepoint, savepoint_schedule, schedule_slot, job');
  });

/** Ends all schedules, as removing them does. */
export const removeSchedules = (databaseUrl: string): Promise<void> =>
  onDatabase(databaseUrl, async (database) => {
    await database.query(
      `update savepoint_schedule set removed_at = now(), removed_by = 'bench', next_slot_at = null where removed_at is null`,
    );
    await settleTables(database);
  });

/** Deployments that do not run, in turn on the clusters that are registered. Answers their ids. */
export async function seedStopped(databaseUrl: string, count: number): Promise<string[]> {
  return onDatabase(databaseUrl, async (database) => {
    const { rows } = await database.query<{ id: string }>(
      `with numbered as (select id, row_number() over () as place, count(*) over () as clusters from cluster)
       insert into deployment (id, name, cluster_id)
       select gen_random_uuid(), 'stopped ' || n, c.id from generate_series(1, $1::integer) n join numbered c on c.place = 1 + n % c.clusters
       returning id`,
      [count],
    );
    await settleTables(database);
    return rows.map(({ id }) => id);
  });
}

/** What autovacuum and the checkpointer would do about rows that were written a moment ago falls into no measurement. */
async function settleTables(database: pg.Client): Promise<void> {
  await database.query('vacuum (analyze) savepoint_schedule, deployment');
  await database.query('checkpoint');
}

async function onDatabase<T>(databaseUrl: string, work: (database: pg.Client) => Promise<T>): Promise<T> {
  const database = new pg.Client({ connectionString: databaseUrl });
  await database.connect();
  try {
    return await work(database);
  } finally {
    await database.end();
  }
}
