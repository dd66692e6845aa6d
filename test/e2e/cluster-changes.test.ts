import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { clusterBecomes, clusterNow } from '../support/cluster-scenario.js';
import type { Data } from '../support/graphql-client.js';
import { startProxy } from '../support/http-servers.js';
import { eventTypes, mutate } from '../support/mutate.js';
import {
  acknowledged,
  anotherDeployment,
  deploymentOn,
  hurryTo,
  savepointIn,
  secondLookAt,
} from '../support/savepoint-scenario.js';
import { createDeployment, createSavepoint, endOfSavepoint, startDeployment, uploadJob } from '../support/scenario.js';
import { jobIn } from '../support/start-scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { waitFor } from '../support/wait-for.js';

let stateward: Stateward;
let flink: FakeFlink;
beforeAll(async () => {
  stateward = await startStateward();
});
afterAll(() => stateward.stop());
beforeEach(async () => {
  flink = await startFakeFlink();
});
afterEach(() => flink.stop());

const FIELDS = `... on Cluster { id state savepointRoot savepointStorage { id roots { uri } } }
  ... on ClusterNotChanged { clusterId }`;
const confirm = (clusterId: string, identity: 'SAME' | 'REPLACED', more: object = {}): Promise<Data> =>
  mutate(stateward, 'confirmCluster', { clusterId, identity, ...more }, FIELDS);
const isChanged = (clusterId: string) =>
  clusterBecomes(stateward, clusterId, 'CHANGED', ({ state }) => state === 'CHANGED');

async function stateOf(deploymentId: string): Promise<Data> {
  const { deployment } = await stateward.ask(
    'query($id: ID!) { deployment(id: $id) { state currentJob { id state failureCode failureMessage } } }',
    { id: deploymentId },
  );
  return deployment;
}

/** Everything of the address anew: other roots, another process, none of the jobs. */
async function replace(roots: { savepointRoot: string; checkpointRoot?: string }): Promise<void> {
  await flink.restart();
  flink.changeRoots(roots);
}

describe('confirming a cluster as the SAME', () => {
  it('makes its new roots further storages, keeps the old ones and its jobs, and savepoints go on', async () => {
    const { clusterId, deploymentId } = await deploymentOn(stateward, flink);
    const first = await createSavepoint(stateward, deploymentId);
    await endOfSavepoint(stateward, first.id);
    const before = await clusterNow(stateward, clusterId);
    flink.changeRoots({ savepointRoot: `file://${flink.folder}/moved` });
    await isChanged(clusterId);
    const refused = await createSavepoint(stateward, deploymentId);
    expect(refused).toMatchObject({ code: 'CLUSTER_CHANGED' });
    expect(refused.message).toContain('confirmCluster');

    const confirmed = await confirm(clusterId, 'SAME');
    expect(confirmed).toMatchObject({ state: 'REACHABLE', savepointRoot: `file://${flink.folder}/moved` });
    expect(confirmed.savepointStorage.id).not.toBe(before.savepointStorage.id);
    const { storages } = await stateward.ask(
      '{ storages(first: 100) { edges { node { id roots { uri cluster { id } } } } } }',
    );
    const old = storages.edges.find(({ node }: Data) => node.id === before.savepointStorage.id);
    expect(old.node.roots).toEqual([{ uri: before.savepointRoot, cluster: { id: clusterId } }]);
    expect(await stateOf(deploymentId)).toMatchObject({ state: 'RUNNING' });
    const { id } = await createSavepoint(stateward, deploymentId);
    const made = await endOfSavepoint(stateward, id);
    expect(made).toMatchObject({ state: 'COMPLETED', location: expect.stringContaining('/moved/') });
    expect(await eventTypes(stateward, 'cluster_id', clusterId)).toContain('CLUSTER_CONFIRMED');
  });

  it('lets deployments be started there again', async () => {
    const { clusterId } = await deploymentOn(stateward, flink);
    const idle = await createDeployment(stateward, clusterId, await uploadJob(stateward), randomUUID());
    flink.changeRoots({ checkpointRoot: `file://${flink.folder}/other` });
    await isChanged(clusterId);
    await confirm(clusterId, 'SAME');
    await startDeployment(stateward, idle);
  });

  it('stays confirmed when it is looked at again', async () => {
    const { clusterId } = await deploymentOn(stateward, flink);
    flink.changeRoots({ savepointRoot: `file://${flink.folder}/moved` });
    await isChanged(clusterId);
    await confirm(clusterId, 'SAME');
    const { observedAt } = await clusterNow(stateward, clusterId);
    const looked = await clusterBecomes(stateward, clusterId, 'looked at again', (now) => now.observedAt > observedAt);
    expect(looked.state).toBe('REACHABLE');
    const types = await eventTypes(stateward, 'cluster_id', clusterId);
    expect(types.filter((type) => type === 'CLUSTER_CHANGED')).toHaveLength(2); // of the cluster and of its deployment
  });
});

describe('confirming a cluster as REPLACED', () => {
  it('ends its live jobs in the same instant, and gives it storages of its own', async () => {
    const { clusterId, deploymentId, jobId } = await deploymentOn(stateward, flink);
    const before = await clusterNow(stateward, clusterId);
    await replace({ savepointRoot: `file://${flink.folder}/new` });
    await isChanged(clusterId);
    expect(await stateOf(deploymentId)).toMatchObject({ state: 'RUNNING' }); // nobody has said that it ended
    const confirmed = await confirm(clusterId, 'REPLACED');
    expect(await stateOf(deploymentId)).toMatchObject({
      state: 'FAILED',
      currentJob: { id: jobId, state: 'FAILED', failureCode: 'CLUSTER_REPLACED' },
    });
    expect(confirmed).toMatchObject({
      state: 'REACHABLE',
      savepointStorage: { roots: [{ uri: `file://${flink.folder}/new` }] },
    });
    const { storages } = await stateward.ask('{ storages(first: 100) { edges { node { id roots { uri } } } } }');
    const rootsOf = (id: string) => storages.edges.find(({ node }: Data) => node.id === id).node.roots;
    expect(rootsOf(before.savepointStorage.id)).toEqual([]);
    expect(rootsOf(before.checkpointStorage.id)).toEqual([]);
    await startDeployment(stateward, deploymentId);
  });

  it('looks for a savepoint that was sent, never sends it again, and gives it up when it is not found', async () => {
    flink.knobs.savepointDurationMs = 600_000;
    const { clusterId, deploymentId } = await deploymentOn(stateward, flink);
    const { id } = await createSavepoint(stateward, deploymentId);
    await acknowledged(stateward, id);
    await replace({ savepointRoot: `file://${flink.folder}/new` });
    await isChanged(clusterId);
    await confirm(clusterId, 'REPLACED');
    const sent = flink.triggersReceived().length;
    await secondLookAt(stateward, id);
    expect(await hurryTo(stateward, id, 'FAILED')).toMatchObject({ failure: { code: 'RESULT_LOST' } });
    expect(flink.triggersReceived()).toHaveLength(sent);
    expect(await eventTypes(stateward, 'savepoint_id', id)).toContain('SAVEPOINT_RESULT_SOUGHT');
  });

  it('finds a savepoint that the old cluster had finished, below the root that it had', async () => {
    const { clusterId, deploymentId } = await deploymentOn(stateward, flink);
    flink.knobs.savepointDurationMs = 600_000;
    const { id } = await createSavepoint(stateward, deploymentId);
    await acknowledged(stateward, id);
    await replace({ savepointRoot: `file://${flink.folder}/new` });
    await isChanged(clusterId);
    const { attempts } = (
      await stateward.ask('query($id: ID!) { savepoint(id: $id) { attempts { directory } } }', { id })
    ).savepoint;
    const whole = `${flink.folder}/savepoints/${attempts[0].directory}/savepoint-1a2b3c`;
    await mkdir(whole, { recursive: true });
    await writeFile(`${whole}/_metadata`, 'the old cluster had finished it, and could not tell');
    await confirm(clusterId, 'REPLACED');
    expect(await hurryTo(stateward, id, 'COMPLETED')).toMatchObject({ location: `file:${whole}` });
    expect(await eventTypes(stateward, 'savepoint_id', id)).not.toContain('UNEXPECTED_LOCATION');
  });

  it('ends one that waited or was never sent as JOB_ENDED', async () => {
    flink.knobs.savepointDurationMs = 600_000;
    const { clusterId, deploymentId, artifactId } = await deploymentOn(stateward, flink, {
      cluster: { savepointBudget: 1 },
    });
    const idle = await createDeployment(stateward, clusterId, artifactId, randomUUID());
    await startDeployment(stateward, idle);
    const first = await createSavepoint(stateward, deploymentId);
    await acknowledged(stateward, first.id);
    const waiting = await createSavepoint(stateward, idle);
    expect(waiting.state).toBe('PENDING');
    await replace({ savepointRoot: `file://${flink.folder}/new` });
    await isChanged(clusterId);
    await confirm(clusterId, 'REPLACED');
    expect(await savepointIn(stateward, waiting.id, 'FAILED')).toMatchObject({ failure: { code: 'JOB_ENDED' } });
  });
});

describe('confirming a cluster', () => {
  it('is refused where nothing has changed, where nobody answers, and for an id that is not known', async () => {
    const proxy = await startProxy({ target: flink.url });
    try {
      const { clusterId } = await deploymentOn(stateward, { url: proxy.url });
      expect(await confirm(clusterId, 'REPLACED')).toMatchObject({ code: 'CLUSTER_NOT_CHANGED', clusterId });
      proxy.down = true;
      expect(await confirm(clusterId, 'SAME')).toMatchObject({ code: 'CLUSTER_UNREACHABLE' });
      proxy.down = false;
      expect(await confirm(randomUUID(), 'SAME')).toMatchObject({ code: 'NOT_FOUND' });
    } finally {
      await proxy.stop();
    }
  });

  it('twice with one key answers with the same cluster, and tells of it once', async () => {
    const { clusterId } = await deploymentOn(stateward, flink);
    flink.changeRoots({ savepointRoot: `file://${flink.folder}/moved` });
    await isChanged(clusterId);
    const more = { idempotencyKey: randomUUID() };
    const answers = await Promise.all([1, 2, 3].map(() => confirm(clusterId, 'SAME', more)));
    expect(answers.map(({ id }) => id)).toEqual([clusterId, clusterId, clusterId]);
    const types = await eventTypes(stateward, 'cluster_id', clusterId);
    expect(types.filter((type) => type === 'CLUSTER_CONFIRMED')).toHaveLength(1);
    expect(await confirm(clusterId, 'SAME')).toMatchObject({ code: 'CLUSTER_NOT_CHANGED' });
  });
});

describe('changing a cluster', () => {
  it('has a savepoint root read at once that was missing', async () => {
    flink.changeRoots({ savepointRoot: null });
    const { clusterId, deploymentId } = await deploymentOn(stateward, flink);
    const refused = await createSavepoint(stateward, deploymentId);
    expect(refused).toMatchObject({ code: 'NO_SAVEPOINT_ROOT' });
    expect(refused.message).toMatch(/execution\.checkpointing\.savepoint-dir.*updateCluster/);
    flink.changeRoots({ savepointRoot: `file://${flink.folder}/savepoints` });
    await mutate(stateward, 'updateCluster', { clusterId });
    await waitFor(async () => (await clusterNow(stateward, clusterId)).savepointRoot !== null, {
      what: 'the savepoint root to be read',
    });
    const { id } = await createSavepoint(stateward, deploymentId);
    expect(await endOfSavepoint(stateward, id)).toMatchObject({ state: 'COMPLETED' });
  });

  it('follows its jobs at the new address', async () => {
    const proxy = await startProxy({ target: flink.url });
    try {
      const { clusterId, deploymentId } = await deploymentOn(stateward, { url: proxy.url });
      proxy.down = true;
      await clusterBecomes(stateward, clusterId, 'UNREACHABLE', ({ state }) => state === 'UNREACHABLE');
      await mutate(stateward, 'updateCluster', { clusterId, url: flink.url });
      await waitFor(async () => (await clusterNow(stateward, clusterId)).state === 'REACHABLE', {
        what: 'the cluster to answer at its new address',
      });
      const { id } = await createSavepoint(stateward, deploymentId);
      expect(await endOfSavepoint(stateward, id)).toMatchObject({ state: 'COMPLETED' });
    } finally {
      await proxy.stop();
    }
  });
});

describe('a cluster whose Flink is upgraded', () => {
  it('takes its runs with it; of those that had ended before the version is as it was', async () => {
    const older = await startFakeFlink({ version: '1.20.5', folder: flink.folder });
    const proxy = await startProxy({ target: older.url });
    const versionOf = async (jobId: string) =>
      (
        await stateward.services.database.row<{ version: string }>(
          'select flink_version as version from job where id = $1',
          [jobId],
        )
      )?.version;
    try {
      const { clusterId, artifactId, jobId, flinkJobId } = await deploymentOn(stateward, { url: proxy.url });
      const ended = await anotherDeployment(stateward, clusterId, artifactId);
      older.job(ended.flinkJobId).setState('CANCELED');
      await jobIn(stateward, ended.jobId, 'CANCELLED');
      expect([await versionOf(jobId), await versionOf(ended.jobId)]).toEqual(['1.20.5', '1.20.5']);

      proxy.down = true;
      await clusterBecomes(stateward, clusterId, 'UNREACHABLE', ({ state }) => state === 'UNREACHABLE');
      flink.addJob({ jobId: flinkJobId, state: 'RUNNING' });
      proxy.target = flink.url;
      proxy.down = false;
      await waitFor(async () => (await versionOf(jobId)) === '2.3.0', { what: 'the run to be seen on its new Flink' });
      expect(await versionOf(ended.jobId)).toBe('1.20.5');

      const name = randomUUID();
      flink.addJob({ name, state: 'RUNNING' });
      const { id } = await mutate(
        stateward,
        'adoptJob',
        { name, clusterId, jobName: name },
        '... on Deployment { id }',
      );
      const adopted = await waitFor(async () => (await stateOf(id)).currentJob as Data, { what: 'it to be adopted' });
      expect(await versionOf(adopted.id)).toBe('2.3.0');
    } finally {
      await proxy.stop();
      await older.stop();
    }
  });
});

describe('a run that was declared lost', () => {
  it('and is alive when its cluster comes back becomes the current run again', async () => {
    const proxy = await startProxy({ target: flink.url });
    try {
      const { clusterId, deploymentId, jobId } = await deploymentOn(stateward, { url: proxy.url });
      proxy.down = true;
      await clusterBecomes(stateward, clusterId, 'UNREACHABLE', ({ state }) => state === 'UNREACHABLE');
      await stateward.services.database.changed(
        `update cluster set state_since = now() - interval '6 min' where id = $1`,
        [clusterId],
      );
      const input = { deploymentId, iHaveChecked: true, reason: 'so I thought' };
      expect(await mutate(stateward, 'declareJobLost', input, '... on Job { id state }')).toMatchObject({
        id: jobId,
        state: 'FAILED',
      });
      await stateward.services.database.changed(`update job set state_since = now() - interval '1 min' where id = $1`, [
        jobId,
      ]);
      proxy.down = false;
      await clusterBecomes(stateward, clusterId, 'REACHABLE', ({ state }) => state === 'REACHABLE');
      await waitFor(async () => (await stateOf(deploymentId)).state === 'RUNNING', { what: 'the run to come back' });
      expect((await stateOf(deploymentId)).currentJob).toMatchObject({ id: jobId, failureCode: null });
      const types = await eventTypes(stateward, 'job_id', jobId);
      expect(types).toEqual(expect.arrayContaining(['JOB_DECLARED_LOST', 'JOB_CAME_BACK']));
    } finally {
      await proxy.stop();
    }
  });
});
