import { describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import {
  completeCheckpoint,
  endRun,
  insertCompleted,
  insertImport,
  insertRun,
  statesOf,
} from '../support/deletion-rows.js';
import { askToDelete, askToForget, askToRetry } from '../support/deletion-scenario.js';
import type { Data } from '../support/graphql-client.js';
import { eventTypes } from '../support/mutate.js';
import { eachOnOneCluster } from '../support/one-cluster.js';
import { createDeployment, registerCluster } from '../support/scenario.js';
import type { Stateward } from '../support/stateward.js';

let stateward: Stateward;
let flink: FakeFlink;
let clusterId: string;
let artifactId: string;
eachOnOneCluster((made) => ({ stateward, flink, clusterId, artifactId } = made));

const changed = (text: string, values: unknown[]) => stateward.services.database.changed(text, values);

interface Run {
  deploymentId: string;
  jobId: string;
}
async function running(): Promise<Run> {
  const deploymentId = await createDeployment(stateward, clusterId, artifactId, randomUUID());
  return { deploymentId, jobId: await insertRun(stateward, deploymentId, clusterId) };
}
/** The first one the oldest. */
async function savepointsOf({ jobId }: Run, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let n = count; n > 0; n -= 1) ids.push(await insertCompleted(stateward, jobId, n));
  return ids;
}
const del = (id: string, more: object = {}) => askToDelete(stateward, id, more);
const states = (ids: readonly string[]) => statesOf(stateward, ids);
const kindsOf = (answer: Data) => answer.protections?.map(({ kind }: Data) => kind);

/** A run of another deployment that has not completed a checkpoint since it was started from somewhere. */
async function runFrom(set: string, values: unknown[]): Promise<Run> {
  const run = await running();
  await changed(`update job set ${set} where id = $1`, [run.jobId, ...values]);
  await changed('update job_checkpoints set first_completed_id = null where job_id = $1', [run.jobId]);
  return run;
}

describe('a savepoint that something needs', () => {
  it('is not deleted while it is the newest good one, unless that is forced', async () => {
    const [old = '', newest = ''] = await savepointsOf(await running(), 2);
    const declined = await del(newest);
    expect(declined).toMatchObject({ code: 'SAVEPOINT_PROTECTED', protections: [{ kind: 'NEWEST_GOOD', job: null }] });
    expect(declined.message).toContain('force: true');
    expect(await states([newest])).toEqual(['COMPLETED']);
    expect(await del(newest, { force: true })).toMatchObject({ state: 'DELETING' });
    expect(kindsOf(await del(old))).toEqual(['NEWEST_GOOD']);
  });

  it('is not deleted while a live run of another deployment would go back to it, force or not', async () => {
    const [source = ''] = await savepointsOf(await running(), 2);
    const { deploymentId, jobId } = await runFrom('start_savepoint_id = $2', [source]);
    for (const force of [false, true]) {
      expect(await del(source, { force, lastState: true })).toMatchObject({
        code: 'SAVEPOINT_PROTECTED',
        protections: [{ kind: 'SOURCE_OF_LIVE_RUN', deployment: { id: deploymentId }, job: { id: jobId } }],
      });
    }
    await completeCheckpoint(stateward, jobId);
    expect(await del(source)).toMatchObject({ state: 'DELETING' });
  });

  it('is not deleted while a run without checkpoints lives that was started from it', async () => {
    const [source = ''] = await savepointsOf(await running(), 2);
    const { jobId } = await runFrom('start_savepoint_id = $2, checkpoint_interval_ms = null', [source]);
    await completeCheckpoint(stateward, jobId); // one that was asked for
    expect(kindsOf(await del(source, { force: true }))).toEqual(['SOURCE_OF_LIVE_RUN']);
    await endRun(stateward, jobId);
    expect(kindsOf(await del(source, { force: true })) ?? []).toEqual([]);
  });

  it('is not deleted while a start from it is under way, force or not', async () => {
    const [source = ''] = await savepointsOf(await running(), 2);
    await runFrom(`start_savepoint_id = $2, took_hold_at = null, state = 'SUBMITTING'`, [source]);
    expect(kindsOf(await del(source, { force: true, lastState: true }))).toEqual(['START_UNDER_WAY']);
  });

  it.each<[string, (location: string) => string]>([
    ['as it is', (location) => location],
    [
      'with three slashes, doubled ones and _metadata',
      (at) => at.replace('file:/', 'file:///').replace(/\/([^/]*)$/, '//$1/_metadata'),
    ],
    ['with a trailing slash', (location) => `${location}/`],
  ])('is known as the source of a run that nobody here started, by its location %s', async (_, spelled) => {
    const [source = '', newest = ''] = await savepointsOf(await running(), 2);
    const row = await stateward.services.database.row<{ location: string }>(
      'select location from savepoint where id = $1',
      [source],
    );
    await runFrom('restored_location = $2', [spelled(row?.location ?? '')]);
    expect(kindsOf(await del(source, { force: true }))).toEqual(['SOURCE_OF_LIVE_RUN']);
    expect(kindsOf(await del(newest))).toEqual(['NEWEST_GOOD']);
  });

  it('is known as a source by the text of its location, too, where the storage of that cluster is another one', async () => {
    const [source = ''] = await savepointsOf(await running(), 2);
    const place = 's3://bucket/sp/savepoint-abc-def';
    await changed(`update savepoint set location = $2 where id = $1`, [source, place]);
    const other = await startFakeFlink();
    try {
      const elsewhere = await registerCluster(stateward, other.url, randomUUID());
      const deploymentId = await createDeployment(stateward, elsewhere, artifactId, randomUUID());
      const jobId = await insertRun(stateward, deploymentId, elsewhere);
      await changed(`update job set restored_location = 's3a://bucket/sp/savepoint-abc-def' where id = $1`, [jobId]);
      await changed('update job_checkpoints set first_completed_id = null where job_id = $1', [jobId]);
      expect(kindsOf(await del(source))).toEqual(['SOURCE_OF_LIVE_RUN']);
    } finally {
      await other.stop();
    }
  });

  it('is known as a source by its storage, whatever root another cluster reaches that by', async () => {
    const [source = ''] = await savepointsOf(await running(), 2);
    const other = await startFakeFlink();
    try {
      const elsewhere = await registerCluster(stateward, other.url, randomUUID());
      await changed(
        `insert into storage_root (storage_id, cluster_id, uri) select storage_id, $2, 'file:///mnt/shared/' from savepoint where id = $1`,
        [source, elsewhere],
      );
      const deploymentId = await createDeployment(stateward, elsewhere, artifactId, randomUUID());
      const jobId = await insertRun(stateward, deploymentId, elsewhere);
      await changed(
        `update job set restored_location = 'file:/mnt/shared/' || (select path from savepoint where id = $2) where id = $1`,
        [jobId, source],
      );
      await changed('update job_checkpoints set first_completed_id = null where job_id = $1', [jobId]);
      expect(kindsOf(await del(source))).toEqual(['SOURCE_OF_LIVE_RUN']);
    } finally {
      await other.stop();
    }
  });

  it('is not deleted while LATEST_STATE would start a stopped deployment from it, of whichever, unless that is forced', async () => {
    const a = await running();
    const [source = '', newest = ''] = await savepointsOf(a, 2);
    const b = await runFrom(
      'start_savepoint_id = $2, start_location = (select location from savepoint where id = $2)',
      [source],
    );
    await endRun(stateward, b.jobId);
    expect(await del(source)).toMatchObject({
      protections: [{ kind: 'LATEST_STATE', deployment: { id: b.deploymentId } }],
    });
    await endRun(stateward, a.jobId);
    expect(kindsOf(await del(newest))).toEqual(['LATEST_STATE', 'NEWEST_GOOD']);
    expect(await del(source, { force: true, lastState: true })).toMatchObject({ state: 'DELETING' });
  });

  it('is not deleted while it is pinned or held, force or not; a hold ends by the clock of the database', async () => {
    const [old = '', older = ''] = await savepointsOf(await running(), 3);
    await changed(
      `update savepoint set pinned = true, held_until = now() + interval '1 hour', hold_reason = 'audit' where id = $1`,
      [old],
    );
    const declined = await del(old, { force: true, lastState: true });
    expect(kindsOf(declined)).toEqual(['PINNED', 'HELD']);
    expect(declined.message).toContain('audit');
    await changed('update savepoint set pinned = false where id = $1', [old]);
    expect(kindsOf(await del(old, { force: true }))).toEqual(['HELD']);
    await changed(`update savepoint set held_until = now() - interval '1 ms' where id = $1`, [old]);
    expect(await del(old)).toMatchObject({ state: 'DELETING' });
    expect(await del(older)).toMatchObject({ state: 'DELETING' });
  });

  it('shows what protects it, and what would end that, before anybody asks', async () => {
    const run = await running();
    const [old = '', newest = ''] = await savepointsOf(run, 2);
    const { deployment } = await stateward.ask(
      `query($id: ID!) { deployment(id: $id) { savepoints(first: 5) { edges { node { id protections { kind unlock } deletable { canBeDeleted obstacle reason unlockedBy } } } } } }`,
      { id: run.deploymentId },
    );
    const shown = Object.fromEntries(deployment.savepoints.edges.map(({ node }: Data) => [node.id, node]));
    expect(shown[old]).toMatchObject({ protections: [], deletable: { canBeDeleted: true, obstacle: null } });
    expect(shown[newest]).toMatchObject({
      protections: [{ kind: 'NEWEST_GOOD', unlock: expect.stringContaining('a newer one') }],
      deletable: { canBeDeleted: false, obstacle: 'PROTECTED', unlockedBy: expect.stringContaining('a newer one') },
    });
    await changed(`update savepoint_attempt set directory = 'elsewhere' where savepoint_id = $1`, [old]);
    const { savepoint } = await stateward.ask(
      'query($id: ID!) { savepoint(id: $id) { deletable { obstacle unlockedBy } } }',
      { id: old },
    );
    expect(savepoint.deletable).toMatchObject({ obstacle: 'NOT_CONTAINED', unlockedBy: expect.stringContaining(old) });
  });
});

describe('what there is to delete', () => {
  it('is nothing yet while a savepoint is under way, and nothing at all where it failed', async () => {
    const run = await running();
    for (const state of ['PENDING', 'IN_PROGRESS']) {
      const id = await insertCompleted(stateward, run.jobId, 1, { state });
      expect(await del(id)).toMatchObject({ code: 'SAVEPOINT_UNDER_WAY', savepointState: state });
      await changed(`update savepoint set state = 'FAILED', failure_code = 'ABANDONED' where id = $1`, [id]);
      expect(await del(id)).toMatchObject({ code: 'SAVEPOINT_NOT_DELETABLE', location: null });
      expect(await states([id])).toEqual(['FAILED']);
    }
  });

  it.each(['DELETING', 'DELETION_FAILED', 'DELETED'])(
    'is on its way, or gone: one that is %s answers as it is',
    async (state) => {
      const id = await insertCompleted(stateward, (await running()).jobId, 1, { state });
      expect(await del(id)).toMatchObject({ id, state });
      expect(await eventTypes(stateward, 'savepoint_id', id)).toEqual([]);
    },
  );

  it.each<[string, Record<string, unknown>]>([
    ['outside of the directory of its attempt', { path: 'elsewhere/savepoint-abc-def' }],
    ['outside of all storages', { storage_id: null, path: null }],
    ['in what is no savepoint by its name', { path: 'elsewhere/chk-7' }],
    ['behind dots', { path: '../../etc/savepoint-abc-def' }],
    ['behind encoded dots', { path: '%2e%2e/%2E%2E/etc/savepoint-abc-def' }],
    ['behind an encoded slash', { path: 'elsewhere%2Fsavepoint-abc-def' }],
    ['behind doubled slashes', { path: 'elsewhere//savepoint-abc-def' }],
    ['that is the root of its storage', { path: '' }],
  ])('is nothing %s', async (_, columns) => {
    const run = await running();
    const id = await insertCompleted(stateward, run.jobId, 2, { ...columns, location: 'file:/elsewhere/it' });
    await savepointsOf(run, 1);
    const declined = await del(id, { force: true, lastState: true });
    expect(declined).toMatchObject({ code: 'SAVEPOINT_NOT_DELETABLE', location: 'file:/elsewhere/it' });
    expect(declined.message).toContain('file:/elsewhere/it');
    expect(await states([id])).toEqual(['COMPLETED']);
  });

  it('is no checkpoint, nothing that is not there, and nothing with half a reason', async () => {
    const { jobId } = await running();
    expect(await del(`${jobId}:7`)).toMatchObject({ code: 'CHECKPOINT_IS_FLINKS' });
    expect(await del(randomUUID())).toMatchObject({ code: 'NOT_FOUND' });
    expect(await del(randomUUID(), { reason: 'x'.repeat(501) })).toMatchObject({
      code: 'INVALID_INPUT',
      field: 'reason',
    });
  });

  it('is the record alone of one that was imported; its data only if they were read and that is asked for', async () => {
    const run = await running();
    const [reference = '', unread = '', read = '', kept = ''] = await Promise.all([
      insertImport(stateward, clusterId, { kind: 'CHECKPOINT' }),
      insertImport(stateward, clusterId),
      insertImport(stateward, clusterId, { verified: true, deploymentId: run.deploymentId }),
      insertImport(stateward, clusterId, { verified: true }),
    ]);
    for (const id of [reference, unread]) {
      expect(await del(id, { alsoData: true, force: true })).toMatchObject({ code: 'SAVEPOINT_NOT_DELETABLE' });
      expect(await del(id)).toMatchObject({
        state: 'DELETED',
        proof: 'RECORD_ONLY',
        deletion: { scope: 'RECORD', state: 'DONE' },
      });
      expect(await eventTypes(stateward, 'savepoint_id', id)).toEqual(['DELETION_REQUESTED', 'SAVEPOINT_DELETED']);
    }
    expect(await del(kept)).toMatchObject({ state: 'DELETED', proof: 'RECORD_ONLY' });
    await savepointsOf(run, 1);
    expect(await del(read, { alsoData: true })).toMatchObject({ state: 'DELETING', deletion: { scope: 'DATA' } });
    expect(await del(await insertCompleted(stateward, run.jobId, 5), { alsoData: false })).toMatchObject({
      code: 'INVALID_INPUT',
      field: 'alsoData',
    });
    expect(flink.disposed).toEqual([]);
  });

  it('is asked for once: the same key answers with the same savepoint, a refusal is not remembered', async () => {
    const run = await running();
    const [old = '', newest = ''] = await savepointsOf(run, 2);
    const idempotencyKey = randomUUID();
    expect(await del(newest, { idempotencyKey })).toMatchObject({ code: 'SAVEPOINT_PROTECTED' });
    const both = await Promise.all([del(old, { idempotencyKey }), del(old, { idempotencyKey })]);
    expect(both).toEqual([both[0], both[0]]);
    expect(both[0]).toMatchObject({ state: 'DELETING' });
    expect(await del(newest, { idempotencyKey })).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
    expect(await eventTypes(stateward, 'savepoint_id', old)).toEqual(['DELETION_REQUESTED']);
  });
});

describe('a deletion that is given up or tried again', () => {
  it('is declined where none is under way', async () => {
    const [id = ''] = await savepointsOf(await running(), 2);
    for (const ask of [askToRetry, askToForget]) {
      expect(await ask(stateward, id)).toMatchObject({ code: 'NOT_BEING_DELETED', savepointState: 'COMPLETED' });
      expect(await ask(stateward, randomUUID())).toMatchObject({ code: 'NOT_FOUND' });
      expect(await ask(stateward, `${randomUUID()}:7`)).toMatchObject({ code: 'CHECKPOINT_IS_FLINKS' });
    }
  });

  it('is not given up while Flink may be deleting: its place is free only when that has ended', async () => {
    const [id = ''] = await savepointsOf(await running(), 2);
    await del(id);
    await changed(
      `update deletion set state = 'DISPOSING', cluster_id = $2, location = 'file:/sp/it', sent_at = now(), request_id = 'r' where id = $1`,
      [id, clusterId],
    );
    const declined = await askToForget(stateward, id);
    expect(declined).toMatchObject({ code: 'DISPOSAL_UNDER_WAY', savepointId: id, askedAt: expect.any(String) });
    expect(declined.message).toContain('file:/sp/it');
    expect(declined.message).toContain(declined.askedAt);
    expect(await states([id])).toEqual(['DELETING']);
    await changed(`update deletion set state = 'WAITING', request_id = null where id = $1`, [id]);
    expect(await askToForget(stateward, id)).toMatchObject({ state: 'DELETED', proof: 'NONE' });
  });

  it('ends without a proof when it is forgotten, keeps path and bytes, and is over for good', async () => {
    const [id = ''] = await savepointsOf(await running(), 2);
    await del(id);
    const forgotten = await askToForget(stateward, id, 'the bucket is gone');
    expect(forgotten).toMatchObject({
      state: 'DELETED',
      proof: 'NONE',
      deletion: { state: 'DONE', waitingFor: null, leftPath: expect.stringContaining(id), leftBytes: 1000 },
    });
    expect(await eventTypes(stateward, 'savepoint_id', id)).toEqual(['DELETION_REQUESTED', 'DELETION_FORGOTTEN']);
    expect(await askToForget(stateward, id)).toMatchObject({ code: 'NOT_BEING_DELETED', savepointState: 'DELETED' });
    expect(await askToRetry(stateward, id)).toMatchObject({ code: 'NOT_BEING_DELETED', savepointState: 'DELETED' });
  });
});
