import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { artifactPath } from '../../src/artifact/find-artifact.js';
import { freePort } from '../support/http-servers.js';
import { jarOf } from '../support/jars.js';
import { eventTypes, mutate } from '../support/mutate.js';
import { createDeployment, registerCluster, uploadJob } from '../support/scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';

let stateward: Stateward;
let flink: FakeFlink;
beforeAll(async () => {
  stateward = await startStateward({ worker: false });
});
afterAll(() => stateward.stop());
beforeEach(async () => {
  flink = await startFakeFlink();
});
afterEach(() => flink.stop());

const name = () => `n ${randomUUID()}`;
const cluster = (more: object = {}) => registerCluster(stateward, flink.url, name(), more);
const changed = (text: string, values: unknown[]) => stateward.services.database.changed(text, values);

/** A run in some state, as the database has it. */
async function insertJob(deploymentId: string, clusterId: string, state: string, artifactId: string | null = null) {
  const id = randomUUID();
  await changed(
    `insert into job (id, deployment_id, cluster_id, run, flink_job_id, state, artifact_id, actor, observed_at)
     values ($1, $2, $3, (select count(*) + 1 from job where deployment_id = $2), $4, $5, $6, 'test', now())`,
    [id, deploymentId, clusterId, id.replaceAll('-', ''), state, artifactId],
  );
  await changed(`update deployment set current_job_id = $2, state = $3 where id = $1`, [
    deploymentId,
    id,
    state === 'RUNNING' ? 'RUNNING' : 'CANCELLED',
  ]);
  return id;
}

async function insertSavepoint(deploymentId: string, clusterId: string, jobId: string, state: string) {
  const id = randomUUID();
  await changed(
    `insert into savepoint (id, deployment_id, job_id, cluster_id, origin, state, format, actor)
     values ($1, $2, $3, $4, 'MANUAL', $5, 'CANONICAL', 'test')`,
    [id, deploymentId, jobId, clusterId, state],
  );
  return id;
}

describe('removing a cluster', () => {
  const FIELDS = '... on Cluster { id removedAt } ... on ClusterInUse { deploymentIds jobIds savepointIds }';

  it('is refused while something needs it, naming what', async () => {
    const clusterId = await cluster();
    const deploymentId = await createDeployment(stateward, clusterId, await uploadJob(stateward), name());
    const jobId = await insertJob(deploymentId, clusterId, 'RUNNING');
    const savepointId = await insertSavepoint(deploymentId, clusterId, jobId, 'IN_PROGRESS');
    const answer = await mutate(stateward, 'removeCluster', { clusterId }, FIELDS);
    expect(answer).toMatchObject({
      code: 'CLUSTER_IN_USE',
      deploymentIds: [deploymentId],
      jobIds: [jobId],
      savepointIds: [savepointId],
    });
    expect(answer.message).toContain('1 deployments, 1 live runs, 1 savepoints');
  });

  it('keeps it for its history, and frees its name and its address', async () => {
    const clusterName = name();
    const clusterId = await registerCluster(stateward, flink.url, clusterName);
    const deploymentId = await createDeployment(stateward, clusterId, await uploadJob(stateward), name());
    await insertJob(deploymentId, clusterId, 'CANCELLED');
    await mutate(stateward, 'deleteDeployment', { deploymentId });
    const removed = await mutate(stateward, 'removeCluster', { clusterId }, FIELDS);
    expect(removed).toMatchObject({ __typename: 'Cluster', id: clusterId, removedAt: expect.any(String) });
    const { deployment, clusters } = await stateward.ask(
      `query($id: ID!) { deployment(id: $id) { archivedAt cluster { id name } } clusters(first: 100) { edges { node { id } } } }`,
      { id: deploymentId },
    );
    expect(deployment).toMatchObject({ archivedAt: expect.any(String), cluster: { id: clusterId, name: clusterName } });
    expect(clusters.edges.map(({ node }: { node: { id: string } }) => node.id)).not.toContain(clusterId);

    const again = await mutate(
      stateward,
      'registerCluster',
      { name: clusterName, url: flink.url },
      '... on Cluster { id savepointStorage { id roots { uri } sameTextAs { id } } }',
    );
    expect(again).toMatchObject({ __typename: 'Cluster', savepointStorage: { roots: [{ uri: flink.savepointRoot }] } });
    expect(again.id).not.toBe(clusterId);
  });

  it('ends its being looked after, and nothing can be put on it any more', async () => {
    const clusterId = await cluster();
    await mutate(stateward, 'removeCluster', { clusterId });
    const rows = await stateward.services.database.rows(
      `select c.look_at, l.cluster_id as lease from cluster c left join cluster_lease l on l.cluster_id = c.id where c.id = $1`,
      [clusterId],
    );
    expect(rows).toEqual([{ look_at: null, lease: null }]);
    const deployment = { name: name(), clusterId, artifactId: await uploadJob(stateward) };
    expect(await mutate(stateward, 'createDeployment', deployment)).toMatchObject({ code: 'NOT_FOUND' });
    expect(await mutate(stateward, 'updateCluster', { clusterId, name: name() })).toMatchObject({ code: 'NOT_FOUND' });
    expect(await mutate(stateward, 'confirmCluster', { clusterId, identity: 'SAME' })).toMatchObject({
      code: 'NOT_FOUND',
    });
    const storage = { name: name(), roots: [{ clusterId, uri: 's3://x/y' }] };
    expect(await mutate(stateward, 'createStorage', storage)).toMatchObject({ code: 'NOT_FOUND' });
  });

  it('answers the same a second time, and tells of it once', async () => {
    const clusterId = await cluster();
    const first = await mutate(stateward, 'removeCluster', { clusterId }, FIELDS);
    expect(await mutate(stateward, 'removeCluster', { clusterId }, FIELDS)).toEqual(first);
    expect(await eventTypes(stateward, 'cluster_id', clusterId)).toEqual(['CLUSTER_REGISTERED', 'CLUSTER_REMOVED']);
    expect(await mutate(stateward, 'removeCluster', { clusterId: randomUUID() })).toMatchObject({ code: 'NOT_FOUND' });
  });

  it('and a deployment that is created there at the same instant never both succeed', async () => {
    for (let round = 0; round < 10; round += 1) {
      const clusterId = await cluster();
      const artifactId = await uploadJob(stateward);
      const [removed, created] = await Promise.all([
        mutate(stateward, 'removeCluster', { clusterId }),
        mutate(stateward, 'createDeployment', { name: name(), clusterId, artifactId }),
      ]);
      expect(
        [removed.__typename, created.__typename].filter((type) => type === 'Cluster' || type === 'Deployment'),
      ).toHaveLength(1);
    }
  });
});

describe('changing a cluster', () => {
  const FIELDS =
    '... on Cluster { id name url savepointBudget state } ... on ClusterAlreadyRegistered { clusterId } ... on NameTaken { takenById }';

  it('renames it, sets its budget, has it read anew, and leaves what was not given', async () => {
    const clusterId = await cluster({ savepointBudget: 2 });
    await changed("update cluster set facts_read_at = now(), look_at = now() + interval '1 h' where id = $1", [
      clusterId,
    ]);
    const renamed = name();
    const answer = await mutate(stateward, 'updateCluster', { clusterId, name: ` ${renamed} ` }, FIELDS);
    expect(answer).toMatchObject({ name: renamed, url: flink.url, savepointBudget: 2 });
    const due = await stateward.services.database.row(
      `select look_at <= now() as due, facts_read_at < now() - interval '1 h' as stale from cluster where id = $1`,
      [clusterId],
    );
    expect(due).toEqual({ due: true, stale: true });
    expect(await mutate(stateward, 'updateCluster', { clusterId, savepointBudget: 9 }, FIELDS)).toMatchObject({
      name: renamed,
      savepointBudget: 9,
    });
  });

  it('is refused for a name or an address of another, and for what cannot be used', async () => {
    const other = await startFakeFlink();
    try {
      const [clusterId, otherId] = [await cluster(), await registerCluster(stateward, other.url, name())];
      const { cluster: known } = await stateward.ask('query($id: ID!) { cluster(id: $id) { name } }', { id: otherId });
      expect(await mutate(stateward, 'updateCluster', { clusterId, name: known.name }, FIELDS)).toMatchObject({
        code: 'NAME_TAKEN',
        takenById: otherId,
      });
      expect(await mutate(stateward, 'updateCluster', { clusterId, url: other.url }, FIELDS)).toMatchObject({
        code: 'CLUSTER_ALREADY_REGISTERED',
        clusterId: otherId,
      });
      expect(await mutate(stateward, 'updateCluster', { clusterId, url: 'x' })).toMatchObject({
        code: 'INVALID_INPUT',
      });
      expect(await mutate(stateward, 'updateCluster', { clusterId, savepointBudget: 0 })).toMatchObject({
        code: 'INVALID_INPUT',
      });
    } finally {
      await other.stop();
    }
  });

  it('takes a new address only if a Flink answers there, or by force', async () => {
    const clusterId = await cluster();
    const url = `http://127.0.0.1:${await freePort()}`;
    expect(await mutate(stateward, 'updateCluster', { clusterId, url }, FIELDS)).toMatchObject({
      code: 'CLUSTER_UNREACHABLE',
    });
    expect(await mutate(stateward, 'updateCluster', { clusterId, url, force: true }, FIELDS)).toMatchObject({ url });
  });

  it('to an address that answers with other roots makes it CHANGED at once', async () => {
    const other = await startFakeFlink();
    try {
      const clusterId = await cluster();
      expect(await mutate(stateward, 'updateCluster', { clusterId, url: other.url }, FIELDS)).toMatchObject({
        url: other.url,
        state: 'CHANGED',
      });
      const events = await eventTypes(stateward, 'cluster_id', clusterId);
      expect(events).toEqual(['CLUSTER_REGISTERED', 'CLUSTER_UPDATED', 'CLUSTER_CHANGED', 'JOBMANAGER_CHANGED']);
    } finally {
      await other.stop();
    }
  });
});

describe('removing a jar', () => {
  const FIELDS = '... on Artifact { id removedAt } ... on ArtifactInUse { deploymentIds jobIds savepointIds }';
  const fileOf = async (artifactId: string) => {
    const row = await stateward.services.database.row<{ sha256: string }>('select sha256 from artifact where id = $1', [
      artifactId,
    ]);
    return artifactPath(stateward.services.config.artifactFolder, row?.sha256 ?? '');
  };

  it('is refused while a deployment, a live run or a run that kept savepoints were made from needs it', async () => {
    const clusterId = await cluster();
    const artifactId = await uploadJob(stateward);
    const deploymentId = await createDeployment(stateward, clusterId, artifactId, name());
    const remove = () => mutate(stateward, 'removeArtifact', { artifactId }, FIELDS);
    expect(await remove()).toMatchObject({ code: 'ARTIFACT_IN_USE', deploymentIds: [deploymentId] });
    const jobId = await insertJob(deploymentId, clusterId, 'RUNNING', artifactId);
    expect(await remove()).toMatchObject({ jobIds: [jobId] });
    const savepointId = await insertSavepoint(deploymentId, clusterId, jobId, 'COMPLETED');
    await changed(`update job set state = 'CANCELLED' where id = $1`, [jobId]);
    await changed(`update deployment set state = 'CANCELLED' where id = $1`, [deploymentId]);
    await mutate(stateward, 'deleteDeployment', { deploymentId });
    expect(await remove()).toMatchObject({
      code: 'ARTIFACT_IN_USE',
      deploymentIds: [],
      jobIds: [],
      savepointIds: [savepointId],
    });
    expect(existsSync(await fileOf(artifactId))).toBe(true);
    await changed(`update savepoint set state = 'DELETED' where id = $1`, [savepointId]);
    expect(await remove()).toMatchObject({ id: artifactId, removedAt: expect.any(String) });
    expect(existsSync(await fileOf(artifactId))).toBe(false);
    const { job } = await stateward.ask('query($id: ID!) { job(id: $id) { artifact { id name } } }', { id: jobId });
    expect(job.artifact).toEqual({ id: artifactId, name: 'job.jar' });
  });

  it('removes its file, and the same bytes may come again as another artifact', async () => {
    const jar = jarOf('org.example.Job', { 'unique.txt': randomUUID() });
    const first = (await stateward.upload('job.jar', jar)).body.artifact?.id ?? '';
    await mutate(stateward, 'removeArtifact', { artifactId: first });
    expect(existsSync(await fileOf(first))).toBe(false);
    const clusterId = await cluster();
    expect(await mutate(stateward, 'createDeployment', { name: name(), clusterId, artifactId: first })).toMatchObject({
      code: 'NOT_FOUND',
    });
    const second = (await stateward.upload('job.jar', jar)).body.artifact?.id ?? '';
    expect(second).not.toBe(first);
    await mutate(stateward, 'removeArtifact', { artifactId: first }); // removed long ago: the file is the other one's now
    expect(existsSync(await fileOf(second))).toBe(true);
  });

  it('and an upload of the same bytes at the same instant leave a file exactly where there is an artifact', async () => {
    const jar = jarOf('org.example.Job', { 'unique.txt': randomUUID() });
    for (let round = 0; round < 10; round += 1) {
      const artifactId = (await stateward.upload('job.jar', jar)).body.artifact?.id ?? '';
      await Promise.all([mutate(stateward, 'removeArtifact', { artifactId }), stateward.upload('job.jar', jar)]);
      const left = await stateward.services.database.rows(
        'select 1 from artifact where removed_at is null and sha256 = (select sha256 from artifact where id = $1)',
        [artifactId],
      );
      expect(existsSync(await fileOf(artifactId))).toBe(left.length === 1);
    }
  });
});

describe('deleting a deployment', () => {
  const FIELDS = '... on Deployment { id name archivedAt } ... on DeploymentNotStopped { deploymentState since }';

  it('needs a stopped one', async () => {
    const clusterId = await cluster();
    const deploymentId = await createDeployment(stateward, clusterId, await uploadJob(stateward), name());
    await insertJob(deploymentId, clusterId, 'RUNNING');
    const refused = await mutate(stateward, 'deleteDeployment', { deploymentId }, FIELDS);
    expect(refused).toMatchObject({ code: 'DEPLOYMENT_NOT_STOPPED', deploymentState: 'RUNNING' });
    expect(refused.message).toContain('deleted');
  });

  it('keeps its history and its savepoints, frees its name, and nothing can be asked of it any more', async () => {
    const clusterId = await cluster();
    const artifactId = await uploadJob(stateward);
    const deploymentName = name();
    const deploymentId = await createDeployment(stateward, clusterId, artifactId, deploymentName);
    const jobId = await insertJob(deploymentId, clusterId, 'CANCELLED');
    const savepointId = await insertSavepoint(deploymentId, clusterId, jobId, 'COMPLETED');
    const deleted = await mutate(stateward, 'deleteDeployment', { deploymentId }, FIELDS);
    expect(deleted).toMatchObject({ id: deploymentId, archivedAt: expect.any(String) });
    expect(await mutate(stateward, 'deleteDeployment', { deploymentId }, FIELDS)).toEqual(deleted);
    expect(
      (await eventTypes(stateward, 'deployment_id', deploymentId)).filter((type) => type === 'DEPLOYMENT_DELETED'),
    ).toHaveLength(1);

    const { deployment, byName } = await stateward.ask(
      `query($id: ID!, $name: String) { deployment(id: $id) { jobs { edges { node { id } } } savepoints { edges { node { id state } } } }
         byName: deployment(name: $name) { id } }`,
      { id: deploymentId, name: deploymentName },
    );
    expect(deployment.jobs.edges).toEqual([{ node: { id: jobId } }]);
    expect(deployment.savepoints.edges).toEqual([{ node: { id: savepointId, state: 'COMPLETED' } }]);
    expect(byName).toBeNull();
    const start = { deploymentId, start: { strategy: 'NONE' } };
    expect(await mutate(stateward, 'startDeployment', start)).toMatchObject({ code: 'NOT_FOUND' });
    expect(await createDeployment(stateward, clusterId, artifactId, deploymentName)).not.toBe(deploymentId);
  });

  it('answers with the same deployment for the same key', async () => {
    const clusterId = await cluster();
    const deploymentId = await createDeployment(stateward, clusterId, await uploadJob(stateward), name());
    const input = { deploymentId, idempotencyKey: randomUUID() };
    const answers = await Promise.all([1, 2, 3].map(() => mutate(stateward, 'deleteDeployment', input, FIELDS)));
    expect(new Set(answers.map(({ id }) => id))).toEqual(new Set([deploymentId]));
    expect(await mutate(stateward, 'deleteDeployment', { ...input, deploymentId: randomUUID() })).toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
    });
  });
});

describe('what was begun on a cluster that was replaced', () => {
  it('ends where nothing of it can have reached the old one, and is looked for where it can', async () => {
    const clusterId = await cluster();
    const artifactId = await uploadJob(stateward);
    const { storageId } =
      (await stateward.services.database.row<{ storageId: string }>(
        'select savepoint_storage_id as "storageId" from cluster where id = $1',
        [clusterId],
      )) ?? {};
    const begun = async (sends: number) => {
      const deploymentId = await createDeployment(stateward, clusterId, artifactId, name());
      const jobId = await insertJob(deploymentId, clusterId, 'RUNNING');
      const id = await insertSavepoint(deploymentId, clusterId, jobId, 'IN_PROGRESS');
      await changed(
        `update savepoint set attempt = 1, in_flight = true, look_at = now() + interval '1 h' where id = $1`,
        [id],
      );
      await changed(
        `insert into savepoint_attempt (savepoint_id, number, trigger_id, storage_id, directory, stored_at, sends)
         values ($1, 1, $2, $3, $4, now(), $5)`,
        [id, id.replaceAll('-', ''), storageId, `${deploymentId}/${id}/1`, sends],
      );
      return { id, deploymentId };
    };
    const [unsent, sent] = [await begun(0), await begun(1)];
    const submitting = await createDeployment(stateward, clusterId, artifactId, name());
    const submittingJob = await insertJob(submitting, clusterId, 'SUBMITTING');
    await flink.restart();
    flink.changeRoots({ savepointRoot: `file://${flink.folder}/new` });
    await mutate(stateward, 'confirmCluster', { clusterId, identity: 'REPLACED' });

    const { database } = stateward.services;
    const rows = await database.rows(
      `select s.id, s.state, s.failure_code, s.in_flight, s.lost_since is not null as sought, s.look_at <= now() as due, a.outcome
         from savepoint s join savepoint_attempt a on a.savepoint_id = s.id where s.cluster_id = $1 order by a.sends`,
      [clusterId],
    );
    expect(rows).toEqual([
      {
        id: unsent.id,
        state: 'FAILED',
        failure_code: 'JOB_ENDED',
        in_flight: false,
        sought: false,
        due: null,
        outcome: 'NEVER_SENT',
      },
      {
        id: sent.id,
        state: 'IN_PROGRESS',
        failure_code: null,
        in_flight: true,
        sought: true,
        due: true,
        outcome: null,
      },
    ]);
    const jobs = await database.rows('select distinct state, failure_code, look_at from job where cluster_id = $1', [
      clusterId,
    ]);
    expect(jobs).toEqual([{ state: 'FAILED', failure_code: 'CLUSTER_REPLACED', look_at: null }]);
    expect(await eventTypes(stateward, 'job_id', submittingJob)).toEqual(['JOB_FAILED']);
    expect(await eventTypes(stateward, 'deployment_id', unsent.deploymentId)).toEqual([
      'DEPLOYMENT_CREATED',
      'SAVEPOINT_FAILED',
      'JOB_FAILED',
    ]);
  });
});

describe('declaring a run lost', () => {
  const FIELDS =
    '... on Job { id state failureCode failureMessage endedAt } ... on ClusterNotGone { clusterState since clusterId }';
  const silentFor = (clusterId: string, time: string) =>
    changed(`update cluster set state = 'UNREACHABLE', state_since = now() - $2::interval where id = $1`, [
      clusterId,
      time,
    ]);
  const lost = (deploymentId: string, more: object = {}) => ({
    deploymentId,
    iHaveChecked: true,
    reason: 'the machine room burned down',
    ...more,
  });

  it('is refused until the cluster has been silent for 5 min, with since when it has its state', async () => {
    const clusterId = await cluster();
    const deploymentId = await createDeployment(stateward, clusterId, await uploadJob(stateward), name());
    expect(await mutate(stateward, 'declareJobLost', lost(deploymentId))).toMatchObject({ code: 'NO_LIVE_JOB' });
    await insertJob(deploymentId, clusterId, 'RUNNING');
    const declare = () => mutate(stateward, 'declareJobLost', lost(deploymentId), FIELDS);
    expect(await declare()).toMatchObject({ code: 'CLUSTER_NOT_GONE', clusterState: 'REACHABLE', clusterId });
    await silentFor(clusterId, '4 min 50 s');
    const early = await declare();
    expect(early).toMatchObject({ code: 'CLUSTER_NOT_GONE', clusterState: 'UNREACHABLE' });
    expect(Date.now() - Date.parse(early.since)).toBeGreaterThan(280_000);
  });

  it('needs the word that it was checked, and a reason', async () => {
    const deploymentId = randomUUID();
    const unchecked = await mutate(stateward, 'declareJobLost', lost(deploymentId, { iHaveChecked: false }));
    expect(unchecked).toMatchObject({ code: 'INVALID_INPUT', message: expect.stringContaining('iHaveChecked') });
    expect(await mutate(stateward, 'declareJobLost', lost(deploymentId, { reason: ' ' }))).toMatchObject({
      code: 'INVALID_INPUT',
    });
    expect(await mutate(stateward, 'declareJobLost', lost(deploymentId))).toMatchObject({ code: 'NOT_FOUND' });
  });

  it('ends it with who said so and why, and what waited for it', async () => {
    const clusterId = await cluster();
    const deploymentId = await createDeployment(stateward, clusterId, await uploadJob(stateward), name());
    const jobId = await insertJob(deploymentId, clusterId, 'RUNNING');
    const savepointId = await insertSavepoint(deploymentId, clusterId, jobId, 'PENDING');
    await silentFor(clusterId, '5 min 1 s');
    const answer = await mutate(stateward, 'declareJobLost', lost(deploymentId), FIELDS);
    expect(answer).toMatchObject({
      id: jobId,
      state: 'FAILED',
      failureCode: 'DECLARED_LOST',
      endedAt: expect.any(String),
    });
    expect(answer.failureMessage).toContain('the machine room burned down');
    const { deployment, savepoint } = await stateward.ask(
      'query($id: ID!, $savepoint: ID!) { deployment(id: $id) { state } savepoint(id: $savepoint) { state failure { code } } }',
      { id: deploymentId, savepoint: savepointId },
    );
    expect(deployment.state).toBe('FAILED');
    expect(savepoint).toEqual({ state: 'FAILED', failure: { code: 'JOB_ENDED' } });
    const told = await stateward.services.database.row(
      `select actor, details from event where deployment_id = $1 and type = 'JOB_DECLARED_LOST'`,
      [deploymentId],
    );
    expect(told).toMatchObject({ actor: expect.any(String), details: { reason: 'the machine room burned down' } });
    expect(await mutate(stateward, 'declareJobLost', lost(deploymentId))).toMatchObject({ code: 'NO_LIVE_JOB' });
  });
});
