import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import type { Data } from '../support/graphql-client.js';
import {
  endRun,
  insertAccount,
  insertCheckpoint,
  insertLeftBehind,
  insertRun,
  type Run,
} from '../support/history-rows.js';
import { mutate } from '../support/mutate.js';
import { createDeployment, registerCluster, uploadJob } from '../support/scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';

let stateward: Stateward;
let artifactId: string;
let flink: FakeFlink;
let clusterId: string;
let deploymentId: string;
let root: string;
beforeAll(async () => {
  stateward = await startStateward({ worker: false });
  artifactId = await uploadJob(stateward);
});
afterAll(() => stateward.stop());
beforeEach(async () => {
  root = `s3://${randomUUID()}/state`;
  flink = await startFakeFlink({ savepointRoot: `${root}/savepoints`, checkpointRoot: `${root}/checkpoints` });
  clusterId = await registerCluster(stateward, flink.url, randomUUID());
  deploymentId = await createDeployment(stateward, clusterId, artifactId, randomUUID());
});
afterEach(() => flink.stop());

const changed = (text: string, values: unknown[]) => stateward.services.database.changed(text, values);

async function plan(start: object): Promise<Data> {
  const { restorePlan } = await stateward.ask(
    `query($id: ID!, $start: StartInput!) { restorePlan(deploymentId: $id, start: $start) { __typename
       ... on RestorePlan { state { kind location takenAt savepoint { id } takenBy { id } } findings { code } }
       ... on UserError { code message } ... on CheckpointOfLiveJob { jobId flinkJobId } ... on InvalidInput { field } } }`,
    { id: deploymentId, start },
  );
  return restorePlan;
}
const from = (location: string) => plan({ strategy: 'FROM_LOCATION', location });

const storageAt = (uri: string): Promise<Data> =>
  mutate(stateward, 'createStorage', { name: randomUUID(), roots: [{ clusterId, uri }] }, '... on Storage { id }');
const imported = (location: string, storageId?: string): Promise<Data> =>
  mutate(stateward, 'importSavepoint', { location, storageId }, '... on Savepoint { id storage { id } }');

const T = new Date('2026-11-01T00:00:00Z');
const runHere = (columns: Record<string, unknown> = {}): Promise<Run> =>
  insertRun(stateward.services.database, columns, { clusterId, deploymentId });
const placeOf = ({ jobId }: Run, id: number) => `${root}/checkpoints/${jobId.replaceAll('-', '')}/chk-${id}`;

describe('a savepoint that is recorded, named by its location', () => {
  it.each(['DELETING', 'DELETION_FAILED'])(
    'is not started from while it is %s, in whichever storage it is recorded',
    async (state) => {
      const { id } = await imported(`${root}/savepoints/team/savepoint-1`);
      await storageAt(`${root}/savepoints/team`); // nearer to it than the one that it is recorded in
      await changed('update savepoint set state = $2 where id = $1', [id, state]);
      const refused = await from(`${root.replace('s3:', 's3a:')}//savepoints/team/savepoint-1/_metadata`);
      expect(refused).toMatchObject({ code: 'SNAPSHOT_NOT_RESTORABLE' });
      expect(refused.message).toContain(`${id} cannot be restored from: it is ${state}`);
    },
  );

  it('is what its entry in the history stands for: FROM_CHECKPOINT takes it no more than FROM_SAVEPOINT would', async () => {
    const run = await runHere({ state: 'CANCELLED' });
    const location = `${root}/savepoints/savepoint-1`;
    const { id } = await imported(location);
    await changed(
      `insert into checkpoint (job_id, triggered_at, flink_checkpoint_id, deployment_id, kind, type, state, ended_at, checkpointed_bytes,
                               state_bytes, subtasks, acknowledged_subtasks, location, savepoint_id)
       values ($1, now(), 5, $2, 'SAVEPOINT', 'SAVEPOINT', 'COMPLETED', now(), 1, 1, 1, 1, $3, $4)`,
      [run.jobId, deploymentId, location, id],
    );
    const start = { strategy: 'FROM_CHECKPOINT', checkpointId: `${run.jobId}:5` };
    expect(await plan(start)).toMatchObject({ state: { savepoint: { id } } });
    await changed('update savepoint set drained = true where id = $1', [id]);
    expect(await plan(start)).toMatchObject({ code: 'STATE_IS_DRAINED' });
    await changed(`update savepoint set state = 'DELETING' where id = $1`, [id]);
    expect(await plan(start)).toMatchObject({ code: 'SNAPSHOT_NOT_RESTORABLE' });
  });

  it('needs acceptDrained where it is drained, recorded in the outer one or in the inner one', async () => {
    const outer = await imported(`${root}/savepoints/team/savepoint-1`);
    const made = await storageAt(`${root}/savepoints/team`);
    const inner = await imported(`${root}/savepoints/team/savepoint-2`);
    expect(inner.storage.id).toBe(made.id);
    await changed('update savepoint set drained = true where id = any($1)', [[outer.id, inner.id]]);
    for (const name of ['savepoint-1', 'savepoint-2'])
      expect(await from(`${root}/savepoints/team/${name}`)).toMatchObject({ code: 'STATE_IS_DRAINED' });
  });

  it('is known where it lay outside all storages when it was made', async () => {
    const run = await runHere({ state: 'CANCELLED' });
    const location = `${root}/elsewhere/savepoint-1`;
    const id = randomUUID();
    await changed(
      `insert into savepoint (id, deployment_id, job_id, cluster_id, origin, state, format, actor, location, drained)
       values ($1, $2, $3, $4, 'MANUAL', 'COMPLETED', 'CANONICAL', 'test', $5, true)`,
      [id, deploymentId, run.jobId, clusterId, location],
    );
    await storageAt(`${root}/elsewhere`);
    expect(await from(location)).toMatchObject({ code: 'STATE_IS_DRAINED' });
  });

  it('may be started from though it was given up, and a drain is not forgotten', async () => {
    const run = await runHere({ state: 'CANCELLED' });
    const storage = await storageAt(`${root}/more`);
    const id = randomUUID();
    const directory = `${deploymentId}/${id}/1`;
    await changed(
      `insert into savepoint (id, deployment_id, job_id, cluster_id, origin, state, format, actor, attempt, look_at, drained, failure_code)
       values ($1, $2, $3, $4, 'STOP', 'FAILED', 'CANONICAL', 'test', 1, now() + interval '1 h', true, 'RESULT_LOST')`,
      [id, deploymentId, run.jobId, clusterId],
    );
    await changed(
      `insert into savepoint_attempt (savepoint_id, number, trigger_id, storage_id, directory, stored_at) values ($1, 1, $2, $3, $4, now())`,
      [id, id.replaceAll('-', ''), storage.id, directory],
    );
    const location = `${root}/more/${directory}/savepoint-1`;
    expect(await from(location)).toMatchObject({ code: 'STATE_IS_DRAINED' });
    expect(await plan({ strategy: 'FROM_LOCATION', location, acceptDrained: true })).toMatchObject({
      state: { location, takenBy: { id: run.jobId } },
    });
    await changed(`update savepoint set state = 'IN_PROGRESS' where id = $1`, [id]);
    expect(await from(location)).toMatchObject({ code: 'SNAPSHOT_NOT_RESTORABLE' });
  });
});

it('a location that may lie in two storages is declined, with the ways out', async () => {
  const made = await storageAt(`${root}/other`);
  await changed('update storage_root set uri = $2 where storage_id = $1', [made.id, `${root}/savepoints/`]);
  const refused = await from(`${root}/savepoints/savepoint-1`);
  expect(refused).toMatchObject({ code: 'INVALID_INPUT', field: 'start.location' });
  expect(refused.message).toMatch(new RegExp(`${made.id}.*mergeStorages`));
});

describe('a checkpoint, named by its location', () => {
  it('of a live run is declined, its own or that of another deployment', async () => {
    const another = await createDeployment(stateward, clusterId, artifactId, randomUUID());
    const run = await insertRun(stateward.services.database, {}, { clusterId, deploymentId: another });
    const flinkJobId = run.jobId.replaceAll('-', '');
    const refused = await from(placeOf(run, 7).replace('s3:', 's3p:'));
    expect(refused).toMatchObject({ code: 'CHECKPOINT_OF_LIVE_JOB', jobId: run.jobId, flinkJobId });
    expect(refused.message).toContain('Take a savepoint');
    await endRun(stateward.services.database, run);
    expect(await from(placeOf(run, 7))).toMatchObject({ state: { kind: 'CHECKPOINT', location: placeOf(run, 7) } });
  });

  it('of a live job that is no run of ours is declined', async () => {
    const flinkJobId = randomUUID().replaceAll('-', '');
    await changed(
      `insert into foreign_job (cluster_id, flink_job_id, name, state, started_at) values ($1, $2, 'theirs', 'RUNNING', now())`,
      [clusterId, flinkJobId],
    );
    const location = `${root}/checkpoints/${flinkJobId}/chk-1`;
    expect(await from(location)).toMatchObject({ code: 'CHECKPOINT_OF_LIVE_JOB', jobId: null, flinkJobId });
    await changed('delete from foreign_job where flink_job_id = $1', [flinkJobId]);
    expect(await from(location)).toMatchObject({ state: { location } });
  });

  it('counts as what is recorded of it: its run and its time, or that Flink has deleted it; one that was not there once is looked for anew', async () => {
    const { database } = stateward.services;
    const run = await runHere();
    await insertCheckpoint(database, run, 3, T, { location: placeOf(run, 3), discarded: true });
    await insertCheckpoint(database, run, 4, T, { location: null, state: 'FAILED' });
    await insertLeftBehind(database, run, 5, T, { location: placeOf(run, 5) });
    await insertLeftBehind(database, run, 6, T, { location: placeOf(run, 6), data: 'MISSING' });
    await insertAccount(database, run, { last_completed_id: 5, last_completed_location: placeOf(run, 5) });
    await endRun(database, run);
    expect(await from(placeOf(run, 5))).toMatchObject({
      state: { kind: 'CHECKPOINT', takenAt: T.toISOString(), takenBy: { id: run.jobId } },
    });
    const refused = await from(placeOf(run, 3));
    expect(refused).toMatchObject({ code: 'SNAPSHOT_NOT_RESTORABLE', message: expect.stringContaining('deleted') });
    const planned = await from(placeOf(run, 6));
    expect(planned).toMatchObject({ state: { location: placeOf(run, 6), takenBy: { id: run.jobId } } });
    expect(await from(placeOf(run, 8))).toMatchObject({ state: { location: placeOf(run, 8), takenBy: null } });
  });

  it('without a job id in its path is that of a live run which writes beside it', async () => {
    const { database } = stateward.services;
    const run = await runHere();
    const at = (id: number) => `${root}/checkpoints/own/chk-${id}`;
    await insertAccount(database, run, { last_completed_id: 9, last_completed_location: at(9) });
    await changed(`update deployment set current_job_id = null where id = $1`, [deploymentId]);
    expect(await from(at(8))).toMatchObject({ code: 'CHECKPOINT_OF_LIVE_JOB', jobId: run.jobId });
    expect(await from(`${root}/checkpoints/another/chk-8`)).toMatchObject({ state: { kind: 'CHECKPOINT' } });
  });

  it('that is imported is declined too while its run is live, and once Flink has deleted it', async () => {
    const { database } = stateward.services;
    const run = await runHere({ state: 'CANCELLED' });
    const { id } = await imported(placeOf(run, 3));
    const start = { strategy: 'FROM_SAVEPOINT', savepointId: id };
    expect(await plan(start)).toMatchObject({ state: { kind: 'CHECKPOINT', savepoint: { id } } });
    await changed(`update job set state = 'RUNNING' where id = $1`, [run.jobId]);
    expect(await plan(start)).toMatchObject({ code: 'CHECKPOINT_OF_LIVE_JOB', jobId: run.jobId });
    await endRun(database, run);
    await insertCheckpoint(database, run, 3, T, { location: placeOf(run, 3), discarded: true });
    expect(await plan(start)).toMatchObject({ code: 'SNAPSHOT_NOT_RESTORABLE' });
  });
});
