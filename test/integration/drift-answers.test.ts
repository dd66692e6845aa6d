import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  anotherAttempt,
  attempted,
  type DriftScene,
  driftOf,
  driftScene,
  fileAt,
  snapshotAt,
} from '../support/drift-scenario.js';
import type { Data } from '../support/graphql-client.js';
import { insertSavepointOf } from '../support/history-rows.js';
import { eventTypes, mutate } from '../support/mutate.js';
import { startStateward, type Stateward } from '../support/stateward.js';

let stateward: Stateward;
let scene: DriftScene;
beforeAll(async () => {
  stateward = await startStateward({ worker: false });
});
afterAll(() => stateward.stop());
beforeEach(async () => {
  scene = await driftScene(stateward);
});
afterEach(() => scene.remove());

const changed = (text: string, values: unknown[]) => stateward.services.database.changed(text, values);
const ofAttempts = `... on Savepoint { id state attempts { number leftForgottenAt leftForgottenBy leftForgottenReason } } ... on InvalidInput { field }`;
const forget = (input: object): Promise<Data> => mutate(stateward, 'forgetLeftover', input, ofAttempts);
const adopt = (savepointId: string, attempt = 1): Promise<Data> =>
  mutate(
    stateward,
    'adoptLeftover',
    { savepointId, attempt },
    '... on Savepoint { id state } ... on AlreadyKnown { savepointId } ... on InvalidInput { field }',
  );
const recheck = (savepointId: string): Promise<Data> =>
  mutate(stateward, 'recheckSavepoint', { savepointId }, '... on Savepoint { data } ... on InvalidInput { field }');
const isDue = async (id: string) =>
  (await stateward.services.database.row('select 1 from savepoint where id = $1 and look_at <= now()', [id])) !==
  undefined;

describe('forgetting what an attempt has left', () => {
  it('takes it off the report and touches nothing, and it is listed again only when that is asked for', async () => {
    const { savepointId, directory } = await attempted(scene);
    await anotherAttempt(scene, savepointId, 2);
    await fileAt(scene, `${directory}/savepoint-1/rest`);
    const other = await attempted(scene);
    await fileAt(scene, `${other.directory}/savepoint-1/rest`);
    const forgotten = await forget({ savepointId, attempt: 1, reason: ' The owner of the bucket keeps it. ' });
    expect(forgotten).toMatchObject({
      __typename: 'Savepoint',
      attempts: [
        {
          leftForgottenAt: expect.any(String),
          leftForgottenBy: 'local',
          leftForgottenReason: 'The owner of the bucket keeps it.',
        },
        { leftForgottenAt: null, leftForgottenBy: null, leftForgottenReason: null },
      ],
    });
    expect((await driftOf(scene)).map(({ savepoint }) => savepoint.id)).toEqual([other.savepointId]);
    const all = await driftOf(scene, 'first: 20, includeForgotten: true');
    expect(all).toHaveLength(2);
    expect(all.find(({ savepoint }) => savepoint.id === savepointId).forgotten).toEqual({
      by: 'local',
      reason: 'The owner of the bucket keeps it.',
    });
    await access(join(scene.folder, directory, 'savepoint-1', 'rest'));
    expect(await eventTypes(stateward, 'savepoint_id', savepointId)).toEqual(['DRIFT_FORGOTTEN']);
  });

  it('again answers as it is, and tells nobody', async () => {
    const { savepointId } = await attempted(scene);
    const first = await forget({ savepointId, attempt: 1, reason: 'one' });
    expect(await forget({ savepointId, attempt: 1, reason: 'two' })).toEqual(first);
    expect(await eventTypes(stateward, 'savepoint_id', savepointId)).toHaveLength(1);
  });

  it('is declined without a reason, of no attempt, and of one that is under way', async () => {
    const { savepointId } = await attempted(scene, { state: 'IN_PROGRESS', endedAgoMs: null });
    const no = (more: object) => forget({ savepointId, attempt: 1, reason: 'gone', ...more });
    expect(await no({ reason: '  ' })).toMatchObject({ code: 'INVALID_INPUT', field: 'reason' });
    expect(await no({ reason: 'x'.repeat(501) })).toMatchObject({ code: 'INVALID_INPUT', field: 'reason' });
    expect(await no({ attempt: 2 })).toMatchObject({ code: 'INVALID_INPUT', field: 'attempt' });
    expect((await no({})).message).toContain('under way');
    expect(await no({ savepointId: randomUUID() })).toMatchObject({ code: 'NOT_FOUND' });
    expect(await no({ savepointId: `${randomUUID()}:7` })).toMatchObject({ code: 'CHECKPOINT_IS_FLINKS' });
  });

  it('with a key answers with the same savepoint', async () => {
    const { savepointId } = await attempted(scene);
    const input = { savepointId, attempt: 1, reason: 'gone', idempotencyKey: randomUUID() };
    expect(await forget(input)).toEqual(await forget(input));
    expect(await forget({ ...input, reason: 'else' })).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
  });
});

describe('adopting a left-over', () => {
  it('has the savepoint looked for at once, and says who asked for that', async () => {
    const { savepointId, directory } = await attempted(scene, { outcome: 'RESULT_LOST' });
    await fileAt(scene, `${directory}/savepoint-1/_metadata`);
    expect(await isDue(savepointId)).toBe(false);
    expect(await adopt(savepointId)).toMatchObject({ __typename: 'Savepoint', state: 'FAILED' });
    expect(await isDue(savepointId)).toBe(true);
    expect(await eventTypes(stateward, 'savepoint_id', savepointId)).toEqual(['SAVEPOINT_RESULT_SOUGHT']);
  });

  it.each([
    ['that is not whole', { outcome: 'RESULT_LOST' }, 'rest', 'attempt', /no whole savepoint is seen/],
    ['of one that failed for good', { outcome: 'EXPIRED' }, '_metadata', 'savepointId', /EXPIRED.*importSavepoint/],
    ['of one that Flink may be at', { outcome: 'ABANDONED', in_flight: true }, '_metadata', 'savepointId', /by itself/],
    ['of an earlier attempt', { outcome: 'RESULT_LOST', attempt: 2 }, '_metadata', 'attempt', /its last attempt, 2/],
  ] as const)('%s is declined', async (_what, columns, file, field, why) => {
    const { savepointId, directory } = await attempted(scene, columns);
    await fileAt(scene, `${directory}/savepoint-1/${file}`);
    const refused = await adopt(savepointId);
    expect(refused).toMatchObject({ code: 'INVALID_INPUT', field });
    expect(refused.message).toMatch(why);
    expect(await isDue(savepointId)).toBe(false);
  });

  it('is declined where it has been imported, and where nobody looks after its cluster any more', async () => {
    const { savepointId, directory } = await attempted(scene, { outcome: 'ABANDONED' });
    await snapshotAt(scene, `${directory}/savepoint-1`);
    const location = `${scene.uri}/${directory}/savepoint-1`;
    const imported = await mutate(stateward, 'importSavepoint', { location }, '... on Savepoint { id }');
    expect(await adopt(savepointId)).toMatchObject({ code: 'ALREADY_KNOWN', savepointId: imported.id });
    await changed(`update savepoint set state = 'DELETED' where id = $1`, [imported.id]);
    await changed('update cluster set removed_at = now() where id = $1', [scene.run.clusterId]);
    expect((await adopt(savepointId)).message).toMatch(/was removed.*importSavepoint/);
    expect(await isDue(savepointId)).toBe(false);
    expect(await adopt(randomUUID())).toMatchObject({ code: 'NOT_FOUND' });
    expect(await adopt(`${randomUUID()}:7`)).toMatchObject({ code: 'CHECKPOINT_IS_FLINKS' });
  });
});

describe('looking once more for the data of a savepoint', () => {
  const savepointAt = (path: string, columns: Record<string, unknown> = {}) =>
    insertSavepointOf(stateward.services.database, scene.run, { storage_id: scene.storageId, path, ...columns });

  it('records what is seen, and tells when that is news', async () => {
    const id = await savepointAt('a/savepoint-1');
    expect(await recheck(id)).toMatchObject({ code: 'INVALID_INPUT' }); // what lay above it is not there either
    await mkdir(join(scene.folder, 'a'));
    expect(await recheck(id)).toMatchObject({ data: 'MISSING' });
    expect(await recheck(id)).toMatchObject({ data: 'MISSING' });
    await snapshotAt(scene, 'a/savepoint-1');
    expect(await recheck(id)).toMatchObject({ data: 'PRESENT' });
    expect(await eventTypes(stateward, 'savepoint_id', id)).toEqual(['SAVEPOINT_DATA_MISSING', 'SAVEPOINT_DATA_FOUND']);
  });

  it('takes nothing for missing in a storage that is not proven to be the same place', async () => {
    const id = await savepointAt('a/savepoint-1', { data: 'NOT_CHECKED' });
    await changed(`update storage set read_state = 'UNPROVEN' where id = $1`, [scene.storageId]);
    expect(await recheck(id)).toMatchObject({ code: 'INVALID_INPUT', field: 'savepointId' });
    await snapshotAt(scene, 'a/savepoint-1');
    expect(await recheck(id)).toMatchObject({ data: 'PRESENT' });
  });

  it('finds one that was DAMAGED to be whole again, and is declined of one that is not complete', async () => {
    const damaged = await savepointAt('a/savepoint-1', { data: 'DAMAGED' });
    await snapshotAt(scene, 'a/savepoint-1');
    expect(await recheck(damaged)).toMatchObject({ data: 'PRESENT' });
    expect(await eventTypes(stateward, 'savepoint_id', damaged)).toEqual(['SAVEPOINT_DATA_FOUND']);
    const deleting = await savepointAt('b/savepoint-1', { state: 'DELETING' });
    expect((await recheck(deleting)).message).toContain('DELETING');
    expect(await recheck(randomUUID())).toMatchObject({ code: 'NOT_FOUND' });
  });
});
