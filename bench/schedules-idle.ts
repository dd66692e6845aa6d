import { setTimeout as sleep } from 'node:timers/promises';
import { judge, printTable } from './figures.js';
import type { Stage } from './schedule-stage.js';
import { removeSchedules, seedSchedules, seedStopped } from './seed-schedules.js';
import { coresOf, type Span } from './watch-costs.js';

/** What schedules cost of which none is due: CPU of the workers and of PostgreSQL, above the same without any schedule. */

const SETTLE_MS = 8_000;
const HOUR_MS = 3_600_000;
const MORE_CORES = 0.01;

/** Answers whether every target was met. Before and after them it is measured without any: how far those two differ is what cannot be told apart. */
export async function measureIdleSchedules(stage: Stage, counts: readonly number[], overMs: number): Promise<boolean> {
  const { databaseUrl, costs } = stage;
  const deploymentIds = await seedStopped(databaseUrl, Math.max(...counts));
  const over = async (name: string): Promise<Span> => {
    await sleep(SETTLE_MS);
    return costs.during(name, overMs);
  };
  const before = await over('no schedule');
  const spans: [number, Span][] = [];
  for (const count of counts) {
    await removeSchedules(databaseUrl);
    const firstAt = Date.now() + HOUR_MS;
    await seedSchedules(
      databaseUrl,
      deploymentIds.slice(0, count).map((deploymentId, at) => ({
        deploymentId,
        nextSlotAt: Math.floor(firstAt + (at * HOUR_MS) / count),
      })),
    );
    spans.push([count, await over(`${count} schedules, none due`)]);
  }
  await removeSchedules(databaseUrl);
  const after = await over('no schedule again');

  const without = (cost(before) + cost(after)) / 2;
  printTable('Workers and PostgreSQL while nothing is due, in cores', [
    ['without any schedule, before and after', cost(before).toFixed(4), cost(after).toFixed(4)],
    ...spans.map(([count, span]) => [`${count} schedules`, cost(span).toFixed(4)]),
  ]);
  const share = (value: number) => `${(value * 100).toFixed(2)} % of a core`;
  return judge(
    spans.map(([count, span]) => ({
      what: `${count} schedules of which none is due cost more`,
      value: cost(span) - without,
      atMost: MORE_CORES,
      show: share,
    })),
  );
}

/** PostgreSQL is missing where it is not ours. */
const cost = (span: Span): number =>
  coresOf(span, 'workers') + ('PostgreSQL' in span.cpuMs ? coresOf(span, 'PostgreSQL') : 0);
