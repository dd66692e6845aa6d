import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { recheckSavepoint } from '../../src/drift/recheck-savepoint.js';
import { readContents } from '../../src/savepoint/snapshot-contents.store.js';
import { askToDelete } from '../support/deletion-scenario.js';
import { type DriftScene, driftScene, snapshotAt } from '../support/drift-scenario.js';
import type { Data } from '../support/graphql-client.js';
import { hang } from '../support/hanging-storage.js';
import { insertSavepointOf } from '../support/history-rows.js';
import { mutate } from '../support/mutate.js';
import { s3Settings, setS3Environment } from '../support/s3-environment.js';
import { S3_KEY, type S3Server, startS3Server } from '../support/s3-server.js';
import * as faults from '../support/snapshot-faults.js';
import { startStateward, type Stateward } from '../support/stateward.js';

let server: S3Server;
let undo: () => void;
let stateward: Stateward;
let scene: DriftScene;
beforeAll(async () => {
  undo = setS3Environment();
  server = await startS3Server();
  const { endpoint = '', region = '' } = s3Settings(server.port);
  stateward = await startStateward({
    worker: false,
    env: { STATEWARD_S3_ENDPOINT: endpoint, STATEWARD_S3_REGION: region, STATEWARD_S3_PATH_STYLE: 'true' },
  });
});
afterAll(async () => {
  await stateward.stop();
  await server.stop();
  undo();
});
beforeEach(async () => {
  server.misconduct = {};
  scene = await driftScene(stateward);
});
afterEach(() => scene.remove());

const changed = (text: string, values: unknown[]) => stateward.services.database.changed(text, values);
const PATH = 's/savepoint-1-2';
const savepoint = (columns: Record<string, unknown> = {}): Promise<string> =>
  insertSavepointOf(stateward.services.database, scene.run, {
    storage_id: scene.storageId,
    path: PATH,
    location: `${scene.uri}/${PATH}`,
    ...columns,
  });
const recheck = (savepointId: string): Promise<Data> =>
  mutate(
    stateward,
    'recheckSavepoint',
    { savepointId },
    '... on Savepoint { data dataCheckedAt fingerprint { selfContained stateBytes damaged } } ... on InvalidInput { field }',
  );
const newsOf = (id: string) =>
  stateward.services.database.rows<{ type: string; message: string; details: Data | null }>(
    'select type, message, details from event where savepoint_id = $1 order by id',
    [id],
  );
const dataOf = async (id: string) =>
  (await stateward.services.database.row<{ data: string }>('select data from savepoint where id = $1', [id]))?.data;

describe('a savepoint that is rechecked', () => {
  it.each([
    ['cut off', faults.truncated, 'TRUNCATED'],
    ['empty', faults.empty, 'TRUNCATED'],
  ])('is DAMAGED where its _metadata is %s, and PRESENT when it is whole again', async (_, bytes, code) => {
    const id = await savepoint();
    await snapshotAt(scene, PATH, await bytes());
    expect(await recheck(id)).toMatchObject({ data: 'DAMAGED', fingerprint: null });
    expect(await recheck(id)).toMatchObject({ data: 'DAMAGED' });
    await snapshotAt(scene, PATH, await faults.real());
    expect(await recheck(id)).toMatchObject({ data: 'PRESENT', fingerprint: { damaged: 0, selfContained: true } });
    const [damaged, found, ...more] = await newsOf(id);
    expect(damaged).toMatchObject({ type: 'SAVEPOINT_DATA_DAMAGED', details: { metadata: code } });
    expect(damaged?.message).toMatch(/are damaged: its _metadata cannot be read \(At byte \d+ of _metadata/);
    expect(found?.type).toBe('SAVEPOINT_DATA_FOUND');
    expect(more).toEqual([]);
  });

  it('is not known where its _metadata is foreign and was never read, as where it is encrypted on its way', async () => {
    const id = await savepoint({ data: 'PRESENT' });
    await snapshotAt(scene, PATH, await faults.foreign());
    for (const _ of ['once', 'again'])
      expect(await recheck(id)).toMatchObject({ data: 'NOT_CHECKED', fingerprint: null });
    const [news, ...more] = await newsOf(id);
    expect(news?.message).toContain('which does not begin as Flink writes it, and was never read here');
    expect(more).toEqual([]);
  });

  it('is DAMAGED where its _metadata is foreign now and was read before', async () => {
    const id = await savepoint();
    await snapshotAt(scene, PATH, await faults.real());
    expect(await recheck(id)).toMatchObject({ data: 'PRESENT' });
    await snapshotAt(scene, PATH, await faults.foreign());
    expect(await recheck(id)).toMatchObject({ data: 'DAMAGED' });
    expect((await newsOf(id)).at(-1)).toMatchObject({
      type: 'SAVEPOINT_DATA_DAMAGED',
      details: { metadata: 'NOT_METADATA' },
    });
  });

  it('is DAMAGED where a file is missing, which is named; and the last look that was whole is shown', async () => {
    const id = await savepoint();
    await snapshotAt(scene, PATH, faults.missingFile('state-1', 10));
    expect(await recheck(id)).toMatchObject({ data: 'DAMAGED', fingerprint: { damaged: 1 } });
    const [news] = await newsOf(id);
    expect(news?.message).toContain('state-1 is not there');
    expect(news?.details).toEqual({
      damaged: 1,
      absent: 1,
      damages: [{ file: 'state-1', expectedBytes: 10, foundBytes: null }],
    });
    await writeFile(join(scene.folder, PATH, 'state-1'), Buffer.alloc(10));
    expect(await recheck(id)).toMatchObject({ data: 'PRESENT', fingerprint: { damaged: 0 } });
    await rm(join(scene.folder, PATH, '_metadata'));
    expect(await recheck(id)).toMatchObject({ data: 'MISSING', fingerprint: { damaged: 0 } });
  });

  it('may have names that no database stores: its contents are kept all the same, and what is missing is named', async () => {
    const id = await savepoint();
    await snapshotAt(scene, PATH, faults.missingFile('state\u0000', 10, { name: 'count\ud83d', uid: 'counter\u0000' }));
    expect(await recheck(id)).toMatchObject({ data: 'DAMAGED', fingerprint: { damaged: 1 } });
    const contents = await readContents(stateward.services.database, { savepointId: id, places: [] });
    expect(contents).toMatchObject({
      contents: { metadata: { operators: [{ name: 'count\ufffd', uid: 'counter\ufffd' }] } },
    });
    const [news] = await newsOf(id);
    expect(news?.details?.damages).toMatchObject([{ file: 'state\ufffd' }]);
  });

  it.each([
    ['1', faults.version1],
    ['99', faults.version99],
  ])('is not known where its _metadata is of version %s: that is no damage', async (_, bytes) => {
    const [id, damaged] = [await savepoint(), await savepoint({ data: 'DAMAGED', path: 's/savepoint-2' })];
    await snapshotAt(scene, PATH, await bytes());
    await snapshotAt(scene, 's/savepoint-2', await bytes());
    for (const one of [id, damaged]) {
      expect(await recheck(one)).toMatchObject({ data: 'NOT_CHECKED', fingerprint: null });
      const [news, ...more] = await newsOf(one);
      expect(news?.message).toContain('of a version that is not known here');
      expect(more).toEqual([]);
    }
  });

  it('may be large', async () => {
    const id = await savepoint({ data: 'NOT_CHECKED' });
    await snapshotAt(scene, PATH, await faults.huge());
    expect(await recheck(id)).toMatchObject({ data: 'PRESENT', fingerprint: { stateBytes: 50_000_000 } });
  });

  it('is found to point outside of its folder, and is then not deleted; nor is it where files there are gone', async () => {
    const id = await savepoint();
    const directory = PATH.split('/')[0];
    await changed(
      `insert into savepoint_attempt (savepoint_id, number, trigger_id, storage_id, directory, stored_at) values ($1, 1, $2, $3, $4, now())`,
      [id, id.replaceAll('-', ''), scene.storageId, directory],
    );
    await writeFile(join(scene.folder, 'shared'), Buffer.alloc(10));
    await snapshotAt(scene, PATH, faults.pointingTo(`${scene.uri}/shared`, 10));
    expect(await recheck(id)).toMatchObject({ data: 'PRESENT', fingerprint: { selfContained: false } });
    const ask = () => askToDelete(stateward, id, { force: true, lastState: true });
    expect((await ask()).message).toMatch(/points to files outside of its own folder/);
    await rm(join(scene.folder, 'shared'));
    expect(await recheck(id)).toMatchObject({ data: 'DAMAGED', fingerprint: { selfContained: false } });
    expect(await ask()).toMatchObject({ code: 'SAVEPOINT_NOT_DELETABLE' });
    await snapshotAt(scene, PATH);
    await recheck(id);
    expect(await ask()).toMatchObject({ state: 'DELETING' });
  });

  it('lets cleaning go on when its data have become others, as they decide what is kept', async () => {
    const id = await savepoint();
    await changed(
      `insert into retention_policy (deployment_id, max_count, sweep_at, actor) values ($1, 1, now() + interval '1 h', 'test')`,
      [scene.run.deploymentId],
    );
    const due = () =>
      stateward.services.database.row('select 1 from retention_policy where deployment_id = $1 and sweep_at <= now()', [
        scene.run.deploymentId,
      ]);
    await snapshotAt(scene, PATH);
    await recheck(id);
    expect(await due()).toBeUndefined();
    await snapshotAt(scene, PATH, await faults.truncated());
    await recheck(id);
    expect(await due()).toBeDefined();
  });
});

describe('a recheck that can tell nothing changes nothing, and says why', () => {
  it('where the look was ended', async () => {
    const id = await savepoint({ data: 'DAMAGED' });
    await snapshotAt(scene, PATH);
    const storage = hang(scene.folder);
    try {
      const refused = await recheckSavepoint(
        stateward.services,
        { savepointId: id },
        { actor: 'test', requestId: 'test' },
        50,
      );
      expect(refused).toMatchObject({
        code: 'INVALID_INPUT',
        message: expect.stringMatching(/was ended after 0.05 s.*Nothing was changed/),
      });
    } finally {
      storage.answer();
    }
    expect(await dataOf(id)).toBe('DAMAGED');
    expect(await newsOf(id)).toEqual([]);
  });

  it.each([
    ['denies access', { error: { status: 403, code: 'AccessDenied' } }, /access to bucket state is denied/],
    ['denies to read', { error: { status: 403, code: 'AccessDenied', of: 'GetObject' as const } }, /is denied/],
    ['fails midway', { cutsAfter: 100 }, /Stateward cannot see/],
  ])('where the storage %s', async (_, misconduct, why) => {
    const root = `s3://${S3_KEY.bucket}/${scene.storageId}`;
    await changed('update storage set read_root = $2 where id = $1', [scene.storageId, root]);
    server.put(`${scene.storageId}/${PATH}/_metadata`, await faults.real());
    const id = await savepoint({ data: 'MISSING' });
    server.misconduct = misconduct;
    const refused = await recheck(id);
    expect(refused).toMatchObject({ code: 'INVALID_INPUT', field: 'savepointId' });
    expect(refused.message).toMatch(why);
    expect(refused.message).toMatch(/Nothing was changed/);
    expect(await dataOf(id)).toBe('MISSING');

    const input = { location: `${scene.uri}/other/savepoint-1` };
    server.put(`${scene.storageId}/other/savepoint-1/_metadata`, await faults.real());
    const imported = await mutate(
      stateward,
      'importSavepoint',
      input,
      '... on Savepoint { data verified warnings { code } }',
    );
    expect(imported).toMatchObject({ data: 'NOT_CHECKED', verified: false, warnings: [{ code: 'NOT_VERIFIED' }] });

    server.misconduct = {};
    expect(await recheck(id)).toMatchObject({ data: 'PRESENT' });
  });
});
