import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createClient } from 'graphql-ws';
import { randomUUID } from 'node:crypto';
import { WebSocket } from 'ws';
import { EventType } from '../../src/event/event-types.js';
import { recordEvent } from '../../src/event/record-event.js';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { type Data, graphqlClient } from '../support/graphql-client.js';
import { createDeployment, createSavepoint, endOfSavepoint, registerCluster, uploadJob } from '../support/scenario.js';
import { deploymentOn, savepointIn } from '../support/savepoint-scenario.js';
import { askToStart } from '../support/start-scenario.js';
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

const EVENTS = `subscription($id: ID!, $after: String) { deploymentEvents(deploymentId: $id, after: $after) {
  cursor missedBefore event { number type deploymentId savepointId jobId message } } }`;
const PROGRESS = `subscription($id: ID!) { savepointProgress(id: $id) { savepoint { id state detailsState sizeBytes
  progress { acknowledgedSubtasks totalSubtasks bytes elapsedMs } } } }`;

const follow = async (id: string, after: string | null, until: (data: Data) => boolean): Promise<Data[]> =>
  (await stateward.subscribe(EVENTS, { id, after }, until)).map(({ deploymentEvents }) => deploymentEvents);
const typesOf = (events: Data[]): string[] => events.map(({ event }) => event.type);
const isOf = (type: string) => (data: Data) => data.deploymentEvents.event.type === type;

/** Listeners besides those of the worker, which waits for due rows. */
function countFollowers(): () => number {
  const { wakeups } = stateward.services;
  const before = wakeups.watchers;
  return () => wakeups.watchers - before;
}

describe('the events of a deployment', () => {
  it('are replayed from a cursor, then followed', async () => {
    const { deploymentId } = await deploymentOn(stateward, flink);
    const following = follow(deploymentId, '0', isOf('SAVEPOINT_COMPLETED'));
    const { id, eventCursor } = await createSavepoint(stateward, deploymentId);
    const seen = await following;
    expect(typesOf(seen)).toEqual([
      'DEPLOYMENT_CREATED',
      'START_REQUESTED',
      'JOB_SUBMITTED',
      'JOB_STARTED',
      'SAVEPOINT_REQUESTED',
      'SAVEPOINT_IN_PROGRESS',
      'SAVEPOINT_COMPLETED',
    ]);
    expect(seen.map(({ event }) => event.number)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(seen.map(({ cursor }) => cursor)).toEqual(['1', '2', '3', '4', '5', '6', '7']);
    expect(seen.some(({ missedBefore }) => missedBefore)).toBe(false);
    expect(seen.at(-1)?.event).toMatchObject({ deploymentId, savepointId: id });

    const ofSavepoint = await follow(deploymentId, eventCursor, isOf('SAVEPOINT_COMPLETED'));
    expect(typesOf(ofSavepoint)).toEqual(['SAVEPOINT_REQUESTED', 'SAVEPOINT_IN_PROGRESS', 'SAVEPOINT_COMPLETED']);
  });

  it('begin now without a cursor', async () => {
    const { deploymentId } = await deploymentOn(stateward, flink);
    const count = countFollowers();
    const following = follow(deploymentId, null, isOf('SAVEPOINT_REQUESTED'));
    await waitFor(() => count() > 0, { what: 'the follower' });
    await createSavepoint(stateward, deploymentId);
    expect(typesOf(await following)[0]).toBe('SAVEPOINT_REQUESTED');
  });

  it('go on where a follower left off, with eventCursor of the deployment', async () => {
    const { deploymentId } = await deploymentOn(stateward, flink);
    const { deployment } = await stateward.ask(`query($id: ID!) { deployment(id: $id) { eventCursor } }`, {
      id: deploymentId,
    });
    const { id } = await createSavepoint(stateward, deploymentId);
    await endOfSavepoint(stateward, id);
    const [first] = await follow(deploymentId, deployment.eventCursor, () => true);
    expect(first).toMatchObject({ event: { type: 'SAVEPOINT_REQUESTED', savepointId: id }, missedBefore: false });
  });

  it('are numbered without a gap under concurrent mutations, for every follower alike', async () => {
    const { deploymentId } = await deploymentOn(stateward, flink);
    const { deployment: start } = await stateward.ask(`query($id: ID!) { deployment(id: $id) { eventCursor } }`, {
      id: deploymentId,
    });
    flink.knobs.savepointDurationMs = Infinity;
    const done = isOf('SAVEPOINT_FAILED');
    const following = Promise.all(
      Array.from({ length: 5 }, () => follow(deploymentId, '0', done)).concat(
        follow(deploymentId, start.eventCursor, done),
      ),
    );
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        n % 2 === 0 ? createSavepoint(stateward, deploymentId) : askToStart(stateward, deploymentId),
      ),
    );
    const [made, ...others] = answers.filter(({ __typename }) => __typename === 'Savepoint');
    expect(others).toEqual([]);
    await stateward.ask(`mutation($id: ID!) { abandonSavepoint(input: { savepointId: $id }) { __typename } }`, {
      id: made.id,
    });
    const [first, ...rest] = await following;
    const numbers = first?.map(({ event }) => event.number) ?? [];
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
    expect(rest.slice(0, 4)).toEqual(rest.slice(0, 4).map(() => first));
    expect(rest[4]).toEqual(first?.slice(Number(start.eventCursor)));
  });

  it('of twenty deployments of one cluster are each without a gap when all start at once', async () => {
    const clusterId = await registerCluster(stateward, flink.url, randomUUID());
    const artifactId = await uploadJob(stateward);
    const ids = await Promise.all(
      Array.from({ length: 20 }, () =>
        createDeployment(stateward, clusterId, artifactId, randomUUID(), { parallelism: 1 }),
      ),
    );
    const following = Promise.all(ids.map((id) => follow(id, '0', isOf('JOB_SUBMITTED'))));
    await Promise.all(ids.map((id) => askToStart(stateward, id)));
    for (const events of await following) {
      expect(typesOf(events)).toEqual(['DEPLOYMENT_CREATED', 'START_REQUESTED', 'JOB_SUBMITTED']);
      expect(events.map(({ event }) => event.number)).toEqual([1, 2, 3]);
    }
  });

  it('say so where some are no longer kept', async () => {
    const { deploymentId } = await deploymentOn(stateward, flink);
    await stateward.services.database.changed('delete from event where deployment_id = $1 and number <= 2', [
      deploymentId,
    ]);
    const seen = await follow(deploymentId, '0', isOf('JOB_STARTED'));
    expect(seen.map(({ cursor, missedBefore }) => [cursor, missedBefore])).toEqual([
      ['3', true],
      ['4', false],
    ]);
  });

  it('are told by whatever process wrote them', async () => {
    const { deploymentId } = await deploymentOn(stateward, flink);
    const { database } = stateward.services;
    const count = countFollowers();
    const following = follow(deploymentId, null, isOf('UNEXPECTED_RUN'));
    await waitFor(() => count() > 0, { what: 'the follower' });
    // What another process does is seen through the tables and NOTIFY alone.
    await database.transaction(async (tx) => {
      await recordEvent(tx, { type: EventType.UNEXPECTED_RUN, message: 'from elsewhere', deploymentId });
    });
    expect((await following)[0]?.event).toMatchObject({ message: 'from elsewhere' });
  });
});

describe('the progress of a savepoint', () => {
  it('rises to the end, and ends after COMPLETED with the details', async () => {
    const { deploymentId } = await deploymentOn(stateward, flink, { deployment: { parallelism: 4 } });
    flink.knobs.savepointDurationMs = 3_000;
    flink.knobs.savepointSteps = 8;
    const { id } = await createSavepoint(stateward, deploymentId);
    const seen = (await stateward.subscribe(PROGRESS, { id })).map(
      ({ savepointProgress }) => savepointProgress.savepoint,
    );
    expect(seen[0]).toMatchObject({ id, state: 'IN_PROGRESS' });
    expect(seen.at(-1)).toMatchObject({ state: 'COMPLETED', detailsState: 'REPORTED', progress: null });
    expect(seen.at(-1)?.sizeBytes).toBeGreaterThan(0);
    const acknowledged: number[] = seen
      .map(({ progress }) => progress?.acknowledgedSubtasks)
      .filter((count) => typeof count === 'number');
    expect(new Set(acknowledged).size).toBeGreaterThanOrEqual(3);
    expect(acknowledged).toEqual([...acknowledged].sort((a, b) => a - b));
  });

  it('of one that has ended is told once, and ends', async () => {
    const { deploymentId } = await deploymentOn(stateward, flink);
    const { id } = await createSavepoint(stateward, deploymentId);
    await endOfSavepoint(stateward, id);
    const seen = await stateward.subscribe(PROGRESS, { id });
    expect(seen).toHaveLength(1);
    expect(seen[0].savepointProgress.savepoint).toMatchObject({ id, state: 'COMPLETED' });
  });

  it('of one that fails ends with FAILED', async () => {
    const { deploymentId } = await deploymentOn(stateward, flink);
    flink.savepointsFailWith('savepoint-poll-failed-timeout', { afterMs: 300 });
    const { id } = await createSavepoint(stateward, deploymentId);
    const seen = await stateward.subscribe(PROGRESS, { id });
    expect(seen.at(-1).savepointProgress.savepoint).toMatchObject({ state: 'FAILED' });
  });
});

describe('a subscription', () => {
  const faultsOf = async (query: string, variables: object): Promise<Data> =>
    stateward.subscribe(query, variables).then(
      (seen) => Promise.reject(new Error(`Nothing was refused: ${JSON.stringify(seen)}`)),
      (faults: unknown) => faults,
    );

  it.each([
    ['a deployment that is not known', EVENTS, { id: randomUUID() }, /there is no deployment/],
    ['what is no id of a deployment', EVENTS, { id: 'x' }, /^deploymentId: /],
    ['a savepoint that is not known', PROGRESS, { id: randomUUID() }, /there is no savepoint/],
    ['what is no id of a savepoint', PROGRESS, { id: 'x' }, /^id: /],
  ])('to %s is an error', async (_what, query, variables, message) => {
    const [fault] = await faultsOf(query, variables);
    expect(fault).toMatchObject({
      message: expect.stringMatching(message),
      extensions: { code: 'BAD_USER_INPUT', requestId: expect.any(String) },
    });
  });

  it.each(['x', '-1', '1.5', '9'.repeat(16)])('after %j, which is no cursor, is an error', async (after) => {
    const deploymentId = await createDeployment(
      stateward,
      await registerCluster(stateward, flink.url, randomUUID()),
      await uploadJob(stateward),
      randomUUID(),
    );
    const [fault] = await faultsOf(EVENTS, { id: deploymentId, after });
    expect(fault).toMatchObject({ message: expect.stringMatching(/^after: /), extensions: { code: 'BAD_USER_INPUT' } });
  });

  it('is not answered over HTTP', async () => {
    const [error] = await stateward.askWrongly(EVENTS, { id: randomUUID() });
    expect(error).toMatchObject({
      message: expect.stringContaining('WebSocket'),
      extensions: { code: 'BAD_USER_INPUT' },
    });
  });

  it('leaves nobody listening when its client ends it, or goes away without a word', async () => {
    const { deploymentId } = await deploymentOn(stateward, flink);
    flink.knobs.savepointDurationMs = Infinity;
    const { id } = await createSavepoint(stateward, deploymentId);
    await savepointIn(stateward, id, 'IN_PROGRESS');
    const count = countFollowers();
    const sockets: WebSocket[] = [];
    class Kept extends WebSocket {
      constructor(address: string, protocols?: string) {
        super(address, protocols);
        sockets.push(this);
      }
    }
    const url = `${stateward.url.replace('http', 'ws')}/graphql`;
    const open = () => createClient({ url, webSocketImpl: Kept, retryAttempts: 0 });
    const sink = { next: () => undefined, error: () => undefined, complete: () => undefined };
    const begin = (client: ReturnType<typeof open>) => [
      client.subscribe({ query: EVENTS, variables: { id: deploymentId } }, sink),
      client.subscribe({ query: PROGRESS, variables: { id } }, sink),
    ];

    const polite = open();
    const ends = begin(polite);
    await waitFor(() => count() === 2, { what: 'two followers' });
    ends.forEach((end) => end());
    await waitFor(() => count() === 0, { what: 'nobody to listen after unsubscribing' });

    const [end] = begin(polite);
    await waitFor(() => count() === 2, { what: 'two followers again' });
    await polite.dispose();
    await waitFor(() => count() === 0, { what: 'nobody to listen after the socket was closed' });
    end?.();

    const rude = open();
    begin(rude);
    await waitFor(() => count() === 2, { what: 'two followers once more' });
    sockets.at(-1)?.terminate();
    await waitFor(() => count() === 0, { what: 'nobody to listen after the connection was cut' });
    await rude.dispose();
  });
});

describe('a socket where a token is configured', () => {
  const token = 'a-token-of-at-least-32-characters';
  const query = `subscription { savepointProgress(id: "x") { savepoint { id } } }`;
  let guarded: Stateward;
  beforeAll(async () => {
    guarded = await startStateward({ worker: false, env: { STATEWARD_API_TOKEN: token } });
  });
  afterAll(() => guarded.stop());

  const answerTo = (given: string | undefined): Promise<unknown> =>
    graphqlClient(guarded.url, given)
      .subscribe(query, {})
      .catch((error: unknown) => error);

  it('is closed without it and with another one', async () => {
    for (const given of [undefined, 'x', `${token}x`, token.slice(0, -1), token.toUpperCase()]) {
      expect(await answerTo(given)).toMatchObject({ code: 4403 });
    }
  });

  it('is served with it, as a connection parameter or as a header', async () => {
    const asked = { extensions: { code: 'BAD_USER_INPUT' } };
    expect(await answerTo(token)).toMatchObject([asked]);
    class WithHeader extends WebSocket {
      constructor(address: string, protocols?: string) {
        super(address, protocols, { headers: { authorization: `Bearer ${token}` } });
      }
    }
    const url = `${guarded.url.replace('http', 'ws')}/graphql`;
    const client = createClient({ url, webSocketImpl: WithHeader, retryAttempts: 0 });
    const fault = await new Promise((resolve) =>
      client.subscribe({ query }, { next: resolve, error: resolve, complete: () => resolve(null) }),
    );
    expect(fault).toMatchObject({ errors: [asked] });
    await client.dispose();
  });
});
