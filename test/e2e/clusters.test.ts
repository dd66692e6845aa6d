import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { askToRegister, clusterBecomes, clusterEvents, clusterNow, lookAgain } from '../support/cluster-scenario.js';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import type { Fault } from '../../demo/fake-flink/faults.js';
import type { Data } from '../support/graphql-client.js';
import { freePort, startProxy, startTcpServer } from '../support/http-servers.js';
import {
  createDeployment,
  createSavepoint,
  endOfSavepoint,
  registerCluster,
  startDeployment,
  uploadJob,
} from '../support/scenario.js';
import { deploymentOn } from '../support/savepoint-scenario.js';
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

const register = (url: string, more: object = {}): Promise<Data> =>
  askToRegister(stateward, { name: randomUUID(), url, ...more });

async function deploymentNow(id: string): Promise<Data> {
  const { deployment } = await stateward.ask(
    `query($id: ID!) { deployment(id: $id) { state observedAt currentJob { state } } }`,
    { id },
  );
  return deployment;
}

async function startOf(deploymentId: string): Promise<Data> {
  const { startDeployment: answer } = await stateward.ask(
    `mutation($id: ID!) { startDeployment(input: { deploymentId: $id, start: { strategy: NONE } }) {
       __typename ... on Job { id } ... on UserError { code message } } }`,
    { id: deploymentId },
  );
  return answer;
}

describe('registering a cluster', () => {
  it('reads version, roots and process mark, makes its storages, and tells of it', async () => {
    const cluster = await register(`${flink.url}/`);
    expect(cluster).toMatchObject({
      __typename: 'Cluster',
      url: flink.url,
      state: 'REACHABLE',
      lastError: null,
      flinkVersion: flink.version,
      acceptsJars: true,
      processMark: flink.processMark,
      savepointRoot: flink.savepointRoot,
      checkpointRoot: flink.checkpointRoot,
      savepointBudget: 4,
      savepointStorage: {
        name: `${cluster.name} savepoints`,
        access: 'UNPROVEN',
        readRoot: `${flink.folder}/savepoints`,
        roots: [{ uri: flink.savepointRoot, cluster: { id: cluster.id } }],
      },
      checkpointStorage: { name: `${cluster.name} checkpoints`, roots: [{ uri: flink.checkpointRoot }] },
    });
    expect(await clusterEvents(stateward, cluster.id)).toEqual([{ type: 'CLUSTER_REGISTERED', deployment_id: null }]);
    const looked = await clusterBecomes(stateward, cluster.id, 'looked at', ({ slotsTotal }) => slotsTotal !== null);
    expect(looked).toMatchObject({ slotsTotal: 8, slotsAvailable: 8, state: 'REACHABLE', warnings: [] });
  });

  it('makes one storage where savepoints and checkpoints share their root', async () => {
    await flink.stop();
    flink = await startFakeFlink({ savepointRoot: 's3://bucket/state', checkpointRoot: 's3a://bucket/state/' });
    const { savepointStorage, checkpointStorage } = await register(flink.url);
    expect(savepointStorage).toMatchObject({ access: 'NONE', readRoot: null });
    expect(checkpointStorage.id).toBe(savepointStorage.id);
  });

  it('is refused for an address or a name that is taken, with the id of the one that has it', async () => {
    const first = await register(flink.url);
    const again = await register(`${flink.url.toUpperCase().replace('HTTP', 'http')}//`);
    expect(again).toMatchObject({ code: 'CLUSTER_ALREADY_REGISTERED', clusterId: first.id });
    expect(again.message).toContain(first.id);
    const other = await startFakeFlink();
    try {
      const sameName = await register(other.url, { name: ` ${first.name} ` });
      expect(sameName).toMatchObject({ code: 'NAME_TAKEN', takenById: first.id });
      expect(sameName.message).toContain(first.id);
    } finally {
      await other.stop();
    }
  });

  it('makes one cluster when ten come at once for one address, and the others are told its id', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => register(flink.url)));
    const made = answers.filter(({ __typename }) => __typename === 'Cluster');
    expect(made).toHaveLength(1);
    const refused = answers.filter(({ code }) => code === 'CLUSTER_ALREADY_REGISTERED');
    expect(refused.map(({ clusterId }) => clusterId)).toEqual(Array.from({ length: 9 }, () => made[0].id));
  });

  it('answers with the same cluster when ten come at once with one idempotency key', async () => {
    const more = { name: randomUUID(), idempotencyKey: randomUUID() };
    const answers = await Promise.all(Array.from({ length: 10 }, () => register(flink.url, more)));
    expect(answers[0]).toMatchObject({ __typename: 'Cluster' });
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    expect(await register(flink.url, { ...more, savepointBudget: 5 })).toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
    });
  });

  it.each([
    ['jobmanager', 'not a URL'],
    ['ftp://jobmanager/', 'ftp'],
    ['http://me:hush-hush@jobmanager:8081', 'credentials'],
    ['http://jobmanager:8081/?token=1', 'query'],
  ])('is refused for the address %j', async (url, reason) => {
    const answer = await register(url);
    expect(answer).toMatchObject({ code: 'INVALID_INPUT', field: 'url', message: expect.stringContaining(reason) });
    expect(answer.message).not.toContain('hush-hush');
  });

  it.each([
    [{ name: '' }, 'name'],
    [{ name: '   ' }, 'name'],
    [{ name: 'x'.repeat(101) }, 'name'],
    [{ savepointBudget: 0 }, 'savepointBudget'],
    [{ savepointBudget: 1001 }, 'savepointBudget'],
  ])('is refused for %j, naming the field', async (more, field) => {
    expect(await register(flink.url, more)).toMatchObject({ code: 'INVALID_INPUT', field });
    expect(flink.requests).toEqual([]);
  });

  it('warns when a folder of each host is the root and TaskManagers run on several', async () => {
    const { id } = await register(flink.url);
    flink.knobs.taskManagerHosts = ['worker-1', 'worker-2'];
    const { warnings } = await clusterBecomes(stateward, id, 'warned of', (cluster) => cluster.warnings.length > 0);
    expect(warnings.map(({ code }: Data) => code)).toEqual(['STORAGE_MAY_BE_LOCAL', 'STORAGE_MAY_BE_LOCAL']);
    expect(warnings[0].message).toMatch(/worker-1, worker-2/);
  });
});

describe('an address at which no Flink answers', () => {
  const refused = async (url: string, reason: RegExp) => {
    const before = Date.now();
    const answer = await register(url);
    expect(answer).toMatchObject({ code: 'CLUSTER_UNREACHABLE', message: expect.stringMatching(reason) });
    expect(answer.message).toMatch(/force: true/);
    expect(Date.now() - before).toBeLessThan(12_000);
  };

  it('is refused', async () => {
    await refused(`http://127.0.0.1:${await freePort()}`, /refused/);
  });

  it.each<[Fault, RegExp]>([
    ['REDIRECT', /redirect to http/],
    ['HTML', /HTML|page/i],
    ['GARBAGE', /answered 200 with a text/],
    ['HUGE', /more than 16 MiB/],
    ['HANG', /within 5000 ms/],
    ['NO_LEADER', /503/],
    ['DROP_BEFORE', /connection was cut/],
  ])('but %s is refused with what came back', async (fault, reason) => {
    flink.failNext({ path: /./, times: 1e6 }, fault);
    await refused(flink.url, reason);
  });

  it('but a server that accepts and says nothing is refused in time', async () => {
    const silent = await startTcpServer(() => undefined);
    try {
      await refused(silent.url, /within 5000 ms|no answer/);
    } finally {
      await silent.stop();
    }
  });

  it('but a server that speaks something else is refused', async () => {
    const ssh = await startTcpServer((socket) => void socket.end('SSH-2.0-OpenSSH_9.6\r\n'));
    try {
      await refused(ssh.url, /not HTTP/);
    } finally {
      await ssh.stop();
    }
  });

  it('is registered with force, and read when it answers', async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const cluster = await register(url, { force: true });
    expect(cluster).toMatchObject({
      state: 'UNREACHABLE',
      flinkVersion: null,
      processMark: null,
      savepointRoot: null,
      savepointStorage: null,
      lastError: expect.stringContaining('refused'),
    });
    const proxy = await startProxy({ target: flink.url, port });
    try {
      const read = await clusterBecomes(stateward, cluster.id, 'REACHABLE', ({ state }) => state === 'REACHABLE');
      expect(read).toMatchObject({
        flinkVersion: flink.version,
        processMark: flink.processMark,
        savepointStorage: { roots: [{ uri: flink.savepointRoot }] },
        checkpointStorage: { roots: [{ uri: flink.checkpointRoot }] },
      });
      expect((await clusterEvents(stateward, cluster.id)).map(({ type }) => type)).toEqual([
        'CLUSTER_REGISTERED',
        'CLUSTER_REACHABLE',
      ]);
      const artifactId = await uploadJob(stateward);
      const deploymentId = await createDeployment(stateward, cluster.id, artifactId, randomUUID());
      await startDeployment(stateward, deploymentId);
      const { id } = await createSavepoint(stateward, deploymentId);
      expect(await endOfSavepoint(stateward, id)).toMatchObject({ state: 'COMPLETED' });
    } finally {
      await proxy.stop();
    }
  });
});

describe('a cluster behind a path', () => {
  it('is asked below that path only, from the registration to the savepoint', async () => {
    const proxy = await startProxy({ target: flink.url, prefix: '/flink/a' });
    try {
      expect(await register(`${proxy.url}/flink`)).toMatchObject({ code: 'CLUSTER_UNREACHABLE' });
      proxy.asked.length = 0;
      const cluster = await register(`${proxy.url}/flink/a/`);
      expect(cluster).toMatchObject({ url: `${proxy.url}/flink/a`, processMark: flink.processMark });
      const artifactId = await uploadJob(stateward);
      const deploymentId = await createDeployment(stateward, cluster.id, artifactId, randomUUID());
      await startDeployment(stateward, deploymentId);
      const { id } = await createSavepoint(stateward, deploymentId);
      expect(await endOfSavepoint(stateward, id)).toMatchObject({ state: 'COMPLETED' });
      expect(proxy.asked.filter((path) => !path.startsWith('/flink/a/'))).toEqual([]);
      expect(proxy.asked.some((path) => path.includes('/savepoints'))).toBe(true);
    } finally {
      await proxy.stop();
    }
  });
});

describe('a cluster without a root for savepoints', () => {
  it('is registered and runs jobs, and savepoints are refused with the key that is missing', async () => {
    await flink.stop();
    flink = await startFakeFlink({ savepointRoot: null });
    const { deploymentId, clusterId } = await deploymentOn(stateward, flink);
    expect(await clusterNow(stateward, clusterId)).toMatchObject({ savepointRoot: null, savepointStorage: null });
    expect(await deploymentNow(deploymentId)).toMatchObject({ state: 'RUNNING' });
    const refusal = await createSavepoint(stateward, deploymentId);
    expect(refusal).toMatchObject({
      code: 'NO_SAVEPOINT_ROOT',
      message: expect.stringContaining('execution.checkpointing.savepoint-dir'),
    });
    expect(flink.triggersReceived()).toEqual([]);
  });

  it('is given one: no change, and savepoints are taken from then on', async () => {
    await flink.stop();
    flink = await startFakeFlink({ savepointRoot: null });
    const { deploymentId, clusterId } = await deploymentOn(stateward, flink);
    flink.changeRoots({ savepointRoot: `file://${flink.folder}/savepoints` });
    await lookAgain(stateward, clusterId);
    await clusterBecomes(stateward, clusterId, 'known with its root', (cluster) => cluster.savepointRoot !== null);
    expect(await clusterNow(stateward, clusterId)).toMatchObject({ state: 'REACHABLE' });
    expect(await createSavepoint(stateward, deploymentId)).toMatchObject({ __typename: 'Savepoint' });
  });
});

describe('a JobManager that is restarted', () => {
  it('is noticed by its new process mark, on the cluster and on each deployment that runs there', async () => {
    const { deploymentId, clusterId } = await deploymentOn(stateward, flink);
    const idle = await createDeployment(stateward, clusterId, await uploadJob(stateward), randomUUID());
    const before = flink.processMark;
    await flink.restart({ keepJobs: true });
    const { processMark } = await clusterBecomes(
      stateward,
      clusterId,
      'known by its new mark',
      (cluster) => cluster.processMark !== before,
    );
    expect(processMark).toBe(flink.processMark);
    const changes = (await clusterEvents(stateward, clusterId)).filter(({ type }) => type === 'JOBMANAGER_CHANGED');
    expect(changes.map(({ deployment_id }) => deployment_id)).toEqual([null, deploymentId]);
    expect(changes.some(({ deployment_id }) => deployment_id === idle)).toBe(false);
    await waitFor(async () => (await deploymentNow(deploymentId)).state === 'RUNNING', { what: 'the job to run on' });
  });

  it('is told once, however often it is looked at', async () => {
    const { id, processMark } = await register(flink.url);
    await flink.restart();
    await clusterBecomes(stateward, id, 'known by its new mark', (cluster) => cluster.processMark !== processMark);
    const { observedAt } = await clusterNow(stateward, id);
    await clusterBecomes(stateward, id, 'looked at again', (cluster) => cluster.observedAt > observedAt);
    const changes = (await clusterEvents(stateward, id)).filter(({ type }) => type === 'JOBMANAGER_CHANGED');
    expect(changes).toHaveLength(1);
  });
});

describe('a cluster whose roots have changed', () => {
  it.each(['savepointRoot', 'checkpointRoot'] as const)(
    'in %s is CHANGED: observed, and nothing is started or triggered there until the roots are back',
    async (root) => {
      const { deploymentId, clusterId } = await deploymentOn(stateward, flink);
      const stopped = await createDeployment(stateward, clusterId, await uploadJob(stateward), randomUUID());
      const recorded = { savepointRoot: flink.savepointRoot, checkpointRoot: flink.checkpointRoot };
      flink.changeRoots({ [root]: `file://${flink.folder}/elsewhere` });
      const changed = await clusterBecomes(stateward, clusterId, 'CHANGED', ({ state }) => state === 'CHANGED');
      expect(changed).toMatchObject(recorded);
      expect(await createSavepoint(stateward, deploymentId)).toMatchObject({ code: 'CLUSTER_CHANGED' });
      expect(await startOf(stopped)).toMatchObject({ code: 'CLUSTER_CHANGED' });
      const observedAt = new Date((await deploymentNow(deploymentId)).observedAt);
      await lookAgain(stateward, clusterId);
      await waitFor(async () => new Date((await deploymentNow(deploymentId)).observedAt) > observedAt, {
        what: 'its job to be observed on',
      });
      expect(flink.triggersReceived()).toEqual([]);

      flink.changeRoots(recorded);
      await clusterBecomes(stateward, clusterId, 'REACHABLE again', ({ state }) => state === 'REACHABLE');
      const told = (await clusterEvents(stateward, clusterId)).slice(1);
      expect(told).toEqual([
        { type: 'CLUSTER_CHANGED', deployment_id: null },
        { type: 'CLUSTER_CHANGED', deployment_id: deploymentId },
        { type: 'CLUSTER_REACHABLE', deployment_id: null },
      ]);
      const { id } = await createSavepoint(stateward, deploymentId);
      expect(await endOfSavepoint(stateward, id)).toMatchObject({ state: 'COMPLETED' });
      await startDeployment(stateward, stopped);
    },
  );

  it('only in their spelling is not CHANGED', async () => {
    const { id } = await register(flink.url);
    flink.changeRoots({ savepointRoot: `file:${flink.folder}/savepoints/` });
    const { observedAt } = await clusterNow(stateward, id);
    const looked = await clusterBecomes(stateward, id, 'looked at', (cluster) => cluster.observedAt > observedAt);
    expect(looked).toMatchObject({ state: 'REACHABLE' });
  });
});

describe('a cluster that falls silent', () => {
  it('becomes UNREACHABLE with the reason, its deployment keeps its state, and it comes back', async () => {
    const proxy = await startProxy({ target: flink.url });
    try {
      const clusterId = await registerCluster(stateward, proxy.url, randomUUID());
      const deploymentId = await createDeployment(stateward, clusterId, await uploadJob(stateward), randomUUID());
      await startDeployment(stateward, deploymentId);
      proxy.down = true;
      const silent = await clusterBecomes(stateward, clusterId, 'UNREACHABLE', ({ state }) => state === 'UNREACHABLE');
      expect(silent.lastError).toContain(proxy.url);
      expect(Date.now() - Date.parse(silent.lastErrorAt)).toBeLessThan(20_000);
      const { observedAt, ...rest } = await deploymentNow(deploymentId);
      expect(rest).toEqual({ state: 'RUNNING', currentJob: { state: 'RUNNING' } });
      expect(Date.parse(observedAt)).toBeLessThanOrEqual(Date.parse(silent.stateSince));

      proxy.down = false;
      const back = await clusterBecomes(stateward, clusterId, 'REACHABLE', ({ state }) => state === 'REACHABLE');
      expect(back.lastError).toBe(silent.lastError);
      expect((await clusterEvents(stateward, clusterId)).map(({ type }) => type)).toEqual([
        'CLUSTER_REGISTERED',
        'CLUSTER_UNREACHABLE',
        'CLUSTER_REACHABLE',
      ]);
      await waitFor(async () => Date.parse((await deploymentNow(deploymentId)).observedAt) > Date.parse(observedAt), {
        what: 'the deployment to be observed again',
      });
      expect(await deploymentNow(deploymentId)).toMatchObject({ state: 'RUNNING' });
    } finally {
      await proxy.stop();
    }
  });
});

describe('the list of clusters', () => {
  it('is null for an id that is not known and an error for what is no id', async () => {
    expect(await clusterNow(stateward, randomUUID())).toBeNull();
    const [error] = await stateward.askWrongly(`{ cluster(id: "x") { id } }`);
    expect(error).toMatchObject({ message: expect.stringMatching(/^id: /), extensions: { code: 'BAD_USER_INPUT' } });
  });
});
