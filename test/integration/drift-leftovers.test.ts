import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MOST_DIRECTORIES } from '../../src/drift/drift-look.js';
import { MOST_LOOKED_AT } from '../../src/drift/look-below.js';
import {
  anotherAttempt,
  attempted,
  type DriftScene,
  driftOf,
  driftPage,
  driftScene,
  fileAt,
  kindsOf,
  sightOf,
  WHOLE,
} from '../support/drift-scenario.js';
import type { Data } from '../support/graphql-client.js';
import { insertCheckpoint } from '../support/history-rows.js';
import { mutate } from '../support/mutate.js';
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
const importOf = (location: string): Promise<Data> =>
  mutate(stateward, 'importSavepoint', { location, storageId: scene.storageId }, '... on Savepoint { id data }');

describe('what a failed attempt has left', () => {
  it('is listed with path, bytes and age for the owner of the bucket where _metadata is not there', async () => {
    const { savepointId, directory } = await attempted(scene);
    const path = `${directory}/savepoint-0a1b2c-d3e4f5a6b7c8`;
    await fileAt(scene, `${path}/one`, 1_000, 7_200_000);
    const newest = await fileAt(scene, `${path}/two`, 2_000);
    const page = await driftPage(scene);
    const [entry, ...others] = page.edges.map(({ node }: Data) => node);
    expect(others).toEqual([]);
    expect(entry).toMatchObject({
      kind: 'LEFTOVER',
      attempt: 1,
      path,
      location: `${scene.uri}/${path}`,
      snapshots: [],
      bytes: 3_000,
      bytesCutShort: false,
      lastWrittenAt: newest.toISOString(),
      storage: { id: scene.storageId },
      deployment: { id: scene.run.deploymentId },
      savepoint: { id: savepointId, state: 'FAILED' },
      forgotten: null,
    });
    expect(entry.ageMs).toBeGreaterThanOrEqual(3_600_000);
    expect(entry.ageMs).toBeLessThan(3_700_000);
    expect(entry.message).toMatch(/ended as EXPIRED\. 2 files \(2\.9 KiB\) lie at .*nothing can be started from it/);
    expect(kindsOf(entry.remedies)).toEqual(['BY_HAND', 'FORGET']);
    expect(page.sums).toEqual([{ kind: 'LEFTOVER', entries: 1, bytes: 3_000, ofUnknownSize: 0 }]);
    expect(page.look).toEqual({ directories: 1, files: 2, stillWritten: 0, truncated: false });
  });

  it('can be imported where it is whole, and is not listed once it is', async () => {
    const { directory } = await attempted(scene);
    const path = `${directory}/savepoint-1`;
    await fileAt(scene, `${path}/_metadata`, WHOLE);
    const [entry] = await driftOf(scene);
    expect(entry).toMatchObject({ path, snapshots: [`${scene.uri}/${path}`] });
    expect(kindsOf(entry.remedies)).toEqual(['IMPORT', 'BY_HAND', 'FORGET']);
    expect(entry.remedies[0].message).toContain(
      `importSavepoint(location: "${scene.uri}/${path}", storageId: "${scene.storageId}")`,
    );
    expect(await importOf(entry.snapshots[0])).toMatchObject({ __typename: 'Savepoint', data: 'PRESENT' });
    expect(await driftOf(scene)).toEqual([]);
  });

  it('is told apart from what was imported beside it', async () => {
    const { directory } = await attempted(scene);
    await fileAt(scene, `${directory}/savepoint-1/_metadata`, WHOLE);
    await fileAt(scene, `${directory}/savepoint-2/rest`, 7);
    const [both] = await driftOf(scene);
    expect(both).toMatchObject({
      path: directory,
      bytes: WHOLE.length + 7,
      snapshots: [`${scene.uri}/${directory}/savepoint-1`],
    });
    await importOf(both.snapshots[0]);
    expect(await driftOf(scene)).toMatchObject([{ path: `${directory}/savepoint-2`, bytes: 7, snapshots: [] }]);
  });

  it('is of an earlier attempt, too, when a later one became the savepoint', async () => {
    const { savepointId, directory } = await attempted(scene, { outcome: 'ABORTED', attempt: 2, state: 'COMPLETED' });
    const second = await anotherAttempt(scene, savepointId, 2, { outcome: 'COMPLETED' });
    const path = `${second.directory}/savepoint-2`;
    await changed('update savepoint set storage_id = $2, path = $3 where id = $1', [
      savepointId,
      scene.storageId,
      path,
    ]);
    await fileAt(scene, `${path}/_metadata`);
    await fileAt(scene, `${directory}/savepoint-1/rest`);
    const [entry, ...others] = await driftOf(scene);
    expect(others).toEqual([]);
    expect(entry).toMatchObject({ kind: 'LEFTOVER', attempt: 1, path: `${directory}/savepoint-1` });
    expect(entry.message).toContain('another one became the savepoint');
  });

  it.each([
    ['an empty directory', () => Promise.resolve()],
    [
      'folders without any file',
      (directory: string) => mkdir(join(scene.folder, directory, 'savepoint-1', 'deep'), { recursive: true }),
    ],
  ])('is nothing where there is %s', async (_what, make) => {
    const { directory } = await attempted(scene);
    await mkdir(join(scene.folder, directory), { recursive: true });
    await make(directory);
    const page = await driftPage(scene);
    expect(page.edges).toEqual([]);
    expect(page.look.directories).toBe(1);
  });

  it.each([
    ['went on to the end', { outcome: 'COMPLETED' }],
    ['was never sent', { outcome: 'NEVER_SENT', sends: 0 }],
    ['is under way', { endedAgoMs: null, state: 'IN_PROGRESS' }],
    ['waits for another try', { state: 'PENDING' }],
    ['Flink may still be at', { outcome: 'ABANDONED', in_flight: true }],
    ['ended within the heartbeat timeout of the TaskManagers', { endedAgoMs: 40_000 }],
  ])('is not looked for when the attempt %s', async (_what, more) => {
    const { directory } = await attempted(scene, more);
    await fileAt(scene, `${directory}/savepoint-1/rest`);
    const page = await driftPage(scene);
    expect(page.edges).toEqual([]);
    expect(page.look.directories).toBe(0);
  });

  it('is not judged while something is still written there, and that is said', async () => {
    const { directory } = await attempted(scene);
    await fileAt(scene, `${directory}/savepoint-1/old`);
    await fileAt(scene, `${directory}/savepoint-1/new`, 10, 20_000);
    const young = await driftPage(scene);
    expect(young.edges).toEqual([]);
    expect(young.look.stillWritten).toBe(1);
    await fileAt(scene, `${directory}/savepoint-1/new`, 10, 60_000);
    expect(await driftOf(scene)).toHaveLength(1);
  });

  it('is not to be removed by hand while a run needs it that was started from it', async () => {
    const { directory } = await attempted(scene);
    await fileAt(scene, `${directory}/savepoint-1/_metadata`);
    await changed('update job set restored_location = $2 where id = $1', [
      scene.run.jobId,
      `${scene.uri.replace('s3:', 's3a:')}/${directory}/savepoint-1`,
    ]);
    const [entry] = await driftOf(scene);
    expect(entry.message).toMatch(/Do not remove it: run 1 of deployment .* was started from it/);
    expect(kindsOf(entry.remedies)).toEqual(['IMPORT', 'FORGET']);
  });

  it.each(['RESULT_LOST', 'ABANDONED'])('is to be adopted where the savepoint is whole and %s', async (outcome) => {
    const { savepointId, directory } = await attempted(scene, { outcome, look_at: new Date(Date.now() + 3_600_000) });
    await fileAt(scene, `${directory}/savepoint-1/_metadata`);
    const [sought] = await driftOf(scene);
    expect(kindsOf(sought.remedies)).toEqual(['ADOPT_LATE', 'FORGET']);
    expect(sought.remedies[0].message).toMatch(/adoptLeftover.*Stateward looks for it by itself/);
    await changed('update savepoint set look_at = null where id = $1', [savepointId]);
    const [later] = await driftOf(scene);
    expect(kindsOf(later.remedies)).toEqual(['ADOPT_LATE', 'BY_HAND', 'FORGET']);
    expect(later.remedies[0].message).not.toContain('by itself');
    await changed('update cluster set removed_at = now() where id = $1', [scene.run.clusterId]);
    const [nobodys] = await driftOf(scene);
    expect(kindsOf(nobodys.remedies)).toEqual(['IMPORT', 'BY_HAND', 'FORGET']);
  });

  it('cannot be imported while the last attempt of its savepoint is looked for', async () => {
    const { savepointId, directory } = await attempted(scene, {
      outcome: 'RESULT_LOST',
      attempt: 2,
      look_at: new Date(Date.now() + 3_600_000),
    });
    await anotherAttempt(scene, savepointId, 2, { outcome: 'RESULT_LOST' });
    await fileAt(scene, `${directory}/savepoint-1/_metadata`);
    const [entry] = await driftOf(scene);
    expect(entry).toMatchObject({ attempt: 1 });
    expect(entry.message).toContain('until then it cannot be imported');
    expect(kindsOf(entry.remedies)).toEqual(['FORGET']);
    expect(await importOf(entry.snapshots[0])).toMatchObject({ code: 'ALREADY_KNOWN' });
  });

  it.each([
    ['was sent twice', { sends: 2 }, null],
    ['was seen to have made two', { sends: 1 }, 'SAVEPOINT_MADE_TWICE'],
  ])('is one savepoint more where the attempt %s', async (_what, { sends }, event) => {
    const { savepointId, directory } = await attempted(scene, {
      outcome: 'COMPLETED',
      sends,
      storage_id: scene.storageId,
    });
    await changed('update savepoint set path = $2 where id = $1', [savepointId, `${directory}/savepoint-1`]);
    if (event)
      await changed(`insert into event (savepoint_id, type, message, actor) values ($1, $2, '', 'test')`, [
        savepointId,
        event,
      ]);
    await fileAt(scene, `${directory}/savepoint-1/_metadata`, 100);
    expect(await driftOf(scene)).toEqual([]);
    await fileAt(scene, `${directory}/savepoint-2/_metadata`, 50);
    const [entry] = await driftOf(scene);
    expect(entry).toMatchObject({
      kind: 'TWO_RECORDS',
      path: `${directory}/savepoint-2`,
      bytes: 50,
      savepoint: { id: savepointId },
    });
    expect(entry.message).toContain('lies more than what is recorded');
    expect(kindsOf(entry.remedies)).toEqual(['IMPORT', 'BY_HAND', 'FORGET']);
    expect(await driftOf(scene, 'first: 10, kinds: [LEFTOVER]')).toEqual([]);
  });
});

describe('a look into a storage', () => {
  it('follows no link, and tells of a directory that leads out of it', async () => {
    const outside = join(tmpdir(), `outside-${scene.storageId}`);
    await mkdir(outside, { recursive: true });
    try {
      await writeFile(join(outside, 'secret'), 'x'.repeat(100));
      const inside = await attempted(scene);
      await mkdir(join(scene.folder, inside.directory), { recursive: true });
      await symlink(outside, join(scene.folder, inside.directory, 'savepoint-1'));
      const out = await attempted(scene, { endedAgoMs: 7_200_000 });
      await mkdir(join(scene.folder, out.directory, '..'), { recursive: true });
      await symlink(outside, join(scene.folder, out.directory));
      const entries = await driftOf(scene);
      expect(entries).toMatchObject([
        { kind: 'LEFTOVER', path: out.directory, bytes: null, snapshots: [], savepoint: { id: out.savepointId } },
      ]);
      expect(entries[0].message).toMatch(/cannot be seen: .*leads out of it/);
      expect(kindsOf(entries[0].remedies)).toEqual(['BY_HAND', 'FORGET']);
    } finally {
      await rm(outside, { recursive: true });
    }
  });

  it('counts so many files of one directory, and says that there are more', async () => {
    const { directory } = await attempted(scene);
    for (let number = 0; number <= MOST_LOOKED_AT; number += 1)
      await fileAt(scene, `${directory}/savepoint-1/${number}`, 1);
    await fileAt(scene, `${directory}/savepoint-2/_metadata`, 1);
    const page = await driftPage(scene);
    expect(page.edges).toMatchObject([
      { node: { bytesCutShort: true, path: directory, snapshots: [`${scene.uri}/${directory}/savepoint-2`] } },
    ]);
    expect(page.edges[0].node.bytes).toBeLessThan(MOST_LOOKED_AT);
    expect(page.edges[0].node.message).toMatch(/more than \d+ files \(over /);
    expect(page.sums).toMatchObject([{ entries: 1, ofUnknownSize: 1 }]);
  });

  it('ends after so many directories, says so, and goes on from there', async () => {
    const left: string[] = [];
    for (let number = 0; number < MOST_DIRECTORIES + 20; number += 1) {
      const { savepointId, directory } = await attempted(scene, { endedAgoMs: 3_600_000 + number * 1_000 });
      if (number % 30 === 29) {
        await fileAt(scene, `${directory}/rest`);
        left.push(savepointId);
      }
    }
    const seen: string[] = [];
    const first = await driftPage(scene, 'first: 50');
    expect(first.look).toMatchObject({ directories: MOST_DIRECTORIES, truncated: true });
    expect(first.pageInfo.hasNextPage).toBe(true);
    seen.push(...first.edges.map(({ node }: Data) => node.savepoint.id));
    expect(seen).toEqual(left.slice(0, 3));
    const rest = await driftPage(scene, `first: 50, after: "${first.pageInfo.endCursor}"`);
    expect(rest.look).toEqual({ directories: 20, files: 1, stillWritten: 0, truncated: false });
    expect(rest.pageInfo.hasNextPage).toBe(false);
    expect(rest.edges.map(({ node }: Data) => node.savepoint.id)).toEqual(left.slice(3));
  });
});

describe('a storage that cannot be looked into', () => {
  it.each([
    ['NONE', /no folder to read it by.*updateStorage/],
    ['UNPROVEN', /may be another place/],
    ['MISMATCH', /is another place.*updateStorage/],
  ])('because it is %s says so', async (access, why) => {
    const blind = await driftScene(stateward, { access });
    try {
      const { directory } = await attempted(blind);
      await fileAt(blind, `${directory}/savepoint-1/rest`);
      expect(await driftOf(blind)).toEqual([]);
      expect(await sightOf(blind)).toEqual({
        leftoversChecked: false,
        notCheckedBecause: expect.stringMatching(why),
        storage: { id: blind.storageId },
      });
    } finally {
      await blind.remove();
    }
  });

  it('because its folder is gone for now says so, and takes nothing for empty', async () => {
    const { directory } = await attempted(scene);
    await fileAt(scene, `${directory}/savepoint-1/rest`);
    expect(await sightOf(scene)).toMatchObject({ leftoversChecked: true, notCheckedBecause: null });
    await scene.remove();
    expect(await sightOf(scene)).toMatchObject({
      leftoversChecked: false,
      notCheckedBecause: expect.stringContaining('cannot be read'),
    });
    expect((await driftPage(scene)).look.directories).toBe(0);
  });

  it('has left-overs listed that the history of Flink tells of', async () => {
    const blind = await driftScene(stateward, { access: 'NONE' });
    try {
      const { savepointId, directory, number } = await attempted(blind, { outcome: 'RESULT_LOST' });
      const silent = await attempted(blind, { outcome: 'RESULT_LOST' });
      const location = `${blind.uri}/${directory}/savepoint-1`;
      const { database } = stateward.services;
      await insertCheckpoint(database, blind.run, 7, new Date(Date.now() - 7_000_000), {
        kind: 'SAVEPOINT',
        type: 'SAVEPOINT',
        location,
        savepoint_id: savepointId,
        state_bytes: 4_096,
      });
      await insertCheckpoint(database, blind.run, 8, new Date(Date.now() - 6_900_000), {
        kind: 'SAVEPOINT',
        type: 'SAVEPOINT',
        state: 'FAILED',
        location: null,
        savepoint_id: silent.savepointId,
      });
      const [entry, ...others] = await driftOf(blind);
      expect(others).toEqual([]);
      expect(entry).toMatchObject({ kind: 'LEFTOVER', attempt: number, location, snapshots: [location], bytes: 4_096 });
      expect(entry.message).toContain('cannot be seen from here');
      expect(kindsOf(entry.remedies)).toEqual(['IMPORT', 'BY_HAND', 'FORGET']);
      const imported = await mutate(stateward, 'importSavepoint', { location }, '... on Savepoint { data }');
      expect(imported).toMatchObject({ data: 'NOT_CHECKED' });
      expect(await driftOf(blind)).toEqual([]);
    } finally {
      await blind.remove();
    }
  });
});
