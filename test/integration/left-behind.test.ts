import { describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import type { FakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { dataAt } from '../../src/checkpoint/look-at-storage.js';
import { disposalCalls } from '../support/deletion-scenario.js';
import type { Data } from '../support/graphql-client.js';
import { insertJob } from '../support/job-rows.js';
import {
  checkpointRootOf,
  disposalNow,
  disposePolicy,
  isThere,
  leaveBehind,
  onDisk,
  proveStorages,
  runLater,
  stepOfDisposal,
  stepsOfDisposal,
  sweep,
  writeCheckpoint,
} from '../support/left-behind-scenario.js';
import { eventTypes, mutate } from '../support/mutate.js';
import { eachOnOneCluster } from '../support/one-cluster.js';
import { createDeployment } from '../support/scenario.js';
import type { Stateward } from '../support/stateward.js';

let stateward: Stateward;
let flink: FakeFlink;
let clusterId: string;
let artifactId: string;
eachOnOneCluster((made) => ({ stateward, flink, clusterId, artifactId } = made));

const db = () => stateward.services.database;
const changed = (text: string, values: unknown[]) => stateward.services.database.changed(text, values);
const newDeployment = async () => ({
  clusterId,
  deploymentId: await createDeployment(stateward, clusterId, artifactId, randomUUID()),
});

async function preview(deploymentId: string, policy: object | null = { maxCount: 100, leftBehind: 'DISPOSE' }) {
  const { previewRetention } = await stateward.ask(
    `query($id: ID!, $policy: RetentionInput) { previewRetention(deploymentId: $id, policy: $policy) { __typename
       ... on RetentionPreview { leftBehindGoes { job { id } checkpoints bytes message }
         leftBehindStays { job { id } checkpoints bytes why message goesAt goesWhen } large previewToken }
       ... on UserError { code message } } }`,
    { id: deploymentId, policy },
  );
  return previewRetention as Data;
}

/** Why what a run has left is kept; null: it would go. */
async function whyKept(deploymentId: string, jobId: string): Promise<Data | null> {
  const { leftBehindGoes, leftBehindStays } = await preview(deploymentId);
  const kept = leftBehindStays.find(({ job }: Data) => job.id === jobId);
  if (!kept && !leftBehindGoes.some(({ job }: Data) => job.id === jobId))
    throw new Error('It is neither here nor there');
  return kept ?? null;
}

/** One that has left two checkpoints, and a later run that has had its own for more than a day. */
async function leftAndLater() {
  const where = await newDeployment();
  const left = await leaveBehind(stateward, flink, where);
  const later = await runLater(stateward, where);
  await proveStorages(stateward, clusterId);
  return { ...where, ...left, later };
}

describe('what an ended run has left behind', () => {
  it('is gone from the disk, all of it together, when a policy says so; and nothing is left to start from', async () => {
    const { deploymentId, jobId, locations } = await leftAndLater();
    const [first = '', second = ''] = locations;
    expect(await preview(deploymentId)).toMatchObject({
      leftBehindGoes: [
        { job: { id: jobId }, checkpoints: 2, bytes: 2000, message: expect.stringContaining('later run') },
      ],
      leftBehindStays: [],
      large: false,
    });
    await disposePolicy(stateward, deploymentId);
    await sweep(stateward, deploymentId);
    expect(await disposalNow(stateward, jobId)).toMatchObject({ state: 'WAITING', begun: false });
    const { job } = await stateward.ask('query($id: ID!) { job(id: $id) { leftBehindDisposal { state begun } } }', {
      id: jobId,
    });
    expect(job.leftBehindDisposal).toEqual({ state: 'WAITING', begun: false });
    const { checkpoint } = await stateward.ask(
      'query($id: ID!) { checkpoint(id: $id) { owner restorable { canBeRestored obstacle } deletable { obstacle } } }',
      { id: `${jobId}:2` },
    );
    expect(checkpoint).toEqual({
      owner: 'NOBODY',
      restorable: { canBeRestored: false, obstacle: 'BEING_DELETED' },
      deletable: { obstacle: 'BEING_DELETED' },
    });

    await stepsOfDisposal(stateward, jobId);
    expect(disposalCalls(flink)).toEqual(locations);
    expect(await disposalNow(stateward, jobId)).toMatchObject({ state: 'DONE', proof: 'EMPTY', left_bytes: null });
    expect([isThere(first), isThere(second), isThere(first.replace('chk-1', 'shared/common'))]).toEqual([
      false,
      false,
      false,
    ]);
    expect(await eventTypes(stateward, 'job_id', jobId)).toEqual(['LEFT_BEHIND_GOES', 'LEFT_BEHIND_GONE']);
    const { deployment } = await stateward.ask(
      'query($id: ID!) { deployment(id: $id) { leftBehind { count totalBytes } stateOverview { leftBehindBytes } } }',
      { id: deploymentId },
    );
    expect(deployment).toEqual({ leftBehind: { count: 0, totalBytes: 0 }, stateOverview: { leftBehindBytes: 0 } });
    await sweep(stateward, deploymentId);
    expect(await disposalNow(stateward, jobId)).toMatchObject({ state: 'DONE' });
  });

  it('is kept by a policy that does not speak of it, and shown so', async () => {
    const { deploymentId, jobId } = await leftAndLater();
    expect((await preview(deploymentId, { maxCount: 1 })).leftBehindStays).toMatchObject([
      { job: { id: jobId }, why: 'POLICY', goesWhen: expect.stringContaining('DISPOSE') },
    ]);
    await mutate(stateward, 'setRetentionPolicy', { deploymentId, policy: { maxCount: 1 } });
    await sweep(stateward, deploymentId);
    expect(await disposalNow(stateward, jobId)).toBeNull();
  });

  it('is kept until a later run has had a checkpoint for a day', async () => {
    const where = await newDeployment();
    const { jobId } = await leaveBehind(stateward, flink, where);
    await proveStorages(stateward, clusterId);
    const later = await runLater(stateward, where, null);
    await changed('update deployment set state = $2 where id = $1', [where.deploymentId, 'RUNNING']);
    expect((await whyKept(where.deploymentId, jobId))?.message).toContain('No later run');
    await changed(
      `insert into job_checkpoints (job_id, deployment_id, looked_at, first_completed_id, first_completed_seen_at) values ($1, $2, now(), 7, now() - interval '23 hours')`,
      [later, where.deploymentId],
    );
    const kept = await whyKept(where.deploymentId, jobId);
    expect(kept).toMatchObject({ why: 'TOO_SOON', goesAt: expect.any(String) });
    expect(new Date(kept?.goesAt).getTime()).toBeGreaterThan(Date.now() + 50 * 60_000);
    await changed(
      `update job_checkpoints set first_completed_seen_at = now() - interval '25 hours' where job_id = $1`,
      [later],
    );
    expect(await whyKept(where.deploymentId, jobId)).toBeNull();
  });

  it('is kept where the storage is not proven, and where one _metadata cannot be read or is of another checkpoint', async () => {
    const { deploymentId, jobId, locations } = await leftAndLater();
    const [first = '', second = ''] = locations;
    await proveStorages(stateward, clusterId, 'UNPROVEN');
    expect(await whyKept(deploymentId, jobId)).toMatchObject({
      why: 'NOT_READ',
      message: expect.stringContaining('not proven'),
    });
    await proveStorages(stateward, clusterId, 'NONE');
    expect(await whyKept(deploymentId, jobId)).toMatchObject({
      why: 'NOT_READ',
      message: expect.stringContaining('cannot read'),
    });
    await proveStorages(stateward, clusterId);
    writeCheckpoint(first, 5, []);
    expect(await whyKept(deploymentId, jobId)).toMatchObject({
      why: 'NOT_READ',
      message: expect.stringContaining('checkpoint 5'),
    });
    writeCheckpoint(first, 1, []);
    rmSync(onDisk(`${second}/_metadata`));
    expect(await whyKept(deploymentId, jobId)).toMatchObject({
      why: 'NOT_READ',
      message: expect.stringContaining('no _metadata'),
    });
  });

  it('is kept where it uses files of others, where others lie beside it, and where it lies elsewhere than in a directory of its own', async () => {
    const where = await newDeployment();
    const stranger = `${checkpointRootOf(flink)}/${'ab'.repeat(16)}/shared/file`;
    const claimed = await leaveBehind(stateward, flink, where, { alsoUses: [stranger] });
    const beside = await leaveBehind(stateward, flink, where);
    writeCheckpoint(beside.locations[0]?.replace('chk-1', 'chk-9') ?? '', 9, []);
    const flat = await leaveBehind(stateward, flink, where);
    await changed(`update retained_checkpoint set location = $2 where job_id = $1 and flink_checkpoint_id = 2`, [
      flat.jobId,
      `${checkpointRootOf(flink)}/chk-2`,
    ]);
    await runLater(stateward, where);
    await proveStorages(stateward, clusterId);
    expect(await whyKept(where.deploymentId, claimed.jobId)).toMatchObject({ why: 'FILES_ELSEWHERE' });
    expect(await whyKept(where.deploymentId, beside.jobId)).toMatchObject({
      why: 'NOT_RECORDED_BESIDE',
      message: expect.stringContaining('chk-9'),
    });
    expect(await whyKept(where.deploymentId, flat.jobId)).toMatchObject({ why: 'NOT_CONTAINED' });
  });

  it('is kept while a run of whichever deployment may go back to it, or was started from it by somebody else', async () => {
    const { deploymentId, jobId, locations } = await leftAndLater();
    const other = await newDeployment();
    const heir = await runLater(stateward, other, null);
    await changed('update job set start_location = $2 where id = $1', [heir, locations[1]]);
    expect(await whyKept(deploymentId, jobId)).toMatchObject({
      why: 'SOURCE_OF_LIVE_RUN',
      message: expect.stringContaining('run 1'),
    });
    await changed('update job set took_hold_at = null where id = $1', [heir]);
    expect(await whyKept(deploymentId, jobId)).toMatchObject({ why: 'START_UNDER_WAY' });
    await changed(
      `update job set origin = 'ADOPTED', start_location = null, restored_location = $2, source_seen_at = now() where id = $1`,
      [heir, `${locations[0]}/_metadata`],
    );
    await changed(`update job set state = 'CANCELLED' where id = $1`, [heir]);
    expect(await whyKept(deploymentId, jobId)).toMatchObject({ why: 'CLAIM_MODE_UNKNOWN' });
  });

  it('is kept while an adopted run has not shown what it was restored from', async () => {
    const { deploymentId, jobId } = await leftAndLater();
    const other = await newDeployment();
    const adopted = await runLater(stateward, other);
    await changed(`update job set origin = 'ADOPTED' where id = $1`, [adopted]);
    expect(await whyKept(deploymentId, jobId)).toMatchObject({ why: 'SOURCE_UNSEEN' });
    await changed(`update job set source_seen_at = now() where id = $1`, [adopted]);
    expect(await whyKept(deploymentId, jobId)).toBeNull();
  });

  it('is kept while a run that was started from it has a checkpoint which still uses its files, or one that cannot be read', async () => {
    const { deploymentId, jobId, locations } = await leftAndLater();
    const [first = ''] = locations;
    const other = await newDeployment();
    const heir = await leaveBehind(stateward, flink, other, { alsoUses: [first.replace('chk-1', 'shared/common')] });
    await changed('update job set start_location = $2 where id = $1', [heir.jobId, first]);
    expect(await whyKept(deploymentId, jobId)).toMatchObject({
      why: 'SHARED_FILES',
      message: expect.stringContaining('uses files'),
    });
    await changed('delete from snapshot_reach where job_id = $1', [heir.jobId]);
    for (const location of heir.locations) rmSync(onDisk(location), { recursive: true });
    expect(await whyKept(deploymentId, jobId)).toMatchObject({
      why: 'SHARED_FILES',
      message: expect.stringContaining('could not be read'),
    });
    await changed(`update retained_checkpoint set data = 'MISSING' where job_id = $1`, [heir.jobId]);
    // A run that has left nothing is started again from what it was started from.
    expect(await whyKept(deploymentId, jobId)).toMatchObject({ why: 'LATEST_STATE' });
    await changed('update deployment set archived_at = now() where id = $1', [other.deploymentId]);
    expect(await whyKept(deploymentId, jobId)).toBeNull();
  });

  it('is kept while the live run that was started from it has a checkpoint that uses its files', async () => {
    const { deploymentId, jobId, locations, later } = await leftAndLater();
    const [first = '', second = ''] = locations;
    const own = `${checkpointRootOf(flink)}/${later.replaceAll('-', '')}`;
    writeCheckpoint(`${own}/chk-3`, 3, [`${own}/shared/a`, first.replace('chk-1', 'shared/of-1')]);
    await changed('update job set start_location = $2 where id = $1', [later, second]);
    await changed('update job_checkpoints set last_completed_id = 3, last_completed_location = $2 where job_id = $1', [
      later,
      `${own}/chk-3`,
    ]);
    expect(await whyKept(deploymentId, jobId)).toMatchObject({ why: 'SHARED_FILES' });
    await changed('delete from snapshot_reach where job_id = $1', [later]);
    writeCheckpoint(`${own}/chk-3`, 3, [`${own}/shared/a`]);
    expect(await whyKept(deploymentId, jobId)).toBeNull();
  });

  it('is kept while an import lies there, or is a copy that uses its files', async () => {
    const { deploymentId, jobId, locations } = await leftAndLater();
    const [first = ''] = locations;
    const imported = await mutate(stateward, 'importSavepoint', { location: first }, '... on Savepoint { id }');
    expect(await whyKept(deploymentId, jobId)).toMatchObject({
      why: 'RECORDED',
      message: expect.stringContaining(imported.id),
    });
    await mutate(stateward, 'deleteSavepoint', { savepointId: imported.id });
    expect(await whyKept(deploymentId, jobId)).toBeNull();

    const copy = `${checkpointRootOf(flink)}/kept/savepoint-abc-def`;
    writeCheckpoint(copy, 1, [first.replace('chk-1', 'shared/common')]);
    const copied = await mutate(stateward, 'importSavepoint', { location: copy }, '... on Savepoint { id }');
    expect(await whyKept(deploymentId, jobId)).toMatchObject({
      why: 'SHARED_FILES',
      message: expect.stringContaining(copied.id),
    });
  });

  it('is kept while LATEST_STATE would use it, or nothing else is left, and where the run lives again or shares its id', async () => {
    const where = await newDeployment();
    const { jobId, flinkJobId, locations } = await leaveBehind(stateward, flink, where);
    const later = await runLater(stateward, where);
    await proveStorages(stateward, clusterId);
    await changed(
      `update job set state = 'CANCELLED', ended_at = now(), end_read_at = now(), end_read_from = 'STATISTICS' where id = $1`,
      [later],
    );
    await changed(`update deployment set state = 'CANCELLED' where id = $1`, [where.deploymentId]);
    expect(await whyKept(where.deploymentId, jobId)).toMatchObject({ why: 'LAST_STATE' });
    await changed('update job set start_location = $2, start_job_id = $3, start_checkpoint_id = 2 where id = $1', [
      later,
      locations[1],
      jobId,
    ]);
    expect(await whyKept(where.deploymentId, jobId)).toMatchObject({ why: 'LATEST_STATE' });
    await changed(
      `insert into foreign_job (cluster_id, flink_job_id, name, state, started_at) values ($1, $2, 'x', 'RUNNING', now())`,
      [clusterId, flinkJobId],
    );
    expect(await whyKept(where.deploymentId, jobId)).toMatchObject({ why: 'RUNS_AGAIN' });
    await changed('delete from foreign_job where flink_job_id = $1', [flinkJobId]);
    const twin = await insertJob(stateward, (await newDeployment()).deploymentId, clusterId, 'CANCELLED');
    await changed('update job set flink_job_id = $2 where id = $1', [twin, flinkJobId]);
    expect(await whyKept(where.deploymentId, jobId)).toMatchObject({ why: 'SAME_JOB_ID' });
  });

  it('is kept where its end was not read, or was not seen and its directory was not read either', async () => {
    const { deploymentId, jobId } = await leftAndLater();
    await changed('update job set end_read_from = null, end_read_at = null where id = $1', [jobId]);
    expect(await whyKept(deploymentId, jobId)).toMatchObject({ why: 'END_NOT_READ' });
    await changed(
      `update job set end_read_from = 'RECORD', end_read_at = now(), failure_code = 'JOB_LOST' where id = $1`,
      [jobId],
    );
    expect(await whyKept(deploymentId, jobId)).toMatchObject({ why: 'END_UNSEEN' });
    await changed(`update job set end_read_from = 'STORAGE' where id = $1`, [jobId]);
    expect(await whyKept(deploymentId, jobId)).toBeNull();
    for (const code of ['DECLARED_LOST', 'CLUSTER_REPLACED', 'SUBMISSION_LOST']) {
      await changed('update job set failure_code = $2 where id = $1', [jobId, code]);
      expect(await whyKept(deploymentId, jobId)).toMatchObject({ why: 'END_UNSEEN' });
    }
  });

  it('waits while cleaning waits', async () => {
    const { deploymentId, jobId } = await leftAndLater();
    await changed(`update job_checkpoints set first_completed_id = null where deployment_id = $1`, [deploymentId]);
    const kept = await whyKept(deploymentId, jobId);
    expect(kept?.message).toContain('Cleaning waits');
    await disposePolicy(stateward, deploymentId);
    await sweep(stateward, deploymentId);
    expect(await disposalNow(stateward, jobId)).toBeNull();
  });

  it('wants the token of the preview where more than half of five runs or more would go', async () => {
    const where = await newDeployment();
    const runs = [];
    for (let n = 0; n < 5; n += 1) runs.push(await leaveBehind(stateward, flink, where, { ids: [1] }));
    await runLater(stateward, where);
    await proveStorages(stateward, clusterId);
    const policy = { maxCount: 100, leftBehind: 'DISPOSE' };
    const input = { deploymentId: where.deploymentId, policy };
    const declined = await mutate(
      stateward,
      'setRetentionPolicy',
      input,
      '... on LargeCleanup { leftBehindRuns previewToken }',
    );
    expect(declined).toMatchObject({ code: 'LARGE_CLEANUP', leftBehindRuns: 5 });
    expect(await preview(where.deploymentId)).toMatchObject({ large: true, previewToken: declined.previewToken });

    await disposePolicy(stateward, where.deploymentId);
    await sweep(stateward, where.deploymentId);
    expect(await Promise.all(runs.map(({ jobId }) => disposalNow(stateward, jobId)))).toEqual(Array(5).fill(null));
    const { previewToken } = await preview(where.deploymentId, null);
    await mutate(stateward, 'confirmCleanup', { deploymentId: where.deploymentId, previewToken });
    await sweep(stateward, where.deploymentId);
    for (const { jobId } of runs) expect(await disposalNow(stateward, jobId)).toMatchObject({ state: 'WAITING' });
  });

  it('is kept after all when the policy that said otherwise is taken back before anything was asked for', async () => {
    const { deploymentId, jobId, locations } = await leftAndLater();
    await disposePolicy(stateward, deploymentId);
    await sweep(stateward, deploymentId);
    await mutate(stateward, 'removeRetentionPolicy', { deploymentId });
    expect(await disposalNow(stateward, jobId)).toBeNull();
    const { checkpoint } = await stateward.ask(
      'query($id: ID!) { checkpoint(id: $id) { restorable { canBeRestored } } }',
      {
        id: `${jobId}:1`,
      },
    );
    expect(checkpoint.restorable.canBeRestored).toBe(true);
    expect(locations.map(isThere)).toEqual([true, true]);
    expect(await eventTypes(stateward, 'job_id', jobId)).toEqual(['LEFT_BEHIND_GOES', 'LEFT_BEHIND_KEPT']);
  });

  it('goes on after a disposal that failed half way, and is done when what was left has been removed by hand', async () => {
    const { deploymentId, jobId, locations } = await leftAndLater();
    const [first = '', second = ''] = locations;
    await disposePolicy(stateward, deploymentId);
    await sweep(stateward, deploymentId);
    flink.knobs.disposals = 'DIE_HALF_WAY';
    await stepsOfDisposal(stateward, jobId);
    expect(await disposalNow(stateward, jobId)).toMatchObject({
      state: 'FAILED',
      failure_code: 'LEFTOVERS_POSSIBLE',
      checkpoint_id: 1,
    });
    expect([isThere(first), isThere(second)]).toEqual([true, true]);
    flink.knobs.disposals = 'AS_ASKED';
    rmSync(onDisk(first), { recursive: true });
    await changed(`update left_behind set state = 'WAITING', look_at = now() where id = $1`, [jobId]);
    await stepsOfDisposal(stateward, jobId);
    expect(await disposalNow(stateward, jobId)).toMatchObject({ state: 'DONE', proof: 'EMPTY' });
    expect(isThere(second)).toBe(false);
  });

  it('is told of with what still lies in its directory, which none of the checkpoints named', async () => {
    const { deploymentId, jobId, locations } = await leftAndLater();
    writeCheckpoint(`${checkpointRootOf(flink)}/x`, 1, [locations[0]?.replace('chk-1', 'shared/lost') ?? '']);
    await disposePolicy(stateward, deploymentId);
    await sweep(stateward, deploymentId);
    await stepsOfDisposal(stateward, jobId);
    expect(await disposalNow(stateward, jobId)).toMatchObject({
      state: 'DONE',
      left_bytes: 100,
      left_path: locations[0]?.replace('/chk-1', ''),
    });
  });

  it('waits for a cluster that can dispose of it', async () => {
    const { deploymentId, jobId, locations } = await leftAndLater();
    await disposePolicy(stateward, deploymentId);
    await sweep(stateward, deploymentId);
    await changed(`update cluster set state = 'UNREACHABLE', state_since = now() where id = $1`, [clusterId]);
    await stepOfDisposal(stateward, jobId);
    expect(await disposalNow(stateward, jobId)).toMatchObject({
      state: 'WAITING',
      waiting_for: expect.stringContaining('to answer'),
    });
    const { deployment } = await stateward.ask(
      'query($id: ID!) { deployment(id: $id) { leftBehind { count disposals { state waitingFor begun job { id } } } } }',
      { id: deploymentId },
    );
    expect(deployment.leftBehind).toEqual({
      count: 2,
      disposals: [
        { state: 'WAITING', begun: false, waitingFor: expect.stringContaining('to answer'), job: { id: jobId } },
      ],
    });
    await changed(`update cluster set state = 'REACHABLE' where id = $1`, [clusterId]);
    await stepsOfDisposal(stateward, jobId);
    expect(await disposalNow(stateward, jobId)).toMatchObject({ state: 'DONE' });
    expect(locations.map(isThere)).toEqual([false, false]);
  });

  it('is not taken for readable by what was read before, once its _metadata is damaged', async () => {
    const { deploymentId, jobId, locations } = await leftAndLater();
    expect(await whyKept(deploymentId, jobId)).toBeNull();
    writeFileSync(onDisk(`${locations[1]}/_metadata`), 'nothing of Flink');
    await disposePolicy(stateward, deploymentId);
    await sweep(stateward, deploymentId);
    await stepsOfDisposal(stateward, jobId);
    expect(disposalCalls(flink)).toEqual([]);
    expect(await whyKept(deploymentId, jobId)).toMatchObject({ why: 'NOT_READ' });
    await sweep(stateward, deploymentId);
    expect(await disposalNow(stateward, jobId)).toBeNull();
  });
});

describe('a storage', () => {
  it('is proven by a checkpoint that is seen in it in a folder of its job, and by nothing else', async () => {
    const { jobId, locations, deploymentId } = await leftAndLater();
    await proveStorages(stateward, clusterId, 'UNPROVEN');
    const access = async () =>
      (
        await db().rows<{ read_state: string }>(
          `select distinct s.read_state from storage s join storage_root r on r.storage_id = s.id where r.cluster_id = $1 and r.uri like '%checkpoints'`,
          [clusterId],
        )
      ).map((row) => row.read_state);
    const run = { clusterId, createdAt: Date.now() };
    expect(await dataAt(db(), run, `${checkpointRootOf(flink)}/${'0'.repeat(32)}/chk-1`)).toBe('NOT_CHECKED');
    const flat = `${checkpointRootOf(flink)}/chk-1`;
    writeCheckpoint(flat, 1, []);
    expect(await dataAt(db(), run, flat)).toBe('PRESENT');
    expect(await access()).toEqual(['UNPROVEN']);
    expect(await whyKept(deploymentId, jobId)).toMatchObject({ why: 'NOT_READ' });
    expect(await dataAt(db(), run, locations[0] ?? '')).toBe('PRESENT');
    expect(await access()).toEqual(['PROVEN']);
    expect(await whyKept(deploymentId, jobId)).toBeNull();
  });
});
