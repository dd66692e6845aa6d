import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { FlinkClients } from '../../src/cluster/flink-clients.js';
import { type Claim, claimOne } from '../../src/db/claims.js';
import type { KeptClaims } from '../../src/db/kept-claims.js';
import { LongCalls } from '../../src/run/long-calls.js';
import { lookAfterStart } from '../../src/run/look-after-start.js';
import { advanceSavepoint } from '../../src/savepoint/advance-savepoint.js';
import type { HowLong, LookPlaces } from '../../src/savepoint/savepoint-deps.js';
import { type DriftScene, driftScene, snapshotAt } from '../support/drift-scenario.js';
import { insertSavepointOf } from '../support/history-rows.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { waitFor } from '../support/wait-for.js';

const worker = randomUUID();
let stateward: Stateward;
let scene: DriftScene;
beforeAll(async () => {
  stateward = await startStateward({ worker: false });
});
afterAll(() => stateward.stop());
beforeEach(async () => {
  scene = await driftScene(stateward);
  await database().changed(`update cluster_lease set owner = $1, owned_until = now() + interval '1 min'`, [worker]);
});
afterEach(() => scene.remove());

const database = () => stateward.services.database;
/** Of a job that its Flink has forgotten: nothing more is to come of its statistics. */
const flinkClients = { at: () => ({ checkpoints: async () => null }) } as unknown as FlinkClients;
const full: LookPlaces = { enter: () => null };
const placesFor = (atOnce: number) => new LongCalls({ keep: () => () => undefined } as unknown as KeptClaims, atOnce);

const completed = async (columns: Record<string, unknown>, ageMs = 0): Promise<string> => {
  const path = `s/savepoint-${randomUUID()}`;
  await snapshotAt(scene, path);
  return insertSavepointOf(database(), scene.run, {
    storage_id: scene.storageId,
    path,
    location: `${scene.uri}/${path}`,
    data: 'NOT_CHECKED',
    look_at: new Date(0),
    state_since: new Date(Date.now() - ageMs),
    ...columns,
  });
};
const claimOf = async (table: 'savepoint' | 'job', id: string): Promise<Claim> => {
  const claim = await claimOne(database(), worker, table, id);
  if (!claim) throw new Error(`${table} ${id} cannot be claimed`);
  return claim;
};
const step = async (id: string, dataLooks: Record<HowLong, LookPlaces>): Promise<void> => {
  const claim = await claimOf('savepoint', id);
  const followSavepoints = { follow: () => undefined };
  await advanceSavepoint({ database: database(), flinkClients, followSavepoints, dataLooks }, claim);
};
const rowOf = (table: 'savepoint' | 'job', id: string) =>
  database().row<Record<string, unknown> & { in_ms: number | null }>(
    `select *, (extract(epoch from look_at - now()) * 1000)::float8 as in_ms from ${table} where id = $1`,
    [id],
  );

describe('the data of a savepoint that has just completed, while others are looked at', () => {
  it('are left for later, and its details are written without them', async () => {
    const id = await completed({ details: 'NOT_YET_REPORTED' });
    await step(id, { QUICK: full, LONG: full });
    const row = await rowOf('savepoint', id);
    expect(row).toMatchObject({ details: 'NEVER_REPORTED', data: 'NOT_CHECKED', data_checked_at: null });
    expect(row?.in_ms).toBeLessThanOrEqual(0);
  });

  it.each([
    [3_000, 1_000, 2_000],
    [600_000, 15_000, 30_000],
  ])('are looked at when there is room: after %d ms it comes again within %d and %d ms', async (ageMs, least, most) => {
    const id = await completed({ details: 'REPORTED', flink_checkpoint_id: 7 }, ageMs);
    await step(id, { QUICK: placesFor(1), LONG: full });
    const row = await rowOf('savepoint', id);
    expect(row).toMatchObject({ data: 'NOT_CHECKED', data_checked_at: null });
    expect(row?.in_ms).toBeGreaterThan(least - 500);
    expect(row?.in_ms).toBeLessThanOrEqual(most);
    await step(id, { QUICK: full, LONG: placesFor(1) });
    expect(await rowOf('savepoint', id)).toMatchObject({ data: 'PRESENT', look_at: null });
  });

  it('take no more places than there are, and give them back', async () => {
    const places = placesFor(2);
    const ids = await Promise.all(
      Array.from({ length: 6 }, () => completed({ details: 'REPORTED', flink_checkpoint_id: 7 })),
    );
    const held: (() => void)[] = [];
    const slow: LookPlaces = {
      enter: () => {
        const place = places.enter();
        return (
          place && {
            hold: async (claim, call) => {
              await new Promise<void>((go) => held.push(go));
              return place.hold(claim, call);
            },
            leave: () => place.leave(),
          }
        );
      },
    };
    const steps = ids.map((id) => step(id, { QUICK: full, LONG: slow }));
    await waitFor(async () => (await waitingOf(ids)) === 4, { what: 'four to find no room' });
    expect(held).toHaveLength(2);
    held.forEach((go) => go());
    await Promise.all(steps);
    expect([places.enter(), places.enter(), places.enter()].map((place) => place !== null)).toEqual([
      true,
      true,
      false,
    ]);
  });
});

const waitingOf = async (ids: string[]): Promise<number> => {
  const row = await database().row<{ n: number }>(
    `select count(*)::int as n from savepoint where id = any($1) and claimed_until is null and look_at > now()`,
    [ids],
  );
  return row?.n ?? 0;
};

describe('the first snapshot of a run, while those of others are read', () => {
  const dueFor = async (ms: number) => {
    const { jobId } = scene.run;
    await database().changed(
      `update job set own_look = 'DUE', own_look_since = now() - $2 * interval '1 ms', look_at = now() where id = $1`,
      [jobId, ms],
    );
    const snapshotLooks = { beforeStart: placesFor(8), afterStart: full };
    await lookAfterStart({ database: database(), snapshotLooks }, await claimOf('job', jobId));
    return rowOf('job', jobId);
  };

  it.each([
    [0, 1_000, 2_000],
    [3_600_000, 15_000, 30_000],
  ])('waits the longer the longer it has waited: after %d ms within %d and %d ms', async (ms, least, most) => {
    const row = await dueFor(ms);
    expect(row).toMatchObject({ own_look: 'DUE', failures: 0 });
    expect(row?.in_ms).toBeGreaterThan(least - 500);
    expect(row?.in_ms).toBeLessThanOrEqual(most);
  });

  it('has time left in which it is tried, however long it has waited', async () => {
    const row = await dueFor(3_600_000);
    const triedForMs = Date.now() - (row?.own_look_since as Date).getTime();
    expect(triedForMs).toBeGreaterThan(60_000);
    expect(triedForMs).toBeLessThan(3 * 60_000);
  });
});
