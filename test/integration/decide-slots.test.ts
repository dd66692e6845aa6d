import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { claimDue } from '../../src/db/claims.js';
import type { Database } from '../../src/db/database.js';
import { admitOn } from '../../src/savepoint/admit-savepoints.js';
import { decideDueSlots } from '../../src/schedule/decide-slots.js';
import { nextSlotInMs } from '../../src/schedule/slot.store.js';
import { watchSlots } from '../../src/schedule/watch-slots.js';
import { mutate } from '../support/mutate.js';
import { type Fleet, insertFleet, newOwner } from '../support/schedule-rows.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { waitFor } from '../support/wait-for.js';

const FLOOR = 600_000;

let stateward: Stateward;
let database: Database;
beforeEach(async () => {
  stateward = await startStateward({ worker: false });
  database = stateward.services.database;
});
afterEach(() => stateward.stop());

const count = async (text: string, values: unknown[] = []): Promise<number> =>
  Number((await database.row<{ count: string }>(`select count(*) ${text}`, values))?.count);

/** Decides all that is due, by several at once, as a worker does that has not noticed that it lost its clusters. */
async function decideAll(worker: string, atOnce: number): Promise<void> {
  const decider = async () => {
    while ((await decideDueSlots(database, worker, FLOOR)).more);
  };
  await Promise.all(Array.from({ length: atOnce }, decider));
}

/** Each schedule as it stands, with what became of its slots. */
const lines = (fleet: Fleet) =>
  database.rows<{ outcome: string; reason: string | null; slots: number; caught_up: boolean }>(
    `select outcome, reason, count as slots, caught_up from schedule_slot where schedule_id = any($1) order by slot_at`,
    [fleet.scheduleIds],
  );

describe('slots that are due', () => {
  it('are decided once by several deciders at once, each with one savepoint', async () => {
    const fleet = await insertFleet(database, { clusters: 8, perCluster: 40 });
    const worker = await newOwner(database);
    await decideAll(worker, 4);
    expect(await count('from schedule_slot')).toBe(320);
    expect(await count(`from savepoint where origin = 'SCHEDULED' and state = 'PENDING'`)).toBe(320);
    const paired = `from schedule_slot t join savepoint p on p.id = t.savepoint_id and p.schedule_id = t.schedule_id and p.slot_at = t.slot_at
       join savepoint_schedule s on s.id = t.schedule_id and s.last_slot_at = t.slot_at and s.next_slot_at > now() + interval '10 min'`;
    expect(await count(paired)).toBe(320);
    expect(
      await count(`from event where type = 'SAVEPOINT_REQUESTED' and deployment_id = any($1)`, [fleet.deploymentIds]),
    ).toBe(320);
  });

  it('are left to the worker that owns their cluster', async () => {
    await insertFleet(database, { clusters: 2, perCluster: 3 });
    const stranger = randomUUID();
    expect(await decideDueSlots(database, stranger, FLOOR)).toEqual({ clusterIds: [], more: false, failures: [] });
    expect(await nextSlotInMs(database, stranger)).toBeNull();
    const worker = await newOwner(database);
    expect(await nextSlotInMs(database, worker)).toBe(0);
    await decideAll(worker, 1);
    expect(await nextSlotInMs(database, worker)).toBeNull();
    expect(await count('from schedule_slot')).toBe(6);
  });

  it('are not decided by a worker whose transaction comes to its end too late', async () => {
    const fleet = await insertFleet(database, { clusters: 1, perCluster: 1 });
    const worker = await newOwner(database);
    const before = await database.row<{ next_slot_at: Date }>('select next_slot_at from savepoint_schedule');
    await decideAll(worker, 1);
    // The same slot once more, as from a decision that was made before the other one was committed.
    await database.changed('update savepoint_schedule set next_slot_at = $1', [before?.next_slot_at]);
    await database.changed(`update savepoint set state = 'COMPLETED'`);
    const { failures } = await decideDueSlots(database, worker, FLOOR);
    expect(failures).toMatchObject([{ cause: { constraint: 'schedule_slot_pkey' } }]);
    expect(await lines(fleet)).toMatchObject([{ outcome: 'FIRED' }]);
    expect(await count('from savepoint')).toBe(1);
  });

  it('are decided and admitted a thousand at a time, within the budgets, with nothing that comes by the queue', async () => {
    const { clusterIds } = await insertFleet(database, { clusters: 50, perCluster: 20, budget: 4 });
    const worker = await newOwner(database);
    const errors: unknown[] = [];
    const watcher = watchSlots({
      decide: () => decideDueSlots(database, worker, FLOOR),
      nextInMs: () => nextSlotInMs(database, worker),
      admit: (clusterIds) => admitOn(database, clusterIds),
      watch: stateward.services.wakeups.watch('slots'),
      onError: (error) => errors.push(error),
    });
    try {
      await waitFor(async () => (await count('from savepoint where in_flight')) === 200, {
        what: '200 to be admitted',
      });
    } finally {
      await watcher.stop();
    }
    expect(errors).toEqual([]);
    expect(await count('from schedule_slot')).toBe(1_000);
    const each = await database.rows(
      `select distinct count(*)::int as admitted from savepoint where in_flight group by cluster_id`,
    );
    expect(each).toEqual([{ admitted: 4 }]);
    expect(await count(`from savepoint where in_flight and look_at <= now()`)).toBe(200);
    await admitOn(database, clusterIds); // nothing more fits in
    expect(await count('from savepoint_attempt')).toBe(200);
    // Of those that wait none is looked at soon: whoever ends one admits the next.
    expect(await count(`from savepoint where state = 'PENDING' and look_at < now() + interval '30 s'`)).toBe(0);
  });

  it('and were not admitted, since the process died in between, are found by a look at one of each cluster', async () => {
    await insertFleet(database, { clusters: 3, perCluster: 10 });
    const worker = await newOwner(database);
    await decideAll(worker, 1);
    expect(await count(`from savepoint where look_at < now() + interval '5 s'`)).toBe(3);
    await database.changed(`update savepoint set look_at = look_at - interval '5 s'`);
    expect((await claimDue(database, worker, 100)).filter(({ table }) => table === 'savepoint')).toHaveLength(3);
  });
});

describe('schedules of which one cannot be decided', () => {
  /** The first of a fleet is the bad one. */
  const spoil = (fleet: Fleet, set: string) =>
    database.changed(`update savepoint_schedule set ${set} where id = $1`, [fleet.scheduleIds[0]]);
  const asideOf = (fleet: Fleet) =>
    database.row<{ set_aside_reason: string | null; waits: boolean; next: Date }>(
      `select set_aside_reason, tried_again_at > now() + interval '30 s' as waits, next_slot_at as next from savepoint_schedule where id = $1`,
      [fleet.scheduleIds[0]],
    );
  /** As if the minute until it is tried again had passed. */
  const minuteLater = () =>
    database.changed('update savepoint_schedule set tried_again_at = now() where set_aside_at is not null');
  const told = async (fleet: Fleet) =>
    (
      await database.rows<{ type: string }>(
        `select type from event where deployment_id = $1 and type ~ '^S(CHEDULE|LOT)' order by number`,
        [fleet.deploymentIds[0]],
      )
    ).map(({ type }) => type);

  it.each([
    ['its zone is not known', `zone = 'Mars/Olympus'`, /"Mars\/Olympus".*setSavepointSchedule/],
    ['its expression is refused', `expression = '0 3 * * 0'`, /"0 3 \* \* 0".*setSavepointSchedule/],
    ['a blackout has no known zone', `blackouts = '[{"start":"0 8 * * *","zone":"Mars/Olympus","durationMs":60000}]'`, /"Mars\/Olympus"/],
    ['a blackout has a refused start', `blackouts = '[{"start":"@daily","zone":"UTC","durationMs":60000}]'`, /"@daily"/],
  ])('set it aside when %s, tell so once, and decide the others', async (_what, set, why) => {
    const fleet = await insertFleet(database, { clusters: 2, perCluster: 5 });
    const worker = await newOwner(database);
    await spoil(fleet, set);
    const before = await asideOf(fleet);
    expect(await decideDueSlots(database, worker, FLOOR)).toMatchObject({ more: false, failures: [] });
    expect(await count('from schedule_slot')).toBe(9);
    expect(await asideOf(fleet)).toEqual({ set_aside_reason: expect.stringMatching(why), waits: true, next: before?.next });
    expect(await nextSlotInMs(database, worker)).toBeNull(); // nobody waits for it
    await minuteLater();
    expect(await nextSlotInMs(database, worker)).toBe(0);
    await decideAll(worker, 1);
    expect(await asideOf(fleet)).toMatchObject({ waits: true });
    expect(await told(fleet)).toEqual(['SCHEDULE_SET_ASIDE']);
  }); // prettier-ignore

  it('decide what it has missed once it can be read', async () => {
    const fleet = await insertFleet(database, { clusters: 1, perCluster: 1 });
    const worker = await newOwner(database);
    await spoil(fleet, `zone = 'Mars/Olympus', next_slot_at = next_slot_at - interval '3 days'`);
    await decideAll(worker, 1);
    await spoil(fleet, `zone = 'UTC'`);
    await decideAll(worker, 1);
    expect(await lines(fleet)).toEqual([]); // not before its minute has passed
    await minuteLater();
    await decideAll(worker, 1);
    const all = await lines(fleet);
    expect(all.map(({ outcome, reason }) => [outcome, reason])).toEqual([
      ['SKIPPED', 'MISSED'],
      ['FIRED', null],
    ]);
    expect(all[1]).toMatchObject({ caught_up: true });
    expect(await count(`from schedule_slot where message like '%set aside since%'`)).toBe(1);
    expect(await asideOf(fleet)).toMatchObject({ set_aside_reason: null, waits: null });
    expect((await told(fleet)).sort()).toEqual(['SCHEDULE_GOES_ON', 'SCHEDULE_SET_ASIDE', 'SLOTS_MISSED']);
  });

  it('find it among hundreds by halves when deciding it fails otherwise, and answer why', async () => {
    const fleet = await insertFleet(database, { clusters: 4, perCluster: 50 });
    const worker = await newOwner(database);
    await database.changed(`update deployment set current_job_id = null where id = $1`, [fleet.deploymentIds[0]]);
    const { failures, clusterIds } = await decideDueSlots(database, worker, FLOOR);
    expect(failures).toMatchObject([{ message: expect.stringContaining(fleet.scheduleIds[0] ?? '?') }]);
    expect(failures[0]?.cause).toMatchObject({ message: expect.stringContaining('without a job') });
    expect(new Set(clusterIds)).toEqual(new Set(fleet.clusterIds));
    expect(await count('from schedule_slot')).toBe(199);
    expect(await asideOf(fleet)).toMatchObject({ set_aside_reason: expect.stringContaining('log'), waits: true });
    expect(await told(fleet)).toEqual(['SCHEDULE_SET_ASIDE']);
  });

  it('are told of by the watcher, which goes on', async () => {
    const trouble = new Error('set aside');
    const errors: unknown[] = [];
    let passes = 0;
    const watcher = watchSlots({
      decide: async () => ({ clusterIds: [], more: (passes += 1) < 3, failures: passes === 1 ? [trouble] : [] }),
      nextInMs: async () => null,
      admit: async () => undefined,
      watch: stateward.services.wakeups.watch('slots'),
      onError: (error) => errors.push(error),
    });
    await waitFor(() => passes >= 3, { what: 'three passes' });
    await watcher.stop();
    expect(errors).toEqual([trouble]);
  });

  it('are none of them set aside when it is the database that fails', async () => {
    await insertFleet(database, { clusters: 1, perCluster: 4 });
    const worker = await newOwner(database);
    await database.changed('alter table schedule_slot rename column caught_up to something_else');
    await expect(decideDueSlots(database, worker, FLOOR)).rejects.toThrow(/caught_up/);
    expect(await count('from savepoint_schedule where set_aside_at is not null')).toBe(0);
  });
});

describe('a slot that cannot fire', () => {
  it.each([
    ['CLUSTER_CHANGED', `update cluster set state = 'CHANGED'`],
    ['NO_SAVEPOINT_ROOT', 'update cluster set savepoint_storage_id = null'],
    ['AMBIGUOUS_JOB', 'update deployment set ambiguous_since = now()'],
    ['NOT_RUNNING', `update deployment set state = 'RESTARTING'`],
  ])('is skipped: %s', async (reason, change) => {
    const fleet = await insertFleet(database, { clusters: 1, perCluster: 1 });
    await database.changed(change);
    await decideAll(await newOwner(database), 1);
    expect(await lines(fleet)).toMatchObject([{ outcome: 'SKIPPED', reason, slots: 1 }]);
    expect(await count('from savepoint')).toBe(0);
  });
});

describe('savepoints that wait for the budget', () => {
  /** What goes next, ended at once, so that another one may. */
  async function next(clusterIds: readonly string[]): Promise<string | undefined> {
    await admitOn(database, clusterIds);
    const ended = await database.row<{ id: string }>(
      `update savepoint set state = 'COMPLETED', in_flight = false where in_flight returning id`,
    );
    return ended?.id;
  }

  it('go manual ones first, then by the order of their slots; meanwhile further slots are skipped', async () => {
    const { clusterIds, deploymentIds, scheduleIds } = await insertFleet(database, {
      clusters: 1,
      perCluster: 4,
      budget: 1,
    });
    await database.changed('delete from savepoint_schedule where id = $1', [scheduleIds.pop()]);
    // The first schedule has the latest slot.
    for (const [index, id] of scheduleIds.entries())
      await database.changed(
        `update savepoint_schedule set next_slot_at = next_slot_at - $2 * interval '10 s' where id = $1`,
        [id, index + 1],
      );
    const worker = await newOwner(database);
    await decideAll(worker, 1);
    const waiting = await database.rows<{ id: string }>(
      'select id from savepoint order by array_position($1, schedule_id)',
      [scheduleIds],
    );
    const [latest, middle, earliest] = waiting.map(({ id }) => id);

    await database.changed('update savepoint_schedule set next_slot_at = now() where id = $1', [scheduleIds[0]]);
    await decideAll(worker, 1);
    const skipped = await database.rows('select message from schedule_slot where reason = $1', ['IN_PROGRESS']);
    expect(skipped).toEqual([{ message: expect.stringContaining(latest ?? '') }]);

    const manual = randomUUID();
    await database.changed(
      `insert into savepoint (id, deployment_id, job_id, cluster_id, origin, state, format, actor)
       select $1, d.id, d.current_job_id, d.cluster_id, 'MANUAL', 'PENDING', 'CANONICAL', 'test' from deployment d where id = $2`,
      [manual, deploymentIds.at(-1)],
    );
    const order: (string | undefined)[] = [];
    for (let turn = 0; turn < 5; turn += 1) order.push(await next(clusterIds));
    expect(order).toEqual([manual, earliest, middle, latest, undefined]);
  });
});

describe('after an outage of the workers', () => {
  const outage = (fleet: Fleet, days: number, more = '') =>
    database.changed(
      `update savepoint_schedule set next_slot_at = next_slot_at - $2 * interval '1 day' ${more} where id = any($1)`,
      [fleet.scheduleIds, days],
    );

  it('each schedule fires once for all that it missed', async () => {
    const fleet = await insertFleet(database, { clusters: 1, perCluster: 3, budget: 1 });
    await outage(fleet, 4);
    const worker = await newOwner(database);
    await decideAll(worker, 3);
    const all = await lines(fleet);
    expect(all.filter(({ outcome }) => outcome === 'FIRED')).toMatchObject([
      { caught_up: true },
      { caught_up: true },
      { caught_up: true },
    ]);
    const missed = all.filter(({ reason }) => reason === 'MISSED');
    expect(missed).toHaveLength(3);
    for (const { slots } of missed) expect(slots).toBeGreaterThanOrEqual(3);
    const told = await database.rows<{ type: string }>(
      `select type from event where deployment_id = $1 and type in ('SLOTS_MISSED', 'SAVEPOINT_REQUESTED') order by number`,
      [fleet.deploymentIds[0]],
    );
    expect(told.map(({ type }) => type).sort()).toEqual(['SAVEPOINT_REQUESTED', 'SLOTS_MISSED']);
    await admitOn(database, fleet.clusterIds);
    expect(await count('from savepoint where in_flight')).toBe(1); // within the budget
  });

  it('of a year a dense schedule is walked along in parts, and each slot is counted in one line', async () => {
    const fleet = await insertFleet(database, { clusters: 1, perCluster: 1 });
    await outage(fleet, 365, `, expression = '*/10 * * * *'`);
    const worker = await newOwner(database);
    const from = await database.row<{ at: Date }>('select next_slot_at as at from savepoint_schedule');
    let passes = 0;
    for (let more = true; more; passes += 1) ({ more } = await decideDueSlots(database, worker, FLOOR));
    expect(passes).toBeGreaterThan(3);
    const all = await lines(fleet);
    const total = all.reduce((sum, { slots }) => sum + slots, 0);
    const [missed] = all;
    expect(missed).toMatchObject({ outcome: 'SKIPPED', reason: 'MISSED' });
    expect(all.length).toBeLessThanOrEqual(2); // the last may have come just now
    // the first lies off the grid of ten minutes, and the next one is at least ten minutes later
    const expected = (Date.now() - (from?.at.getTime() ?? 0)) / FLOOR;
    expect(Math.abs(total - expected)).toBeLessThanOrEqual(2);
    expect(await count(`from event where type = 'SLOTS_MISSED'`)).toBe(1);
  });
});

describe('a schedule that was paused', () => {
  it('goes on ten minutes after the last slot that went by, as if each had fired', async () => {
    const fleet = await insertFleet(database, { clusters: 1, perCluster: 1 });
    const [deploymentId] = fleet.deploymentIds;
    const chain = async () =>
      (await database.row<{ last: Date; next: Date }>(
        'select last_slot_at as last, next_slot_at as next from savepoint_schedule',
      )) ?? { last: null, next: null };
    const moved = (set: string) => database.changed(`update savepoint_schedule set expression = '* * * * *', ${set}`);
    await moved(`next_slot_at = next_slot_at + interval '1 h'`); // nothing is due when it is paused
    await mutate(stateward, 'pauseSavepointSchedule', { deploymentId });
    await moved(`next_slot_at = next_slot_at - interval '85 min', paused_at = now() - interval '1 h'`);
    const first = (await chain()).next?.getTime() ?? 0;
    await mutate(stateward, 'resumeSavepointSchedule', { deploymentId });
    const second = Math.ceil((first + FLOOR) / 60_000) * 60_000; // the first lies off the full minute
    expect(await lines(fleet)).toMatchObject([{ outcome: 'SKIPPED', reason: 'PAUSED', slots: 3 }]);
    expect(await chain()).toEqual({ last: new Date(second + FLOOR), next: new Date(second + 2 * FLOOR) });
  });
});

describe('a schedule that a deployment was moved with', () => {
  it('is decided by the cluster where the deployment is now', async () => {
    const fleet = await insertFleet(database, { clusters: 2, perCluster: 1 });
    const [home = '', other = ''] = fleet.clusterIds;
    const moved = fleet.deploymentIds[0] ?? '';
    await database.changed(
      `update deployment set cluster_id = $2, state = 'CANCELLED', current_job_id = null where id = $1`,
      [moved, other],
    );
    await database.changed(`update cluster set state = 'UNREACHABLE' where id = $1`, [home]);
    const worker = await newOwner(database);
    await decideAll(worker, 1);
    const row = await database.row('select outcome, reason from schedule_slot where deployment_id = $1', [moved]);
    expect(row).toEqual({ outcome: 'SKIPPED', reason: 'NOT_RUNNING' });
  });
});
