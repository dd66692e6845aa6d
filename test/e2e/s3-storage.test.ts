import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import type { Data } from '../support/graphql-client.js';
import { freePort } from '../support/http-servers.js';
import { metadata } from '../support/metadata-writer.js';
import { mutate } from '../support/mutate.js';
import { s3Settings, setS3Environment } from '../support/s3-environment.js';
import { S3_KEY, type S3Server, startS3Server } from '../support/s3-server.js';
import { deploymentOn } from '../support/savepoint-scenario.js';
import { createSavepoint, endOfSavepoint } from '../support/scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';

const BUCKET = `s3://${S3_KEY.bucket}/`;
const ROOT = `${BUCKET}flink/savepoints`;
const STORAGE = `... on Storage { id access readRoot lastMove { readable notReadableBecause lookedFor found missingSavepointIds } }
  ... on InvalidInput { field }`;

let server: S3Server;
let stateward: Stateward;
let flink: FakeFlink;
let undo: () => void;
beforeAll(async () => {
  undo = setS3Environment();
  server = await startS3Server();
  const { endpoint = '', region = '' } = s3Settings(server.port);
  stateward = await startStateward({
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
  flink = await startFakeFlink({ savepointRoot: ROOT, checkpointRoot: null });
  server.beforeAnswer = () => {
    for (const { location } of flink.savepointsMade)
      server.put(`${location.slice(BUCKET.length)}/_metadata`, metadata(6, []));
  };
});
afterEach(() => flink.stop());

interface Scene {
  deploymentId: string;
  storageId: string;
}

/** A running deployment whose cluster's storage is in S3, and not read yet. */
async function running(): Promise<Scene> {
  const { deploymentId, clusterId } = await deploymentOn(stateward, flink);
  const { cluster } = await stateward.ask(
    'query($id: ID!) { cluster(id: $id) { savepointStorage { id access readRoot } } }',
    { id: clusterId },
  );
  expect(cluster.savepointStorage).toMatchObject({ access: 'NONE', readRoot: null });
  return { deploymentId, storageId: cluster.savepointStorage.id };
}

const readAt = (storageId: string, readRoot: string): Promise<Data> =>
  mutate(stateward, 'updateStorage', { storageId, readRoot }, STORAGE);

const accessOf = async (storageId: string): Promise<string> => {
  const { storages } = await stateward.ask('{ storages(first: 100) { edges { node { id access } } } }');
  return storages.edges.find(({ node }: Data) => node.id === storageId).node.access;
};

/** A savepoint that Flink completes; what it has written is in the bucket. */
async function savepointOf({ deploymentId }: Scene): Promise<Data> {
  const { id } = await createSavepoint(stateward, deploymentId);
  return endOfSavepoint(stateward, id);
}

describe('a storage that is read in S3', () => {
  it('is proven by a savepoint that is seen in it', async () => {
    const scene = await running();
    expect(await readAt(scene.storageId, 's3a://state/flink/savepoints/')).toMatchObject({
      access: 'UNPROVEN',
      readRoot: ROOT,
      lastMove: { readable: true, notReadableBecause: null },
    });
    expect(await savepointOf(scene)).toMatchObject({ state: 'COMPLETED', data: 'PRESENT' });
    expect(await accessOf(scene.storageId)).toBe('PROVEN');
  });

  it('is another place where a savepoint is not in it, and is then not looked at', async () => {
    const scene = await running();
    await readAt(scene.storageId, `${BUCKET}flink/other`);
    expect(await savepointOf(scene)).toMatchObject({ state: 'COMPLETED', data: 'NOT_CHECKED' });
    expect(await accessOf(scene.storageId)).toBe('MISMATCH');
  });

  it('says why it cannot be read and what to do; everything goes on, and what was not checked is said', async () => {
    const scene = await running();
    server.misconduct = { error: { status: 403, code: 'AccessDenied' } };
    const why = expect.stringMatching(/access to bucket state is denied.*s3:ListBucket/);
    expect(await readAt(scene.storageId, ROOT)).toMatchObject({
      access: 'UNPROVEN',
      lastMove: { readable: false, notReadableBecause: why, lookedFor: 0 },
    });
    expect(await savepointOf(scene)).toMatchObject({ state: 'COMPLETED', data: 'NOT_CHECKED' });
    expect(await accessOf(scene.storageId)).toBe('UNPROVEN');
    const { driftReport } = await stateward.ask(
      'query($id: ID) { driftReport(storageId: $id) { storages { leftoversChecked notCheckedBecause } } }',
      { id: scene.storageId },
    );
    expect(driftReport.storages).toEqual([{ leftoversChecked: false, notCheckedBecause: why }]);
  });

  it('is not taken by a root that holds credentials, or is none', async () => {
    const { storageId } = await running();
    for (const readRoot of ['s3://AKIAKEY:hush-hush@state/flink', 's3://state/../flink', 's3://']) {
      const answer = await readAt(storageId, readRoot);
      expect(answer).toMatchObject({ code: 'INVALID_INPUT', field: 'readRoot' });
      expect(answer.message).not.toContain('hush-hush');
    }
  });
});

describe('the SDK of S3', () => {
  it('is loaded with the first storage that needs it, and by nothing before', async () => {
    const url = (path: string) => JSON.stringify(new URL(`../../dist/src/${path}`, import.meta.url).href);
    const script = `
      import 'reflect-metadata';
      import { createRequire } from 'node:module';
      import ${url('services.js')};
      import { storageReaders } from ${url('storage/storage-readers.js')};
      const { cache } = createRequire(${url('services.js')});
      const loaded = () => Object.keys(cache).some((file) => file.includes('@aws-sdk'));
      await storageReaders.reader('/tmp');
      const before = loaded();
      storageReaders.useS3({ endpoint: 'http://127.0.0.1:${await freePort()}', region: 'eu-test-1', pathStyle: true });
      const reader = await storageReaders.reader('s3://state/flink');
      const why = await reader.exists('sp').then(String, (error) => error.message);
      console.log(JSON.stringify({ before, after: loaded(), why }));`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
      env: process.env,
    });
    expect(JSON.parse(stdout)).toEqual({
      before: false,
      after: true,
      why: expect.stringMatching(/cannot be reached for bucket state \(ECONNREFUSED\)/),
    });
  });
});
