import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdir, mkdtemp, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import type { Data } from '../support/graphql-client.js';
import { hang, type HangingStorage } from '../support/hanging-storage.js';
import { COUNTER_FILE, heldByCounter } from '../support/held-state.js';
import * as written from '../support/metadata-writer.js';
import { createSavepoint, endOfSavepoint, type Scenario } from '../support/scenario.js';
import { deploymentOn } from '../support/savepoint-scenario.js';
import { askToStart, eventTypesOf, jobIn, jobOf, runCalls } from '../support/start-scenario.js';
import { askToStop } from '../support/stop-scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { waitFor } from '../support/wait-for.js';

let stateward: Stateward;
let flink: FakeFlink;
let folder: string;
let scenario: Scenario;
let hanging: HangingStorage | null = null;
beforeAll(async () => {
  stateward = await startStateward();
});
afterAll(() => stateward.stop());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stateward-before-'));
  flink = await startFakeFlink({ folder });
  flink.knobs.held = heldByCounter;
  scenario = await deploymentOn(stateward, flink);
});
afterEach(async () => {
  hanging?.answer();
  hanging = null;
  await flink.stop();
  await rm(folder, { recursive: true, force: true });
});

const pathOf = ({ location }: Data, file: string): string => join(location.replace(/^file:/, ''), file);

/** A savepoint of a run that has ended. */
async function savepointLeft(): Promise<Data> {
  const { id } = await createSavepoint(stateward, scenario.deploymentId);
  const savepoint = await endOfSavepoint(stateward, id);
  expect(savepoint).toMatchObject({ state: 'COMPLETED' });
  flink.job(scenario.flinkJobId).setState('CANCELED');
  await jobIn(stateward, scenario.jobId, 'CANCELLED');
  return savepoint;
}

/** A checkpoint of a run that has ended. */
async function checkpointLeft(): Promise<void> {
  flink.job(scenario.flinkJobId).completeCheckpoint();
  await waitFor(
    () =>
      stateward.services.database.row('select 1 from checkpoint where job_id = $1 and location is not null', [
        scenario.jobId,
      ]),
    { what: 'the checkpoint to be recorded', timeoutMs: 20_000 },
  );
  flink.job(scenario.flinkJobId).setState('CANCELED');
  await jobIn(stateward, scenario.jobId, 'CANCELLED');
}

const leftIsRead = () =>
  waitFor(
    () => stateward.services.database.row('select 1 from retained_checkpoint where job_id = $1', [scenario.jobId]),
    { what: 'what was left to be read', timeoutMs: 20_000 },
  );

const start = (savepoint: Data, more: object = {}): Promise<Data> =>
  askToStart(stateward, scenario.deploymentId, { strategy: 'FROM_SAVEPOINT', savepointId: savepoint.id, ...more });

async function looked(jobId: string): Promise<Data> {
  const { job } = await stateward.ask(
    `query($id: ID!) { job(id: $id) { state failureCode failureMessage waitingFor stateLook { result why asOf } } }`,
    { id: jobId },
  );
  return job;
}

/** It has failed before anything was submitted. */
async function expectRefused(jobId: string): Promise<Data> {
  const before = runCalls(flink).length;
  await jobIn(stateward, jobId, 'FAILED');
  const job = await looked(jobId);
  expect(job).toMatchObject({ failureCode: 'STATE_DAMAGED', stateLook: { result: 'DAMAGED' } });
  expect(runCalls(flink)).toHaveLength(before);
  expect(flink.jarIds).toEqual([]);
  return job;
}

const dataOf = async ({ id }: Data) =>
  (await stateward.services.database.row<{ data: string }>('select data from savepoint where id = $1', [id]))?.data;

const dataOfLeft = async () =>
  (
    await stateward.services.database.row<{ data: string }>('select data from retained_checkpoint where job_id = $1', [
      scenario.jobId,
    ])
  )?.data;

describe('before a start is submitted', () => {
  it('its state is looked at, and what it holds is kept', async () => {
    const savepoint = await savepointLeft();
    const { id } = await start(savepoint);
    expect(await jobOf(stateward, id, 20_000)).toMatchObject({ state: 'RUNNING' });
    const { stateLook } = await looked(id);
    expect(stateLook).toMatchObject({ result: 'WHOLE', why: null });
    expect(Date.parse(stateLook.asOf)).not.toBeNaN();
    const kept = await stateward.services.database.row<{ contents: Data }>(
      'select contents from snapshot_contents where savepoint_id = $1',
      [savepoint.id],
    );
    expect(kept?.contents.metadata.operators).toHaveLength(2);
    expect(kept?.contents.files).toMatchObject({ damaged: 0, files: 1 });
  });

  it('a file of its state that is gone ends it, and names the file, the remedy and another state', async () => {
    const other = await endOfSavepoint(stateward, (await createSavepoint(stateward, scenario.deploymentId)).id);
    const savepoint = await savepointLeft();
    await rm(pathOf(savepoint, COUNTER_FILE));
    const { id } = await start(savepoint);
    const { failureMessage } = await expectRefused(id);
    expect(failureMessage).toContain(`${COUNTER_FILE} is not there`);
    expect(failureMessage).toContain('Nothing was submitted');
    expect(failureMessage).toContain('ignoreFindings');
    expect(failureMessage).toContain(other.id);
    expect(await dataOf(savepoint)).toBe('DAMAGED');
    const types = await eventTypesOf(stateward, scenario.deploymentId);
    expect(types.slice(-3)).toEqual(['START_REQUESTED', 'SAVEPOINT_DATA_DAMAGED', 'JOB_FAILED']);
  });

  it('a file of its state that was cut short ends it too', async () => {
    const savepoint = await savepointLeft();
    await truncate(pathOf(savepoint, COUNTER_FILE), 100);
    const { failureMessage } = await expectRefused((await start(savepoint)).id);
    expect(failureMessage).toContain('has 100 of 500 bytes');
  });

  it('a _metadata that is gone from a proven storage ends it, and is recorded as missing', async () => {
    const savepoint = await savepointLeft();
    await rm(pathOf(savepoint, '_metadata'));
    const { failureMessage } = await expectRefused((await start(savepoint)).id);
    expect(failureMessage).toContain('its _metadata is gone');
    expect(await dataOf(savepoint)).toBe('MISSING');
  });

  it.each(['foreign bytes', 'truncated'])('a _metadata that cannot be read ends it: %s', async (what) => {
    const savepoint = await savepointLeft();
    if (what === 'truncated') await truncate(pathOf(savepoint, '_metadata'), 40);
    else await writeFile(pathOf(savepoint, '_metadata'), 'this is no metadata of Flink, whatever its name says');
    const { failureMessage } = await expectRefused((await start(savepoint)).id);
    expect(failureMessage).toContain('its _metadata cannot be read');
    expect(await dataOf(savepoint)).toBe('DAMAGED');
  });

  it('a _metadata of a later format is no damage: the start goes on, and says what was not looked at', async () => {
    const savepoint = await savepointLeft();
    await writeFile(
      pathOf(savepoint, '_metadata'),
      Buffer.concat([written.i32(written.MAGIC), written.i32(7), written.i64(1), Buffer.alloc(20)]),
    );
    flink.knobs.writesFiles = false; // this Flink takes it
    const { id } = await start(savepoint);
    expect(await jobOf(stateward, id, 20_000)).toMatchObject({ state: 'RUNNING' });
    expect((await looked(id)).stateLook).toMatchObject({ result: 'NOT_TOLD' });
    const told = await stateward.services.database.row<{ message: string }>(
      `select message from event where job_id = $1 and type = 'JOB_SUBMITTED'`,
      [id],
    );
    expect(told?.message).toContain('not told');
    expect(await dataOf(savepoint)).not.toBe('DAMAGED');
  });

  it('what is damaged is tried all the same where findings are to be ignored', async () => {
    const savepoint = await savepointLeft();
    await rm(pathOf(savepoint, COUNTER_FILE));
    const { id } = await start(savepoint, { ignoreFindings: true });
    expect(await jobOf(stateward, id, 20_000)).toMatchObject({ state: 'RUNNING' });
    expect((await looked(id)).stateLook).toMatchObject({ result: 'DAMAGED' });
  });

  it.each([
    ['cut short', 'FAILED'],
    ['gone, in a storage that is not proven', 'RUNNING'],
  ])('a file of a checkpoint that the last run left behind counts too: %s', async (what, state) => {
    const { database } = stateward.services;
    await checkpointLeft();
    await leftIsRead();
    // what was seen when the run had ended has proven the storage
    if (state === 'RUNNING') await database.changed(`update storage set read_state = 'UNPROVEN'`);
    const file = join(folder, 'checkpoints', scenario.flinkJobId, 'chk-1', COUNTER_FILE);
    await (what === 'cut short' ? truncate(file, 1) : rm(file));
    const asked = await askToStart(stateward, scenario.deploymentId, { strategy: 'LATEST_STATE' });
    expect(asked).toMatchObject({ __typename: 'Job' });
    const job = await jobIn(stateward, asked.id, state);
    if (state === 'FAILED') expect(job).toMatchObject({ failureCode: 'STATE_DAMAGED' });
    else expect((await looked(asked.id)).stateLook).toMatchObject({ result: 'NOT_TOLD' });
    const kept = await database.row<{ contents: Data }>(`select contents from snapshot_contents where path like $1`, [
      `${scenario.flinkJobId}/chk-1`,
    ]);
    expect(kept?.contents.files).toMatchObject(state === 'FAILED' ? { damaged: 1 } : { damaged: 0, notReached: 1 });
  });

  it.each(['a savepoint', 'a retained checkpoint'])(
    'a mount that is away takes %s for neither missing nor damaged',
    async (what) => {
      const { database } = stateward.services;
      const isSavepoint = what === 'a savepoint';
      const savepoint = isSavepoint ? await savepointLeft() : await checkpointLeft();
      const root = join(folder, isSavepoint ? 'savepoints' : 'checkpoints');
      await database.changed(
        `update storage set read_state = 'PROVEN' where id in (select storage_id from storage_root where cluster_id = $1)`,
        [scenario.clusterId],
      );
      if (!isSavepoint) await leftIsRead();
      await rename(root, `${root}-away`);
      await mkdir(root);
      flink.knobs.writesFiles = false; // this Flink sees it
      const { id } = await askToStart(stateward, scenario.deploymentId, { strategy: 'LATEST_STATE' });
      expect(await jobOf(stateward, id, 20_000)).toMatchObject({ state: 'RUNNING' });
      const { stateLook } = await looked(id);
      expect(stateLook).toMatchObject({ result: 'NOT_TOLD', why: expect.stringContaining('not be mounted') });
      await rm(root, { recursive: true });
      await rename(`${root}-away`, root);
      if (savepoint) expect(await dataOf(savepoint)).toBe('PRESENT');
      else expect(await dataOfLeft()).not.toBe('MISSING');
    },
  );

  it('a checkpoint that was not there once, and was brought back, is taken by its name, and is there again', async () => {
    const { database } = stateward.services;
    await checkpointLeft();
    await leftIsRead();
    await database.changed(
      `update storage set read_state = 'PROVEN' where id in (select storage_id from storage_root where cluster_id = $1)`,
      [scenario.clusterId],
    );
    const left = join(folder, 'checkpoints', scenario.flinkJobId, 'chk-1');
    await rename(left, `${left}-away`);
    const from = { strategy: 'FROM_CHECKPOINT', checkpointId: `${scenario.jobId}:1` };
    for (const start of [{ strategy: 'LATEST_STATE' }, from]) {
      const asked = await askToStart(stateward, scenario.deploymentId, start);
      expect(asked).toMatchObject({ __typename: 'Job' });
      await expectRefused(asked.id);
      expect(await dataOfLeft()).toBe('MISSING');
    }
    expect(await askToStart(stateward, scenario.deploymentId, { strategy: 'LATEST_STATE' })).toMatchObject({
      code: 'NO_RESTORABLE_STATE',
    });
    await rename(`${left}-away`, left);
    const { id } = await askToStart(stateward, scenario.deploymentId, from);
    expect(await jobOf(stateward, id, 20_000)).toMatchObject({ state: 'RUNNING' });
    expect((await looked(id)).stateLook).toMatchObject({ result: 'WHOLE' });
    expect(await dataOfLeft()).toBe('PRESENT');
  });

  it('a _metadata that begins as none does and was never read stops nothing, and that is said', async () => {
    const savepoint = await savepointLeft();
    await stateward.services.database.changed('delete from snapshot_contents where savepoint_id = $1', [savepoint.id]);
    await writeFile(pathOf(savepoint, '_metadata'), 'this is what an encrypted one may look like, for all one knows');
    flink.knobs.writesFiles = false; // this Flink reads it
    const { id } = await start(savepoint);
    expect(await jobOf(stateward, id, 20_000)).toMatchObject({ state: 'RUNNING' });
    const { stateLook } = await looked(id);
    expect(stateLook).toMatchObject({ result: 'NOT_TOLD', why: expect.stringContaining('encrypted') });
    expect(await dataOf(savepoint)).toBe('PRESENT');
  });

  it('a storage that hangs is not waited for without end: the start goes on, and says so', async () => {
    const savepoint = await savepointLeft();
    hanging = hang(`${folder}/savepoints`);
    const { id } = await start(savepoint);
    expect(await jobOf(stateward, id, 50_000)).toMatchObject({ state: 'RUNNING' });
    expect((await looked(id)).stateLook).toMatchObject({ result: 'NOT_TOLD' });
  }, 70_000);

  it('a stop withdraws it while the look still runs', async () => {
    const savepoint = await savepointLeft();
    const before = runCalls(flink).length;
    hanging = hang(`${folder}/savepoints`);
    const { id } = await start(savepoint);
    await waitFor(async () => /files of its state/.test((await looked(id)).waitingFor ?? ''), {
      what: 'the look to begin',
    });
    await askToStop(stateward, scenario.deploymentId, { mode: 'WITHOUT_SAVEPOINT', acceptStateLoss: true });
    expect(await jobOf(stateward, id, 20_000, 'ENDED')).toMatchObject({ state: 'CANCELLED' });
    expect(runCalls(flink)).toHaveLength(before);
  }, 70_000);
});
