import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { claimOne } from '../../src/db/claims.js';
import { KeptClaims } from '../../src/db/kept-claims.js';
import { advanceStart } from '../../src/run/advance-start.js';
import { LongCalls } from '../../src/run/long-calls.js';
import type { Data } from '../support/graphql-client.js';
import { SNAPSHOTS } from '../support/metadata-files.js';
import { createDeployment, registerCluster, uploadJob } from '../support/scenario.js';
import { askToStart, eventTypesOf, runCalls } from '../support/start-scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';

let stateward: Stateward;
let flink: FakeFlink;
let clusterId: string;
let jobId: string;
let deploymentId: string;
beforeAll(async () => {
  stateward = await startStateward({ worker: false });
});
afterAll(() => stateward.stop());
beforeEach(async () => {
  flink = await startFakeFlink();
  clusterId = await registerCluster(stateward, flink.url, randomUUID());
  deploymentId = await createDeployment(stateward, clusterId, await uploadJob(stateward), randomUUID());
  const location = `${flink.savepointRoot}/savepoint-012345-abcdef`;
  await cp(join(SNAPSHOTS, '2.3.0', 'canonical-hashmap'), location.replace(/^file:/, ''), { recursive: true });
  jobId = (await askToStart(stateward, deploymentId, { strategy: 'FROM_LOCATION', location })).id;
});
afterEach(() => flink.stop());

const database = () => stateward.services.database;
const now = () =>
  database().row<Data>(
    'select state, waiting_for, state_look, state_look_awaited_since as since from job where id = $1',
    [jobId],
  );

/** One step of the start, by a worker where every place among the looks is taken, unless told otherwise. */
async function step(places = 0): Promise<void> {
  const { flinkClients, config, log } = stateward.services;
  const workerId = randomUUID();
  await database().changed(
    `insert into cluster_lease (cluster_id, owner, owned_until) values ($1, $2, now() + interval '1 min')
     on conflict (cluster_id) do update set owner = excluded.owner, owned_until = excluded.owned_until`,
    [clusterId, workerId],
  );
  const keptClaims = new KeptClaims(database(), workerId, (error) => {
    throw error;
  });
  const claim = await claimOne(database(), workerId, 'job', jobId);
  if (!claim) throw new Error('nobody else has it');
  const longCalls = new LongCalls(keptClaims, 1);
  const beforeStart = new LongCalls(keptClaims, places);
  const snapshotLooks = { beforeStart, afterStart: new LongCalls(keptClaims, 1) };
  await advanceStart({ database: database(), flinkClients, longCalls, snapshotLooks, config, log }, claim);
}
const waited = (seconds: number) =>
  database().changed(
    `update job set state_look_awaited_since = state_look_awaited_since - $2 * interval '1 s' where id = $1`,
    [jobId, seconds],
  );

describe('a start whose state no worker has a place to look at', () => {
  it('waits for one, a minute at most: then it goes on, and says so', async () => {
    await step();
    const first = await now();
    expect(first).toMatchObject({ state: 'SUBMITTING', waiting_for: 'looks of this worker at other states' });
    await waited(55);
    await step();
    expect(await now()).toMatchObject({ state: 'SUBMITTING', state_look: null });
    expect(runCalls(flink)).toEqual([]);
    await waited(6);
    await step();
    expect(await now()).toMatchObject({
      state: 'INITIALIZING',
      state_look: { result: 'NOT_TOLD', why: 'no place to look was free for 60 s' },
      since: null,
    });
    expect(runCalls(flink)).toHaveLength(1);
    expect((await eventTypesOf(stateward, deploymentId)).at(-1)).toBe('JOB_SUBMITTED');
    const told = await database().row<Data>(`select message from event where job_id = $1 and type = 'JOB_SUBMITTED'`, [
      jobId,
    ]);
    expect(told?.message).toContain('no place to look was free for 60 s');
  });

  it('looks all the same when one becomes free, however long it took', async () => {
    await step();
    await waited(120);
    await step(1);
    expect(await now()).toMatchObject({
      state_look: { result: expect.stringMatching(/WHOLE|NOT_TOLD/), why: expect.not.stringContaining('no place') },
      since: null,
    });
  });
});
