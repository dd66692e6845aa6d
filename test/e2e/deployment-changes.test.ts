import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import type { Data } from '../support/graphql-client.js';
import { jarOf } from '../support/jars.js';
import { registerCluster, startDeployment, uploadJob } from '../support/scenario.js';
import { eventTypesOf, runCalls } from '../support/start-scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';

let stateward: Stateward;
let flink: FakeFlink;
let clusterId: string;
let artifactId: string;
beforeAll(async () => {
  stateward = await startStateward();
  artifactId = await uploadJob(stateward);
});
afterAll(() => stateward.stop());
beforeEach(async () => {
  flink = await startFakeFlink();
  clusterId = await registerCluster(stateward, flink.url, randomUUID());
});
afterEach(() => flink.stop());

const VALUE = 'text durationMs label';
const DEPLOYMENT = `id name state entryClass programArguments parallelism savepointFormat startDeadlineMs eventCursor
  labels { key value } flinkConfiguration { key value } cluster { id } artifact { id }`;
const REFUSALS = `... on UserError { code message } ... on InvalidInput { field } ... on NotFound { field } ... on NameTaken { takenById }
  ... on ClusterLevelKey { key clusterValue clusterId }`;

async function create(more: object = {}): Promise<Data> {
  const { createDeployment: answer } = await stateward.ask(
    `mutation($input: CreateDeploymentInput!) { createDeployment(input: $input) { __typename ... on Deployment { ${DEPLOYMENT} } ${REFUSALS} } }`,
    { input: { name: randomUUID(), clusterId, artifactId, ...more } },
  );
  return answer;
}

async function update(deploymentId: string, more: object): Promise<Data> {
  const { updateDeployment: answer } = await stateward.ask(
    `mutation($input: UpdateDeploymentInput!) { updateDeployment(input: $input) { __typename ... on Deployment { ${DEPLOYMENT} } ${REFUSALS}
       ... on DeploymentNotStopped { deploymentState since } } }`,
    { input: { deploymentId, ...more } },
  );
  return answer;
}

async function parametersOf(id: string): Promise<(name: string) => Data> {
  const { deployment } = await stateward.ask(
    `query($id: ID!) { deployment(id: $id) { parameters { name key settable observation restartDue
       desired { ${VALUE} } submitted { ${VALUE} } observed { ${VALUE} } clusterValue { ${VALUE} } } } }`,
    { id },
  );
  return (name) => deployment.parameters.find((one: Data) => one.name === name || (!one.name && one.key === name));
}

const configurationOf = ({ flinkConfiguration }: Data): Record<string, string> =>
  Object.fromEntries(flinkConfiguration.map(({ key, value }: Data) => [key, value]));

const lastMessage = async (deploymentId: string): Promise<string> => {
  const row = await stateward.services.database.row<{ message: string }>(
    'select message from event where deployment_id = $1 order by number desc limit 1',
    [deploymentId],
  );
  return row?.message ?? '';
};

describe('state parameters', () => {
  it('are taken as pasted, and shown by their names of today with both readings of a duration', async () => {
    const created = await create({
      flinkConfigurationText: 'state.backend.incremental: true\ntable.exec.state.ttl: 129600000\n',
      parameters: { stateBackend: 'ROCKSDB', checkpointInterval: '10 min' },
    });
    expect(configurationOf(created)).toEqual({
      'execution.checkpointing.incremental': 'true',
      'table.exec.state.ttl': '129600000',
      'state.backend.type': 'rocksdb',
      'execution.checkpointing.interval': '10 min',
    });
    const of = await parametersOf(created.id);
    expect(of('stateTtl').desired).toEqual({
      text: '129600000',
      durationMs: 129_600_000,
      label: '36 h (129600000 ms)',
    });
    expect(of('checkpointInterval').desired.label).toBe('10 min (600000 ms)');
    expect(of('incrementalCheckpoints')).toMatchObject({ desired: { text: 'true' }, observation: 'NOT_OBSERVABLE' });
    expect(of('checkpointInterval')).toMatchObject({ observation: 'NOT_YET_OBSERVED', submitted: null });
  });

  it("are declined where only the cluster's processes read them, with the cluster's value", async () => {
    const key = 'execution.checkpointing.savepoint-dir';
    const { savepointRoot } = (
      await stateward.ask(`query($id: ID!) { cluster(id: $id) { savepointRoot } }`, { id: clusterId })
    ).cluster;
    const refused = await create({ flinkConfiguration: [{ key, value: 's3://elsewhere/x' }] });
    expect(refused).toMatchObject({ code: 'CLUSTER_LEVEL_KEY', key, clusterValue: savepointRoot, clusterId });
    expect(savepointRoot).toBeTruthy();
    const { id } = await create();
    expect(await update(id, { flinkConfigurationText: `${key}: s3://elsewhere/x` })).toMatchObject({
      code: 'CLUSTER_LEVEL_KEY',
      key,
    });
    expect((await parametersOf(id))(key)).toMatchObject({ settable: false, observed: { text: savepointRoot } });
  });

  it('stand beside what was submitted and what Flink shows, and say when a restart is due', async () => {
    const { id } = await create({
      programArguments: ['--checkpoint-interval-ms', '5000'],
      parameters: { checkpointInterval: '1 min', checkpointTimeout: '2 min', stateBackend: 'ROCKSDB' },
    });
    await startDeployment(stateward, id);
    const before = await parametersOf(id);
    expect(before('checkpointInterval')).toMatchObject({
      submitted: { text: '1 min' },
      observed: { durationMs: 5_000 },
      observation: 'SET_BY_PROGRAM',
      restartDue: false,
    });
    expect(before('checkpointTimeout')).toMatchObject({ observation: 'OBSERVED', observed: { durationMs: 120_000 } });
    expect(before('stateBackend')).toMatchObject({ observation: 'OBSERVED', observed: { text: 'rocksdb' } });
    expect(before('checkpointRetention')).toMatchObject({
      submitted: { text: 'RETAIN_ON_CANCELLATION' },
      restartDue: false,
    });

    const changed = await update(id, {
      parameters: { checkpointInterval: '60000', checkpointTimeout: '3 min', stateBackend: 'ROCKSDB' },
    });
    expect(changed).toMatchObject({ __typename: 'Deployment', state: 'RUNNING' });
    const after = await parametersOf(id);
    expect(after('checkpointInterval').restartDue).toBe(false);
    expect(after('checkpointTimeout')).toMatchObject({
      desired: { text: '3 min' },
      submitted: { text: '2 min' },
      restartDue: true,
    });
  });

  it('show no secret anywhere, and keep one that comes back hidden', async () => {
    const created = await create({
      flinkConfiguration: [
        { key: 'sink.password', value: 'hunter2' },
        { key: 'source.password', value: '${secret:SOURCE}' },
      ],
      programArguments: ['--password', '${secret:SINK}'],
    });
    expect(configurationOf(created)).toEqual({ 'sink.password': '******', 'source.password': '${secret:SOURCE}' });
    expect(created.programArguments).toEqual(['--password', '${secret:SINK}']);
    const changed = await update(created.id, {
      flinkConfiguration: [...created.flinkConfiguration, { key: 'pipeline.object-reuse', value: 'true' }],
    });
    expect(configurationOf(changed)).toMatchObject({ 'sink.password': '******', 'pipeline.object-reuse': 'true' });
    const stored = await stateward.services.database.row<{ configuration: Record<string, string> }>(
      'select flink_configuration as configuration from deployment where id = $1',
      [created.id],
    );
    expect(stored?.configuration['sink.password']).toBe('hunter2');
    await update(created.id, { flinkConfiguration: [{ key: 'sink.password', value: 'hunter3' }] });
    expect(await lastMessage(created.id)).not.toMatch(/hunter/);
    expect(JSON.stringify((await parametersOf(created.id))('sink.password'))).not.toMatch(/hunter/);
  });
});

describe('changing a deployment', () => {
  it('changes what is given, leaves the rest, and tells what has changed', async () => {
    const created = await create({
      entryClass: 'org.example.Other',
      programArguments: ['a'],
      parallelism: 2,
      parameters: { checkpointInterval: '1 min' },
      labels: [{ key: 'team', value: 'payments' }],
    });
    const name = randomUUID();
    const changed = await update(created.id, {
      name: ` ${name} `,
      parallelism: null,
      labels: [{ key: 'team', value: 'orders' }],
      startDeadlineMs: 30_000,
    });
    const { eventCursor, ...rest } = created;
    expect(changed).toEqual({
      ...rest,
      eventCursor: String(Number(eventCursor) + 1),
      name,
      parallelism: null,
      labels: [{ key: 'team', value: 'orders' }],
      startDeadlineMs: 30_000,
    });
    expect(await eventTypesOf(stateward, created.id)).toEqual(['DEPLOYMENT_CREATED', 'DEPLOYMENT_UPDATED']);
    expect(await lastMessage(created.id)).toBe(
      `Deployment ${name} was changed: name ${name} (was ${created.name}); parallelism the cluster's (was 2); ` +
        'start deadline 30000 ms (was 600000 ms); label team orders (was payments). It applies from the next start.',
    );
  });

  it('replaces all settings when any are given', async () => {
    const { id } = await create({ parameters: { checkpointInterval: '1 min', stateTtl: '1 h' } });
    const changed = await update(id, { parameters: { stateTtl: '2 h' } });
    expect(configurationOf(changed)).toEqual({ 'table.exec.state.ttl': '2 h' });
    expect(await lastMessage(id)).toContain('execution.checkpointing.interval not set (was 1 min)');
    expect(configurationOf(await update(id, { flinkConfiguration: [] }))).toEqual({});
  });

  it('that changes nothing is no event', async () => {
    const { id, name, programArguments } = await create();
    const { eventCursor } = await update(id, { name, programArguments, entryClass: null, savepointFormat: null });
    expect(eventCursor).toBe('1');
  });

  it('takes another jar, and its Main-Class in place of an entry class', async () => {
    const { id } = await create({ entryClass: 'org.example.Other' });
    const { body } = await stateward.upload('library.jar', jarOf(null, { 'unique.txt': randomUUID() }));
    const library = body.artifact?.id;
    expect(await update(id, { artifactId: library, entryClass: null })).toMatchObject({ code: 'ENTRY_CLASS_MISSING' });
    expect(await update(id, { artifactId: library })).toMatchObject({
      artifact: { id: library },
      entryClass: 'org.example.Other',
    });
    expect(await update(id, { entryClass: null })).toMatchObject({ code: 'ENTRY_CLASS_MISSING' });
    expect(await update(id, { artifactId, entryClass: null })).toMatchObject({ entryClass: null });
  });

  it('moves a stopped one to another cluster, and no other', async () => {
    const { id } = await create();
    const other = await startFakeFlink();
    try {
      const elsewhere = await registerCluster(stateward, other.url, randomUUID());
      await startDeployment(stateward, id);
      expect(await update(id, { clusterId: elsewhere })).toMatchObject({
        code: 'DEPLOYMENT_NOT_STOPPED',
        deploymentState: 'RUNNING',
        message: expect.stringContaining('moved to another cluster'),
      });
      expect(await update(id, { clusterId, parallelism: 3 })).toMatchObject({
        cluster: { id: clusterId },
        parallelism: 3,
      });
      const stopped = await create();
      expect(await update(stopped.id, { clusterId: elsewhere })).toMatchObject({ cluster: { id: elsewhere } });
      await startDeployment(stateward, stopped.id);
      expect(runCalls(other)).toHaveLength(1);
    } finally {
      await other.stop();
    }
  });

  it('is declined for a cluster that does not understand its settings', async () => {
    const old = await startFakeFlink({ version: '1.20.5' });
    try {
      const elsewhere = await registerCluster(stateward, old.url, randomUUID());
      const { id } = await create({ parameters: { stateBackend: 'FORST' } });
      expect(await update(id, { clusterId: elsewhere })).toMatchObject({
        code: 'INVALID_INPUT',
        field: 'clusterId',
        message: expect.stringContaining('needs Flink 2'),
      });
      expect(await create({ clusterId: elsewhere, parameters: { stateBackend: 'FORST' } })).toMatchObject({
        code: 'INVALID_INPUT',
        field: 'parameters.stateBackend',
      });
    } finally {
      await old.stop();
    }
  });

  it('is declined for a name that is taken, also by two at once, and for what is not there', async () => {
    const [one, other, third] = [await create(), await create(), await create()];
    expect(await update(one.id, { name: other.name })).toMatchObject({ code: 'NAME_TAKEN', takenById: other.id });
    const name = randomUUID();
    const answers = await Promise.all([one, other, third].map(({ id }) => update(id, { name })));
    expect(answers.filter(({ code }) => code === 'NAME_TAKEN')).toHaveLength(2);
    for (const field of ['deploymentId', 'clusterId', 'artifactId'])
      expect(await update(one.id, { [field]: randomUUID() })).toMatchObject({ code: 'NOT_FOUND', field });
  });

  it.each([
    [{ name: ' ' }, 'name'],
    [{ parallelism: 0 }, 'parallelism'],
    [{ parallelism: 2, flinkConfigurationText: 'parallelism.default: 4' }, 'parallelism'],
    [{ programArguments: ['${secret:not one}'] }, 'programArguments'],
    [{ startDeadlineMs: 999 }, 'startDeadlineMs'],
    [{ labels: [{ key: '-', value: '' }] }, 'labels'],
    [{ flinkConfigurationText: 'a: b\nnonsense' }, 'flinkConfigurationText'],
    [{ parameters: { checkpointInterval: 'often' } }, 'parameters.checkpointInterval'],
  ])('is declined for %j, naming the field', async (more, field) => {
    const { id } = await create();
    expect(await update(id, more)).toMatchObject({ code: 'INVALID_INPUT', field });
    expect(await create(more)).toMatchObject({ code: 'INVALID_INPUT', field });
  });

  it('answers the same under one idempotency key, once', async () => {
    const { id } = await create();
    const input = { parallelism: 5, idempotencyKey: randomUUID() };
    const answers = await Promise.all(Array.from({ length: 5 }, () => update(id, input)));
    expect(answers).toEqual(answers.map(() => answers[0]));
    expect(await eventTypesOf(stateward, id)).toEqual(['DEPLOYMENT_CREATED', 'DEPLOYMENT_UPDATED']);
    expect(await update(id, { ...input, parallelism: 6 })).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
  });
});

describe('deployments', () => {
  it('are found by labels, all of them, and by text in the name', async () => {
    const mark = randomUUID().slice(0, 8);
    const labelled = (team: string, stage: string) =>
      create({
        name: `${mark} ${team} ${stage} 100%`,
        labels: [
          { key: 'team', value: team },
          { key: 'stage', value: stage },
        ],
      });
    const [a, b, c] = [await labelled('A', 'prod'), await labelled('A', 'test'), await labelled('B', 'prod')];
    const found = async (filter: object): Promise<string[]> => {
      const { deployments } = await stateward.ask(
        `query($filter: DeploymentFilterInput) { deployments(first: 100, filter: $filter) { edges { node { id } } } }`,
        { filter: { clusterId, ...filter } },
      );
      return deployments.edges.map(({ node }: Data) => node.id);
    };
    const team = { key: 'team', value: 'A' };
    expect(await found({ labels: [team] })).toEqual([b.id, a.id]);
    expect(await found({ labels: [team, { key: 'stage', value: 'prod' }] })).toEqual([a.id]);
    expect(await found({ labels: [team, { ...team, value: 'B' }] })).toEqual([]);
    expect(await found({ labels: [] })).toEqual([c.id, b.id, a.id]);
    expect(await found({ nameContains: `${mark.toUpperCase()} a PROD 100%` })).toEqual([a.id]);
    expect(await found({ nameContains: '_' })).toEqual([]);
  });
});
