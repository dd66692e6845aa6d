import pg from 'pg';
import { dropOldCheckpoints } from '../src/checkpoint/checkpoint-days.js';
import { Database } from '../src/db/database.js';
import type { Open } from './benchmark.js';
import { milliseconds, percentile, printTable } from './figures.js';
import type { SeededDay } from './history-seed.js';

const DAY_MS = 86_400_000;
/** So many days are lost in each way: how long the disk takes for one varies. */
const OF_EACH = 5;

export interface LostDays {
  dropMs: number[];
  deleteMs: number[];
  /** The delete and the vacuum behind it. */
  freeMs: number[];
}

/**
 * What it costs to lose a day: the oldest ones dropped by the very function of housekeeping, which first keeps what must outlive them,
 * and the rows of the youngest deleted, in turn.
 *
 * The target is about a DELETE with the VACUUM behind it. A DELETE alone is shown, and is no match for a drop: it marks rows as dead and
 * leaves every byte where it is. Giving a day back to the file system (124 MB of 333,000 rows) is about half of a drop, at its very
 * end, when PostgreSQL has released the locks and nobody waits for it; of the other way it is in the VACUUM.
 *
 * PostgreSQL writes a page whole to its log at the first change after a checkpoint, and of a day that is weeks old every change is
 * the first. So a checkpoint comes before each: else a delete would be as quick as the seeding happened to leave its pages.
 */
export async function loseDays(open: Open, databaseUrl: string, days: readonly SeededDay[]): Promise<LostDays> {
  if (days.length < 2 * OF_EACH) throw new Error(`It takes ${2 * OF_EACH} days: give more --days.`);
  const database = await Database.open({
    url: databaseUrl,
    entities: [],
    connections: 1,
    applicationName: 'bench housekeeping',
  });
  open('the connection of housekeeping', () => database.close());
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  open('the connection that deletes', () => client.end());
  const dropBefore = (from: Date) => dropOldCheckpoints(database, Math.floor((Date.now() - from.getTime()) / DAY_MS));
  await dropBefore(days[0]?.from ?? new Date(0)); // finds nothing; its connection is an old one from then on

  const lost: LostDays = { dropMs: [], deleteMs: [], freeMs: [] };
  for (let at = 0; at < OF_EACH; at += 1) {
    const [oldest, next, youngest] = [days[at], days[at + 1], days.at(-1 - at)];
    if (!oldest || !next || !youngest) throw new Error('A day is missing');
    await client.query('checkpoint');
    const deleteMs = await timed(() => client.query(`delete from ${youngest.name}`));
    lost.deleteMs.push(deleteMs);
    lost.freeMs.push(deleteMs + (await timed(() => client.query(`vacuum ${youngest.name}`))));
    await client.query('checkpoint');
    let dropped: string[] = [];
    lost.dropMs.push(await timed(async () => ({ days: dropped } = await dropBefore(next.from))));
    if (dropped.join() !== oldest.name) throw new Error(`Not ${oldest.name} was dropped, but: ${dropped.join(', ')}`);
  }
  return lost;
}

export function printLostDays({ dropMs, deleteMs, freeMs }: LostDays): void {
  const median = percentile(dropMs, 0.5);
  const line = (name: string, ms: readonly number[]) => [
    name,
    ...[0.5, 0, 1].map((share) => milliseconds(percentile(ms, share))),
    `${(percentile(ms, 0.5) / median).toFixed(1)}×`,
  ];
  printTable(`a day of the history, ${OF_EACH} of each`, [
    ['', 'median', 'min', 'max', 'of dropped'],
    line('dropped by housekeeping', dropMs),
    line('deleted row by row', deleteMs),
    line('deleted row by row and vacuumed', freeMs),
  ]);
}

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}
