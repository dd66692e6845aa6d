import { assign } from './assign.js';
import type { Database, Sql } from './database.js';

/**
 * Claim and fence: how exactly one process at a time moves a row, and how a late one is refused.
 *
 * `claim` is a fencing number, one higher for each owner. Every write of an owner names it, and the states that the
 * row may be in; zero rows changed means that somebody else has taken over, and the owner stops quietly.
 *
 * While a row is claimed its look_at is the end of the lease, unless it was woken meanwhile: what is due is then found
 * by look_at alone, however many rows are claimed.
 */
export const watchedTables = [
  'cluster',
  'job',
  'savepoint',
  'stop',
  'deletion',
  'left_behind',
  'compatibility_check',
] as const;
export type WatchedTable = (typeof watchedTables)[number];

/** Longer than Flink's longest short call (5 s) plus the write. */
export const LEASE_MS = 10_000;
/** An effect leaves only while at least this much of the lease is left. */
const EFFECT_MARGIN_MS = 5_500;

export interface Claim {
  table: WatchedTable;
  id: string;
  claim: number;
  /** As it was when claimed: a wake-up that came meanwhile makes the row due again at once. */
  wakes: number;
  /** Of Date.now(), not of a monotonic clock, which stands still while a laptop sleeps. */
  claimedAt: number;
}

/** False: the lease may be over when the call arrives, so it must not leave. */
export function leaseAllowsEffect(claim: Claim, now = Date.now()): boolean {
  return now - claim.claimedAt < LEASE_MS - EFFECT_MARGIN_MS;
}

const clusterOf = (table: WatchedTable) => (table === 'cluster' ? 'id' : 'cluster_id');
/**
 * Of the clusters that worker $1 owns. A lookup for each row, in the order in which they are due (offset 0: never a join, which PostgreSQL
 * would begin with the leases, taking those that last to be none). A deletion, or the disposal of what a run has left, may outlive its
 * cluster, or wait for any: then whoever comes first has it.
 */
const owned = (table: WatchedTable, prefix: string = table) => {
  const cluster = `${prefix}.${clusterOf(table)}`;
  const own = `exists (select 1 from cluster_lease where cluster_id = ${cluster} and owner = $1 and owned_until > now() offset 0)`;
  if (table !== 'deletion' && table !== 'left_behind') return own;
  return `(${own} or not exists (select 1 from cluster_lease l where l.cluster_id = ${cluster}))`;
};

interface ClaimRow {
  kind: WatchedTable;
  id: string;
  claim: string;
  wakes: number;
}
const toClaim = (row: ClaimRow, claimedAt: number): Claim => ({
  table: row.kind,
  id: row.id,
  claim: Number(row.claim),
  wakes: row.wakes,
  claimedAt,
});

const claimDueText = watchedTables
  .map(
    (table) => /* sql */ `${table}_due as (
      update ${table} set claim = claim + 1, claimed_until = now() + $2 * interval '1 ms', look_at = now() + $2 * interval '1 ms'
       where id in (select id from ${table}
                     where look_at <= now() and (claimed_until is null or claimed_until < now()) and ${owned(table)}
                     order by look_at limit $3 for update skip locked)
      returning '${table}'::text as kind, id, claim, wakes)`,
  )
  .join(', ');
const claimDueSelect = watchedTables.map((table) => `select * from ${table}_due`).join(' union all ');

/** Claims what is due in all watched tables, of the clusters that this worker owns, at most `limit` of each. */
export async function claimDue(database: Database, worker: string, limit: number): Promise<Claim[]> {
  const claimedAt = Date.now();
  const rows = await database.rows<ClaimRow>(`with ${claimDueText} ${claimDueSelect}`, [worker, LEASE_MS, limit]);
  return rows.map((row) => toClaim(row, claimedAt));
}

/** Milliseconds until the next row of an owned cluster is due (0: now); null when nothing waits. Claimed rows that were woken are not told: their owner's look ends first. */
export async function nextDueInMs(database: Database, worker: string): Promise<number | null> {
  const due = watchedTables
    .map(
      (table) =>
        `(select look_at as at from ${table} where look_at is not null and (claimed_until is null or claimed_until <= look_at)
            and ${owned(table)} order by look_at limit 1)`,
    )
    .join(' union all ');
  const row = await database.row<{ ms: number | null }>(
    `select extract(epoch from min(at) - now())::float8 * 1000 as ms from (${due}) due`,
    [worker],
  );
  return row?.ms === null || row?.ms === undefined ? null : Math.max(0, row.ms);
}

/** One row, for a task: null when somebody is at it, nothing is left to do, or another worker owns its cluster. */
export async function claimOne(
  database: Database,
  worker: string,
  table: WatchedTable,
  id: string,
): Promise<Claim | null> {
  const claimedAt = Date.now();
  const row = await database.row<ClaimRow>(
    `update ${table} set claim = claim + 1, claimed_until = now() + $2 * interval '1 ms', look_at = now() + $2 * interval '1 ms'
      where id = $3 and look_at is not null and (claimed_until is null or claimed_until < now()) and ${owned(table)}
      returning '${table}'::text as kind, id, claim, wakes`,
    [worker, LEASE_MS, id],
  );
  return row ? toClaim(row, claimedAt) : null;
}

/** Makes a row due now, in the transaction of the change that causes it, and wakes the watcher of its owner. */
export async function wake(sql: Sql, table: WatchedTable, id: string): Promise<void> {
  await sql.rows(
    `with woken as (update ${table} set wakes = wakes + 1, look_at = least(look_at, now())
                     where id = $1 and look_at is not null returning 1)
     select pg_notify('stateward', 'due') from woken`,
    [id],
  );
}

/** Tells the watchers, when the transaction commits, that rows have become due. */
export const wakeWatchers = (sql: Sql) => sql.rows(`select pg_notify('stateward', 'due')`);

/** What a renewal says of a row that is still ours. */
export interface Renewed {
  /** Somebody has woken the row since it was claimed. */
  woken: boolean;
  /** This worker still owns the row's cluster. */
  owned: boolean;
}

/** Holds on to rows of one table for longer than a lease. A row that the answer lacks is no longer ours. */
export async function renewAll(
  database: Database,
  worker: string,
  table: WatchedTable,
  claims: readonly Claim[],
): Promise<Map<string, Renewed>> {
  const renewedAt = Date.now();
  const rows = await database.rows<Renewed & { id: string }>(
    `with held as (
       select t.id, h.wakes from ${table} t join unnest($3::uuid[], $4::bigint[], $5::int[]) as h(id, claim, wakes) on t.id = h.id
        where t.claim = h.claim and t.claimed_until > now() order by t.id for no key update of t)
     update ${table} t set claimed_until = now() + $2 * interval '1 ms',
            look_at = case when t.wakes = held.wakes then now() + $2 * interval '1 ms' else t.look_at end
       from held where t.id = held.id
      returning t.id, t.wakes <> held.wakes as woken, ${owned(table, 't')} as owned`,
    [worker, LEASE_MS, claims.map(({ id }) => id), claims.map(({ claim }) => claim), claims.map(({ wakes }) => wakes)],
  );
  const renewed = new Map(rows.map((row) => [row.id, row]));
  for (const claim of claims) if (renewed.has(claim.id)) claim.claimedAt = renewedAt;
  return renewed;
}

/** Gives claimed rows back, due at once for whoever comes next. What is no longer ours stays as it is. */
export async function giveBack(database: Database, table: WatchedTable, claims: readonly Claim[]): Promise<void> {
  if (claims.length === 0) return;
  await database.rows(
    `with held as (
       select t.id from ${table} t join unnest($1::uuid[], $2::bigint[]) as h(id, claim) on t.id = h.id
        where t.claim = h.claim and t.claimed_until is not null order by t.id for no key update of t),
          given as (update ${table} t set claimed_until = null, look_at = now() from held where t.id = held.id returning 1)
     select pg_notify('stateward', 'due') from given limit 1`,
    [claims.map(({ id }) => id), claims.map(({ claim }) => claim)],
  );
}

const OUTAGE_FAILURES = 5;
/** One more failure that is not ours (Flink away): enough for the pause to grow, never enough to count as {@link OWN_FAILURES}. */
export const countOutage = (failures: number): number => Math.max(failures, Math.min(failures + 1, OUTAGE_FAILURES));
/** Errors of our own in a row, until a row is given up: some quarter of an hour. */
export const OWN_FAILURES = 20;

/** What a fenced write does with the row's background life. */
export type Then =
  /** Keep the claim, with a new lease: more steps of this look follow. */
  | 'HOLD'
  /** Give the row back, nothing left to do. */
  | 'REST'
  /** Give the row back and look again after so many ms; at once if it was woken meanwhile. */
  | { againInMs: number };

/**
 * The only way in which a claimed row is written. `set` maps column names (of our code, never of a caller) to values.
 * Throws {@link ClaimLost} when the claim or the state no longer holds, which rolls back the transaction around it; one
 * that is all there is to write needs none.
 */
export async function fencedWrite(
  sql: Sql,
  claim: Claim,
  from: readonly string[],
  set: Record<string, unknown>,
  then: Then,
): Promise<void> {
  const values: unknown[] = [claim.id, claim.claim, from];
  const columns = assign(set, values);
  const writtenAt = Date.now();
  if (then === 'HOLD') {
    const leaseEnd = `now() + ${LEASE_MS} * interval '1 ms'`;
    const wakes = values.push(claim.wakes);
    columns.push(
      `claimed_until = ${leaseEnd}`,
      `look_at = case when wakes = $${wakes} then ${leaseEnd} else look_at end`,
    );
  } else if (then === 'REST') columns.push('claimed_until = null', 'look_at = null');
  else {
    const wakes = values.push(claim.wakes);
    const pause = values.push(Math.ceil(then.againInMs));
    columns.push(
      'claimed_until = null',
      `look_at = case when wakes = $${wakes} then now() + $${pause} * interval '1 ms' else now() end`,
    );
  }
  const changed = await sql.changed(
    `update ${claim.table} set ${columns.join(', ')} where id = $1 and claim = $2 and state = any($3)
      ${then === 'HOLD' ? 'and claimed_until > now()' : ''}`,
    values,
  );
  if (changed === 0) throw new ClaimLost(claim);
  if (then === 'HOLD') claim.claimedAt = writtenAt;
}

/** Not an error of anybody's: the row moved on without this owner, whose work is dropped. */
export class ClaimLost extends Error {
  override readonly name = 'ClaimLost';
  constructor(claim: Claim) {
    super(`The claim on ${claim.table} ${claim.id} is no longer held.`);
  }
}
