import { setTimeout as sleep } from 'node:timers/promises';
import { sendRequests } from './clients.js';
import { judge, type Outcome } from './course.js';
import type { House } from './house.js';

/** Processes and servers that go away in the midst of work, at seeded instants. */

/** The suite itself: without a fault nothing may be found. */
export async function doNothing(house: House): Promise<Outcome> {
  await house.startWorker();
  return judge(house, sendRequests(house, { rounds: 2 }), { faultAt: null });
}

/** kill -9 from outside, twice: once the process has begun, and once the next has. */
export async function killTwice(house: House, part: 'api' | 'worker'): Promise<Outcome> {
  const worker = await house.startWorker();
  const target = part === 'api' ? house.api : worker;
  const dice = house.dice('kills');
  const requests = sendRequests(house, { rounds: 3 });
  for (const times of [1, 2]) {
    await target.ready();
    await sleep(dice.between(200, 2_500));
    target.now.signal('SIGKILL');
    await target.hasEnded(times);
  }
  return judge(house, requests, { faultAt: target.ends[1] ?? null, replaced: target });
}

/** Two hundred savepoints under way, and the queue is emptied: in the midst of it, and while no worker has seen what came last. */
export async function emptyRedis(house: House): Promise<Outcome> {
  const dice = house.dice('flushes');
  const worker = await house.startWorker();
  const requests = sendRequests(house, { withinMs: 6_000 });
  for (let times = 0; times < 2; times++) {
    await sleep(dice.between(500, 1_500));
    await house.redis?.flush();
  }
  await sleep(dice.between(100, 500));
  worker.now.signal('SIGKILL');
  await worker.hasEnded(1);
  await sleep(dice.between(300, 600));
  await house.redis?.flush();
  return judge(house, requests, { faultAt: Date.now(), limitMs: MANY_RECOVER_WITHIN_MS });
}

export async function killRedis(house: House): Promise<Outcome> {
  const dice = house.dice('kill');
  await house.startWorker();
  const requests = sendRequests(house, { withinMs: 6_000 });
  await sleep(dice.between(1_000, 3_000));
  await house.redis?.kill();
  await sleep(dice.between(1_000, 3_000));
  await house.redis?.start();
  return judge(house, requests, { faultAt: Date.now(), limitMs: MANY_RECOVER_WITHIN_MS });
}

/** kill -9 of PostgreSQL, five times under load; up again after a second or so. */
export async function killPostgres(house: House): Promise<Outcome> {
  const dice = house.dice('kills');
  await house.startWorker();
  const requests = sendRequests(house, { rounds: 5 });
  for (let times = 0; times < 5; times++) {
    await sleep(dice.between(1_000, 4_000));
    house.database.kill();
    await sleep(dice.between(200, 1_500));
    await house.database.start();
  }
  return judge(house, requests, { faultAt: Date.now(), endsWithinMs: 120_000 });
}

/**
 * A worker dies with triggers of which it knows no answer, and the JobManager is restarted before anybody has asked:
 * whether they were made is to be found out, and none may be sent again.
 */
export async function restartFlink(house: House): Promise<Outcome> {
  const dice = house.dice('restart');
  const worker = await house.startWorker([`savepoint.triggered:${dice.whole(1, 20)}:kill`]);
  const { passed } = worker.now;
  const requests = sendRequests(house);
  await passed;
  await sleep(dice.between(1_000, 3_000));
  await house.flink.restart({ keepJobs: true, downMs: dice.between(50, 1_000) });
  return judge(house, requests, {
    faultAt: Date.now(),
    limitMs: LOST_AFTER_MS,
    endsWithinMs: 90_000,
    tolerated: { flinkRestarted: true },
  });
}

/** On two cores, beside other runs. */
const MANY_RECOVER_WITHIN_MS = 30_000;
/** A result counts as lost after two looks 30 s apart. */
const LOST_AFTER_MS = 50_000;
