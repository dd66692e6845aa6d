import { judge, milliseconds, percentile, printTable, spread } from './figures.js';
import { query } from './in-flight-run.js';
import type { Taken } from './latency-run.js';
import { type CostWatch, printCosts } from './watch-costs.js';

export interface Measured {
  queue: 'redis' | 'postgres';
  databaseUrl: string;
  savepointMs: number;
  /** Both sides of each kind of round. */
  kinds: { name: string; bareMs: number[]; taken: Taken[] }[];
  costs: CostWatch;
  maxConcurrentRequests: number;
}

/** Added to what the bare script needs, with the starts spread evenly. */
const targets = { redis: { p50: 40, p99: 200 }, postgres: { p50: 80, p99: 600 } };

const shares = { p50: 0.5, p99: 0.99, max: 1 };
const names = { redis: 'queue on Redis', postgres: 'queue on PostgreSQL' };

const durationsOf = (taken: readonly Taken[]) => taken.map(({ durationMs }) => durationMs);
const added = ({ bareMs, taken }: Measured['kinds'][number], share: number) =>
  percentile(durationsOf(taken), share) - percentile(bareMs, share);

/** Prints the latencies of one queue, where they come from, and what they cost. */
export async function reportLatency(measured: Measured): Promise<void> {
  const { queue, kinds, costs, maxConcurrentRequests } = measured;
  console.log(`\n== ${names[queue]}`);
  for (const kind of kinds) {
    printTable(`${kind.name}: ${kind.taken.length} savepoints each, from the first byte sent to COMPLETED`, [
      ['', 'p50', 'p99', 'max'],
      ['reference: bare undici script', ...spread(kind.bareMs)],
      ['Stateward', ...spread(durationsOf(kind.taken))],
      ['added', ...Object.values(shares).map((share) => milliseconds(added(kind, share)))],
    ]);
    await printParts(measured, kind.taken);
  }
  printCosts(costs.spans);
  console.log(`  at most ${maxConcurrentRequests} requests at once at a cluster, the bare script's among them`);
}

/** The way of a savepoint through the house; all clocks are this machine's. */
async function printParts({ databaseUrl, savepointMs }: Measured, taken: readonly Taken[]): Promise<void> {
  const rows = await query<{ id: string; to_send: number; late: number; completed_at: number }>(
    databaseUrl,
    `select s.id, extract(epoch from a.sent_at - s.created_at)::float8 * 1000 as to_send,
            extract(epoch from s.completed_at - a.sent_at)::float8 * 1000 - ${savepointMs} as late,
            extract(epoch from s.completed_at)::float8 * 1000 as completed_at
       from savepoint s join savepoint_attempt a on a.savepoint_id = s.id and a.number = s.attempt where s.completed_at is not null`,
  );
  const byId = new Map(rows.map((row) => [row.id, row]));
  const seen = taken.flatMap((one) => {
    const row = byId.get(one.savepointId);
    return row ? [{ ...row, told: one.toldAt - row.completed_at }] : [];
  });
  printTable('  of which', [
    ['', 'p50', 'p99', 'max'],
    ['mutation answered', ...spread(taken.map(({ acceptedMs }) => acceptedMs))],
    ['from its row to its trigger', ...spread(seen.map(({ to_send }) => to_send))],
    ['end noted after the end in Flink', ...spread(seen.map(({ late }) => late))],
    ['event told after that', ...spread(seen.map(({ told }) => told))],
  ]);
}

/** PASS and FAIL of one queue. */
export function judgeLatency({ queue, kinds }: Measured): boolean {
  const steady = kinds.find(({ name }) => name === 'steady');
  return judge(
    (['p50', 'p99'] as const).map((name) => ({
      what: `${names[queue]}, steady: added latency, ${name}`,
      value: steady ? added(steady, shares[name]) : Number.NaN,
      atMost: targets[queue][name],
      show: milliseconds,
    })),
  );
}
