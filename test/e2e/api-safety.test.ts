import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { buildClientSchema, getIntrospectionQuery, type IntrospectionQuery } from 'graphql';
import { request as httpRequest } from 'node:http';
import { WebSocket } from 'ws';
import { limits } from '../../src/api/limits.js';
import { loadConfig } from '../../src/config.js';
import type { Data, GraphqlError } from '../support/graphql-client.js';
import { jarOf } from '../support/jars.js';
import { startStateward, type Stateward } from '../support/stateward.js';

const token = 'a-token-of-at-least-32-characters';
const MOST_BYTES = 64 * 1024;
let open: Stateward;
let guarded: Stateward;
beforeAll(async () => {
  open = await startStateward({ worker: false, env: { STATEWARD_REQUEST_MAX_BYTES: String(MOST_BYTES) } });
  guarded = await startStateward({ worker: false, env: { STATEWARD_API_TOKEN: token } });
});
afterAll(async () => {
  await open.stop();
  await guarded.stop();
});

interface Reply {
  status: number;
  body: { data?: Data; errors?: GraphqlError[]; [other: string]: unknown };
}

/** One HTTP request with exactly these headers: a browser sets Host and Origin by itself, fetch would not let us. */
function send(
  stateward: Stateward,
  path: string,
  headers: Record<string, string>,
  body: string | Buffer = JSON.stringify({ query: '{ __typename }' }),
  method = 'POST',
): Promise<Reply> {
  const { hostname, port } = new URL(stateward.url);
  return new Promise((resolve, reject) => {
    const all = { 'content-type': 'application/json', ...headers };
    const sent = httpRequest({ hostname, port, path, method, headers: all }, async (answer) => {
      const chunks: Buffer[] = [];
      for await (const chunk of answer) chunks.push(chunk as Buffer);
      const text = Buffer.concat(chunks).toString();
      resolve({ status: answer.statusCode ?? 0, body: text.startsWith('{') ? JSON.parse(text) : { text } });
    });
    sent.on('error', reject).end(body);
  });
}

const graphql = (stateward: Stateward, headers: Record<string, string> = {}, body?: string) =>
  send(stateward, '/graphql', headers, body);
const upload = (stateward: Stateward, headers: Record<string, string> = {}) =>
  send(stateward, '/artifacts/job.jar', headers, jarOf(), 'PUT');
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
    expect(await handshake(open, headers)).toBe('401');
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
    expect(await handshake(guarded, { host, origin: 'https://evil.example.org' })).toBe('401');
  });

  it('cannot send a form', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
      const { status, body } = await graphql(open, { 'content-type': type });
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(500);
      expect(body.data).toBeUndefined();
    }
    const asked = await send(open, '/graphql?query={__typename}', {}, '', 'GET');
    expect(asked.status).toBeGreaterThanOrEqual(400);
  });
});

describe('a request', () => {
  it('larger than the limit is refused with 413, announced or not', async () => {
    const body = JSON.stringify({ query: `{ __typename } # ${'x'.repeat(MOST_BYTES)}` });
    expect(await graphql(open, {}, body)).toMatchObject({ status: 413 });
    expect(await graphql(open, { 'transfer-encoding': 'chunked' }, body)).toMatchObject({ status: 413 });
    const smaller = JSON.stringify({ query: '{ __typename }', padding: 'x'.repeat(MOST_BYTES - 100) });
    expect(await graphql(open, {}, smaller)).toMatchObject({ status: 200 });
  });

  it('that is no GraphQL is its own fault, and says so', async () => {
    for (const body of [
      '',
      'x',
      'null',
      '[]',
      '{}',
      '"x"',
      '{"query": 1}',
      '{"query": "{"}',
      '{"query": "{ nothing }"}',
    ]) {
      const { status, body: answer } = await graphql(open, {}, body);
      expect({ body, status: status >= 400 && status < 500 }).toEqual({ body, status: true });
      expect(JSON.stringify(answer)).not.toMatch(/node_modules|\bat \w+ \(|INTERNAL_SERVER_ERROR/);
    }
  });

  it('in a batch is refused', async () => {
    const { status, body } = await graphql(open, {}, JSON.stringify([{ query: '{ __typename }' }]));
    expect(status).toBe(400);
    expect(body.data).toBeUndefined();
  });

  it('for what does not exist is not answered with hints at what does', async () => {
    const [error] = await open.askWrongly('{ clustr(id: "x") { id } }');
    expect(error?.message).toMatch(/Cannot query field "clustr"/);
    expect(error?.message).not.toMatch(/Did you mean/);
  });
});

describe('a query', () => {
  const nest = (levels: number, inner: string): string =>
    levels === 0 ? inner : `roots { cluster { savepointStorage { ${nest(levels - 1, inner)} } } }`;
  const deep = `{ cluster(id: "x") { savepointStorage { ${nest(4, 'id')} } } }`;
  const aliases = (count: number) => `{ ${Array.from({ length: count }, (_, n) => `a${n}: __typename`).join(' ')} }`;
  const tooDeepIntrospection = `{ __schema { types { ${'ofType { '.repeat(18)} name ${'} '.repeat(18)} } } }`;
  const page = 'savepoints(first: 100) { edges { node { id } } }';

  /** Codes of the errors over HTTP and over WebSocket, which must be the same. */
  async function refusalOf(query: string, variables: object = {}): Promise<string> {
    const overHttp = await open.askWrongly(query, variables);
    const overSocket = (await open
      .subscribe(query, variables)
      .then((seen) => Promise.reject(new Error(JSON.stringify(seen))))
      .catch((errors: unknown) => errors)) as GraphqlError[];
    const told = (errors: GraphqlError[]) => errors.map(({ message, extensions }) => [extensions.code, message]);
    expect(told(overSocket)).toEqual(told(overHttp));
    expect(overHttp).toHaveLength(1);
    return overHttp[0]?.extensions.code ?? '';
  }

  it.each([
    ['too deep', 'QUERY_TOO_DEEP', deep],
    [
      'too deep by way of fragments',
      'QUERY_TOO_DEEP',
      `query { cluster(id: "x") { ...A } } fragment A on Cluster { savepointStorage { ${nest(2, '...B')} } } fragment B on Storage { ${nest(2, 'id')} }`,
    ],
    ['of an introspection that is too deep', 'QUERY_TOO_DEEP', tooDeepIntrospection],
    ['of too many aliases', 'TOO_MANY_ALIASES', aliases(limits.aliases + 1)],
    [
      'of too many aliases by way of a fragment',
      'TOO_MANY_ALIASES',
      `{ ...A ...B } fragment A on Query ${aliases(16)} fragment B on Query ${aliases(16)}`,
    ],
    ['of pages in pages', 'QUERY_TOO_COMPLEX', `{ deployments(first: 100) { edges { node { ${page} } } } }`],
    ['of too many words', 'GRAPHQL_PARSE_FAILED', `{ ${'__typename '.repeat(limits.tokens)} }`],
    ['that does not end', 'GRAPHQL_PARSE_FAILED', '{ __typename'],
    ['for a field that is not there', 'GRAPHQL_VALIDATION_FAILED', '{ nothing }'],
    ['with a NUL in it', 'BAD_USER_INPUT', '{ deployment(name: "a\\u0000b") { id } }'],
  ])('%s is refused with %s', async (_what, code, query) => {
    expect(await refusalOf(query)).toBe(code);
  });

  it('whose cost is in its variables is refused as well', async () => {
    const query = `query($a: Int!, $b: Int!) { deployments(first: $a) { edges { node { savepoints(first: $b) { edges { node { id } } } } } } }`;
    expect(await refusalOf(query, { a: 100, b: 100 })).toBe('QUERY_TOO_COMPLEX');
    expect(await open.ask(query, { a: 2, b: 3 })).toEqual({ deployments: { edges: [] } });
    expect(await refusalOf(query, { a: 'x', b: 3 })).toBe('BAD_USER_INPUT');
  });

  it('that doubles with each fragment costs no more time than its text', async () => {
    const doubling = Array.from({ length: 60 }, (_, n) => `fragment F${n} on Query { ...F${n + 1} ...F${n + 1} }`);
    const query = `{ ...F0 } ${doubling.join(' ')} fragment F60 on Query { __typename }`;
    const before = Date.now();
    const reply = await graphql(open, {}, JSON.stringify({ query }));
    expect(Date.now() - before).toBeLessThan(5_000);
    expect(reply.status).toBeLessThan(500);
  });

  it('just within the limits is answered', async () => {
    expect(Object.keys(await open.ask(aliases(limits.aliases)))).toHaveLength(limits.aliases);
  });

  it('for the whole schema, as tools send it, is answered over HTTP and WebSocket', async () => {
    const query = getIntrospectionQuery({ descriptions: true, inputValueDeprecation: true, oneOf: true });
    const overHttp = (await open.ask(query)) as IntrospectionQuery;
    expect(buildClientSchema(overHttp).getMutationType()?.getFields()).toHaveProperty('createSavepoint');
    expect(await open.subscribe(query, {})).toEqual([overHttp]);
  });
});

describe('a message on a socket', () => {
  it('larger than its limit closes the socket', async () => {
    const url = `${open.url.replace('http', 'ws')}/graphql`;
    const socket = new WebSocket(url, 'graphql-transport-ws');
    const complaint = jest.spyOn(console, 'error').mockReturnValue(undefined); // of graphql-ws, in this very process
    const code = await new Promise((resolve) => {
      socket.on('open', () =>
        socket.send(JSON.stringify({ type: 'connection_init', payload: 'x'.repeat(300 * 1024) })),
      );
      socket.on('close', resolve);
    });
    complaint.mockRestore();
    expect(code).toBe(1009);
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
