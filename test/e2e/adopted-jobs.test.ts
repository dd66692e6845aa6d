import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { wake } from '../../src/db/claims.js';
import type { Data } from '../support/graphql-client.js';
import { deploymentOn } from '../support/savepoint-scenario.js';
import { createSavepoint, endOfSavepoint, registerCluster, uploadJob } from '../support/scenario.js';
import { askToStart, eventTypesOf, jobIn, runCalls } from '../support/start-scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { waitFor } from '../support/wait-for.js';

let stateward: Stateward;
let flink: FakeFlink;
let clusterId: string;
beforeAll(async () => {
  stateward = await startStateward();
});
afterAll(() => stateward.stop());
beforeEach(async () => {
  flink = await startFakeFlink({ configuration: { 'web.refresh-interval': '1 s' } });
  clusterId = await registerCluster(stateward, flink.url, randomUUID());
});
afterEach(() => flink.stop());

async function adopt(input: object): Promise<Data> {
  const { adoptJob } = await stateward.ask(
    `mutation($input: AdoptJobInput!) { adoptJob(input: $input) { __typename ... on Deployment { id name }
       ... on UserError { code message } ... on JobAlreadyManaged { managedById } ... on AmbiguousJob { flinkJobIds } } }`,
    { input: { name: randomUUID(), clusterId, ...input } },
  );
  return adoptJob;
}

const deploymentNow = async (id: string): Promise<Data> => {
  const { deployment } = await stateward.ask(
    `query($id: ID!) { deployment(id: $id) { state currentJob { id run origin strategy state flinkJobId tookHoldAt } } }`,
    { id },
  );
  return deployment;
};

/** Looks at the cluster again and again until the deployment is so. */
const deploymentIn = (id: string, is: (deployment: Data) => boolean, what: string): Promise<Data> =>
  waitFor(
    async () => {
      await wake(stateward.services.database, 'cluster', clusterId);
      const deployment = await deploymentNow(id);
      return is(deployment) && deployment;
    },
    { what, timeoutMs: 20_000 },
  );
const running = (id: string, flinkJobId: string) =>
  deploymentIn(
    id,
    ({ state, currentJob }) => state === 'RUNNING' && currentJob?.flinkJobId === flinkJobId,
    'the job to be adopted',
  );

const addJob = (name: string) => flink.addJob({ name, state: 'RUNNING' });

describe('a job that somebody else started', () => {
  it('comes under management by its id, and gets savepoints like any other', async () => {
    const flinkJobId = addJob('theirs');
    const { id } = await adopt({ flinkJobId: flinkJobId.toUpperCase() });
    const { currentJob } = await running(id, flinkJobId);
    expect(currentJob).toMatchObject({ run: 1, origin: 'ADOPTED', strategy: null });
    expect(currentJob.tookHoldAt).not.toBeNull();
    const savepoint = await endOfSavepoint(stateward, (await createSavepoint(stateward, id)).id);
    expect(savepoint).toMatchObject({ state: 'COMPLETED' });
    expect(await eventTypesOf(stateward, id)).toEqual(
      expect.arrayContaining(['DEPLOYMENT_CREATED', 'JOB_ADOPTED', 'JOB_STARTED']),
    );
  });

  it('is followed by its name, across restarts by whoever runs it', async () => {
    const { id } = await adopt({ jobName: 'orders' });
    expect(await deploymentNow(id)).toMatchObject({ state: 'CANCELLED', currentJob: null }); // none runs yet
    const first = addJob('orders');
    const { currentJob } = await running(id, first);
    flink.job(first).setState('CANCELED');
    await jobIn(stateward, currentJob.id, 'CANCELLED');
    const second = addJob('orders');
    expect(await running(id, second)).toMatchObject({ currentJob: { run: 2 } });
  });

  it('is left alone while two have its name, and both are named', async () => {
    const first = addJob('twice');
    const { id } = await adopt({ jobName: 'twice' });
    await running(id, first);
    const second = addJob('twice');
    await waitFor(
      async () => {
        await wake(stateward.services.database, 'cluster', clusterId);
        return (await eventTypesOf(stateward, id)).includes('AMBIGUOUS_JOB');
      },
      { what: 'the second one to be noticed' },
    );
    const { createSavepoint: refused } = await stateward.ask(
      `mutation($id: ID!) { createSavepoint(input: { deploymentId: $id }) { ... on UserError { code } ... on AmbiguousJob { flinkJobIds } } }`,
      { id },
    );
    expect(refused).toEqual({ code: 'AMBIGUOUS_JOB', flinkJobIds: [first, second].sort() });
    const { stopDeployment } = await stateward.ask(
      `mutation($id: ID!) { stopDeployment(input: { deploymentId: $id, mode: WITH_SAVEPOINT }) { ... on UserError { code } } }`,
      { id },
    );
    expect(stopDeployment).toEqual({ code: 'AMBIGUOUS_JOB' });
    flink.job(second).setState('CANCELED');
    await waitFor(
      async () => {
        await wake(stateward.services.database, 'cluster', clusterId);
        return (await eventTypesOf(stateward, id)).includes('JOB_UNAMBIGUOUS');
      },
      { what: 'one to be left' },
    );
    expect(await createSavepoint(stateward, id)).toMatchObject({ __typename: 'Savepoint' });
  });

  it('is followed by its id on its own cluster alone, and by its name wherever the deployment goes', async () => {
    const elsewhere = await startFakeFlink();
    try {
      const other = await registerCluster(stateward, elsewhere.url, randomUUID());
      const move = async (deploymentId: string): Promise<Data> => {
        const { updateDeployment } = await stateward.ask(
          `mutation($input: UpdateDeploymentInput!) { updateDeployment(input: $input) { __typename ... on UserError { code message } ... on InvalidInput { field } } }`,
          { input: { deploymentId, clusterId: other } },
        );
        return updateDeployment;
      };
      const lastMessage = (id: string) =>
        stateward.services.database.row(
          'select message from event where deployment_id = $1 order by number desc limit 1',
          [id],
        );
      const flinkJobId = addJob('by its id');
      const { id } = await adopt({ flinkJobId });
      const { currentJob } = await running(id, flinkJobId);
      flink.job(flinkJobId).setState('CANCELED');
      await jobIn(stateward, currentJob.id, 'CANCELLED');
      expect(await move(id)).toMatchObject({ __typename: 'Deployment' });
      expect(await lastMessage(id)).toMatchObject({
        message: expect.stringContaining(`follows job ${flinkJobId} no more`),
      });
      expect(
        await stateward.services.database.row('select adopted_job_id from deployment where id = $1', [id]),
      ).toEqual({ adopted_job_id: null });

      const { id: named } = await adopt({ jobName: 'by its name' });
      const { id: alike } = await adopt({ jobName: 'by its name', clusterId: other });
      expect(await move(named)).toMatchObject({ code: 'INVALID_INPUT', field: 'clusterId' });
      await stateward.services.database.changed('update deployment set archived_at = now() where id = $1', [alike]);
      expect(await move(named)).toMatchObject({ __typename: 'Deployment' });
      expect(await lastMessage(named)).toMatchObject({
        message: expect.stringContaining('follows whatever runs as "by its name" there'),
      });
      const there = elsewhere.addJob({ name: 'by its name', state: 'RUNNING' });
      await waitFor(
        async () => {
          await wake(stateward.services.database, 'cluster', other);
          return (await deploymentNow(named)).currentJob?.flinkJobId === there;
        },
        { what: 'the job on the other cluster to be followed', timeoutMs: 20_000 },
      );
    } finally {
      await elsewhere.stop();
    }
  });

  it('has the source that Flink shows, and none only when its statistics cannot lag any more', async () => {
    const source = { id: 3, location: 's3://theirs/savepoint-1' };
    const sourceSeen = async (flinkJobId: string): Promise<Data> => {
      const { id } = await adopt({ flinkJobId });
      const { currentJob } = await running(id, flinkJobId);
      return waitFor(
        async () => {
          await wake(stateward.services.database, 'cluster', clusterId);
          return stateward.services.database.row(
            `select extract(epoch from source_seen_at - started_at)::float8 * 1000 as "afterMs", restored_location as location
               from job where id = $1 and source_seen_at is not null`,
            [currentJob.id],
          );
        },
        { what: 'its source to be known', timeoutMs: 20_000 },
      );
    };
    const restored = addJob('from theirs');
    flink.job(restored).checkpoints.restoreFrom(source);
    expect(await sourceSeen(restored)).toMatchObject({ location: source.location });
    const { afterMs, location } = await sourceSeen(addJob('from nothing'));
    expect(location).toBeNull();
    expect(afterMs).toBeGreaterThan(2_000); // web.refresh-interval, and a second for the way
  });

  it('is followed while Flink does not tell of its checkpoints, and its source is looked for until it does', async () => {
    const flinkJobId = addJob('with troubled statistics');
    flink.job(flinkJobId).checkpoints.restoreFrom({ id: 3, location: 's3://theirs/savepoint-1' });
    const trouble = { method: 'GET', path: /\/checkpoints$/, times: 1_000 };
    flink.failNext(trouble, 'NO_LEADER');
    const { id } = await adopt({ flinkJobId });
    const { currentJob } = await running(id, flinkJobId);
    flink.job(flinkJobId).setState('RESTARTING');
    await jobIn(stateward, currentJob.id, 'RESTARTING');
    const source = () =>
      stateward.services.database.row(
        'select restored_location as location from job where id = $1 and source_seen_at is not null',
        [currentJob.id],
      );
    expect(await source()).toBeUndefined();
    trouble.path = /^over$/;
    const seen = await waitFor(
      async () => {
        await wake(stateward.services.database, 'cluster', clusterId);
        return source();
      },
      { what: 'its source to be seen' },
    );
    expect(seen).toEqual({ location: 's3://theirs/savepoint-1' });
  });

  it('cannot be started until an artifact is given', async () => {
    const flinkJobId = addJob('no jar');
    const { id } = await adopt({ flinkJobId });
    const { currentJob } = await running(id, flinkJobId);
    flink.job(flinkJobId).setState('CANCELED');
    await jobIn(stateward, currentJob.id, 'CANCELLED');
    expect(await askToStart(stateward, id)).toMatchObject({ code: 'ARTIFACT_NEEDED' });
    expect(runCalls(flink)).toEqual([]);
    const { updateDeployment } = await stateward.ask(
      `mutation($input: UpdateDeploymentInput!) { updateDeployment(input: $input) { __typename ... on UserError { code message } } }`,
      { input: { deploymentId: id, artifactId: await uploadJob(stateward) } },
    );
    expect(updateDeployment).toEqual({ __typename: 'Deployment' });
    expect(await askToStart(stateward, id)).toMatchObject({ __typename: 'Job', run: 2 });
  });

  it.each([
    ['neither an id nor a name', {}, 'INVALID_INPUT'],
    ['both an id and a name', { flinkJobId: 'a'.repeat(32), jobName: 'x' }, 'INVALID_INPUT'],
    ['an id that is none', { flinkJobId: 'nope' }, 'INVALID_INPUT'],
    ['an id that nothing has there', { flinkJobId: 'a'.repeat(32) }, 'JOB_NOT_ON_CLUSTER'],
    ['an unknown cluster', { clusterId: randomUUID(), jobName: 'x' }, 'NOT_FOUND'],
    ['an unknown artifact', { jobName: 'x', artifactId: randomUUID() }, 'NOT_FOUND'],
  ])('is not adopted by %s', async (_, input, code) => {
    expect(await adopt(input)).toMatchObject({ code });
  });

  it('is not adopted twice, nor where two have the name, nor from a cluster that does not answer', async () => {
    const flinkJobId = addJob('once');
    const { id } = await adopt({ flinkJobId });
    await running(id, flinkJobId);
    expect(await adopt({ flinkJobId })).toMatchObject({ code: 'JOB_ALREADY_MANAGED', managedById: id });
    expect(await adopt({ jobName: 'once' })).toMatchObject({ code: 'JOB_ALREADY_MANAGED', managedById: id });
    const both = [addJob('pair'), addJob('pair')];
    expect(await adopt({ jobName: 'pair' })).toMatchObject({
      code: 'AMBIGUOUS_JOB',
      flinkJobIds: expect.arrayContaining(both),
    });
    await flink.stop();
    expect(await adopt({ jobName: 'pair' })).toMatchObject({ code: 'CLUSTER_UNREACHABLE' });
  });
});

describe('a run that had ended', () => {
  it('is the current run again when its job comes alive, and is told of beside another one', async () => {
    const scenario = await deploymentOn(stateward, flink);
    clusterId = scenario.clusterId;
    flink.job(scenario.flinkJobId).setState('FAILED');
    await jobIn(stateward, scenario.jobId, 'FAILED');
    const { database } = stateward.services;
    await database.changed(`update job set state_since = now() - interval '1 min' where id = $1`, [scenario.jobId]);
    flink.job(scenario.flinkJobId).setState('RUNNING');
    await running(scenario.deploymentId, scenario.flinkJobId);
    expect(await eventTypesOf(stateward, scenario.deploymentId)).toContain('JOB_CAME_BACK');

    flink.job(scenario.flinkJobId).setState('FAILED');
    await jobIn(stateward, scenario.jobId, 'FAILED');
    await database.changed(`update job set state_since = now() - interval '1 min' where id = $1`, [scenario.jobId]);
    const second = await askToStart(stateward, scenario.deploymentId);
    await jobIn(stateward, second.id, 'RUNNING');
    flink.job(scenario.flinkJobId).setState('RUNNING');
    await waitFor(
      async () => {
        await wake(database, 'cluster', clusterId);
        return (await eventTypesOf(stateward, scenario.deploymentId)).includes('UNEXPECTED_RUN');
      },
      { what: 'the second live run to be told of' },
    );
    expect(await deploymentNow(scenario.deploymentId)).toMatchObject({ currentJob: { id: second.id } });
  });
});
