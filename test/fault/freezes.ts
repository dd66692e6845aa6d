import { setTimeout as sleep } from 'node:timers/promises';
import type { FailPoint } from '../../src/fail-point.js';
import { waitFor } from '../support/wait-for.js';
import { sendRequests } from './clients.js';
import { judge, type Outcome } from './course.js';
import type { House } from './house.js';
import { ofStarts } from './kills.js';
import type { Supervised } from './product-process.js';

/** Longer than a lease, so that the other worker takes over. */
const SHORT_MS = 15_000;
const FULL_MS = 60_000;
/** What else it had under way may hold a row until PostgreSQL ends its session, after 10 s; whoever waited for it has lost its own lease then. */
const RECOVERS_WITHIN_MS = 25_000;
const API_FROZEN_MS = 10_000;
const PASSES_WITHIN_MS = 60_000;
/** Within this a thawed worker has tried to write what it still wanted to. */
const LATE_WRITES_MS = 3_000;

/** Points between two transactions: inside one, a frozen process would be waited for, and not overtaken. */
export const freezePoints = [
  'savepoint.claimed',
  'savepoint.send-stored',
  'savepoint.triggered',
  'savepoint.polled',
  'savepoint.details-read',
  'start.run-stored',
  'stop.savepoint-stored',
  'stop.cancel-stored',
  'slots.decided',
  'deletion.marked',
  'deletion.sent',
  'deletion.replied',
] as const satisfies FailPoint[];

/** A worker stops at a fail point, another does its work, and the first goes on as if nothing had been: its late writes must be refused. */
export async function freezeAt(house: House, point: FailPoint, full: boolean): Promise<Outcome> {
  const arm = `${point}:${house.dice('freeze').whole(1, 20)}:freeze`;
  const worker = await house.startWorker([arm]);
  await waitFor(() => owns(house, worker), { what: 'the worker that is to freeze to own the cluster' });
  await house.startWorker();
  const requests = sendRequests(house);
  const frozenAt = await Promise.race([worker.now.passed, sleep(PASSES_WITHIN_MS, null, { ref: false })]);
  const frozenMs = full ? FULL_MS : SHORT_MS;
  if (frozenAt !== null) await sleep(frozenMs);
  worker.now.signal('SIGCONT');
  const wroteAt = new Date(Date.now() + LATE_WRITES_MS);
  await waitFor(() => saidItLives(house, worker, wroteAt), {
    what: 'the frozen worker to be at work again',
    timeoutMs: 20_000,
  });
  const outcome = await judge(house, requests, {
    faultAt: frozenAt,
    limitMs: RECOVERS_WITHIN_MS,
    ...ofStarts(house),
  });
  if (frozenAt === null) outcome.violations.unshift(`${arm} was never passed: nothing was frozen`);
  return outcome;
}

/** The API stops for 10 s; clients give up, and ask again with their keys. */
export async function freezeApi(house: House): Promise<Outcome> {
  await house.startWorker();
  const requests = sendRequests(house, { withinMs: 4_000 });
  await sleep(house.dice('freeze').between(200, 3_500));
  house.api.now.signal('SIGSTOP');
  await sleep(API_FROZEN_MS);
  house.api.now.signal('SIGCONT');
  return judge(house, requests, { faultAt: Date.now() });
}

async function owns({ database }: House, worker: Supervised): Promise<boolean> {
  const rows = await database.rows(
    `select 1 from cluster_lease l join worker_process w on w.id = l.owner where w.pid = $1 and l.owned_until > now()`,
    [worker.now.pid],
  );
  return rows.length > 0;
}

/** It has said that it lives after that time: whatever it still wanted to write, it has tried. */
async function saidItLives({ database }: House, worker: Supervised, after: Date): Promise<boolean> {
  const { pid } = worker.now;
  const rows = await database.rows('select 1 from worker_process where pid = $1 and seen_at > $2', [pid, after]);
  return rows.length > 0;
}
