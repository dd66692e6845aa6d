import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import type { Data } from '../support/graphql-client.js';
import { jarOf } from '../support/jars.js';
import { createDeployment, registerCluster, uploadJob } from '../support/scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';

let stateward: Stateward;
let flink: FakeFlink;
let clusterId: string;
let artifactId: string;
beforeAll(async () => {
  stateward = await startStateward({ worker: false });
  flink = await startFakeFlink();
  clusterId = await registerCluster(stateward, flink.url);
  artifactId = await uploadJob(stateward);
});
afterAll(async () => {
  await stateward.stop();
  await flink.stop();
});

const DEPLOYMENT = `id name state stateSince observedAt entryClass programArguments parallelism savepointFormat eventCursor
  createdAt flinkConfiguration { key value } cluster { id } artifact { id } currentJob { id }`;

/** The answer of createDeployment, for an input that is right but for `more`. */
async function create(more: object = {}): Promise<Data> {
  const { createDeployment: answer } = await stateward.ask(
    `mutation($input: CreateDeploymentInput!) { createDeployment(input: $input) { __typename ... on Deployment { ${DEPLOYMENT} }
       ... on UserError { code message } ... on InvalidInput { field } ... on NotFound { field id } ... on NameTaken { takenById } } }`,
    { input: { name: randomUUID(), clusterId, artifactId, ...more } },
  );
  return answer;
}

const createWrongly = (more: object) =>
  stateward.askWrongly(`mutation($input: CreateDeploymentInput!) { createDeployment(input: $input) { __typename } }`, {
    input: { name: randomUUID(), clusterId, artifactId, ...more },
  });

describe('creating a deployment', () => {
  it('stores what was given, tells of it, and touches no cluster', async () => {
    flink.requests.length = 0;
    const name = randomUUID();
    const created = await create({
      name: `  ${name} `,
      entryClass: 'org.example.Other',
      programArguments: ['--topic', 'orders', '', 'ä "quoted" $x'],
      parallelism: 3,
      savepointFormat: 'NATIVE',
      flinkConfiguration: [
        { key: 'execution.checkpointing.interval', value: '10 min' },
        { key: 'execution.checkpointing.interval', value: '10 min' },
        { key: 'pipeline.name', value: '' },
      ],
    });
    expect(created).toMatchObject({
      __typename: 'Deployment',
      name,
      state: 'CANCELLED',
      observedAt: null,
      entryClass: 'org.example.Other',
      programArguments: ['--topic', 'orders', '', 'ä "quoted" $x'],
      parallelism: 3,
      savepointFormat: 'NATIVE',
      cluster: { id: clusterId },
      artifact: { id: artifactId },
      currentJob: null,
      eventCursor: '1',
    });
    expect(created.flinkConfiguration).toHaveLength(2);
    expect(created.flinkConfiguration).toEqual(
      expect.arrayContaining([
        { key: 'execution.checkpointing.interval', value: '10 min' },
        { key: 'pipeline.name', value: '' },
      ]),
    );
    const { events } = await stateward.ask(
      `query($id: ID!) { events(filter: { deploymentId: $id }) { edges { node { type number actor deploymentId } } } }`,
      { id: created.id },
    );
    expect(events.edges).toEqual([
      { node: { type: 'DEPLOYMENT_CREATED', number: 1, actor: 'local', deploymentId: created.id } },
    ]);
    expect(flink.requests).toEqual([]);
  });

  it('is refused for a name that is taken, with the id of the one that has it', async () => {
    const { id, name } = await create();
    const again = await create({ name: ` ${name}` });
    expect(again).toMatchObject({ code: 'NAME_TAKEN', takenById: id });
    expect(again.message).toContain(id);
  });

  it('makes one when ten come at once under one name', async () => {
    const name = randomUUID();
    const answers = await Promise.all(Array.from({ length: 10 }, () => create({ name })));
    const made = answers.filter(({ __typename }) => __typename === 'Deployment');
    expect(made).toHaveLength(1);
    const refused = answers.filter(({ code }) => code === 'NAME_TAKEN');
    expect(refused.map(({ takenById }) => takenById)).toEqual(Array.from({ length: 9 }, () => made[0].id));
  });

  it.each(['clusterId', 'artifactId'])('is refused for an unknown %s, naming the field', async (field) => {
    const id = randomUUID();
    expect(await create({ [field]: id })).toMatchObject({ code: 'NOT_FOUND', field, id });
  });

  it.each(['clusterId', 'artifactId'])('is an error for a malformed %s', async (field) => {
    for (const id of ['x', '', `${randomUUID()}x`, "'; drop table deployment; --"]) {
      const [error] = await createWrongly({ [field]: id });
      expect(error).toMatchObject({
        message: expect.stringMatching(new RegExp(`^${field}: `)),
        extensions: { code: 'BAD_USER_INPUT', retryable: false },
      });
    }
  });

  it('takes ids in capitals', async () => {
    expect(await create({ clusterId: clusterId.toUpperCase() })).toMatchObject({ cluster: { id: clusterId } });
  });

  it('needs an entry class where the jar names none', async () => {
    const { body } = await stateward.upload('library.jar', jarOf(null, { 'unique.txt': randomUUID() }));
    const artifact = { artifactId: body.artifact?.id };
    for (const entryClass of [undefined, null, '', '  ']) {
      const refused = await create({ ...artifact, entryClass });
      expect(refused).toMatchObject({ code: 'ENTRY_CLASS_MISSING', message: expect.stringContaining('library.jar') });
    }
    expect(await create({ ...artifact, entryClass: ' org.example.Job ' })).toMatchObject({
      entryClass: 'org.example.Job',
    });
  });

  it.each([
    [{ name: '' }, 'name'],
    [{ name: '  ' }, 'name'],
    [{ name: 'x'.repeat(101) }, 'name'],
    [{ parallelism: 0 }, 'parallelism'],
    [{ parallelism: -1 }, 'parallelism'],
    [{ parallelism: 32_769 }, 'parallelism'],
  ])('is refused for %j, naming the field', async (more, field) => {
    expect(await create(more)).toMatchObject({ code: 'INVALID_INPUT', field });
  });

  it.each([
    'execution.state-recovery.path',
    'execution.savepoint.path',
    'execution.state-recovery.ignore-unclaimed-state',
    'execution.savepoint-restore-mode',
    '$internal.pipeline.job-id',
  ])('is refused with the setting %s, which Stateward decides itself', async (key) => {
    const refused = await create({ flinkConfiguration: [{ key, value: 'x' }] });
    expect(refused).toMatchObject({
      code: 'INVALID_INPUT',
      field: 'flinkConfiguration',
      message: expect.stringContaining(`${key} is set by Stateward`),
    });
  });

  it('is refused when a setting is given twice with different values', async () => {
    const key = 'execution.checkpointing.interval';
    const refused = await create({
      flinkConfiguration: [
        { key, value: '1 min' },
        { key, value: '2 min' },
      ],
    });
    expect(refused).toMatchObject({ code: 'INVALID_INPUT', field: 'flinkConfiguration' });
    expect(refused.message).toMatch(/given twice.*1 min.*2 min/);
  });

  it.each(['', ' ', 'a b', 'ä', 'x'.repeat(201), '__proto__'])(
    'is refused with %j as the name of a setting',
    async (key) => {
      const refused = await create({ flinkConfiguration: [{ key, value: 'x' }] });
      expect(refused).toMatchObject({ code: 'INVALID_INPUT', field: 'flinkConfiguration' });
    },
  );

  it.each(['constructor', 'toString'])('keeps a setting of the name %s like any other', async (key) => {
    const flinkConfiguration = [{ key, value: 'x' }];
    expect(await create({ flinkConfiguration })).toMatchObject({ flinkConfiguration });
  });

  it.each([
    ['name', { name: 'a\u0000b' }],
    ['entryClass', { entryClass: 'a\u0000b' }],
    ['programArguments', { programArguments: ['a\u0000b'] }],
    ['flinkConfiguration', { flinkConfiguration: [{ key: 'a', value: 'a\u0000b' }] }],
    ['idempotencyKey', { idempotencyKey: 'a\u0000b' }],
  ])('is refused, not broken, by the character NUL in %s', async (_field, more) => {
    const [error] = await createWrongly(more);
    expect(error).toMatchObject({ message: expect.stringMatching(/NUL/), extensions: { code: 'BAD_USER_INPUT' } });
  });
});

describe('an idempotency key', () => {
  it('answers with the same deployment for the same input, and is refused for another', async () => {
    const input = { name: randomUUID(), idempotencyKey: randomUUID(), parallelism: 2 };
    const answers = await Promise.all(Array.from({ length: 10 }, () => create(input)));
    expect(answers[0]).toMatchObject({ __typename: 'Deployment', parallelism: 2 });
    expect(answers).toEqual(answers.map(() => answers[0]));
    expect(await create({ ...input, parallelism: 3 })).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
    expect(await create({ ...input, name: randomUUID() })).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
  });

  it('of a mutation is refused for another one', async () => {
    const { database } = stateward.services;
    const idempotencyKey = randomUUID();
    const { id } = await create({ idempotencyKey });
    const { startDeployment } = await stateward.ask(
      `mutation($input: StartDeploymentInput!) { startDeployment(input: $input) { __typename ... on UserError { code } } }`,
      { input: { deploymentId: id, start: { strategy: 'NONE' }, idempotencyKey } },
    );
    expect(startDeployment).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
    expect(await database.row('select 1 from job where deployment_id = $1', [id])).toBeUndefined();
  });

  it('is not used up by a refusal', async () => {
    const idempotencyKey = randomUUID();
    const taken = await create();
    const refused = await create({ name: taken.name, idempotencyKey });
    expect(refused).toMatchObject({ code: 'NAME_TAKEN' });
    expect(await create({ idempotencyKey })).toMatchObject({ __typename: 'Deployment' });
  });

  it('may be used for other input after 24 h', async () => {
    const idempotencyKey = randomUUID();
    const first = await create({ idempotencyKey });
    await stateward.services.database.changed(
      `update idempotency_key set created_at = now() - interval '24 h 1 s' where key = $1`,
      [idempotencyKey],
    );
    const second = await create({ idempotencyKey });
    expect(second).toMatchObject({ __typename: 'Deployment' });
    expect(second.id).not.toBe(first.id);
    expect(await create({ idempotencyKey })).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
  });
});

describe('a deployment', () => {
  const QUERY = `query($id: ID, $name: String) { deployment(id: $id, name: $name) { id name } }`;

  it('is found by id and by name', async () => {
    const { id, name } = await create();
    expect(await stateward.ask(QUERY, { id })).toEqual({ deployment: { id, name } });
    expect(await stateward.ask(QUERY, { id: id.toUpperCase() })).toEqual({ deployment: { id, name } });
    expect(await stateward.ask(QUERY, { name })).toEqual({ deployment: { id, name } });
  });

  it('that is not known is null, and asked for by neither or by what is no id an error', async () => {
    expect(await stateward.ask(QUERY, { id: randomUUID() })).toEqual({ deployment: null });
    expect(await stateward.ask(QUERY, { name: 'nobody' })).toEqual({ deployment: null });
    for (const variables of [{}, { id: 'x' }]) {
      const [error] = await stateward.askWrongly(QUERY, variables);
      expect(error).toMatchObject({ extensions: { code: 'BAD_USER_INPUT' } });
    }
  });
});

describe('the list of deployments', () => {
  const page = async (first: number, after: string | null, filter: object = {}): Promise<Data> => {
    const { deployments } = await stateward.ask(
      `query($first: Int!, $after: String, $filter: DeploymentFilterInput) {
         deployments(first: $first, after: $after, filter: $filter) { edges { cursor node { id } } pageInfo { hasNextPage endCursor } } }`,
      { first, after, filter },
    );
    return deployments;
  };
  const idsOf = ({ edges }: Data): string[] => edges.map(({ node }: Data) => node.id);

  it('goes page by page, newest first, each once, while new ones arrive', async () => {
    const other = await startFakeFlink();
    try {
      const elsewhere = await registerCluster(stateward, other.url, randomUUID());
      const add = () => createDeployment(stateward, elsewhere, artifactId, randomUUID());
      const before: string[] = [];
      for (let n = 0; n < 25; n++) before.unshift(await add());
      const seen: string[] = [];
      let after: string | null = null;
      for (;;) {
        const { edges, pageInfo } = await page(10, after, { clusterId: elsewhere });
        seen.push(...idsOf({ edges }));
        expect(pageInfo.endCursor).toBe(edges.at(-1).cursor);
        after = pageInfo.endCursor;
        if (!pageInfo.hasNextPage) break;
        await add();
      }
      expect(seen).toEqual(before);
    } finally {
      await other.stop();
    }
  });

  it('holds each once where all were made at the same instant', async () => {
    const ids = new Set<string>();
    for (let n = 0; n < 5; n++) ids.add((await create()).id);
    await stateward.services.database.changed(
      `update deployment set created_at = '2020-01-01T00:00:00.123456Z' where id = any($1)`,
      [[...ids]],
    );
    const seen: string[] = [];
    for (let after: string | null = null; ;) {
      const found = await page(2, after);
      seen.push(...idsOf(found));
      if (!found.pageInfo.hasNextPage) break;
      after = found.pageInfo.endCursor;
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.filter((id) => ids.has(id))).toHaveLength(5);
  });

  it('is filtered by cluster and state', async () => {
    const { id } = await create();
    expect(idsOf(await page(100, null, { states: ['CANCELLED'] }))).toContain(id);
    expect(idsOf(await page(100, null, { states: ['RUNNING', 'FAILED'] }))).toEqual([]);
    expect(idsOf(await page(100, null, { states: [] }))).toEqual([]);
    expect(idsOf(await page(100, null, { clusterId: randomUUID() }))).toEqual([]);
    const [error] = await stateward.askWrongly(
      `{ deployments(filter: { clusterId: "x" }) { pageInfo { endCursor } } }`,
    );
    expect(error).toMatchObject({ message: expect.stringContaining('filter.clusterId') });
  });

  it.each([0, -1, 101, 1_000])('refuses a page of %d', async (first) => {
    const [error] = await stateward.askWrongly(
      `query($first: Int!) { deployments(first: $first) { pageInfo { hasNextPage } } }`,
      { first },
    );
    expect(error).toMatchObject({
      message: expect.stringContaining('between 1 and 100'),
      extensions: { code: 'BAD_USER_INPUT' },
    });
  });

  it.each([
    ['text', 'nonsense'],
    ['nothing that was encoded', Buffer.from('').toString('base64url') + '='],
    ['a date that is none', Buffer.from(`2026-13-45T99:99:99.999999Z|${randomUUID()}`).toString('base64url')],
    ['an id that is none', Buffer.from('2026-01-01T00:00:00.000000Z|-----').toString('base64url')],
    ['one of another list', Buffer.from('2026-01-01T00:00:00.000000Z|12345').toString('base64url')],
  ])('refuses as a cursor: %s', async (_what, after) => {
    const [error] = await stateward.askWrongly(
      `query($after: String!) { deployments(after: $after) { pageInfo { hasNextPage } } }`,
      { after },
    );
    expect(error).toMatchObject({
      message: expect.stringMatching(/^after: /),
      extensions: { code: 'BAD_USER_INPUT' },
    });
  });
});
