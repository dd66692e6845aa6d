import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import type { FailPoint } from '../../src/fail-point.js';
import { askToDelete, completedSavepoint, deletionIn, disposalCalls } from '../support/deletion-scenario.js';
import type { Data } from '../support/graphql-client.js';
import { insertRunningFleet } from '../support/running-fleet.js';
import { deploymentOn, eventsOf } from '../support/savepoint-scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';
import { waitFor } from '../support/wait-for.js';
import { isFrozen, startFreezingWorker, startWorkerProcess, type WorkerProcess } from '../support/worker-process.js';

/**
 * Longer than whatever a frozen worker may still hold, or have under way: clusters 6 s, claims 10 s, rows of a transaction 10 s, a
 * statement 15 s.
 */
const FROZEN_MS = Number(process.env.STATEWARD_TEST_FROZEN_S ?? 17) * 1_000;
const SLOTS = 20;
const DAY_MS = 86_400_000;
const DISPOSAL = /^POST \/savepoint-disposal /;

interface Course {
  stateward: Stateward;
  flink: FakeFlink;
  proxy: TcpProxy;
  workers: WorkerProcess[];
  /** The savepoint that is deleted. */
  old: Data;
  /** On the clock of the database. */
  frozenAt: Date;
  /** All that is recorded when the other worker has done the work, and after the frozen one has gone on. */
  before: unknown;
  after: unknown;
  /** What the frozen one logged after that. */
  logged: string;
}

/** A worker stops at the point while it decides slots, in the middle of a deletion; another does its work; and the first goes on. */
async function takeItsCourse({ point, hold }: Case): Promise<Course> {
  const stateward = await startStateward({ worker: false });
  const { databaseUrl, services } = stateward;
  const flink = await startFakeFlink();
  const proxy = await startTcpProxy(flink.url);
  const workers: WorkerProcess[] = [];
  courses.push({ stateward, flink, proxy, workers });
  const frozen = await startFreezingWorker(databaseUrl, services.config.dataFolder, point);
  workers.push(frozen);
  const { clusterId, deploymentId } = await deploymentOn(stateward, proxy, { cluster: { savepointBudget: SLOTS } });
  const old = await completedSavepoint(stateward, deploymentId);
  await completedSavepoint(stateward, deploymentId);
  const later = new Date(Date.now() + DAY_MS);
  await insertRunningFleet(
    stateward,
    clusterId,
    flink,
    Array.from({ length: SLOTS }, () => later),
  );
  workers.push(await startWorkerProcess(databaseUrl, services.config.dataFolder));

  const holding = proxy[hold](DISPOSAL);
  await askToDelete(stateward, old.id);
  const held = await holding;
  await waitFor(() => flink.disposed.length === (hold === 'holdReply' ? 1 : 0), { what: 'Flink to have done it' });
  await services.database.rows(
    `with due as (update savepoint_schedule set next_slot_at = date_trunc('milliseconds', now()) returning 1)
     select pg_notify('stateward', 'slots') from due limit 1`,
  );
  await waitFor(() => isFrozen(frozen), { what: `a worker to stop at ${point}` });
  const stoppedAt = Date.now();
  const frozenAt = await clock(stateward);

  await deletionIn(stateward, old.id, 'DELETED', 60_000);
  await waitFor(() => nothingLeft(stateward), { what: 'the other worker to do it all', timeoutMs: 60_000 });
  await waitFor(() => Date.now() - stoppedAt > FROZEN_MS, { what: 'its leases to run out', timeoutMs: FROZEN_MS });
  const before = await recorded(stateward);
  const thawedAt = await clock(stateward);
  const loggedBefore = frozen.output().length;
  held.release(); // what it had sent, or was being answered, arrives after all
  frozen.signal('SIGCONT');
  await waitFor(
    () =>
      services.database.row(
        `select 1 from worker_process where pid = $1 and seen_at > $2::timestamptz + interval '4 s'`,
        [frozen.pid, thawedAt],
      ),
    { what: 'the frozen worker to be at work again', timeoutMs: 20_000 },
  );
  const after = await recorded(stateward);
  const logged = frozen.output().slice(loggedBefore);
  return { stateward, flink, proxy, workers, old, frozenAt, before, after, logged };
}

const courses: Pick<Course, 'stateward' | 'flink' | 'proxy' | 'workers'>[] = [];

async function clock({ services: { database } }: Stateward): Promise<Date> {
  const row = await database.row<{ now: Date }>('select clock_timestamp() as now');
  if (!row) throw new Error('The database told no time');
  return row.now;
}

async function nothingLeft({ services: { database } }: Stateward): Promise<boolean> {
  const row = await database.row<{ made: number; waiting: number }>(
    `select (select count(*)::int from savepoint where origin = 'SCHEDULED' and state = 'COMPLETED') as made,
            (select count(*)::int from savepoint where look_at is not null) + (select count(*)::int from deletion where look_at is not null) as waiting`,
  );
  return row?.made === SLOTS && row.waiting === 0;
}

const recorded = ({ services: { database } }: Stateward) =>
  database.rows(
    `select 'savepoint' as of, id::text, to_jsonb(t) as line from savepoint t
     union all select 'attempt', savepoint_id || ' ' || number, to_jsonb(t) from savepoint_attempt t
     union all select 'deletion', id::text, to_jsonb(t) from deletion t
     union all select 'schedule', id::text, to_jsonb(t) from savepoint_schedule t
     union all select 'slot', schedule_id || ' ' || slot_at, to_jsonb(t) from schedule_slot t
     union all select 'event', id::text, to_jsonb(t) from event t
     order by 1, 2`,
  );

interface Case {
  point: FailPoint;
  hold: 'holdRequest' | 'holdReply';
  how: string;
}
const cases: Case[] = [
  {
    point: 'slots.before-commit',
    hold: 'holdRequest',
    how: 'before it commits the slots that it has decided, with a disposal that is sent and not at Flink',
  },
  {
    point: 'slots.decided',
    hold: 'holdReply',
    how: 'when the slots are decided and nothing of them is admitted, with a disposal that Flink has done',
  },
];
const at = new Map<FailPoint, Course>();
beforeAll(async () => {
  await Promise.all(cases.map(async (one) => at.set(one.point, await takeItsCourse(one))));
}, FROZEN_MS + 150_000);
afterAll(async () => {
  for (const { stateward, flink, proxy, workers } of courses) {
    for (const worker of workers) worker.signal('SIGKILL');
    await Promise.all(workers.map(({ ended }) => ended));
    await stateward.stop();
    await proxy.stop();
    await flink.stop();
  }
});

describe.each(cases)('a worker that is frozen $how, and goes on', ({ point, hold }) => {
  const course = (): Course => {
    const found = at.get(point);
    if (!found) throw new Error(`There was no course of ${point}`);
    return found;
  };

  it('no slot fires twice: each has one line and one savepoint, which Flink was asked for once', async () => {
    const { stateward, flink, frozenAt } = course();
    const slots = await stateward.services.database.rows<{ decided_at: Date }>(
      `select t.outcome, t.count, t.decided_at, p.state, p.slot_at = t.slot_at and p.schedule_id = t.schedule_id as paired,
              (select sum(sends)::int from savepoint_attempt a where a.savepoint_id = p.id) as sends
         from schedule_slot t join savepoint p on p.id = t.savepoint_id`,
    );
    expect(slots).toHaveLength(SLOTS);
    for (const slot of slots)
      expect(slot).toMatchObject({ outcome: 'FIRED', count: 1, state: 'COMPLETED', paired: true, sends: 1 });
    const byTheOther = slots.filter(({ decided_at: decidedAt }) => decidedAt > frozenAt);
    expect(byTheOther).toHaveLength(point === 'slots.before-commit' ? SLOTS : 0);
    expect(flink.triggersReceived()).toHaveLength(SLOTS + 2);
    expect(flink.savepointsMade).toHaveLength(SLOTS + 2);
  });

  it('nothing is deleted twice: one savepoint is gone, by one disposal, and that is told once', async () => {
    const { stateward, flink, old } = course();
    expect(await deletionIn(stateward, old.id, 'DELETED')).toMatchObject({ proof: 'EMPTY', deletion: { note: null } });
    expect(flink.disposed).toEqual([old.location]);
    // A call that was held reaches Flink after that of the other worker, and finds nothing.
    expect(disposalCalls(flink)).toEqual(Array(hold === 'holdRequest' ? 2 : 1).fill(old.location));
    const told = (await eventsOf(stateward, old.id)).filter((type) => /^DELETION|DELETED$/.test(type));
    expect(told).toEqual(['DELETION_REQUESTED', 'SAVEPOINT_DELETED']);
  });

  it('its late writes are refused', () => {
    const { before, after, logged } = course();
    expect(after).toEqual(before);
    if (point === 'slots.before-commit') expect(logged).toContain('DATABASE_UNAVAILABLE'); // its transaction had been ended
  });
});
