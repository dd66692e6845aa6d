import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createClient } from 'graphql-ws';
import { randomUUID } from 'node:crypto';
import { connect as connectTcp, type Socket } from 'node:net';
import { WebSocket } from 'ws';
import { startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { transportLimits } from '../../src/api/transport-limits.js';
import { INIT, openSocket, type RawSocket } from '../support/raw-request.js';
import { createDeployment, registerCluster, uploadJob } from '../support/scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { waitFor } from '../support/wait-for.js';

const PER_CLIENT = 25;
const OPERATIONS_PER_CLIENT = 5;
const most = {
  ...transportLimits,
  sockets: {
    total: 30,
    operationsPerSocket: 3,
    initWithinMs: 500,
    pingEveryMs: 300,
    idleMs: 900,
    unreadBytes: transportLimits.sockets.unreadBytes,
    closeWithinMs: 300,
  },
};
const token = 'a-token-of-at-least-32-characters';

let stateward: Stateward;
let guarded: Stateward;
let deploymentId: string;
beforeAll(async () => {
  const env = {
    STATEWARD_SOCKETS_PER_CLIENT: String(PER_CLIENT),
    STATEWARD_SUBSCRIPTIONS_PER_CLIENT: String(OPERATIONS_PER_CLIENT),
  };
  stateward = await startStateward({ worker: false, env, limits: most });
  guarded = await startStateward({ worker: false, env: { ...env, STATEWARD_API_TOKEN: token }, limits: most });
  const flink = await startFakeFlink();
  const clusterId = await registerCluster(stateward, flink.url, randomUUID());
  deploymentId = await createDeployment(stateward, clusterId, await uploadJob(stateward), randomUUID());
  await flink.stop();
});
afterAll(async () => {
  await stateward.stop();
  await guarded.stop();
});

const opened: RawSocket[] = [];
const connect = async (from: Stateward = stateward, init: string | null = INIT): Promise<RawSocket> => {
  const one = await openSocket(from.url);
  opened.push(one);
  if (init !== null) one.send(init);
  return one;
};
/** Connected and acknowledged. */
const ready = async (): Promise<RawSocket> => {
  const one = await connect();
  await one.next('connection_ack');
  return one;
};
/** The limits count on the server, which learns of a close a moment later. */
const allClosed = async () => {
  for (const { socket } of opened) socket.terminate();
  await Promise.all(opened.splice(0).map(({ closed }) => closed));
  await waitFor(() => stateward.services.wakeups.watchers === 0, { what: 'nobody to follow events' });
};
afterEach(async () => {
  await allClosed();
  jest.restoreAllMocks();
});

const subscribe = (id: string) =>
  JSON.stringify({
    id,
    type: 'subscribe',
    payload: {
      query: 'subscription($id: ID!) { deploymentEvents(deploymentId: $id) { cursor } }',
      variables: { id: deploymentId },
    },
  });
const ask = (id: string) => JSON.stringify({ id, type: 'subscribe', payload: { query: '{ __typename }' } });
/** Until so many follow events, so that each is known to count. */
const following = (count: number) =>
  waitFor(() => stateward.services.wakeups.watchers === count, { what: `${count} followers` });

describe('a socket', () => {
  it.each([
    ['that does not say connection_init in time', null, [], 4408],
    ['that asks before it is acknowledged', null, [ask('1')], 4401],
    ['that begins twice', INIT, [INIT], 4429],
    ['that says what is no JSON', INIT, ['{'], 4400],
    ['that sends a batch', INIT, [`[${ask('1')}]`], 4400],
    ['that sends what is no message', INIT, ['{"type":"drop"}'], 4400],
    ['whose query is no text', INIT, ['{"id":"1","type":"subscribe","payload":{"query":{}}}'], 4400],
    [
      'whose variables are no object',
      INIT,
      ['{"id":"1","type":"subscribe","payload":{"query":"x","variables":"x"}}'],
      4400,
    ],
    ['whose message is too large', INIT, [`{"type":"ping","payload":{"x":"${'x'.repeat(300 * 1024)}"}}`], 1009],
  ])('%s is closed, and nothing is said on the console', async (_what, init, messages, code) => {
    const said = jest.spyOn(console, 'error');
    const one = await connect(stateward, init);
    for (const message of messages) one.send(message);
    expect(await one.closed).toMatchObject({ code });
    expect(said).not.toHaveBeenCalled();
  });

  it('with a wrong token is closed', async () => {
    const wrong = JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${token}x` } });
    expect(await (await connect(guarded, wrong)).closed).toMatchObject({ code: 4403 });
    const right = JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
    await (await connect(guarded, right)).next('connection_ack');
  });

  it('on which nothing is asked is closed with a reason, and one with an operation stays', async () => {
    const busy = await ready();
    busy.send(subscribe('1'));
    await following(1);
    const idle = await ready();
    expect(await idle.closed).toEqual({
      code: 1000,
      reason: 'Nothing was asked for 0.9 s. Connect again when needed.',
    });
    busy.send(ask('2'));
    expect(await busy.next('next')).toMatchObject({ payload: { data: { __typename: 'Query' } } });
  });

  it('that does not answer pings is cut off, with what it followed', async () => {
    const url = `${stateward.url.replace('http', 'ws')}/graphql`;
    const dead = new WebSocket(url, 'graphql-transport-ws', { autoPong: false });
    const code = new Promise((resolve) => dead.on('close', resolve));
    dead.on('open', () => dead.send(INIT));
    dead.on('message', () => dead.send(subscribe('1')));
    await following(1);
    expect(await code).toBe(1006);
    await following(0);
  });
});

describe('a client that never reads', () => {
  let patient: Stateward;
  beforeAll(async () => {
    const sockets = { ...transportLimits.sockets, total: 2, unreadBytes: 512 * 1024, closeWithinMs: 10_000 };
    patient = await startStateward({ worker: false, limits: { ...transportLimits, sockets } });
  });
  afterAll(() => patient.stop());

  it('loses its socket, with a reason, before its answers fill the memory', async () => {
    const told = jest.spyOn(patient.services.log, 'warn');
    const one = await connect(patient);
    await one.next('connection_ack');
    one.socket.pause();
    // Each ping is answered with its own payload. The kernel keeps some MiB of answers between the two.
    const ping = JSON.stringify({ type: 'ping', payload: { x: 'x'.repeat(128 * 1024) } });
    await waitFor(
      () => {
        if (one.socket.bufferedAmount < ping.length) one.send(ping);
        return told.mock.calls.length > 0;
      },
      { what: 'the end of the flood', timeoutMs: 60_000 },
    );
    const [[{ bytes }, message]] = told.mock.calls as unknown as [[{ bytes: number }, string]];
    expect(message).toBe('socket closed: its client does not read');
    expect(bytes).toBeLessThan(512 * 1024 + 2 * ping.length);
    one.socket.resume();
    expect(await one.closed).toMatchObject({ code: 4413, reason: expect.stringMatching(/not read/) });
    await (await connect(patient)).next('connection_ack');
  });

  it('is turned away before the handshake once too many of its refused sockets wait to be closed', async () => {
    await allClosed();
    const { hostname, port, host } = new URL(patient.url);
    const key = Buffer.alloc(16).toString('base64');
    const handshake = `GET /graphql HTTP/1.1\r\nhost: ${host}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${key}\r\nsec-websocket-protocol: graphql-transport-ws\r\n\r\n`;
    const sockets: Socket[] = [];
    const answers: string[] = [];
    try {
      for (let n = 0; n < 5; n += 1) {
        const socket = connectTcp(Number(port), hostname, () => socket.write(handshake));
        sockets.push(socket);
        answers.push(await new Promise((resolve) => socket.once('data', (bytes) => resolve(bytes.toString()))));
      }
    } finally {
      for (const socket of sockets) socket.destroy();
    }
    expect(answers.map((answer) => answer.split(' ')[1])).toEqual(['101', '101', '101', '101', '503']);
    expect(answers.at(-1)).toMatch(/retry-after: 10\r\n(.|\s)*"code":"TOO_MANY_SOCKETS"/i);
  });
});

describe('the sockets of one client', () => {
  it('are limited: one more is closed with a reason that its client can read, until another one is closed', async () => {
    const held = await Promise.all(Array.from({ length: PER_CLIENT }, ready));
    const client = createClient({
      url: `${stateward.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      retryAttempts: 0,
    });
    const fault = await new Promise((resolve) =>
      client.subscribe({ query: '{ __typename }' }, { next: resolve, error: resolve, complete: () => resolve(null) }),
    );
    expect(fault).toMatchObject({ code: 1013, reason: expect.stringMatching(/its most sockets open \(25\)/) });
    held[0]?.socket.close();
    await held[0]?.closed;
    await ready();
  });

  it('leave nothing behind after 1,000 of them came and went', async () => {
    for (let round = 0; round < 50; round += 1) {
      const some = await Promise.all(Array.from({ length: 20 }, () => openSocket(stateward.url)));
      await Promise.all(
        some.map(({ socket, send, closed }, n) => {
          if (n > 4) send(INIT);
          if (n > 8) send(subscribe('1'));
          if (n % 2 === 0) socket.close();
          else socket.terminate();
          return closed;
        }),
      );
    }
    await following(0);
    await waitFor(
      async () => {
        const all = await Promise.all(Array.from({ length: PER_CLIENT }, () => connect()));
        const outcomes = await Promise.all(
          all.map((one) =>
            Promise.race([one.next('connection_ack').then(() => 'open'), one.closed.then(() => 'closed')]),
          ),
        );
        if (outcomes.every((outcome) => outcome === 'open')) return true;
        await allClosed();
        return false;
      },
      { what: 'as many sockets as there may be' },
    );
  }, 60_000);
});

describe('the operations of one client', () => {
  it('are limited on each socket: one more is an error, and the socket and the others go on', async () => {
    const one = await ready();
    for (const id of ['1', '2', '3']) one.send(subscribe(id));
    await following(3);
    one.send(subscribe('4'));
    expect(await one.next('error')).toMatchObject({
      id: '4',
      payload: [
        {
          message: expect.stringMatching(/^This socket .*\(3\)/),
          extensions: { code: 'TOO_MANY_SUBSCRIPTIONS', requestId: expect.any(String) },
        },
      ],
    });
    one.send(JSON.stringify({ id: '1', type: 'complete' }));
    await following(2);
    one.send(subscribe('4'));
    await following(3);
  });

  it('are limited over all of its sockets, and come free when one of them is closed', async () => {
    const [first, second] = [await ready(), await ready()];
    for (const id of ['1', '2', '3']) first.send(subscribe(id));
    await following(3);
    for (const id of ['1', '2']) second.send(subscribe(id));
    await following(5);
    second.send(ask('3'));
    expect(await second.next('error')).toMatchObject({
      payload: [
        { message: expect.stringMatching(/^This client .*\(5\)/), extensions: { code: 'TOO_MANY_SUBSCRIPTIONS' } },
      ],
    });
    first.socket.terminate();
    await following(2);
    second.send(ask('4'));
    expect(await second.next('next')).toMatchObject({ id: '4' });
  });
});
