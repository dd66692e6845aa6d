import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { runMigrations } from '../src/db/migrate.js';

/** A history as weeks of observation leave it, written straight into the tables. */
export interface SeededHistory {
  /** Has a run whose history is `deepRows` long. */
  deep: SeededRun;
  /** Share the rest evenly. */
  others: SeededRun[];
  /** Oldest first. */
  days: SeededDay[];
  rows: number;
}

export interface SeededDay {
  /** Of its partition, as the product names it. */
  name: string;
  from: Date;
}

export interface SeededRun {
  deploymentId: string;
  jobId: string;
}

export interface SeedOptions {
  days: number;
  rows: number;
  deepRows: number;
  deployments: number;
}

const DAY_MS = 86_400_000;

/** Migrates the database and fills it, day by day in the order in which rows would have come. The last day ends two days ago. */
export async function seedHistory(databaseUrl: string, options: SeedOptions): Promise<SeededHistory> {
  await runMigrations(databaseUrl);
  const database = new pg.Client({ connectionString: databaseUrl });
  await database.connect();
  try {
    const [deep, ...others] = await insertRuns(database, options.deployments + 1);
    if (!deep) throw new Error('A history needs a deployment.');
    const days: SeededDay[] = [];
    const deepPerDay = Math.round(options.deepRows / options.days);
    const otherPerDay = Math.round((options.rows - options.deepRows) / options.days / options.deployments);
    const firstDay = Math.floor(Date.now() / DAY_MS) - 2 - options.days;
    let rows = 0;
    for (let index = 0; index < options.days; index += 1) {
      const day = new Date((firstDay + index) * DAY_MS);
      const name = `checkpoint_${day.toISOString().slice(0, 10).replaceAll('-', '')}`;
      const bounds = [day, new Date(day.getTime() + DAY_MS)].map((bound) => `'${bound.toISOString()}'`);
      await database.query(
        `create table ${name} partition of checkpoint for values from (${bounds[0]}) to (${bounds[1]})`,
      );
      rows += await insertDay(database, day, [deep], deepPerDay, index);
      rows += await insertDay(database, day, others, otherPerDay, index);
      days.push({ name, from: day });
    }
    await database.query('vacuum (analyze) checkpoint'); // as autovacuum would have done over those weeks
    await database.query('analyze');
    return { deep, others, days, rows };
  } finally {
    await database.end();
  }
}

async function insertRuns(database: pg.Client, count: number): Promise<SeededRun[]> {
  const clusterId = randomUUID();
  await database.query(
    `with made as (insert into cluster (id, name, url, state, clock_offset_ms) values ($1, 'bench', 'http://bench.invalid', 'REACHABLE', 0) returning id)
     insert into cluster_lease (cluster_id) select id from made`,
    [clusterId],
  );
  const runs = Array.from({ length: count }, () => ({ deploymentId: randomUUID(), jobId: randomUUID() }));
  await database.query(
    `with given as (select * from unnest($1::uuid[], $2::uuid[]) as g(deployment_id, job_id)),
          deployments as (
            insert into deployment (id, name, cluster_id, runs, state, current_job_id, observed_at)
            select deployment_id, 'bench ' || deployment_id, $3, 1, 'RUNNING', job_id, now() from given returning id)
     insert into job (id, deployment_id, cluster_id, run, flink_job_id, state, strategy, actor, started_at, observed_at)
     select g.job_id, d.id, $3, 1, replace(g.job_id::text, '-', ''), 'RUNNING', 'NONE', 'bench', now(), now()
       from given g join deployments d on d.id = g.deployment_id`,
    [runs.map(({ deploymentId }) => deploymentId), runs.map(({ jobId }) => jobId), clusterId],
  );
  return runs;
}

/** One in five hundred failed, one in a thousand is a savepoint of somebody else. */
async function insertDay(
  database: pg.Client,
  day: Date,
  runs: readonly SeededRun[],
  perRun: number,
  index: number,
): Promise<number> {
  const { rowCount } = await database.query(
    `insert into checkpoint (job_id, triggered_at, flink_checkpoint_id, deployment_id, kind, type, state, ended_at, duration_ms,
                             checkpointed_bytes, state_bytes, subtasks, acknowledged_subtasks, location, failure_message, discarded)
     select r.job_id, $3::timestamptz + at.ms * interval '1 ms', $5::bigint * $4 + n, r.deployment_id,
            case when n % 1000 = 7 then 'SAVEPOINT' else 'CHECKPOINT' end, case when n % 1000 = 7 then 'SAVEPOINT' else 'CHECKPOINT' end,
            case when n % 500 = 3 then 'FAILED' else 'COMPLETED' end, $3::timestamptz + (at.ms + 800) * interval '1 ms', 800,
            4000000, 900000000, 64, 64, 's3://bucket/checkpoints/' || replace(r.job_id::text, '-', '') || '/chk-' || ($5::bigint * $4 + n),
            case when n % 500 = 3 then 'Checkpoint expired before completing.' end, true
       from generate_series(1, $4::integer) n
      cross join unnest($1::uuid[], $2::uuid[]) as r(deployment_id, job_id)
      cross join lateral (select ((n - 1) * (${DAY_MS}::float8 / $4))::bigint as ms) at`,
    [runs.map(({ deploymentId }) => deploymentId), runs.map(({ jobId }) => jobId), day, perRun, index],
  );
  return rowCount ?? 0;
}
