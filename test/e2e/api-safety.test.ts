import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { WebSocket } from 'ws';
import { loadConfig } from '../../src/config.js';
import type { GraphqlError } from '../support/graphql-client.js';
import { jarOf } from '../support/jars.js';
import { type Reply, sendRaw } from '../support/raw-request.js';
import { startStateward, type Stateward } from '../support/stateward.js';

const token = 'a-token-of-at-least-32-characters';
let open: Stateward;
let guarded: Stateward;
beforeAll(async () => {
  open = await startStateward({ worker: false });
  guarded = await startStateward({ worker: false, env: { STATEWARD_API_TOKEN: token } });
});
afterAll(async () => {
  await open.stop();
  await guarded.stop();
});

const send = (stateward: Stateward, path: string, headers: Record<string, string>, body: string, method: string) =>
  sendRaw(stateward.url, path, headers, body, method);
const graphql = (stateward: Stateward, headers: Record<string, string> = {}, body?: string) =>
  sendRaw(stateward.url, '/graphql', headers, body);
const upload = (stateward: Stateward, headers: Record<string, string> = {}) =>
  sendRaw(stateward.url, '/artifacts/job.jar', headers, jarOf(), 'PUT');
const codeOf = ({ body }: Reply) => body.errors?.[0]?.extensions.code;

/** How the handshake of a WebSocket ends: OPEN, or the status of the refusal. */
const handshake = (stateward: Stateward, headers: Record<string, string>): Promise<string> =>
  new Promise((resolve) => {
    const url = `${stateward.url.replace('http', 'ws')}/graphql`;
    const socket = new WebSocket(url, 'graphql-transport-ws', { headers });
    socket.on('open', () => {
      resolve('OPEN');
      socket.terminate();
    });
    socket.on('error', (error) => resolve(/\d{3}$/.exec(error.message)?.[0] ?? error.message));
  });

describe('an API that can be reached from outside', () => {
  it('does not start without a token', () => {
    expect(() => loadConfig({ STATEWARD_HOST: '0.0.0.0' })).toThrow(/STATEWARD_API_TOKEN/);
    expect(() => loadConfig({ STATEWARD_HOST: '0.0.0.0', STATEWARD_API_TOKEN: 'short' })).toThrow(/32 characters/);
  });
});

describe('a configured token', () => {
  it.each([
    ['none', undefined],
    ['an empty one', 'Bearer '],
    ['another', `Bearer ${'x'.repeat(33)}`],
    ['the beginning of it', `Bearer ${token.slice(0, -1)}`],
    ['more than it', `Bearer ${token}x`],
    ['another case of it', `Bearer ${token.toUpperCase()}`],
    ['it without its scheme', token],
    ['it under another scheme', `Basic ${token}`],
    ['two of it', `Bearer ${token} ${token}`],
  ])('is asked for by GraphQL and uploads: %s is refused', async (_what, authorization) => {
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
    for (const reply of [await graphql(guarded, headers), await upload(guarded, headers)]) {
      expect({ status: reply.status, code: codeOf(reply) }).toEqual({ status: 401, code: 'UNAUTHENTICATED' });
      expect(JSON.stringify(reply.body)).not.toContain(token);
    }
  });

  it('lets in who has it, under any case of the scheme, and names that caller in events', async () => {
    for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
      const reply = await graphql(guarded, { authorization: `${scheme} ${token}` });
      expect(reply).toMatchObject({ status: 200, body: { data: { __typename: 'Query' } } });
    }
    expect(await upload(guarded, { authorization: `Bearer ${token}` })).toMatchObject({ status: 201 });
    const { registerCluster } = await guarded.ask(
      `mutation { registerCluster(input: { name: "a", url: "http://127.0.0.1:1", force: true }) { ... on Cluster { id } } }`,
    );
    const { events } = await guarded.ask(`{ events { edges { node { actor clusterId } } } }`);
    expect(events.edges[0].node).toEqual({ actor: 'api-token', clusterId: registerCluster.id });
  });

  it('is not asked for by the probes, which tell nothing', async () => {
    for (const [path, status] of [
      ['/healthz', 'ok'],
      ['/readyz', 'ready'],
    ] as const) {
      expect(await send(guarded, path, { host: 'probe.example.org' }, '', 'GET')).toEqual({
        status: 200,
        body: { status },
      });
    }
  });

  it('is asked for at addresses that do not exist too', async () => {
    expect(await send(guarded, '/nothing', {}, '', 'GET')).toMatchObject({ status: 401 });
  });
});

describe('a page of another site', () => {
  const own = () => new URL(open.url).host;

  it.each([
    [{ host: 'evil.example.org' }],
    [{ host: 'localhost.evil.example.org' }],
    [{ host: '127.0.0.1.evil.example.org:4000' }],
    [{ host: '10.0.0.1' }],
    [{ origin: 'http://evil.example.org' }],
    [{ origin: 'http://localhost.evil.example.org' }],
    [{ origin: 'null' }],
    [{ origin: 'http://127.0.0.1:1' }],
    [{ host: 'evil.example.org', origin: 'http://evil.example.org' }],
  ])('gets nothing done with %j', async (headers: Record<string, string>) => {
    for (const reply of [await graphql(open, headers), await upload(open, headers)])
      expect({ status: reply.status, code: codeOf(reply) }).toEqual({ status: 403, code: 'FORBIDDEN_ORIGIN' });
    expect(await handshake(open, headers)).toBe('403');
  });

  it.each(['localhost', 'LOCALHOST:4000', '127.0.0.1', '127.1.2.3:80', '[::1]:4000'])(
    'is told from somebody at this machine, who calls it %s',
    async (host) => {
      expect(await graphql(open, { host })).toMatchObject({ status: 200 });
      expect(await handshake(open, { host })).toBe('OPEN');
    },
  );

  it('is told from a page of our own', async () => {
    const headers = { origin: open.url, host: own() };
    expect(await graphql(open, headers)).toMatchObject({ status: 200 });
    expect(await handshake(open, headers)).toBe('OPEN');
  });

  it('gets nothing done where a token is configured either, whatever the name of the API is there', async () => {
    const authorization = `Bearer ${token}`;
    const host = 'stateward.example.org';
    expect(await graphql(guarded, { authorization, host })).toMatchObject({ status: 200 });
    expect(await graphql(guarded, { authorization, host, origin: `https://${host}` })).toMatchObject({ status: 200 });
    expect(await graphql(guarded, { authorization, host, origin: 'https://evil.example.org' })).toMatchObject({
      status: 403,
    });
    expect(await handshake(guarded, { host, origin: 'https://evil.example.org' })).toBe('403');
  });
});

describe('a bug', () => {
  it('is masked everywhere, and found by a request id', async () => {
    const broken = await startStateward({ worker: false });
    try {
      const { database } = broken.services;
      await database.rows('alter table artifact rename to mislaid');
      const query = '{ artifacts { edges { cursor } } }';
      const overHttp = await graphql(broken, {}, JSON.stringify({ query }));
      const overSocket = (await broken.subscribe(query, {}).catch((errors: unknown) => errors)) as GraphqlError[];
      const overUpload = await upload(broken);
      expect(overUpload.status).toBe(500);
      for (const errors of [overHttp.body.errors, overSocket, overUpload.body.errors]) {
        expect(errors).toHaveLength(1);
        const { message, extensions } = errors?.[0] ?? { message: '', extensions: { code: '' } };
        expect(extensions).toMatchObject({ code: 'INTERNAL_SERVER_ERROR', requestId: expect.any(String) });
        expect(message).toContain(extensions.requestId);
        expect(JSON.stringify(errors)).not.toMatch(/relation|select|insert|stack|\.ts|node_modules/i);
      }
      await database.rows('alter table mislaid rename to artifact');
      expect(await upload(broken)).toMatchObject({ status: 201 });
      expect((await broken.ask(query)).artifacts.edges).toHaveLength(1);
    } finally {
      await broken.stop();
    }
  });
});
