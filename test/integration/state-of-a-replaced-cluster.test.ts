import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { checkpointsIn, dataAt } from '../../src/checkpoint/look-at-storage.js';
import { loadRuns } from '../../src/checkpoint/checkpoint.store.js';
import type { Data } from '../support/graphql-client.js';
import { endRun, insertLeftBehind, insertRun, type Run } from '../support/history-rows.js';
import { mutate } from '../support/mutate.js';
import { createDeployment, registerCluster, uploadJob } from '../support/scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';

let stateward: Stateward;
let artifactId: string;
let flink: FakeFlink;
let clusterId: string;
let deploymentId: string;
let root: string;
beforeAll(async () => {
  stateward = await startStateward({ worker: false });
  artifactId = await uploadJob(stateward);
});
afterAll(() => stateward.stop());
beforeEach(async () => {
  root = `s3://${randomUUID()}/checkpoints`;
  flink = await startFakeFlink({ savepointRoot: `s3://${randomUUID()}/savepoints`, checkpointRoot: root });
  clusterId = await registerCluster(stateward, flink.url, randomUUID());
  deploymentId = await createDeployment(stateward, clusterId, artifactId, randomUUID());
});
afterEach(() => flink.stop());

/** A run that has ended and left one checkpoint behind. */
async function endedRun(location?: string): Promise<{ run: Run; location: string }> {
  const { database } = stateward.services;
  const run = await insertRun(database, { took_hold_at: new Date() }, { clusterId, deploymentId });
  const place = location ?? `${root}/${run.jobId.replaceAll('-', '')}/chk-3`;
  await insertLeftBehind(database, run, 3, new Date(), { location: place });
  await endRun(database, run);
  return { run, location: place };
}

async function latest(): Promise<Data> {
  const { restorePlan } = await stateward.ask(
    `query($id: ID!) { restorePlan(deploymentId: $id, start: { strategy: LATEST_STATE }) { __typename
       ... on RestorePlan { state { location } } ... on UserError { code message } } }`,
    { id: deploymentId },
  );
  return restorePlan;
}

const storages = async (): Promise<{ checkpoints: string; savepoints: string }> => {
  const { cluster } = await stateward.ask(
    'query($id: ID!) { cluster(id: $id) { checkpointStorage { id } savepointStorage { id } } }',
    { id: clusterId },
  );
  return { checkpoints: cluster.checkpointStorage.id, savepoints: cluster.savepointStorage.id };
};
const storageId = async (): Promise<string> => (await storages()).checkpoints;

/** Another cluster answers, with the very text of the old one as its root for checkpoints. */
async function replaced(): Promise<void> {
  flink.changeRoots({ savepointRoot: `s3://${randomUUID()}/savepoints`, checkpointRoot: root });
  expect(await mutate(stateward, 'confirmCluster', { clusterId, identity: 'REPLACED' })).toMatchObject({
    __typename: 'Cluster',
  });
}

describe('state of a cluster that was replaced', () => {
  it('is not in the storage of the new one, though that has a root of the same text', async () => {
    const { location } = await endedRun();
    expect(await latest()).toMatchObject({ state: { location } });
    const before = await storageId();
    await replaced();
    expect(await storageId()).not.toBe(before);
    const refused = await latest();
    expect(refused).toMatchObject({ code: 'STATE_NOT_REACHABLE' });
    expect(refused.message).toContain('mergeStorages');
  });

  it('is reached again once a person says that the two storages are one place, whichever is kept', async () => {
    const { location } = await endedRun();
    const first = await storageId();
    await replaced();
    await mutate(stateward, 'mergeStorages', { keep: first, into: [await storageId()] });
    expect(await latest()).toMatchObject({ state: { location } });
    await replaced();
    expect(await latest()).toMatchObject({ code: 'STATE_NOT_REACHABLE' });
    await mutate(stateward, 'mergeStorages', { keep: await storageId(), into: [first] });
    expect(await latest()).toMatchObject({ state: { location } });
  });

  it('that the new one has made since is its own', async () => {
    await endedRun();
    await replaced();
    const { location } = await endedRun();
    expect(await latest()).toMatchObject({ state: { location } });
  });

  it('outside all storages is reached by no other cluster at the same address', async () => {
    const { location } = await endedRun('s3://of-the-program/chk-3');
    expect(await latest()).toMatchObject({ state: { location } });
    await replaced();
    expect(await latest()).toMatchObject({ code: 'STATE_NOT_REACHABLE' });
    await mutate(stateward, 'createStorage', {
      name: randomUUID(),
      roots: [{ clusterId, uri: 's3://of-the-program' }],
    });
    expect(await latest()).toMatchObject({ code: 'STATE_NOT_REACHABLE' });
  });

  it('outside all storages stays out of reach, though the new one is said to have every storage of the old one', async () => {
    await endedRun('s3://of-the-program/chk-3');
    const before = await storages();
    await replaced();
    const now = await storages();
    await mutate(stateward, 'mergeStorages', { keep: before.checkpoints, into: [now.checkpoints] });
    await mutate(stateward, 'mergeStorages', { keep: before.savepoints, into: [now.savepoints] });
    expect(await latest()).toMatchObject({ code: 'STATE_NOT_REACHABLE' });
  });

  it('is looked for in the storage of the old one, and not in that of the new one', async () => {
    const { database } = stateward.services;
    const { run, location } = await endedRun();
    await replaced();
    await database.changed(`update storage set read_root = $2, read_state = 'PROVEN' where id = $1`, [
      await storageId(),
      flink.folder,
    ]);
    const [loaded] = await loadRuns(database, [run.jobId]);
    if (!loaded) throw new Error('no such run');
    expect(await dataAt(database, loaded.details, location)).toBe('NOT_CHECKED');
    expect(await checkpointsIn(database, loaded.details, location.replace('/chk-3', ''))).toBeNull();
    const { run: newer, location: there } = await endedRun();
    const [own] = await loadRuns(database, [newer.jobId]);
    if (!own) throw new Error('no such run');
    mkdirSync(join(flink.folder, dirname(there.slice(root.length))));
    expect(await dataAt(database, own.details, there)).toBe('MISSING');
  });
});
