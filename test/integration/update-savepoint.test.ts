import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { insertCompleted, insertRun } from '../support/deletion-rows.js';
import { eventTypes, mutate } from '../support/mutate.js';
import { createDeployment, registerCluster, uploadJob } from '../support/scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';

const HOUR_MS = 3_600_000;

let stateward: Stateward;
let flink: FakeFlink;
let id: string;
beforeAll(async () => {
  stateward = await startStateward({ worker: false });
  flink = await startFakeFlink();
});
afterAll(async () => {
  await stateward.stop();
  await flink.stop();
});
beforeEach(async () => {
  const clusterId = await registerCluster(stateward, flink.url, randomUUID());
  const deploymentId = await createDeployment(stateward, clusterId, await uploadJob(stateward), randomUUID());
  id = await insertCompleted(stateward, await insertRun(stateward, deploymentId, clusterId), 1, {
    description: 'as it was',
  });
});

const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();
const update = (more: object, savepointId = id) =>
  mutate(stateward, 'updateSavepoint', { savepointId, ...more }, [
    '... on Savepoint { description pinned heldUntil holdReason }',
    '... on InvalidInput { field }',
    '... on BeingDeleted { savepointState }',
  ]);

describe('a savepoint', () => {
  it('is described, pinned and held; what is left out stays, what is null is taken off', async () => {
    const heldUntil = inMs(HOUR_MS);
    expect(await update({ pinned: true })).toMatchObject({ description: 'as it was', pinned: true, heldUntil: null });
    expect(await update({ heldUntil, holdReason: ' audit ' })).toMatchObject({
      pinned: true,
      heldUntil,
      holdReason: 'audit',
    });
    expect(await update({ holdReason: 'a longer audit' })).toMatchObject({ heldUntil, holdReason: 'a longer audit' });
    expect(await update({ description: null, pinned: null })).toMatchObject({
      description: null,
      pinned: true,
      heldUntil,
    });
    expect(await update({ heldUntil: null, pinned: false })).toMatchObject({
      pinned: false,
      heldUntil: null,
      holdReason: null,
    });
    expect(await eventTypes(stateward, 'savepoint_id', id)).toEqual(Array(5).fill('SAVEPOINT_UPDATED'));
    expect(await update({ pinned: false })).toMatchObject({ pinned: false });
    expect(await eventTypes(stateward, 'savepoint_id', id)).toHaveLength(5);
  });

  it.each<[object, string]>([
    [{ heldUntil: inMs(HOUR_MS) }, 'holdReason'],
    [{ heldUntil: inMs(HOUR_MS), holdReason: '  ' }, 'holdReason'],
    [{ heldUntil: inMs(HOUR_MS), holdReason: 'x'.repeat(501) }, 'holdReason'],
    [{ heldUntil: null, holdReason: 'why' }, 'holdReason'],
    [{ holdReason: 'why' }, 'heldUntil'],
    [{ heldUntil: inMs(-1_000), holdReason: 'why' }, 'heldUntil'],
    [{ heldUntil: inMs(10 * 366 * 24 * HOUR_MS), holdReason: 'why' }, 'heldUntil'],
    [{ description: 'x'.repeat(501) }, 'description'],
  ])('is not changed by %j', async (more, field) => {
    expect(await update(more)).toMatchObject({ code: 'INVALID_INPUT', field });
    expect(await eventTypes(stateward, 'savepoint_id', id)).toEqual([]);
  });

  it.each(['DELETING', 'DELETION_FAILED', 'DELETED'])(
    'that is %s is described, and not pinned or held any more',
    async (state) => {
      await stateward.services.database.changed('update savepoint set state = $2 where id = $1', [id, state]);
      expect(await update({ pinned: true })).toMatchObject({ code: 'BEING_DELETED', savepointState: state });
      expect(await update({ heldUntil: inMs(HOUR_MS), holdReason: 'why' })).toMatchObject({ code: 'BEING_DELETED' });
      expect(await update({ description: 'gone', pinned: false })).toMatchObject({
        description: 'gone',
        pinned: false,
      });
    },
  );

  it('that is not there, and a checkpoint, are declined', async () => {
    expect(await update({}, randomUUID())).toMatchObject({ code: 'NOT_FOUND' });
    expect(await update({}, `${randomUUID()}:7`)).toMatchObject({ code: 'CHECKPOINT_IS_FLINKS' });
  });

  it('lets cleaning look at once when it is not kept any more', async () => {
    const { database } = stateward.services;
    await update({ pinned: true });
    await database.changed(
      `insert into retention_policy (deployment_id, max_count, actor, sweep_at) select deployment_id, 1, 'test', now() + interval '1 hour' from savepoint where id = $1`,
      [id],
    );
    await update({ pinned: false });
    const row = await database.row<{ due: boolean }>(
      'select sweep_at <= now() as due from retention_policy p join savepoint s on s.deployment_id = p.deployment_id where s.id = $1',
      [id],
    );
    expect(row?.due).toBe(true);
  });
});
