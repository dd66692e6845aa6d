import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { ownClusters } from '../../src/cluster/own-clusters.js';
import {
  type Claim,
  claimDue,
  ClaimLost,
  claimOne,
  countOutage,
  fencedWrite,
  LEASE_MS,
  leaseAllowsEffect,
  nextDueInMs,
  OWN_FAILURES,
  giveBack,
  renewAll,
  type Then,
  wake,
} from '../../src/db/claims.js';
import { insertCluster, insertSavepoint, type OpenDatabase, openTestDatabase } from '../support/rows.js';
import { waitFor } from '../support/wait-for.js';

let opened: OpenDatabase;
let worker: string;
let clusterId: string;
beforeAll(async () => {
  opened = await openTestDatabase();
});
afterAll(() => opened.close());
beforeEach(async () => {
  const { database } = opened;
  await database.changed('truncate cluster, worker_process cascade');
  worker = randomUUID();
  clusterId = await insertCluster(database);
  await ownClusters(database, worker);
});

const write = (claim: Claim, set: Record<string, unknown>, then: Then, from = ['IN_PROGRESS']) =>
  opened.database.transaction((tx) => fencedWrite(tx, claim, from, set, then));

/** Claims the savepoint, which must be possible. */
async function claim(id: string): Promise<Claim> {
  const claimed = await claimOne(opened.database, worker, 'savepoint', id);
  if (!claimed) throw new Error(`Savepoint ${id} could not be claimed`);
  return claimed;
}

async function rowOf(id: string) {
  const row = await opened.database.row<{
    claimed: boolean;
    due_in_ms: number | null;
    path: string | null;
    state: string;
  }>(
    `select coalesce(claimed_until > now(), false) as claimed, state, path,
            extract(epoch from look_at - now())::float8 * 1000 as due_in_ms from savepoint where id = $1`,
    [id],
  );
  if (!row) throw new Error(`There is no savepoint ${id}`);
  return row;
}

const endLease = (id: string) =>
  opened.database.changed(`update savepoint set claimed_until = now() - interval '1 ms' where id = $1`, [id]);

describe('claiming', () => {
  it('gives each due row to one of many claimers', async () => {
    const ids = await Promise.all(Array.from({ length: 30 }, () => insertSavepoint(opened.database, clusterId)));
    const claims = (await Promise.all(Array.from({ length: 8 }, () => claimDue(opened.database, worker, 10)))).flat();
    const savepoints = claims.filter(({ table }) => table === 'savepoint').map(({ id }) => id);
    expect(savepoints.sort()).toEqual(ids.sort());
    expect(claims.filter(({ table }) => table === 'cluster').map(({ id }) => id)).toEqual([clusterId]);
    expect(await claimDue(opened.database, worker, 10)).toEqual([]);
  });

  it('takes the rows that have been due longest, and no more than asked for', async () => {
    const ids: string[] = [];
    for (let index = 0; index < 4; index += 1) ids.push(await insertSavepoint(opened.database, clusterId));
    for (const [index, id] of ids.entries())
      await opened.database.changed(`update savepoint set look_at = now() - $2 * interval '1 s' where id = $1`, [
        id,
        index,
      ]);
    const claims = await claimDue(opened.database, worker, 2);
    const taken = claims.filter(({ table }) => table === 'savepoint').map(({ id }) => id);
    expect(taken.sort()).toEqual([ids[3], ids[2]].sort());
  });

  it('of one row succeeds for one of many', async () => {
    const id = await insertSavepoint(opened.database, clusterId);
    const claims = await Promise.all(
      Array.from({ length: 20 }, () => claimOne(opened.database, worker, 'savepoint', id)),
    );
    expect(claims.filter((one) => one !== null)).toHaveLength(1);
  });

  it('is left to the worker that owns the cluster', async () => {
    const id = await insertSavepoint(opened.database, clusterId);
    const stranger = randomUUID();
    expect(await claimOne(opened.database, stranger, 'savepoint', id)).toBeNull();
    expect(await claimDue(opened.database, stranger, 10)).toEqual([]);
    expect(await nextDueInMs(opened.database, stranger)).toBeNull();
    expect(await nextDueInMs(opened.database, worker)).toBe(0);
    await opened.database.changed(`update cluster_lease set owned_until = now() - interval '1 ms'`);
    expect(await claimOne(opened.database, worker, 'savepoint', id)).toBeNull();
  });

  it('finds nothing to do at a row that rests', async () => {
    const id = await insertSavepoint(opened.database, clusterId);
    await write(await claim(id), {}, 'REST');
    expect(await claimOne(opened.database, worker, 'savepoint', id)).toBeNull();
    await wake(opened.database, 'savepoint', id);
    expect(await rowOf(id)).toMatchObject({ due_in_ms: null });
  });

  it('takes a row whose lease is over', async () => {
    const id = await insertSavepoint(opened.database, clusterId);
    const first = await claim(id);
    expect(await claimOne(opened.database, worker, 'savepoint', id)).toBeNull();
    await endLease(id);
    expect((await claim(id)).claim).toBe(first.claim + 1);
  });
});

describe('a fenced write', () => {
  it('of an owner that came too late is refused, and rolls back all that went with it', async () => {
    const id = await insertSavepoint(opened.database, clusterId);
    const late = await claim(id);
    await endLease(id);
    const owner = await claim(id);
    const attempt = opened.database.transaction(async (tx) => {
      await tx.changed('update cluster set last_error = $2 where id = $1', [clusterId, 'from the late one']);
      await fencedWrite(tx, late, ['IN_PROGRESS'], { path: 'late' }, 'REST');
    });
    await expect(attempt).rejects.toThrow(ClaimLost);
    expect(await rowOf(id)).toMatchObject({ path: null, claimed: true });
    expect(await opened.database.row('select last_error from cluster where id = $1', [clusterId])).toEqual({
      last_error: null,
    });
    await write(owner, { path: 'in time' }, 'REST');
    expect(await rowOf(id)).toMatchObject({ path: 'in time' });
  });

  it('is refused when the row is in a state that it may not come from', async () => {
    const id = await insertSavepoint(opened.database, clusterId);
    const held = await claim(id);
    await opened.database.changed(`update savepoint set state = 'FAILED' where id = $1`, [id]);
    await expect(write(held, { state: 'COMPLETED' }, 'REST')).rejects.toThrow(ClaimLost);
    expect(await rowOf(id)).toMatchObject({ state: 'FAILED' });
  });

  it('after the lease still counts while nobody else has claimed the row', async () => {
    const id = await insertSavepoint(opened.database, clusterId);
    const held = await claim(id);
    await endLease(id);
    await write(held, { path: 'late but alone' }, 'REST');
    expect(await rowOf(id)).toMatchObject({ path: 'late but alone' });
  });

  it('gives the row back until its next look', async () => {
    const id = await insertSavepoint(opened.database, clusterId);
    await write(await claim(id), {}, { againInMs: 60_000 });
    const row = await rowOf(id);
    expect(row.claimed).toBe(false);
    expect(row.due_in_ms).toBeGreaterThan(50_000);
  });

  it('makes a row that was woken during the look due at once', async () => {
    const id = await insertSavepoint(opened.database, clusterId);
    const held = await claim(id);
    await wake(opened.database, 'savepoint', id);
    await write(held, {}, { againInMs: 60_000 });
    expect((await rowOf(id)).due_in_ms).toBeLessThanOrEqual(0);
    // And only this once.
    await write(await claim(id), {}, { againInMs: 60_000 });
    expect((await rowOf(id)).due_in_ms).toBeGreaterThan(50_000);
  });

  it('that holds on keeps the row for another lease', async () => {
    const id = await insertSavepoint(opened.database, clusterId);
    const held = await claim(id);
    await opened.database.changed(`update savepoint set claimed_until = now() + interval '1 s' where id = $1`, [id]);
    held.claimedAt -= LEASE_MS;
    expect(leaseAllowsEffect(held)).toBe(false);
    await write(held, { path: 'more to come' }, 'HOLD');
    expect(leaseAllowsEffect(held)).toBe(true);
    const { ms } =
      (await opened.database.row<{ ms: number }>(
        'select extract(epoch from claimed_until - now())::float8 * 1000 as ms from savepoint where id = $1',
        [id],
      )) ?? {};
    expect(ms).toBeGreaterThan(LEASE_MS - 2_000);
    await write(held, {}, 'REST');
  });
});

describe('holding on', () => {
  it('to a lease that is over is refused: the process may have slept, and an effect would leave too late', async () => {
    const id = await insertSavepoint(opened.database, clusterId);
    const held = await claim(id);
    await endLease(id);
    await expect(write(held, {}, 'HOLD')).rejects.toBeInstanceOf(ClaimLost);
  });
});

describe('failures that are not ours', () => {
  it('never add up to giving a row up, and take nothing from what was ours', () => {
    let failures = 0;
    for (let outage = 0; outage < 1_000; outage++) failures = countOutage(failures);
    expect(failures).toBeGreaterThan(1);
    expect(failures + 1).toBeLessThan(OWN_FAILURES);
    expect(countOutage(OWN_FAILURES - 1)).toBe(OWN_FAILURES - 1);
  });
});

describe('waking', () => {
  it('makes a row due now and tells the watchers when it commits', async () => {
    const id = await insertSavepoint(opened.database, clusterId);
    await write(await claim(id), {}, { againInMs: 60_000 });
    const listener = new pg.Client({ connectionString: opened.url });
    await listener.connect();
    try {
      const heard: (string | undefined)[] = [];
      listener.on('notification', ({ payload }) => void heard.push(payload));
      await listener.query('listen stateward');
      await wake(opened.database, 'savepoint', id);
      await waitFor(() => heard.length, { what: 'the notification' });
      expect(heard).toEqual(['due']);
      expect((await rowOf(id)).due_in_ms).toBeLessThanOrEqual(0);
    } finally {
      await listener.end();
    }
  });
});

describe('renewing many', () => {
  const renewed = (...claims: Claim[]) => renewAll(opened.database, worker, 'savepoint', claims);

  it('lengthens the leases that are held, and tells whose rows were woken', async () => {
    const [calm, woken] = [
      await insertSavepoint(opened.database, clusterId),
      await insertSavepoint(opened.database, clusterId),
    ];
    const held = [await claim(calm), await claim(woken)];
    for (const one of held) one.claimedAt -= LEASE_MS;
    await wake(opened.database, 'savepoint', woken);
    expect(await renewed(...held)).toEqual(
      new Map([
        [calm, expect.objectContaining({ woken: false, owned: true })],
        [woken, expect.objectContaining({ woken: true, owned: true })],
      ]),
    );
    for (const one of held) expect(leaseAllowsEffect(one)).toBe(true);
    expect((await rowOf(woken)).due_in_ms).toBeLessThanOrEqual(0);
    expect((await rowOf(calm)).due_in_ms).toBeGreaterThan(0);
  });

  it('tells when the cluster has become another worker’s', async () => {
    const id = await insertSavepoint(opened.database, clusterId);
    const held = await claim(id);
    expect((await renewAll(opened.database, randomUUID(), 'savepoint', [held])).get(id)).toMatchObject({
      owned: false,
    });
  });

  it('is refused once the lease is over, or the row is somebody else’s', async () => {
    const id = await insertSavepoint(opened.database, clusterId);
    const held = await claim(id);
    await endLease(id);
    expect([...(await renewed(held)).keys()]).toEqual([]);
    await claim(id);
    expect([...(await renewed(held)).keys()]).toEqual([]);
  });
});

describe('giving back', () => {
  it('makes the rows that are still held due at once, and no other', async () => {
    const [mine, taken, ended] = await Promise.all([1, 2, 3].map(() => insertSavepoint(opened.database, clusterId)));
    const held = [await claim(mine ?? ''), await claim(taken ?? ''), await claim(ended ?? '')];
    await endLease(taken ?? '');
    await claim(taken ?? '');
    await write(held[2] as Claim, {}, 'REST');
    await giveBack(opened.database, 'savepoint', held);
    expect((await rowOf(mine ?? '')).due_in_ms).toBeLessThanOrEqual(0);
    expect((await rowOf(taken ?? '')).due_in_ms).toBeGreaterThan(0);
    expect((await rowOf(ended ?? '')).due_in_ms).toBeNull();
  });
});
