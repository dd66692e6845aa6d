import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { freePort } from '../support/http-servers.js';
import { eventTypes, mutate } from '../support/mutate.js';
import { createDeployment, registerCluster, uploadJob } from '../support/scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { insertJob, insertSavepointOf } from '../support/job-rows.js';

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

describe('removing a cluster', () => {
  const FIELDS = '... on Cluster { id removedAt } ... on ClusterInUse { deploymentIds jobIds savepointIds }';

  it('is refused while something needs it, naming what', async () => {
    const clusterId = await cluster();
    const deploymentId = await createDeployment(stateward, clusterId, await uploadJob(stateward), name());
    const jobId = await insertJob(stateward, deploymentId, clusterId, 'RUNNING');
    const savepointId = await insertSavepointOf(stateward, deploymentId, clusterId, jobId, 'IN_PROGRESS');
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
    await insertJob(stateward, deploymentId, clusterId, 'CANCELLED');
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

describe('a look at a cluster that a person changes meanwhile', () => {
  it.each(['updateCluster', 'removeCluster'])('has lost its claim after %s: what it saw is stale', async (mutation) => {
    const clusterId = await cluster();
    const claim = () =>
      stateward.services.database.row('select claim::int, claimed_until from cluster where id = $1', [clusterId]);
    await changed(`update cluster set claim = 5, claimed_until = now() + interval '1 min' where id = $1`, [clusterId]);
    await mutate(stateward, mutation, { clusterId });
    expect(await claim()).toEqual({ claim: 6, claimed_until: null });
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
      const jobId = await insertJob(stateward, deploymentId, clusterId, 'RUNNING');
      const id = await insertSavepointOf(stateward, deploymentId, clusterId, jobId, 'IN_PROGRESS');
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
    const submittingJob = await insertJob(stateward, submitting, clusterId, 'SUBMITTING');
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
