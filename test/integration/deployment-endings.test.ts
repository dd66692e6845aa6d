import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
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

describe('deleting a deployment', () => {
  const FIELDS =
    '... on DeploymentDeletion { deployment { id name archivedAt } deleting leftAlone kept { savepointId } } ... on DeploymentNotStopped { deploymentState since }';

  it('needs a stopped one', async () => {
    const clusterId = await cluster();
    const deploymentId = await createDeployment(stateward, clusterId, await uploadJob(stateward), name());
    await insertJob(stateward, deploymentId, clusterId, 'RUNNING');
    const refused = await mutate(stateward, 'deleteDeployment', { deploymentId }, FIELDS);
    expect(refused).toMatchObject({ code: 'DEPLOYMENT_NOT_STOPPED', deploymentState: 'RUNNING' });
    expect(refused.message).toContain('deleted');
  });

  it('keeps its history and its savepoints, frees its name, and nothing can be asked of it any more', async () => {
    const clusterId = await cluster();
    const artifactId = await uploadJob(stateward);
    const deploymentName = name();
    const deploymentId = await createDeployment(stateward, clusterId, artifactId, deploymentName);
    const jobId = await insertJob(stateward, deploymentId, clusterId, 'CANCELLED');
    const savepointId = await insertSavepointOf(stateward, deploymentId, clusterId, jobId, 'COMPLETED');
    const deleted = await mutate(stateward, 'deleteDeployment', { deploymentId }, FIELDS);
    expect(deleted).toMatchObject({
      deployment: { id: deploymentId, archivedAt: expect.any(String) },
      deleting: 0,
      leftAlone: 1,
      kept: [],
    });
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
    expect(new Set(answers.map(({ deployment }) => deployment.id))).toEqual(new Set([deploymentId]));
    expect(await mutate(stateward, 'deleteDeployment', { ...input, deploymentId: randomUUID() })).toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
    });
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
    await insertJob(stateward, deploymentId, clusterId, 'RUNNING');
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

  it('ends a savepoint that was begun and never sent, and looks for one that was', async () => {
    const clusterId = await cluster();
    const sent = async (deploymentId: string, savepointId: string) => {
      const directory = `${deploymentId}/${savepointId}/1`;
      await changed('update savepoint set attempt = 1, in_flight = true where id = $1', [savepointId]);
      await changed(
        `insert into savepoint_attempt (savepoint_id, number, trigger_id, storage_id, directory, sends, stored_at, sent_at)
         select $1, 1, $2, savepoint_storage_id, $3, 1, now(), now() from cluster where id = $4`,
        [savepointId, savepointId.replaceAll('-', ''), directory, clusterId],
      );
    };
    const after: unknown[] = [];
    for (const prepare of [async () => undefined, sent]) {
      const deploymentId = await createDeployment(stateward, clusterId, await uploadJob(stateward), name());
      const jobId = await insertJob(stateward, deploymentId, clusterId, 'RUNNING');
      const savepointId = await insertSavepointOf(stateward, deploymentId, clusterId, jobId, 'IN_PROGRESS');
      await prepare(deploymentId, savepointId);
      await silentFor(clusterId, '5 min 1 s');
      expect(await mutate(stateward, 'declareJobLost', lost(deploymentId), FIELDS)).toMatchObject({ id: jobId });
      const row = await stateward.services.database.row<Record<string, unknown>>(
        'select state, failure_code, in_flight, lost_since is not null as sought, look_at <= now() as due from savepoint where id = $1',
        [savepointId],
      );
      after.push([row, await eventTypes(stateward, 'savepoint_id', savepointId)]);
    }
    expect(after).toEqual([
      [
        { state: 'FAILED', failure_code: 'JOB_ENDED', in_flight: false, sought: false, due: null },
        ['SAVEPOINT_FAILED'],
      ],
      [
        { state: 'IN_PROGRESS', failure_code: null, in_flight: true, sought: true, due: true },
        ['SAVEPOINT_RESULT_SOUGHT'],
      ],
    ]);
  });

  it('ends it with who said so and why, and what waited for it', async () => {
    const clusterId = await cluster();
    const deploymentId = await createDeployment(stateward, clusterId, await uploadJob(stateward), name());
    const jobId = await insertJob(stateward, deploymentId, clusterId, 'RUNNING');
    const savepointId = await insertSavepointOf(stateward, deploymentId, clusterId, jobId, 'PENDING');
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
