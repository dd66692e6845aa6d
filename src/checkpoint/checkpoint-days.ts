import type { Database, Transaction } from '../db/database.js';

/*
 * The table checkpoint has a partition for each day (UTC) by the JobManager's clock, made ahead, and dropped whole when it is old.
 * What a clock that is far out dates otherwise lies in the default partition. Names: checkpoint_20261126.
 */

const DAY_MS = 86_400_000;
const DAYS_BACK = 1;
const DAYS_AHEAD = 3;
const LOCK = 7_208_003;
/** Whoever writes waits behind a lock that waits: so it does not wait long, and is tried again. */
const LOCK_WITHIN_MS = 500;
const TRIES = 5;

/** Makes the days around today that are not there yet. Any number of processes may call it at once. Answers how many it made. */
export async function makeCheckpointDays(database: Database): Promise<number> {
  return patiently(() =>
    database.transaction(async (tx) => {
      await begin(tx);
      const today = await todayOf(tx);
      const there = new Set((await daysThere(tx)).map(({ name }) => name));
      let made = 0;
      for (let day = -DAYS_BACK; day <= DAYS_AHEAD; day += 1) {
        const from = new Date(today.getTime() + day * DAY_MS);
        if (there.has(nameOf(from))) continue;
        await makeDay(tx, from);
        made += 1;
      }
      return made;
    }),
  );
}

/** Created apart and attached: that keeps readers and writers of the other days out for the least time. */
async function makeDay(tx: Transaction, from: Date): Promise<void> {
  const name = nameOf(from);
  const [start, end] = [from, new Date(from.getTime() + DAY_MS)].map((moment) => `'${moment.toISOString()}'`);
  await tx.rows(`create table ${name} (like checkpoint including defaults including constraints)`);
  await tx.rows('lock table checkpoint_default in access exclusive mode');
  await tx.rows(
    `with moved as (delete from checkpoint_default where triggered_at >= ${start} and triggered_at < ${end} returning *)
     insert into ${name} select * from moved`,
  );
  await tx.rows(`alter table checkpoint attach partition ${name} for values from (${start}) to (${end})`);
}

export interface DroppedDays {
  days: string[];
  /** Of the default partition. */
  rows: number;
}

/** Drops what is older than so many days. Foreign savepoints outlive their day: a run may have nothing newer to go on from. */
export async function dropOldCheckpoints(database: Database, keepDays: number): Promise<DroppedDays> {
  const oldest = new Date((await todayOf(database)).getTime() - keepDays * DAY_MS);
  const days: string[] = [];
  for (const { name, from } of await daysThere(database)) {
    if (from.getTime() + DAY_MS > oldest.getTime()) continue;
    await patiently(() =>
      database.transaction(async (tx) => {
        await begin(tx);
        await keepForeignSavepoints(tx, name, null);
        await tx.rows(`drop table if exists ${name}`);
      }),
    );
    days.push(name);
  }
  await keepForeignSavepoints(database, 'checkpoint_default', oldest);
  const rows = await database.changed('delete from checkpoint_default where triggered_at < $1', [oldest]);
  await database.changed('delete from checkpoint_gap where to_at < $1', [oldest]);
  return { days, rows };
}

const keepForeignSavepoints = (sql: Transaction | Database, table: string, before: Date | null) =>
  sql.changed(
    `insert into retained_checkpoint (job_id, deployment_id, flink_checkpoint_id, kind, triggered_at, ended_at, state_bytes, checkpointed_bytes, location, source)
     select c.job_id, c.deployment_id, c.flink_checkpoint_id, c.kind, c.triggered_at, c.ended_at, c.state_bytes, c.checkpointed_bytes, c.location, 'STATISTICS'
       from ${table} c join job j on j.id = c.job_id
      where c.kind = 'SAVEPOINT' and c.state = 'COMPLETED' and c.savepoint_id is null and c.location is not null
        and ($1::timestamptz is null or c.triggered_at < $1)
     on conflict do nothing`,
    [before],
  );

async function begin(tx: Transaction): Promise<void> {
  await tx.rows(`set local lock_timeout = '${LOCK_WITHIN_MS}ms'`);
  await tx.rows('select pg_advisory_xact_lock($1)', [LOCK]);
}

async function todayOf(sql: Transaction | Database): Promise<Date> {
  const row = await sql.row<{ today: Date }>(`select date_trunc('day', now(), 'UTC') as today`);
  if (!row) throw new Error('The database does not tell its time');
  return row.today;
}

const NAME = /^checkpoint_(\d{4})(\d{2})(\d{2})$/;

async function daysThere(sql: Transaction | Database): Promise<{ name: string; from: Date }[]> {
  const rows = await sql.rows<{ name: string }>(
    `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'checkpoint'::regclass order by 1`,
  );
  return rows.flatMap(({ name }) => {
    const [, year, month, day] = NAME.exec(name) ?? [];
    return year ? [{ name, from: new Date(`${year}-${month}-${day}T00:00:00Z`) }] : [];
  });
}

const nameOf = (day: Date): string => `checkpoint_${day.toISOString().slice(0, 10).replaceAll('-', '')}`;

async function patiently<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      // 55P03: the lock was not had in time
      if ((error as { code?: unknown }).code !== '55P03' || tries === TRIES) throw error;
    }
  }
}
