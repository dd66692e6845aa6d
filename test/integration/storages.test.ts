import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import type { Data } from '../support/graphql-client.js';
import { metadata } from '../support/metadata-writer.js';
import { eventTypes, mutate } from '../support/mutate.js';
import { registerCluster } from '../support/scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';

const STORAGE = `... on Storage { id name access readRoot roots { uri cluster { id } } sameTextAs { id }
  lastMove { at readable lookedFor found missingSavepointIds } }`;
const SAVEPOINT = `... on Savepoint { id state origin kind format description location path data verified triggeredAt completedAt flinkCheckpointId
  deployment { id } storage { id } warnings { code } attempts { number } } ... on AlreadyKnown { savepointId } ... on OutsideStorages { roots } ... on InvalidInput { field }`;

let stateward: Stateward;
let flink: FakeFlink;
let folder: string;
beforeAll(async () => {
  stateward = await startStateward({ worker: false });
});
afterAll(() => stateward.stop());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stateward-storage-'));
  flink = await startFakeFlink({ savepointRoot: `s3://${randomUUID()}/savepoints`, checkpointRoot: null });
});
afterEach(async () => {
  await flink.stop();
  await rm(folder, { recursive: true, force: true });
});

const name = () => `n ${randomUUID()}`;
const place = () => `s3://${randomUUID()}/state`;
const cluster = () => registerCluster(stateward, flink.url, name());
const storage = (clusterId: string, uri: string, more: object = {}): Promise<Data> =>
  mutate(stateward, 'createStorage', { name: name(), roots: [{ clusterId, uri }], ...more }, STORAGE);
const importOf = (location: string, more: object = {}): Promise<Data> =>
  mutate(stateward, 'importSavepoint', { location, ...more }, SAVEPOINT);
const changed = (text: string, values: unknown[]) => stateward.services.database.changed(text, values);
const prove = (id: string) => changed(`update storage set read_state = 'PROVEN' where id = $1`, [id]);

async function snapshotAt(path: string): Promise<void> {
  await mkdir(join(folder, path), { recursive: true });
  await writeFile(join(folder, path, '_metadata'), metadata(6, []));
}

describe('a storage', () => {
  it('is created with a root for each cluster that reaches it, and read where its folder is', async () => {
    const clusterId = await cluster();
    const uri = place();
    const made = await storage(clusterId, `${uri}/`, { readRoot: folder });
    expect(made).toMatchObject({
      __typename: 'Storage',
      access: 'UNPROVEN',
      readRoot: folder,
      roots: [{ uri: `${uri}/`, cluster: { id: clusterId } }],
      sameTextAs: [],
      lastMove: null,
    });
    expect(await eventTypes(stateward, 'storage_id', made.id)).toEqual(['STORAGE_CREATED']);
  });

  it('is refused for a name that is taken, a place that the cluster reaches already, and what is no root', async () => {
    const clusterId = await cluster();
    const made = await storage(clusterId, place());
    expect(await storage(clusterId, place(), { name: made.name })).toMatchObject({ code: 'NAME_TAKEN' });
    expect(await storage(clusterId, flink.savepointRoot?.replace('s3:', 's3a:') ?? '')).toMatchObject({
      code: 'STORAGES_COLLIDE',
      message: expect.stringContaining('mergeStorages'),
    });
    expect(await storage(clusterId, 'bucket')).toMatchObject({ code: 'INVALID_INPUT' });
    expect(await storage(clusterId, place(), { readRoot: 'x' })).toMatchObject({ code: 'INVALID_INPUT' });
    const twice = { name: name(), roots: [place(), place()].map((uri) => ({ clusterId, uri })) };
    expect(await mutate(stateward, 'createStorage', twice)).toMatchObject({ code: 'INVALID_INPUT' });
    expect(await mutate(stateward, 'createStorage', { name: name(), roots: [] })).toMatchObject({
      code: 'INVALID_INPUT',
    });
  });

  it('is proposed where another cluster has a root of equal text, and never for file: roots', async () => {
    const other = await startFakeFlink({ savepointRoot: flink.savepointRoot?.replace('s3:', 's3p:') ?? null });
    const [third, fourth] = [await startFakeFlink(), await startFakeFlink()];
    try {
      const storagesOf = async (url: string) =>
        mutate(
          stateward,
          'registerCluster',
          { name: name(), url },
          '... on Cluster { savepointStorage { id sameTextAs { id } } }',
        );
      const first = await storagesOf(flink.url);
      const second = await storagesOf(other.url);
      expect(second.savepointStorage.sameTextAs).toEqual([{ id: first.savepointStorage.id }]);
      third.changeRoots({ savepointRoot: 'file:///shared/x' });
      fourth.changeRoots({ savepointRoot: 'file:///shared/x' });
      await storagesOf(third.url);
      expect((await storagesOf(fourth.url)).savepointStorage.sameTextAs).toEqual([]);
    } finally {
      await Promise.all([other.stop(), third.stop(), fourth.stop()]);
    }
  });
});

describe('moving a storage', () => {
  it('looks for its newest savepoints at the new place, and tells how many were found', async () => {
    const clusterId = await cluster();
    const uri = place();
    const made = await storage(clusterId, uri, { readRoot: folder });
    await snapshotAt('savepoint-1');
    const here = await importOf(`${uri}/savepoint-1`);
    const gone = await importOf(`${uri}/savepoint-2`);
    await prove(made.id);
    const moved = place();
    const answer = await mutate(
      stateward,
      'updateStorage',
      { storageId: made.id, root: { clusterId, uri: moved } },
      STORAGE,
    );
    expect(answer).toMatchObject({
      access: 'UNPROVEN',
      roots: [{ uri: moved }],
      lastMove: { readable: true, lookedFor: 2, found: 1, missingSavepointIds: [gone.id] },
    });
    const { savepoint } = await stateward.ask('query($id: ID!) { savepoint(id: $id) { storage { id } path } }', {
      id: here.id,
    });
    expect(savepoint).toEqual({ storage: { id: made.id }, path: 'savepoint-1' });
  });

  it('to a folder that cannot be read here says so, and counts nothing', async () => {
    const made = await storage(await cluster(), place(), { readRoot: folder });
    const answer = await mutate(
      stateward,
      'updateStorage',
      { storageId: made.id, readRoot: `${folder}/none` },
      STORAGE,
    );
    expect(answer).toMatchObject({ readRoot: `${folder}/none`, lastMove: { readable: false, lookedFor: 0, found: 0 } });
    const blind = await mutate(stateward, 'updateStorage', { storageId: made.id, readRoot: null }, STORAGE);
    expect(blind).toMatchObject({ readRoot: null, access: 'NONE' });
  });

  it('takes one more cluster that reaches it, without counting as a move', async () => {
    const made = await storage(await cluster(), place());
    const other = await startFakeFlink();
    try {
      const clusterId = await registerCluster(stateward, other.url, name());
      const uri = place();
      const answer = await mutate(
        stateward,
        'updateStorage',
        { storageId: made.id, root: { clusterId, uri } },
        STORAGE,
      );
      expect(answer.roots).toHaveLength(2);
      expect(answer.lastMove).toBeNull();
    } finally {
      await other.stop();
    }
  });

  it('is refused where the configuration of the cluster says otherwise, and for a place that it reaches already', async () => {
    const clusterId = await cluster();
    const { cluster: of } = await stateward.ask('query($id: ID!) { cluster(id: $id) { savepointStorage { id } } }', {
      id: clusterId,
    });
    const move = (storageId: string, uri: string) =>
      mutate(stateward, 'updateStorage', { storageId, root: { clusterId, uri } }, STORAGE);
    expect(await move(of.savepointStorage.id, place())).toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining('confirmCluster(SAME)'),
    });
    const [one, two] = [place(), place()];
    const made = await storage(clusterId, one);
    await storage(clusterId, two);
    expect(await move(made.id, two)).toMatchObject({ code: 'STORAGES_COLLIDE' });
  });

  it('may be renamed, except to the name of another', async () => {
    const clusterId = await cluster();
    const [made, other] = [await storage(clusterId, place()), await storage(clusterId, place())];
    const renamed = name();
    const rename = (to: string) => mutate(stateward, 'updateStorage', { storageId: made.id, name: to }, STORAGE);
    expect(await rename(renamed)).toMatchObject({ name: renamed });
    expect(await rename(other.name)).toMatchObject({ code: 'NAME_TAKEN' });
    expect(await eventTypes(stateward, 'storage_id', made.id)).toEqual(['STORAGE_CREATED', 'STORAGE_UPDATED']);
  });
});

describe('storages that are one place', () => {
  it('become one: savepoints, roots and clusters of the others are its own', async () => {
    const clusterId = await cluster();
    const { cluster: of } = await stateward.ask('query($id: ID!) { cluster(id: $id) { savepointStorage { id } } }', {
      id: clusterId,
    });
    const other = await startFakeFlink({ savepointRoot: flink.savepointRoot });
    try {
      const otherId = await registerCluster(stateward, other.url, name());
      const { cluster: otherOf } = await stateward.ask(
        'query($id: ID!) { cluster(id: $id) { savepointStorage { id } } }',
        { id: otherId },
      );
      const [keep, into] = [of.savepointStorage.id as string, otherOf.savepointStorage.id as string];
      const imported = await importOf(`${flink.savepointRoot}/savepoint-1`, { storageId: into });
      const input = { keep, into: [into], idempotencyKey: randomUUID() };
      const merged = await mutate(stateward, 'mergeStorages', input, STORAGE);
      expect(merged).toMatchObject({ id: keep, sameTextAs: [] });
      expect(merged.roots.map((root: Data) => root.cluster.id).sort()).toEqual([clusterId, otherId].sort());
      const { savepoint, cluster: now } = await stateward.ask(
        'query($id: ID!, $cluster: ID!) { savepoint(id: $id) { storage { id } } cluster(id: $cluster) { savepointStorage { id } } }',
        { id: imported.id, cluster: otherId },
      );
      expect(savepoint.storage.id).toBe(keep);
      expect(now.savepointStorage.id).toBe(keep);
      expect(await mutate(stateward, 'mergeStorages', input, STORAGE)).toEqual(merged);
      expect(await mutate(stateward, 'mergeStorages', { keep, into: [into] })).toMatchObject({ code: 'NOT_FOUND' });
    } finally {
      await other.stop();
    }
  });

  it('cannot be where two savepoints would lie at one path: nothing is merged', async () => {
    const clusterId = await cluster();
    const [one, two] = [place(), place()];
    const [keep, into] = [await storage(clusterId, one), await storage(clusterId, two)];
    const [first, second] = [await importOf(`${one}/savepoint-1`), await importOf(`${two}/savepoint-1`)];
    const answer = await mutate(
      stateward,
      'mergeStorages',
      { keep: keep.id, into: [into.id] },
      '... on StoragesCollide { savepointIds }',
    );
    expect(answer).toMatchObject({ code: 'STORAGES_COLLIDE', savepointIds: [first.id, second.id] });
    const { savepoint } = await stateward.ask('query($id: ID!) { savepoint(id: $id) { storage { id } } }', {
      id: second.id,
    });
    expect(savepoint.storage.id).toBe(into.id);
    expect(await mutate(stateward, 'mergeStorages', { keep: keep.id, into: [keep.id] })).toMatchObject({
      code: 'INVALID_INPUT',
    });
  });

  it('answer with the one that was kept when what made or changed the others is asked again', async () => {
    const clusterId = await cluster();
    const [keep, last] = [await storage(clusterId, place()), await storage(clusterId, place())];
    const creation = {
      name: name(),
      roots: [{ clusterId, uri: place() }],
      idempotencyKey: randomUUID(),
    };
    const made = await mutate(stateward, 'createStorage', creation, STORAGE);
    const renaming = { storageId: made.id, name: name(), idempotencyKey: randomUUID() };
    await mutate(stateward, 'updateStorage', renaming, STORAGE);
    await mutate(stateward, 'mergeStorages', { keep: keep.id, into: [made.id] });
    expect(await mutate(stateward, 'createStorage', creation, STORAGE)).toMatchObject({ id: keep.id, name: keep.name });
    expect(await mutate(stateward, 'updateStorage', renaming, STORAGE)).toMatchObject({ id: keep.id, name: keep.name });
    await mutate(stateward, 'mergeStorages', { keep: last.id, into: [keep.id] });
    expect(await mutate(stateward, 'createStorage', creation, STORAGE)).toMatchObject({ id: last.id });
  });

  it('keep the root of the kept one where a cluster has two', async () => {
    const clusterId = await cluster();
    const [one, two] = [place(), place()];
    const [keep, into] = [await storage(clusterId, one), await storage(clusterId, two)];
    const merged = await mutate(stateward, 'mergeStorages', { keep: keep.id, into: [into.id] }, STORAGE);
    expect(merged.roots).toEqual([{ uri: one, cluster: { id: clusterId } }]);
  });
});
