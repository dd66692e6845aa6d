import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import type { Data } from '../support/graphql-client.js';
import { mutate } from '../support/mutate.js';
import { s3Settings, setS3Environment } from '../support/s3-environment.js';
import { S3_KEY, type S3Misconduct, type S3Server, startS3Server } from '../support/s3-server.js';
import { deploymentOn, eventsOf } from '../support/savepoint-scenario.js';
import { createSavepoint, endOfSavepoint } from '../support/scenario.js';
import * as faults from '../support/snapshot-faults.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { waitFor } from '../support/wait-for.js';

const BUCKET = `s3://${S3_KEY.bucket}/`;

let server: S3Server;
let stateward: Stateward;
let flink: FakeFlink;
let deploymentId: string;
let storageId: string;
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
/** What the fake Flink has made lies in the bucket, with what is to be its `_metadata`. */
let written: Buffer | null;
let scenes = 0;
beforeEach(async () => {
  server.misconduct = {};
  server.objects.clear();
  written = await faults.real();
  const root = `${BUCKET}flink-${++scenes}`;
  flink = await startFakeFlink({ savepointRoot: root, checkpointRoot: null });
  server.beforeAnswer = () => {
    for (const { location } of flink.savepointsMade)
      if (written) server.put(`${location.slice(BUCKET.length)}/_metadata`, written);
  };
  const scene = await deploymentOn(stateward, flink);
  deploymentId = scene.deploymentId;
  const { cluster } = await stateward.ask('query($id: ID!) { cluster(id: $id) { savepointStorage { id } } }', {
    id: scene.clusterId,
  });
  storageId = cluster.savepointStorage.id;
  await mutate(stateward, 'updateStorage', { storageId, readRoot: root }, '... on Storage { id }');
  await stateward.services.database.changed(`update storage set read_state = 'PROVEN' where id = $1`, [storageId]);
});
afterEach(() => flink.stop());

const now = async (id: string): Promise<Data> => {
  const { savepoint } = await stateward.ask(
    `query($id: ID!) { savepoint(id: $id) { state data dataCheckedAt detailsState sizeBytes fingerprint { source metadataVersion operatorCount
       stateBytes totalBytes files selfContained damaged notReached operators(first: 10) { id name parallelism maxParallelism stateBytes isChain } } } }`,
    { id },
  );
  return savepoint;
};
const isAtRest = (id: string) =>
  waitFor(() => stateward.services.database.row('select 1 from savepoint where id = $1 and look_at is null', [id]), {
    what: `savepoint ${id} to be done with`,
    timeoutMs: 60_000,
  });
async function completed(misconduct: S3Misconduct = {}): Promise<{ id: string } & Data> {
  server.misconduct = misconduct;
  const { id } = await createSavepoint(stateward, deploymentId);
  const ended = await endOfSavepoint(stateward, id);
  expect(ended).toMatchObject({ state: 'COMPLETED', detailsState: 'REPORTED' }); // whatever is found of its data
  await isAtRest(id);
  return { ...(await now(id)), id };
}

describe('a savepoint that has completed', () => {
  it('has its fingerprint of its _metadata', async () => {
    const savepoint = await completed();
    expect(savepoint).toMatchObject({
      data: 'PRESENT',
      fingerprint: { source: 'METADATA', metadataVersion: 6, selfContained: true, damaged: 0 },
    });
    expect(await eventsOf(stateward, savepoint.id)).not.toContain('SAVEPOINT_DATA_FOUND');
  });

  it.each([
    ['cut off', faults.truncated],
    ['empty', faults.empty],
    ['of files that are not there', async () => faults.missingFile()],
  ])('is DAMAGED where its _metadata is %s, told once', async (_, bytes) => {
    written = await bytes();
    const savepoint = await completed();
    expect(savepoint).toMatchObject({ state: 'COMPLETED', data: 'DAMAGED', dataCheckedAt: expect.any(String) });
    const events = await eventsOf(stateward, savepoint.id);
    expect(events.filter((type) => type.startsWith('SAVEPOINT_DATA'))).toEqual(['SAVEPOINT_DATA_DAMAGED']);
  });

  it.each([
    ['1', faults.version1],
    ['99', faults.version99],
  ])('is not known where its _metadata is of version %s: Flink tells what there is', async (_, bytes) => {
    written = await bytes();
    const savepoint = await completed();
    expect(savepoint).toMatchObject({ data: 'NOT_CHECKED', fingerprint: { source: 'REST', metadataVersion: null } });
    expect((await eventsOf(stateward, savepoint.id)).join()).not.toContain('SAVEPOINT_DATA');
  });

  it('is not known where its _metadata begins as none does, as where it is encrypted on its way; that is told once', async () => {
    written = await faults.foreign();
    const savepoint = await completed();
    expect(savepoint).toMatchObject({ data: 'NOT_CHECKED', fingerprint: { source: 'REST', metadataVersion: null } });
    const events = await eventsOf(stateward, savepoint.id);
    expect(events.filter((type) => type.startsWith('SAVEPOINT_DATA'))).toEqual(['SAVEPOINT_DATA_FOUND']);
    const told = await stateward.services.database.row<{ message: string }>(
      `select message from event where savepoint_id = $1 and type = 'SAVEPOINT_DATA_FOUND'`,
      [savepoint.id],
    );
    expect(told?.message).toContain('does not begin as Flink writes it');
  });

  it('may point outside of its folder, and may be large', async () => {
    server.put(`flink-${scenes}/shared`, Buffer.alloc(10));
    written = faults.pointingTo(`${BUCKET}flink-${scenes}/shared`, 10);
    expect(await completed()).toMatchObject({ data: 'PRESENT', fingerprint: { selfContained: false, files: 1 } });
    written = await faults.huge();
    expect(await completed()).toMatchObject({ data: 'PRESENT', fingerprint: { stateBytes: 50_000_000 } });
  });

  it('is looked at once, however often its details are asked for', async () => {
    flink.knobs.statisticsCacheMs = 2_000;
    written = await faults.truncated();
    const asks = () => flink.requests.filter(({ path }) => path.endsWith('/checkpoints')).length;
    const before = asks();
    const { id } = await completed();
    expect(asks()).toBeGreaterThan(before + 2);
    const reads = server.asked.filter(({ operation, url }) => operation === 'GetObject' && url.includes(id));
    expect(reads).toHaveLength(1);
    expect((await eventsOf(stateward, id)).filter((type) => type === 'SAVEPOINT_DATA_DAMAGED')).toHaveLength(1);
  });

  it('proves its storage, and is DAMAGED by what is missing there all the same', async () => {
    await stateward.services.database.changed(`update storage set read_state = 'UNPROVEN' where id = $1`, [storageId]);
    written = faults.missingFile();
    expect(await completed()).toMatchObject({ data: 'DAMAGED', fingerprint: { damaged: 1, notReached: 0 } });
  });

  it('is MISSING where a proven storage has none of it', async () => {
    written = null;
    const savepoint = await completed();
    expect(savepoint).toMatchObject({ data: 'MISSING', fingerprint: { source: 'REST' } });
    expect(await eventsOf(stateward, savepoint.id)).toContain('SAVEPOINT_DATA_MISSING');
  });

  it.each([
    ['denies access', { error: { status: 403, code: 'AccessDenied' } }],
    ['fails midway', { cutsAfter: 100 }],
  ])('is told by Flink where its storage %s', async (_, misconduct) => {
    const savepoint = await completed(misconduct);
    expect(savepoint).toMatchObject({
      data: 'NOT_CHECKED',
      fingerprint: {
        source: 'REST',
        stateBytes: savepoint.sizeBytes,
        totalBytes: null,
        files: null,
        selfContained: null,
        damaged: null,
      },
    });
    const { operators, operatorCount } = savepoint.fingerprint;
    expect(operators).toHaveLength(operatorCount);
    expect(operators[0]).toMatchObject({ isChain: true, name: expect.any(String), parallelism: expect.any(Number) });
  });

  it('has its details at once while its storage is silent, and what it holds when that answers', async () => {
    server.misconduct = { hangs: true };
    const { id } = await createSavepoint(stateward, deploymentId);
    const from = performance.now(); // its S3 counts as silent after 15 s
    expect(await endOfSavepoint(stateward, id)).toMatchObject({ detailsState: 'REPORTED', data: 'NOT_CHECKED' });
    expect(performance.now() - from).toBeLessThan(14_000);
    server.misconduct = {};
    await isAtRest(id);
    expect(await now(id)).toMatchObject({ data: 'PRESENT', fingerprint: { source: 'METADATA' } });
  });
});
