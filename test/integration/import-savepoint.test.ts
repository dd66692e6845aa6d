import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import type { Data } from '../support/graphql-client.js';
import { insertJob } from '../support/job-rows.js';
import { metadata } from '../support/metadata-writer.js';
import { eventTypes, mutate } from '../support/mutate.js';
import { createDeployment, registerCluster, uploadJob } from '../support/scenario.js';
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

describe('an import', () => {
  it('is a savepoint that is complete, belongs to its storage, and is never verified or anybody’s lineage', async () => {
    const clusterId = await cluster();
    const uri = place();
    const made = await storage(clusterId, uri);
    const deploymentId = await createDeployment(stateward, clusterId, await uploadJob(stateward), name());
    const imported = await importOf(`${uri.replace('s3:', 's3a:')}//a/savepoint-1/_metadata`, {
      deploymentId,
      format: 'NATIVE',
      description: ' from the old house ',
    });
    expect(imported).toMatchObject({
      __typename: 'Savepoint',
      state: 'COMPLETED',
      origin: 'IMPORTED',
      kind: 'SAVEPOINT',
      format: 'NATIVE',
      description: 'from the old house',
      location: `${uri}/a/savepoint-1`,
      path: 'a/savepoint-1',
      data: 'NOT_CHECKED',
      verified: false,
      triggeredAt: null,
      completedAt: expect.any(String),
      deployment: { id: deploymentId },
      storage: { id: made.id },
      attempts: [],
    });
    const rows = await stateward.services.database.rows(
      'select job_id, cluster_id, look_at from savepoint where id = $1',
      [imported.id],
    );
    expect(rows).toEqual([{ job_id: null, cluster_id: null, look_at: null }]);
    expect((await eventTypes(stateward, 'deployment_id', deploymentId)).at(-1)).toBe('SAVEPOINT_IMPORTED');
    const { deployment } = await stateward.ask(
      'query($id: ID!) { deployment(id: $id) { savepoints { edges { node { id } } } } }',
      { id: deploymentId },
    );
    expect(deployment.savepoints.edges).toEqual([{ node: { id: imported.id } }]);
  });

  it('of a folder chk-<n> is a reference to a checkpoint', async () => {
    const uri = place();
    await storage(await cluster(), uri);
    const checkpoint = `${uri}/${randomUUID().replaceAll('-', '')}/chk-17`;
    expect(await importOf(checkpoint, { format: 'CANONICAL' })).toMatchObject({
      code: 'INVALID_INPUT',
      field: 'format',
    });
    expect(await importOf(checkpoint)).toMatchObject({ kind: 'CHECKPOINT', flinkCheckpointId: 17, format: null });
  });

  it('of a checkpoint is declined while its job is live, a run of ours or not: Flink deletes it', async () => {
    const clusterId = await cluster();
    const uri = place();
    await storage(clusterId, uri);
    const deploymentId = await createDeployment(stateward, clusterId, await uploadJob(stateward), name());
    const jobId = await insertJob(stateward, deploymentId, clusterId, 'RUNNING');
    const theirs = randomUUID().replaceAll('-', '');
    await changed(
      `insert into foreign_job (cluster_id, flink_job_id, name, state, started_at) values ($1, $2, 'theirs', 'RUNNING', now())`,
      [clusterId, theirs],
    );
    for (const flinkJobId of [jobId.replaceAll('-', ''), theirs]) {
      const refused = await importOf(`${uri.replace('s3:', 's3a:')}/${flinkJobId}/chk-17`);
      expect(refused).toMatchObject({ code: 'INVALID_INPUT', field: 'location' });
      expect(refused.message).toMatch(new RegExp(`${flinkJobId}.*Take a savepoint`));
      expect(await importOf(`${uri}/${flinkJobId}/savepoint-17`)).toMatchObject({ kind: 'SAVEPOINT' });
    }
    await changed(`update job set state = 'CANCELLED' where id = $1`, [jobId]);
    expect(await importOf(`${uri}/${jobId.replaceAll('-', '')}/chk-17`)).toMatchObject({ kind: 'CHECKPOINT' });
  });

  it('must lie below a root: else the roots are named', async () => {
    const clusterId = await cluster();
    const uri = place();
    await storage(clusterId, uri);
    const outside = await importOf('s3://elsewhere/savepoint-1');
    expect(outside).toMatchObject({
      code: 'OUTSIDE_STORAGES',
      roots: expect.arrayContaining([uri, flink.savepointRoot]),
    });
    expect(outside.message).toContain('createStorage');
    expect(await importOf(uri)).toMatchObject({ code: 'OUTSIDE_STORAGES' });
    expect(await importOf(`${uri}/../secret`)).toMatchObject({ code: 'INVALID_INPUT', field: 'location' });
    expect(await importOf('savepoint-1')).toMatchObject({ code: 'INVALID_INPUT', field: 'location' });
    expect(await importOf(`${uri}/x`, { storageId: randomUUID() })).toMatchObject({ code: 'NOT_FOUND' });
    expect(await importOf(`${uri}/x`, { deploymentId: randomUUID() })).toMatchObject({ code: 'NOT_FOUND' });
    expect(await importOf(`${uri}/x`, { description: 'x'.repeat(501) })).toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('is known in any spelling, however many come at once, until it is deleted', async () => {
    const uri = place();
    await storage(await cluster(), uri);
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) => importOf(`${index % 2 ? uri : uri.replace('s3:', 's3p:')}/savepoint-1`)),
    );
    const [made, ...others] = answers.filter(({ __typename }) => __typename === 'Savepoint');
    expect(others).toEqual([]);
    const known = answers.filter(({ code }) => code === 'ALREADY_KNOWN');
    expect(new Set(known.map(({ savepointId }) => savepointId))).toEqual(new Set([made.id]));
    expect(known).toHaveLength(7);
    await changed(`update savepoint set state = 'DELETED' where id = $1`, [made.id]);
    expect(await importOf(`${uri}/savepoint-1`)).toMatchObject({ __typename: 'Savepoint' });
  });

  it('is known too where the savepoint is one of ours that is still looked for', async () => {
    const clusterId = await cluster();
    const uri = place();
    const made = await storage(clusterId, uri);
    const deploymentId = await createDeployment(stateward, clusterId, await uploadJob(stateward), name());
    const id = randomUUID();
    const directory = `${deploymentId}/${id}/1`;
    await changed(
      `insert into savepoint (id, deployment_id, cluster_id, origin, state, format, actor, attempt, look_at)
       values ($1, $2, $3, 'MANUAL', 'FAILED', 'CANONICAL', 'test', 1, now() + interval '1 h')`,
      [id, deploymentId, clusterId],
    );
    await changed(
      `insert into savepoint_attempt (savepoint_id, number, trigger_id, storage_id, directory, stored_at) values ($1, 1, $2, $3, $4, now())`,
      [id, id.replaceAll('-', ''), made.id, directory],
    );
    const location = `${uri}/${directory}/savepoint-1`;
    expect(await importOf(location)).toMatchObject({ code: 'ALREADY_KNOWN', savepointId: id });
    await changed('update savepoint set look_at = null where id = $1', [id]);
    expect(await importOf(location)).toMatchObject({ __typename: 'Savepoint' });
  });

  it('needs its storage said where several have a root of one text', async () => {
    const [first, second] = [await startFakeFlink(), await startFakeFlink()];
    try {
      const root = `file:///flink/${randomUUID()}`;
      for (const one of [first, second]) one.changeRoots({ savepointRoot: root, checkpointRoot: null });
      await registerCluster(stateward, first.url, name());
      const clusterId = await registerCluster(stateward, second.url, name());
      const { cluster: of } = await stateward.ask('query($id: ID!) { cluster(id: $id) { savepointStorage { id } } }', {
        id: clusterId,
      });
      const refused = await importOf(`${root}/savepoint-1`);
      expect(refused).toMatchObject({ code: 'INVALID_INPUT', field: 'storageId' });
      expect(refused.message).toContain(of.savepointStorage.id);
      const storageId = of.savepointStorage.id as string;
      expect(await importOf(`${root}/savepoint-1`, { storageId })).toMatchObject({ storage: { id: storageId } });
    } finally {
      await Promise.all([first.stop(), second.stop()]);
    }
  });

  it('is looked for where the storage can be read: found it is PRESENT, proven absent it is refused', async () => {
    const uri = place();
    const made = await storage(await cluster(), uri, { readRoot: folder });
    await snapshotAt('savepoint-1');
    expect(await importOf(`${uri}/savepoint-1`)).toMatchObject({ data: 'PRESENT' });
    expect(await importOf(`${uri}/savepoint-2`)).toMatchObject({ data: 'NOT_CHECKED' });
    await prove(made.id);
    const refused = await importOf(`${uri}/savepoint-3`);
    expect(refused).toMatchObject({ code: 'INVALID_INPUT', field: 'location' });
    expect(refused.message).toContain('_metadata');
  });

  it('cannot be abandoned, and answers with the same savepoint for the same key', async () => {
    const uri = place();
    await storage(await cluster(), uri);
    const more = { idempotencyKey: randomUUID() };
    const [one, two] = await Promise.all([importOf(`${uri}/s`, more), importOf(`${uri}/s`, more)]);
    expect(one).toEqual(two);
    expect(await importOf(`${uri}/t`, more)).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
    expect(await mutate(stateward, 'abandonSavepoint', { savepointId: one.id })).toMatchObject({
      code: 'SAVEPOINT_HAS_ENDED',
    });
  });
});
