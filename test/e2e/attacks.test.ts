import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { buildClientSchema, getIntrospectionQuery, type IntrospectionQuery } from 'graphql';
import { limits } from '../../src/api/limits.js';
import type { GraphqlError } from '../support/graphql-client.js';
import { INIT, openSocket, type RawSocket, sendRaw } from '../support/raw-request.js';
import { startStateward, type Stateward } from '../support/stateward.js';

const MOST_BYTES = 128 * 1024;
/** Of the best of a few attempts: other tests share the machine. */
const QUICK_MS = 250;

let stateward: Stateward;
let socket: RawSocket;
beforeAll(async () => {
  stateward = await startStateward({ worker: false, env: { STATEWARD_REQUEST_MAX_BYTES: String(MOST_BYTES) } });
  socket = await openSocket(stateward.url);
  socket.send(INIT);
  await socket.next('connection_ack');
});
afterAll(async () => {
  socket.socket.close();
  await stateward.stop();
});

let statements: { mock: { calls: unknown[] } }[];
beforeEach(() => {
  const { database } = stateward.services;
  statements = (['rows', 'row', 'changed', 'entities', 'entity', 'transaction'] as const).map((name) =>
    jest.spyOn(database, name),
  );
});
afterEach(() => void jest.restoreAllMocks());
const countStatements = () => statements.reduce((sum, { mock }) => sum + mock.calls.length, 0);

const overHttp = (body: string, headers: Record<string, string> = {}) =>
  sendRaw(stateward.url, '/graphql', headers, body);

let asked = 0;
async function overSocket(body: string): Promise<GraphqlError[]> {
  asked += 1;
  socket.send(`{"id":"${asked}","type":"subscribe","payload":${body}}`);
  return (await socket.next('error')).payload;
}

const times = (count: number, text: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => text(n)).join(' ');
const roots = (levels: number, inner: string): string =>
  levels === 0 ? inner : `roots { cluster { savepointStorage { ${roots(levels - 1, inner)} } } }`;
const pages = (outer: string, inner: string) =>
  `deployments${outer} { edges { node { savepoints${inner} { edges { node { id } } } } } }`;
const aliases = (count: number) => `{ ${times(count, (n) => `a${n}: __typename`)} }`;
const bomb = (inner: string) =>
  `{ ...F0 } ${times(100, (n) => `fragment F${n} on Query { ...F${n + 1} ...F${n + 1} }`)} fragment F100 on Query { ${inner} }`;
const ofStates = 'query($states: [DeploymentState!]) { deployments(filter: { states: $states }) { edges { cursor } } }';
const byTwoVariables = `query($a: Int!, $b: Int! = 100) { ${pages('(first: $a)', '(first: $b)')} }`;

/** What is refused, with which code, and the request: GraphQL alone, or its whole body. */
const attacks: [
  name: string,
  code: string,
  query: string | { query: string; variables?: object; operationName?: string },
][] = [
  ['that is too deep', 'QUERY_TOO_DEEP', `{ cluster(id: "x") { savepointStorage { ${roots(4, 'id')} } } }`],
  [
    'that is too deep by way of fragments',
    'QUERY_TOO_DEEP',
    `{ cluster(id: "x") { ...A } } fragment A on Cluster { savepointStorage { ${roots(2, '...B')} } } fragment B on Storage { ${roots(2, 'id')} }`,
  ],
  [
    'that follows the schema too deep',
    'QUERY_TOO_DEEP',
    `{ __type(name: "Query") { ${'ofType { '.repeat(20)} name ${'} '.repeat(20)} } }`,
  ],
  [
    'that follows the schema in circles',
    'GRAPHQL_VALIDATION_FAILED',
    `{ __type(name: "Query") { ${'fields { type { '.repeat(4)} name ${'} } '.repeat(4)} } }`,
  ],
  ['with too many aliases', 'TOO_MANY_ALIASES', aliases(limits.aliases + 1)],
  [
    'with too many aliases by way of fragments',
    'TOO_MANY_ALIASES',
    `{ ...A ...B } fragment A on Query ${aliases(16)} fragment B on Query ${aliases(16)}`,
  ],
  [
    'that asks for a hundred things by aliases',
    'TOO_MANY_ALIASES',
    `{ ${times(100, (n) => `a${n}: cluster(id: "${n}") { id }`)} }`,
  ],
  [
    'with too many directives',
    'TOO_MANY_DIRECTIVES',
    `{ ${times(11, () => '... @skip(if: false) { __typename @include(if: true) }')} }`,
  ],
  [
    'with too many directives by way of a fragment',
    'TOO_MANY_DIRECTIVES',
    `{ ${'...A '.repeat(21)} } fragment A on Query { __typename @skip(if: false) }`,
  ],
  ['with unknown directives', 'GRAPHQL_VALIDATION_FAILED', `{ __typename ${times(900, (n) => `@x${n}`)} }`],
  ['of too many words', 'GRAPHQL_PARSE_FAILED', `{ ${'__typename '.repeat(limits.tokens)} }`],
  ['of too many words in its arguments', 'GRAPHQL_PARSE_FAILED', `{ cluster(id: ${'['.repeat(30_000)}) { id } }`],
  [
    'whose brackets overflow the stack of a parser',
    'GRAPHQL_PARSE_FAILED',
    `{ cluster(id: ${'['.repeat(900)}${']'.repeat(900)}) { id } }`,
  ],
  [
    'that nests fragments without end',
    'GRAPHQL_PARSE_FAILED',
    `{ ${'... { '.repeat(600)} __typename ${'}'.repeat(600)} }`,
  ],
  ['whose cost is written down', 'QUERY_TOO_COMPLEX', `{ ${pages('(first: 100)', '(first: 100)')} }`],
  ['whose cost is in its variables', 'QUERY_TOO_COMPLEX', { query: byTwoVariables, variables: { a: 100, b: 100 } }],
  ['whose cost is in the default of a variable', 'QUERY_TOO_COMPLEX', { query: byTwoVariables, variables: { a: 100 } }],
  [
    'whose cost is in the default of the schema',
    'QUERY_TOO_COMPLEX',
    '{ deployments { edges { node { savepoints { edges { node { deployment { savepoints { edges { node { id } } } } } } } } } } }',
  ],
  [
    'of lists without a size in lists without a size',
    'QUERY_TOO_COMPLEX',
    `{ cluster(id: "x") { savepointStorage { ${times(20, (n) => `a${n}: ${roots(3, 'id')}`)} } } }`,
  ],
  ['for a page that is too large', 'BAD_USER_INPUT', '{ deployments(first: 1000000000) { edges { cursor } } }'],
  ['for a page of less than nothing', 'BAD_USER_INPUT', '{ deployments(first: -5) { edges { cursor } } }'],
  [
    'whose fragments go in a circle',
    'GRAPHQL_VALIDATION_FAILED',
    '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }',
  ],
  [
    'whose fragments all spread each other',
    'GRAPHQL_VALIDATION_FAILED',
    `{ ...F0 } ${times(20, (n) => `fragment F${n} on Query { ${times(20, (m) => `...F${m}`)} }`)}`,
  ],
  ['whose fragments double its fields a hundred times', 'QUERY_TOO_COMPLEX', bomb('__typename')],
  ['whose fragments double its aliases a hundred times', 'TOO_MANY_ALIASES', bomb('a: __typename')],
  ['whose fragments double its directives a hundred times', 'TOO_MANY_DIRECTIVES', bomb('__typename @skip(if: true)')],
  ['that does not end', 'GRAPHQL_PARSE_FAILED', '{ __typename'],
  ['of no words', 'GRAPHQL_PARSE_FAILED', ' '],
  ['for a field that is not there', 'GRAPHQL_VALIDATION_FAILED', '{ clustr(id: "x") { id } }'],
  ['for very many fields that are not there', 'GRAPHQL_VALIDATION_FAILED', `{ ${times(1_900, (n) => `x${n}`)} }`],
  ['with an argument that is not there', 'GRAPHQL_VALIDATION_FAILED', '{ cluster(idd: "x") { id } }'],
  ['of a type that is not there', 'GRAPHQL_VALIDATION_FAILED', 'query($a: Deploymen) { __typename @skip(if: $a) }'],
  [
    'with a value that is not there',
    'GRAPHQL_VALIDATION_FAILED',
    '{ deployments(filter: { states: [RUNNIN] }) { edges { cursor } } }',
  ],
  ['with a variable that is not there', 'BAD_USER_INPUT', { query: ofStates, variables: { states: ['RUNNIN'] } }],
  ['with a variable of another type', 'BAD_USER_INPUT', { query: byTwoVariables, variables: { a: 'x' } }],
  ['with a variable that it needs left out', 'BAD_USER_INPUT', { query: byTwoVariables }],
  [
    'with thousands of wrong variables',
    'BAD_USER_INPUT',
    { query: ofStates, variables: { states: Array.from({ length: 30_000 }, () => 1) } },
  ],
  [
    'with one very long wrong variable',
    'BAD_USER_INPUT',
    { query: ofStates, variables: { states: 'x'.repeat(100_000) } },
  ],
  ['with a NUL in its text', 'BAD_USER_INPUT', '{ deployment(name: "a\\u0000b") { id } }'],
  [
    'with a NUL in its variables',
    'BAD_USER_INPUT',
    { query: 'query($a: String) { deployment(name: $a) { id } }', variables: { a: 'a\0b' } },
  ],
  [
    'that names another operation',
    'OPERATION_RESOLUTION_FAILURE',
    { query: 'query A { __typename }', operationName: 'B' },
  ],
  [
    'without a name that names an operation',
    'OPERATION_RESOLUTION_FAILURE',
    { query: '{ __typename }', operationName: '__proto__' },
  ],
  [
    'of several operations that names none',
    'OPERATION_RESOLUTION_FAILURE',
    'query A { __typename } query B { __typename }',
  ],
  ['of fragments alone', 'GRAPHQL_VALIDATION_FAILED', 'fragment A on Query { __typename }'],
  ['that defines a type', 'GRAPHQL_VALIDATION_FAILED', 'type A { b: Int } query { __typename }'],
];

describe('a request', () => {
  it.each(attacks)(
    '%s is refused with %s over HTTP and WebSocket, at once, before anything of it runs',
    async (_name, code, request) => {
      const body = JSON.stringify(typeof request === 'string' ? { query: request } : request);
      let quickest = Infinity;
      for (let attempt = 0; attempt === 0 || (attempt < 5 && quickest >= QUICK_MS); attempt += 1) {
        const before = performance.now();
        const { status, body: answer } = await overHttp(body);
        const between = performance.now();
        const errors = await overSocket(body);
        quickest = Math.min(quickest, Math.max(between - before, performance.now() - between));

        expect(status).toBe(400);
        expect(answer.data).toBeUndefined();
        const told = (all: GraphqlError[] = []) => all.map(({ message, extensions }) => [extensions.code, message]);
        expect(told(errors)).toEqual(told(answer.errors));
        expect(new Set(errors.map(({ extensions }) => extensions.code))).toEqual(new Set([code]));
        for (const { message, extensions } of [...errors, ...(answer.errors ?? [])]) {
          expect(message.length).toBeLessThan(600);
          expect(extensions.requestId).toMatch(/^[0-9a-f-]{36}$/);
        }
        expect(JSON.stringify([answer, errors])).not.toMatch(/did you mean|stack|node_modules|\bat \S+ \(|\.[jt]s:/i);
      }
      expect(quickest).toBeLessThan(QUICK_MS);
      expect(countStatements()).toBe(0);
    },
  );

  it.each([
    ['in a batch', 400, 'BAD_USER_INPUT', JSON.stringify([{ query: '{ __typename }' }, { query: '{ __typename }' }])],
    ['that is no JSON', 400, 'BAD_USER_INPUT', '{"query": "{ __typename }"'],
    ['that is nothing', 400, 'BAD_USER_INPUT', ''],
    ['that is a text', 400, 'BAD_USER_INPUT', '"x"'],
    ['that is null', 400, 'BAD_USER_INPUT', 'null'],
    ['without a query', 400, 'BAD_USER_INPUT', '{}'],
    ['whose query is no text', 400, 'BAD_USER_INPUT', '{"query": {"__typename": 1}}'],
    ['whose variables are no object', 400, 'BAD_USER_INPUT', '{"query": "{ __typename }", "variables": "x"}'],
    ['that nests without end', 400, 'BAD_USER_INPUT', `{"query": ${'['.repeat(50_000)}${']'.repeat(50_000)}}`],
    ['with the key __proto__', 400, 'BAD_USER_INPUT', '{"query": "{ __typename }", "__proto__": {"a": 1}}'],
    [
      'with the key __proto__ in it',
      400,
      'BAD_USER_INPUT',
      '{"query": "{ __typename }", "variables": {"__proto__": {}}}',
    ],
    [
      'with constructor.prototype',
      400,
      'BAD_USER_INPUT',
      '{"query": "{ __typename }", "constructor": {"prototype": {}}}',
    ],
    ['of 1 MiB', 413, 'REQUEST_TOO_LARGE', JSON.stringify({ query: `{ __typename } # ${'x'.repeat(1024 * 1024)}` })],
    [
      'for a subscription',
      400,
      'BAD_USER_INPUT',
      JSON.stringify({ query: 'subscription { savepointProgress(id: "x") { savepoint { id } } }' }),
    ],
  ])('%s is refused over HTTP with %d %s', async (_name, status, code, body) => {
    const reply = await overHttp(body);
    expect({ status: reply.status, codes: reply.body.errors?.map(({ extensions }) => extensions.code) }).toEqual({
      status,
      codes: [code],
    });
    expect(JSON.stringify(reply.body)).not.toMatch(/stack|node_modules|\bat \S+ \(|\.[jt]s:/);
    expect(countStatements()).toBe(0);
  });

  it('larger than the limit is refused whether its size is announced or not, and one just below is answered', async () => {
    const body = JSON.stringify({ query: `{ __typename } # ${'x'.repeat(MOST_BYTES)}` });
    expect(await overHttp(body)).toMatchObject({ status: 413 });
    expect(await overHttp(body, { 'transfer-encoding': 'chunked' })).toMatchObject({ status: 413 });
    const smaller = JSON.stringify({ query: '{ __typename }', padding: 'x'.repeat(MOST_BYTES - 100) });
    expect(await overHttp(smaller)).toMatchObject({ status: 200 });
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', ''])(
    'of the type %j, as a form of another site could send it, is refused',
    async (type) => {
      const { status, body } = await overHttp(JSON.stringify({ query: '{ __typename }' }), { 'content-type': type });
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(500);
      expect(body.data).toBeUndefined();
      expect(body.errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
    },
  );

  it.each(['{ __typename }', 'mutation { abandonSavepoint(input: { savepointId: "x" }) { __typename } }'])(
    'in an address (%s) is refused',
    async (query) => {
      const path = `/graphql?query=${encodeURIComponent(query)}`;
      const headers: Record<string, string>[] = [{}, { 'apollo-require-preflight': 'true' }];
      for (const sent of headers)
        expect(await sendRaw(stateward.url, path, sent, '', 'GET')).toMatchObject({
          status: 405,
          body: { errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] },
        });
      expect(countStatements()).toBe(0);
    },
  );
});

describe('a variable with the key __proto__', () => {
  it('is refused on a socket as in a body, and changes nothing', async () => {
    const [error] = await overSocket('{"query":"{ __typename }","variables":{"a":{"__proto__":{"polluted":1}}}}');
    expect(error?.extensions.code).toBe('BAD_USER_INPUT');
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });
});

describe('after all of these', () => {
  it('an honest query is answered over HTTP and WebSocket', async () => {
    const query = '{ deployments(first: 100) { edges { node { id name } } } }';
    expect(await stateward.ask(query)).toEqual({ deployments: { edges: [] } });
    expect(await stateward.subscribe(query, {})).toEqual([{ deployments: { edges: [] } }]);
    expect(countStatements()).toBeGreaterThan(0);
  });

  it('a query just within the limits is answered', async () => {
    expect(Object.keys(await stateward.ask(aliases(limits.aliases)))).toHaveLength(limits.aliases);
  });

  it('the schema is told whole, as tools ask for it', async () => {
    const query = getIntrospectionQuery({ descriptions: true, inputValueDeprecation: true, oneOf: true });
    const told = (await stateward.ask(query)) as IntrospectionQuery;
    expect(buildClientSchema(told).getMutationType()?.getFields()).toHaveProperty('createSavepoint');
    expect(await stateward.subscribe(query, {})).toEqual([told]);
  });
});
