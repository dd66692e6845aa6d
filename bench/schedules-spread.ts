import { setTimeout as sleep } from 'node:timers/promises';
import { judge, milliseconds, percentile, printTable, spread } from './figures.js';
import { query } from './in-flight-run.js';
import type { Stage } from './schedule-stage.js';
import { removeSchedules, seedSchedules } from './seed-schedules.js';
import type { SeededDeployment } from './seed-deployments.js';

/** Slots spread evenly over an hour, of which some minutes are run. */

const HOUR_MS = 3_600_000;
/** Until the first is due. */
const AHEAD_MS = 8_000;
const SETTLE_MS = 3_000;
const LAG_P99_MS = 250;
const ENDED_WITHIN_MS = 60_000;

/** Answers whether every target was met. Leaves nothing due and nothing under way. */
export async function measureSpread(
  stage: Stage,
  deployments: readonly SeededDeployment[],
  overMs: number,
): Promise<boolean> {
  const { databaseUrl, costs } = stage;
  const first = Date.now() + AHEAD_MS;
  const apart = HOUR_MS / deployments.length;
  const schedules = deployments.map(({ id }, at) => ({ deploymentId: id, nextSlotAt: Math.floor(first + at * apart) }));
  await seedSchedules(databaseUrl, schedules);
  await sleep(first - Date.now());
  await costs.during('slots spread over an hour', overMs);
  const due = schedules.filter(({ nextSlotAt }) => nextSlotAt <= Date.now()).length;
  await sleep(SETTLE_MS);
  await removeSchedules(databaseUrl);

  const rows = await query<{ lag: number; sent: number | null }>(
    databaseUrl,
    `select extract(epoch from l.decided_at - l.slot_at)::float8 * 1000 as lag, extract(epoch from a.sent_at - l.slot_at)::float8 * 1000 as sent
       from schedule_slot l left join savepoint_attempt a on a.savepoint_id = l.savepoint_id and a.number = 1
      where l.slot_at >= to_timestamp(${first} / 1000.0) order by l.slot_at limit ${due}`,
  );
  const lagsMs = rows.map(({ lag }) => lag);
  printTable(`${deployments.length} schedules spread over an hour, ${due} slots of them`, [
    ['', 'p50', 'p99', 'max'],
    ['decided after the slot', ...spread(lagsMs)],
    ['trigger sent after the slot', ...spread(rows.flatMap(({ sent }) => sent ?? []))],
  ]);
  await onceNothingIsUnderWay(databaseUrl);
  return judge([
    { what: 'slots not decided', value: due - rows.length, atMost: 0, show: String },
    { what: 'lag of the decision, p99', value: percentile(lagsMs, 0.99), atMost: LAG_P99_MS, show: milliseconds },
  ]);
}

async function onceNothingIsUnderWay(databaseUrl: string): Promise<void> {
  for (const deadline = Date.now() + ENDED_WITHIN_MS; Date.now() < deadline; await sleep(500)) {
    const rows = await query(databaseUrl, `select 1 from savepoint where state in ('PENDING', 'IN_PROGRESS') limit 1`);
    if (rows.length === 0) return;
  }
  throw new Error('Savepoints of the schedules that are spread out do not end.');
}
