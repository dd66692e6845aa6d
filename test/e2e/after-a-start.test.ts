import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { type Claim, ClaimLost, wake } from '../../src/db/claims.js';
import { operatorIdOf } from '../../src/flink/operator-id.js';
import { lookAfterStart } from '../../src/run/look-after-start.js';
import type { LookPlaces } from '../../src/savepoint/savepoint-deps.js';
import type { Data } from '../support/graphql-client.js';
import { heldByCounter, heldWithoutUid } from '../support/held-state.js';
import { createSavepoint, endOfSavepoint, type Scenario } from '../support/scenario.js';
import { deploymentOn } from '../support/savepoint-scenario.js';
import { askToStart, eventTypesOf, jobIn, jobOf } from '../support/start-scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { waitFor } from '../support/wait-for.js';

let stateward: Stateward;
let flink: FakeFlink;
let folder: string;
let scenario: Scenario;
beforeAll(async () => {
  stateward = await startStateward();
});
afterAll(() => stateward.stop());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stateward-after-'));
});
afterEach(async () => {
  await flink.stop();
  await rm(folder, { recursive: true, force: true });
});

async function onFlink(options: Parameters<typeof startFakeFlink>[0] = {}): Promise<void> {
  flink = await startFakeFlink({ folder, ...options });
  flink.knobs.held = heldByCounter;
  scenario = await deploymentOn(stateward, flink);
}

async function restored(more: object): Promise<Data> {
  const savepoint = await endOfSavepoint(stateward, (await createSavepoint(stateward, scenario.deploymentId)).id);
  flink.job(scenario.flinkJobId).setState('CANCELED');
  await jobIn(stateward, scenario.jobId, 'CANCELLED');
  const start = { strategy: 'FROM_SAVEPOINT', savepointId: savepoint.id, ...more };
  const { id } = await askToStart(stateward, scenario.deploymentId, start);
  const job = await jobOf(stateward, id, 20_000);
  expect(job).toMatchObject({ state: 'RUNNING' });
  return { ...job, savepoint };
}

const OPERATOR = 'id name uid stateBytes';
const checkOf = async (jobId: string): Promise<Data> =>
  (
    await stateward.ask(
      `query($id: ID!) { job(id: $id) { restoreCheck { state why asOf startedEmpty { ${OPERATOR} } dropped { ${OPERATOR} }
         underAnotherId { ${OPERATOR} } emptied { ${OPERATOR} } notPlanned { ${OPERATOR} } } } }`,
      { id: jobId },
    )
  ).job.restoreCheck;

const uidsOf = async (): Promise<Data> =>
  (
    await stateward.ask(
      `query($id: ID!) { deployment(id: $id) { uidReport { state why asOf source operators { ${OPERATOR} parallelism } } } }`,
      { id: scenario.deploymentId },
    )
  ).deployment.uidReport;

const looked = (jobId: string): Promise<unknown> =>
  waitFor(() => stateward.services.database.row(`select 1 from job where id = $1 and own_look = 'DONE'`, [jobId]), {
    what: `the first snapshot of job ${jobId} to be read`,
    timeoutMs: 20_000,
  });

async function checkpointed({ id, flinkJobId }: Data): Promise<Data> {
  flink.job(flinkJobId).completeCheckpoint();
  await looked(id);
  return checkOf(id);
}

const times = async (type: string): Promise<number> =>
  (await eventTypesOf(stateward, scenario.deploymentId)).filter((one) => one === type).length;

describe('when the first checkpoint of a run has completed', () => {
  it('a changed uid shows: what started empty, and what was dropped', async () => {
    await onFlink();
    const more = { allowNonRestoredState: true, programArguments: ['--counter-uid', 'counter-2'] };
    const job = await restored(more);
    expect(await checkOf(job.id)).toMatchObject({ state: 'PENDING', asOf: null });
    const check = await checkpointed(job);
    expect(check).toMatchObject({
      state: 'DIFFERS',
      startedEmpty: [{ id: operatorIdOf('counter-2'), uid: 'counter-2', stateBytes: 500 }],
      dropped: [{ id: operatorIdOf('counter'), uid: 'counter', stateBytes: 500 }],
      underAnotherId: [],
    });
    expect(Date.parse(check.asOf)).not.toBeNaN();
    flink.job(job.flinkJobId).completeCheckpoint();
    const event = await stateward.services.database.row<{ message: string; savepoint_id: string }>(
      `select message, savepoint_id from event where job_id = $1 and type = 'RESTORE_DIFFERS'`,
      [job.id],
    );
    expect(event?.message).toContain('1 operator started empty: operator counter-2');
    expect(event?.message).toContain(job.savepoint.location);
    expect(event?.savepoint_id).toBe(job.savepoint.id);
    expect(await times('RESTORE_DIFFERS')).toBe(1);
  });

  it('a run that has all of its state is the same, and no word is lost about it', async () => {
    await onFlink();
    const check = await checkpointed(await restored({}));
    expect(check).toMatchObject({ state: 'SAME', why: null, startedEmpty: [], dropped: [] });
    expect(await times('RESTORE_DIFFERS')).toBe(0);
    expect(await times('UIDS_NOT_SET')).toBe(0);
  });

  it('is read although it was subsumed before Stateward saw it: the newest one is', async () => {
    await onFlink();
    const job = await restored({});
    for (let n = 0; n < 5; n += 1) flink.job(job.flinkJobId).completeCheckpoint();
    expect(await checkpointed(job)).toMatchObject({ state: 'SAME' });
  });

  it('a run without state has nothing to compare, and its uids are told', async () => {
    await onFlink();
    expect(await uidsOf()).toMatchObject({ state: 'NOT_TOLD', asOf: null, source: null });
    expect(await checkpointed({ id: scenario.jobId, flinkJobId: scenario.flinkJobId })).toBeNull();
    const report = await uidsOf();
    expect(report).toMatchObject({ state: 'ALL_SET', why: null, operators: [] });
    expect(report.source).toMatch(/^checkpoint file:.*\/chk-1 of run 1$/);
  });

  it('operators with state and without uid are warned of once, with what to do', async () => {
    await onFlink();
    flink.knobs.held = heldWithoutUid;
    await checkpointed({ id: scenario.jobId, flinkJobId: scenario.flinkJobId });
    const report = await uidsOf();
    expect(report).toMatchObject({
      state: 'SOME_NOT_SET',
      operators: [{ id: 'c'.repeat(32), name: 'counter', uid: null, stateBytes: 500, parallelism: 1 }],
    });
    expect(report.why).toContain('setUidHash');
    expect(await times('UIDS_NOT_SET')).toBe(1);
  });

  it('a job that somebody else has started is compared too, though it is not known what it might drop', async () => {
    await onFlink();
    const { database } = stateward.services;
    const savepoint = await endOfSavepoint(stateward, (await createSavepoint(stateward, scenario.deploymentId)).id);
    const program = { counterUid: 'counter-2', maxParallelism: null };
    const flinkJobId = flink.addJob({ name: 'theirs', state: 'RUNNING', program });
    flink.job(flinkJobId).checkpoints.restoreFrom({ id: savepoint.flinkCheckpointId, location: savepoint.location });
    const { adoptJob } = await stateward.ask(
      `mutation($input: AdoptJobInput!) { adoptJob(input: $input) { __typename ... on Deployment { id } } }`,
      { input: { name: randomUUID(), clusterId: scenario.clusterId, flinkJobId } },
    );
    const { id } = await waitFor(
      async () => {
        await wake(database, 'cluster', scenario.clusterId);
        return database.row<{ id: string }>('select id from job where deployment_id = $1 and restored_at is not null', [
          adoptJob.id,
        ]);
      },
      { what: 'the job to be adopted, and its source to be seen', timeoutMs: 20_000 },
    );
    expect(await checkpointed({ id, flinkJobId })).toMatchObject({
      state: 'DIFFERS',
      startedEmpty: [{ uid: 'counter-2' }],
      dropped: [{ uid: 'counter' }],
    });
  });

  it('of 1.20, which writes no uids, is no basis to tell of them', async () => {
    await onFlink({ version: '1.20.5' });
    flink.knobs.held = null;
    await checkpointed({ id: scenario.jobId, flinkJobId: scenario.flinkJobId });
    const report = await uidsOf();
    expect(report).toMatchObject({ state: 'NOT_TOLD' });
    expect(report.why).toContain('before 2.0');
  });

  it('and lies in the memory of the JobManager, nothing is told, and why', async () => {
    await onFlink({ checkpointRoot: null });
    const job = await restored({});
    const check = await checkpointed(job);
    expect(check).toMatchObject({ state: 'NOT_TOLD' });
    expect(check.why).toContain('memory of the JobManager');
    expect(await times('RESTORE_DIFFERS')).toBe(0);
  });

  it('a worker that has lost the row while it read writes nothing, and the next one tells once', async () => {
    await onFlink();
    const job = await restored({ allowNonRestoredState: true, programArguments: ['--counter-uid', 'counter-2'] });
    await checkpointed(job);
    const { database } = stateward.services;
    const claim = async (due: string): Promise<Claim> => {
      const row = await database.row<{ claim: string; wakes: number }>(
        `update job set ${due} claim = claim + 1, claimed_until = now() + interval '1 min', look_at = now() + interval '1 min'
          where id = $1 returning claim, wakes`,
        [job.id],
      );
      return { table: 'job', id: job.id, claim: Number(row?.claim), wakes: row?.wakes ?? 0, claimedAt: Date.now() };
    };
    const late = await claim(`own_look = 'DUE', own_look_since = now(), own_snapshot = null, restore_check = null,`);
    let next = late;
    const looks = (before: () => Promise<void>) =>
      ({
        enter: () => ({
          hold: async (_, call) => {
            await before();
            return call(new AbortController().signal);
          },
          leave: () => undefined,
        }),
      }) satisfies LookPlaces;
    const lookIn = (afterStart: LookPlaces, one: Claim) =>
      lookAfterStart({ database, snapshotLooks: { beforeStart: afterStart, afterStart } }, one);
    const takenOver = lookIn(
      looks(async () => void (next = await claim(''))),
      late,
    );
    await expect(takenOver).rejects.toBeInstanceOf(ClaimLost);
    expect(await checkOf(job.id)).toMatchObject({ state: 'PENDING' });
    await lookIn(
      looks(async () => undefined),
      next,
    );
    expect(await checkOf(job.id)).toMatchObject({ state: 'DIFFERS' });
    expect(await times('RESTORE_DIFFERS')).toBe(2); // of the look of the product before, and of the second one here
  });
});
