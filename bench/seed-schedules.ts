import { randomUUID } from 'node:crypto';
import pg from 'pg';

export interface SeededSchedule {
  deploymentId: string;
  /** Epoch ms. */
  nextSlotAt: number;
}

const HOUR_MS = 3_600_000;

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
