import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  attempted,
  type DriftScene,
  driftOf,
  driftPage,
  driftScene,
  fileAt,
  snapshotAt,
  kindsOf,
} from '../support/drift-scenario.js';
import type { Data } from '../support/graphql-client.js';
import { insertCheckpoint, insertLeftBehind, insertSavepointOf } from '../support/history-rows.js';
import { mutate } from '../support/mutate.js';
import { startStateward, type Stateward } from '../support/stateward.js';

const SOME_TIME_AGO = new Date('2026-03-01T00:00:00Z');

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

const database = () => stateward.services.database;
const changed = (text: string, values: unknown[]) => database().changed(text, values);
const foreign = (of: DriftScene, id: number, path: string, columns: Record<string, unknown> = {}) =>
  insertCheckpoint(database(), of.run, id, new Date(SOME_TIME_AGO.getTime() + id), {
    kind: 'SAVEPOINT',
    type: 'SAVEPOINT',
    location: `${of.uri}/${path}`,
    state_bytes: 4_096,
    ...columns,
  });
const ofRun = (entries: Data[], { run }: DriftScene) =>
  entries.filter(({ deployment }) => deployment?.id === run.deploymentId);
const importOf = (location: string, more: object = {}): Promise<Data> =>
  mutate(stateward, 'importSavepoint', { location, ...more }, '... on Savepoint { id data }');

describe('a savepoint that somebody else triggered', () => {
  it('is listed while it is there and not recorded, with the call that imports it', async () => {
    await snapshotAt(scene, 'theirs/savepoint-1');
    await foreign(scene, 1, 'theirs/savepoint-1');
    const page = await driftPage(scene);
    const [entry, ...others] = page.edges.map(({ node }: Data) => node);
    expect(others).toEqual([]);
    expect(entry).toMatchObject({
      kind: 'UNKNOWN_SAVEPOINT',
      path: 'theirs/savepoint-1',
      location: `${scene.uri}/theirs/savepoint-1`,
      bytes: 4_096,
      since: new Date(SOME_TIME_AGO.getTime() + 1).toISOString(),
      deployment: { id: scene.run.deploymentId },
      savepoint: null,
      attempt: null,
    });
    expect(entry.message).toMatch(
      /Run 1 of deployment .* has made savepoint .*checkpoint 1 of Flink.*no record of it\.$/,
    );
    expect(kindsOf(entry.remedies)).toEqual(['IMPORT', 'FORGET']);
    expect(entry.remedies[0].message).toMatch(/^importSavepoint\(location: /);
    expect(page.sums).toEqual([{ kind: 'UNKNOWN_SAVEPOINT', entries: 1, bytes: 4_096, ofUnknownSize: 0 }]);

    const imported = await importOf(entry.location, { storageId: scene.storageId });
    expect(await driftOf(scene)).toEqual([]);
    // a record that was made and ended by a person is his word: it is not to be listed
    await changed(`update savepoint set state = 'DELETED', proof = 'RECORD_ONLY' where id = $1`, [imported.id]);
    expect(await driftOf(scene)).toEqual([]);
  });

  it('is not listed where the storage shows that it is gone, and with a doubt where it cannot be seen', async () => {
    await foreign(scene, 1, 'theirs/savepoint-1');
    expect(await driftOf(scene)).toEqual([]);
    await changed(`update storage set read_state = 'UNPROVEN' where id = $1`, [scene.storageId]);
    const [entry] = await driftOf(scene);
    expect(entry.message).toContain('Whether it is still there cannot be seen from here.');
  });

  it.each([
    ['is linked to one of ours', async () => ({ savepoint_id: await insertSavepointOf(database(), scene.run) })],
    ['was discarded', () => ({ discarded: true })],
    ['failed', () => ({ state: 'FAILED' })],
    ['is a checkpoint', () => ({ kind: 'CHECKPOINT' })],
    ['lies in another storage', () => ({ location: `s3://${randomUUID()}/savepoint-1` })],
  ])('is not listed when the entry %s', async (_what, columns) => {
    await changed(`update storage set read_state = 'NONE', read_root = null where id = $1`, [scene.storageId]);
    await foreign(scene, 1, 'theirs/savepoint-1', await columns());
    expect(await driftOf(scene)).toEqual([]);
  });

  it('is listed once, and still when its day has been dropped from the history', async () => {
    await fileAt(scene, 'theirs/savepoint-1/_metadata');
    await foreign(scene, 1, 'theirs/savepoint-1');
    await insertLeftBehind(database(), scene.run, 1, new Date(SOME_TIME_AGO.getTime() + 1), {
      kind: 'SAVEPOINT',
      location: `${scene.uri}/theirs/savepoint-1`,
    });
    expect(await driftOf(scene)).toHaveLength(1);
    await changed('delete from checkpoint where job_id = $1', [scene.run.jobId]);
    expect(await driftOf(scene)).toMatchObject([{ kind: 'UNKNOWN_SAVEPOINT', path: 'theirs/savepoint-1' }]);
  });

  it('outside all storages is listed in the report on all, and has to be given one', async () => {
    const outside = `s3://${randomUUID()}/savepoint-1`;
    await foreign(scene, 1, '', { location: outside });
    expect(await driftOf(scene)).toEqual([]);
    const all = await driftPage({ stateward, storageId: null }, 'first: 50, kinds: [UNKNOWN_SAVEPOINT]');
    const [entry] = ofRun(
      all.edges.map(({ node }: Data) => node),
      scene,
    );
    expect(entry).toMatchObject({ storage: null, path: null, location: outside });
    expect(entry.remedies[0].message).toContain('createStorage');
  });

  it('of a run on the cluster that was replaced lies in the storages which that one had', async () => {
    await fileAt(scene, 'theirs/savepoint-1/_metadata');
    await foreign(scene, 1, 'theirs/savepoint-1');
    await changed(`update storage_root set left_at = now() where storage_id = $1`, [scene.storageId]);
    await changed(`update cluster set replaced_at = now() where id = $1`, [scene.run.clusterId]);
    const successor = await driftScene(stateward, { uri: scene.uri, of: scene.run });
    try {
      await changed(`update storage_root set since = now() where storage_id = $1`, [successor.storageId]);
      expect(await driftOf(successor)).toEqual([]);
      const [entry] = await driftOf(scene);
      expect(entry).toMatchObject({ kind: 'UNKNOWN_SAVEPOINT', storage: { id: scene.storageId } });
      expect(entry.remedies[0].message).toContain('updateStorage');
    } finally {
      await successor.remove();
    }
  });
});

describe('a savepoint of ours that is not where it should be', () => {
  it.each(['MISSING', 'DAMAGED'])('is listed when its data are %s', async (data) => {
    const id = await insertSavepointOf(database(), scene.run, {
      data,
      data_checked_at: SOME_TIME_AGO,
      storage_id: scene.storageId,
      path: 'a/savepoint-1',
    });
    const [entry, ...others] = await driftOf(scene);
    expect(others).toEqual([]);
    expect(entry).toMatchObject({
      kind: 'MISSING_DATA',
      savepoint: { id },
      path: 'a/savepoint-1',
      bytes: 7_000,
      since: SOME_TIME_AGO.toISOString(),
    });
    expect(kindsOf(entry.remedies)).toEqual(['BRING_BACK', 'END_RECORD']);
    await changed(`update savepoint set state = 'DELETING' where id = $1`, [id]);
    expect(await driftOf(scene)).toEqual([]);
  });

  it('and has been brought back is said to be there, and is recorded as such by recheckSavepoint', async () => {
    const id = await insertSavepointOf(database(), scene.run, {
      data: 'MISSING',
      data_checked_at: SOME_TIME_AGO,
      storage_id: scene.storageId,
      path: 'a/savepoint-1',
    });
    const recheck = () =>
      mutate(stateward, 'recheckSavepoint', { savepointId: id }, '... on Savepoint { data dataCheckedAt }');
    await mkdir(join(scene.folder, 'a'));
    expect(await recheck()).toMatchObject({ data: 'MISSING' });
    await snapshotAt(scene, 'a/savepoint-1');
    const [entry] = await driftOf(scene);
    expect(entry.message).toContain('is there again');
    expect(await recheck()).toMatchObject({ data: 'PRESENT' });
    expect(await driftOf(scene)).toEqual([]);
  });

  it('may have been claimed by somebody who started a run from it, which is said', async () => {
    const location = `${scene.uri}/a/savepoint-1`;
    await insertSavepointOf(database(), scene.run, {
      data: 'MISSING',
      storage_id: scene.storageId,
      path: 'a/savepoint-1',
      location,
    });
    expect((await driftOf(scene))[0].message).not.toContain('CLAIM');
    await changed(`update job set origin = 'ADOPTED', restored_location = $2 where id = $1`, [
      scene.run.jobId,
      `${location}/_metadata`,
    ]);
    expect((await driftOf(scene))[0].message).toContain('with claim mode CLAIM Flink deletes it by itself');
  });
});

describe('two records of one place', () => {
  const savepointIn = (of: DriftScene, path: string, columns: Record<string, unknown> = {}) =>
    insertSavepointOf(database(), of.run, {
      storage_id: of.storageId,
      path,
      location: `${of.uri}/${path}`,
      ...columns,
    });

  it('are listed where one root lies in the other and one cluster reaches both', async () => {
    const inner = await driftScene(stateward, { uri: `${scene.uri.replace('s3:', 's3a:')}/team/`, of: scene.run });
    try {
      const ours = await savepointIn(scene, 'team/a/savepoint-1');
      const imported = await savepointIn(inner, 'a/savepoint-1', { origin: 'IMPORTED' });
      await savepointIn(inner, 'a/savepoint-2');
      const [entry, ...others] = await driftOf(scene);
      expect(others).toEqual([]);
      expect(entry).toMatchObject({ kind: 'TWO_RECORDS', location: `${scene.uri}/team/a/savepoint-1` });
      expect([entry.savepoint.id, entry.otherSavepoint.id].sort()).toEqual([ours, imported].sort());
      expect(entry.message).toContain('lie at one place');
      expect(kindsOf(entry.remedies)).toEqual(['END_RECORD']);
      expect(entry.remedies[0].message).toContain(imported);
      expect(await driftOf(inner)).toHaveLength(1);
      await changed(`update savepoint set state = 'DELETED' where id = $1`, [imported]);
      expect(await driftOf(scene)).toEqual([]);
    } finally {
      await inner.remove();
    }
  });

  it('of two clusters are a proposal where their roots have one text, and nothing where those are folders', async () => {
    const theirs = await driftScene(stateward, { uri: scene.uri });
    const folder = `file:///shared/${randomUUID()}`;
    const one = await driftScene(stateward, { uri: folder });
    const other = await driftScene(stateward, { uri: folder });
    try {
      await savepointIn(scene, 'a/savepoint-1');
      await savepointIn(theirs, 'a/savepoint-1', { origin: 'IMPORTED' });
      const [entry] = await driftOf(scene);
      expect(entry.message).toContain('may be one place');
      expect(kindsOf(entry.remedies)).toEqual(['END_RECORD', 'MERGE_STORAGES']);
      expect(entry.remedies[1].message).toContain(theirs.storageId);
      await savepointIn(one, 'a/savepoint-1');
      await savepointIn(other, 'a/savepoint-1');
      expect(await driftOf(one)).toEqual([]);
    } finally {
      await Promise.all([theirs.remove(), one.remove(), other.remove()]);
    }
  });
});

describe('a deletion', () => {
  const deletion = (id: string, columns: Record<string, unknown>) => {
    const row = {
      id,
      state: 'FAILED',
      scope: 'DATA',
      rule: 'BY_HAND',
      actor: 'test',
      asked_at: SOME_TIME_AGO,
      ...columns,
    };
    const names = Object.keys(row);
    return changed(
      `insert into deletion (${names.join(', ')}) values (${names.map((_, at) => `$${at + 1}`).join(', ')})`,
      Object.values(row),
    );
  };

  it('that failed is listed with what is left', async () => {
    const { savepointId } = await attempted(scene, {
      outcome: 'COMPLETED',
      state: 'DELETION_FAILED',
      storage_id: scene.storageId,
      path: 'a/savepoint-1',
    });
    await deletion(savepointId, {
      failure_code: 'LEFTOVERS_POSSIBLE',
      failure_message: 'Part of it is gone.',
      failed_at: SOME_TIME_AGO,
      left_path: `${scene.uri}/a/savepoint-1`,
      left_bytes: 123,
    });
    const [entry, ...others] = await driftOf(scene);
    expect(others).toEqual([]);
    expect(entry).toMatchObject({
      kind: 'DELETION_FAILED',
      bytes: 123,
      location: `${scene.uri}/a/savepoint-1`,
      savepoint: { id: savepointId, state: 'DELETION_FAILED' },
    });
    expect(entry.message).toContain('(LEFTOVERS_POSSIBLE): Part of it is gone.');
    expect(kindsOf(entry.remedies)).toEqual(['RETRY_DELETION', 'BY_HAND', 'FORGET']);
    expect(entry.remedies[2].message).toContain('forgetSavepoint');
  });

  it('that was given up is listed until what is left is gone, or was forgotten', async () => {
    const { savepointId, directory } = await attempted(scene, {
      outcome: 'COMPLETED',
      state: 'DELETED',
      proof: 'NONE',
      deleted_at: SOME_TIME_AGO,
      storage_id: scene.storageId,
    });
    const path = `${directory}/savepoint-1`;
    await changed('update savepoint set path = $2 where id = $1', [savepointId, path]);
    await deletion(savepointId, { state: 'DONE', left_path: `${scene.uri}/${path}`, left_bytes: 999 });
    expect(await driftOf(scene)).toEqual([]); // the storage shows that nothing is left
    const writtenAt = await fileAt(scene, `${path}/rest`, 55);
    const [entry, ...others] = await driftOf(scene);
    expect(others).toEqual([]);
    expect(entry).toMatchObject({
      kind: 'FORGOTTEN',
      path,
      bytes: 55,
      attempt: 1,
      lastWrittenAt: writtenAt.toISOString(),
      forgotten: null,
    });
    expect(kindsOf(entry.remedies)).toEqual(['BY_HAND', 'FORGET']);
    await changed(`update storage set read_state = 'NONE' where id = $1`, [scene.storageId]);
    expect(await driftOf(scene)).toMatchObject([{ bytes: 999, lastWrittenAt: null }]);
    const forgotten = { savepointId, attempt: 1, reason: 'removed with the console' };
    expect(await mutate(stateward, 'forgetLeftover', forgotten)).toMatchObject({ __typename: 'Savepoint' });
    expect(await driftOf(scene)).toEqual([]);
    expect(await driftOf(scene, 'first: 20, includeForgotten: true')).toMatchObject([
      { forgotten: { reason: 'removed with the console' } },
    ]);
  });

  it('that was given up is not listed where it was imported again, and is where something else was forgotten before', async () => {
    await changed(`update storage set read_state = 'NONE' where id = $1`, [scene.storageId]);
    const { savepointId } = await attempted(scene, {
      outcome: 'COMPLETED',
      state: 'DELETED',
      proof: 'NONE',
      deleted_at: new Date(),
      storage_id: scene.storageId,
      path: 'a/savepoint-1',
    });
    await changed('update savepoint_attempt set left_forgotten_at = $2 where savepoint_id = $1', [
      savepointId,
      SOME_TIME_AGO,
    ]);
    expect(await driftOf(scene)).toHaveLength(1); // what was forgotten then was not this
    await importOf(`${scene.uri}/a/savepoint-1`);
    expect(await driftOf(scene)).toEqual([]);
  });
});

describe('the report', () => {
  it('goes through all kinds, newest first, page by page', async () => {
    await fileAt(scene, 'theirs/savepoint-1/_metadata');
    await fileAt(scene, 'theirs/savepoint-2/_metadata');
    await foreign(scene, 1, 'theirs/savepoint-1');
    await foreign(scene, 2, 'theirs/savepoint-2');
    const at = (ms: number) => new Date(SOME_TIME_AGO.getTime() + ms);
    for (const ms of [1, 1.5, 3]) {
      await insertSavepointOf(database(), scene.run, {
        data: 'MISSING',
        data_checked_at: at(ms),
        storage_id: scene.storageId,
        path: `m/${ms}`,
      });
    }
    const { directory } = await attempted(scene);
    await fileAt(scene, `${directory}/rest`);
    const whole = await driftPage(scene);
    expect(whole.edges.map(({ node }: Data) => [node.kind, node.path])).toEqual([
      ['LEFTOVER', `${directory}/rest`],
      ['MISSING_DATA', 'm/3'],
      ['UNKNOWN_SAVEPOINT', 'theirs/savepoint-2'],
      ...whole.edges.slice(3).map(({ node }: Data) => [node.kind, node.path]),
    ]);
    expect(whole.edges).toHaveLength(6);
    const paged: Data[] = [];
    let after = '';
    for (let pages = 0; pages < 10; pages += 1) {
      const page = await driftPage(scene, `first: 2${after}`);
      expect(page.edges.length).toBeLessThanOrEqual(2);
      paged.push(...page.edges);
      if (!page.pageInfo.hasNextPage) break;
      after = `, after: "${page.pageInfo.endCursor}"`;
    }
    expect(paged.map(({ node }) => node.id)).toEqual(whole.edges.map(({ node }: Data) => node.id));
    const some = await driftOf(scene, 'first: 20, kinds: [MISSING_DATA]');
    expect(some.map(({ path }) => path)).toEqual(['m/3', expect.anything(), expect.anything()]);
  });

  it('changes nothing', async () => {
    const { directory } = await attempted(scene, { outcome: 'RESULT_LOST' });
    await fileAt(scene, `${directory}/savepoint-1/_metadata`);
    await foreign(scene, 1, 'theirs/savepoint-1');
    const state = () =>
      database().rows(
        `select 'savepoint' as what, xmin::text, id::text from savepoint union all select 'attempt', xmin::text, savepoint_id::text from savepoint_attempt
         union all select 'storage', xmin::text, id::text from storage union all select 'checkpoint', xmin::text, job_id::text from checkpoint
         union all select 'event', xmin::text, id::text from event order by 1, 3`,
      );
    const before = await state();
    expect(await driftOf(scene)).toHaveLength(1);
    expect(await state()).toEqual(before);
  });

  it('knows no storage that there is none of, and no cursor of another list', async () => {
    const ask = (args: string) =>
      stateward.askWrongly(`{ driftReport(${args}) { entries { pageInfo { endCursor } } } }`);
    const [unknown] = await ask(`storageId: "${randomUUID()}"`);
    expect(unknown).toMatchObject({
      extensions: { code: 'BAD_USER_INPUT' },
      message: expect.stringContaining('no storage'),
    });
    const [malformed] = await ask('storageId: "x"');
    expect(malformed).toMatchObject({ extensions: { code: 'BAD_USER_INPUT' } });
    const cursor = Buffer.from('2026-13-40T00:00:00.000Z|abc').toString('base64url');
    const [wrong] = await stateward.askWrongly(
      `{ driftReport { entries(after: "${cursor}") { pageInfo { endCursor } } } }`,
    );
    expect(wrong).toMatchObject({ extensions: { code: 'BAD_USER_INPUT' } });
    const many = Array.from({ length: 6 }, (_, at) => `e${at}: entries(first: 1) { pageInfo { endCursor } }`).join(' ');
    const [costly] = await stateward.askWrongly(`{ driftReport { ${many} } }`);
    expect(costly).toMatchObject({ extensions: { code: 'QUERY_TOO_COMPLEX' } });
  });
});
