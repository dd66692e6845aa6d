import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { buildSchema, getIntrospectionQuery, GraphQLError, parse, validate } from 'graphql';
import { readFileSync } from 'node:fs';
import { checkLimits, limits } from '../../src/api/limits.js';
import { examples } from '../../src/api/playground-examples.js';

const schema = buildSchema(readFileSync(new URL('../../schema/schema.graphql', import.meta.url), 'utf8'));

/** The code and message of the refusal, or null when the operation may run. */
function refusalOf(query: string, variables: Record<string, unknown> = {}, operationName?: string) {
  try {
    checkLimits(schema, parse(query), variables, operationName);
    return null;
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    return { code: error.extensions.code, message: error.message };
  }
}

const times = (count: number, text: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => text(n)).join(' ');

describe('directives', () => {
  const skips = (count: number) =>
    times(count, (n) => `f${n}: __typename`).replaceAll('__typename', '__typename @skip(if: false)');

  it('are allowed up to the limit, and refused beyond it', () => {
    expect(refusalOf(`{ ${skips(limits.directives)} }`)).toBeNull();
    expect(refusalOf(`{ ${skips(limits.directives + 1)} }`)).toEqual({
      code: 'TOO_MANY_DIRECTIVES',
      message: `The query has ${limits.directives + 1} directives; ${limits.directives} are allowed.`,
    });
  });

  it('of a fragment count as often as it is spread, with those on the spread', () => {
    const fragment = 'fragment A on Query { __typename @skip(if: false) @include(if: true) }';
    expect(refusalOf(`{ ${'...A '.repeat(10)} } ${fragment}`)).toBeNull();
    expect(refusalOf(`{ ${'...A '.repeat(11)} } ${fragment}`)).toMatchObject({ code: 'TOO_MANY_DIRECTIVES' });
    expect(refusalOf(`{ ${'...A @skip(if: false) '.repeat(7)} } ${fragment}`)).toMatchObject({
      code: 'TOO_MANY_DIRECTIVES',
    });
  });

  it('count wherever they stand', () => {
    const many = times(limits.directives + 1, (n) => `@d${n}`);
    for (const query of [
      `query ${many} { __typename }`,
      `query($a: Int ${many}) { __typename }`,
      `{ ... ${many} { __typename } }`,
      `{ ...A } fragment A on Query ${many} { __typename }`,
    ])
      expect(refusalOf(query)).toMatchObject({ code: 'TOO_MANY_DIRECTIVES' });
  });
});

describe('fragments', () => {
  const bomb = (inner: string, length: number, spreads: number) =>
    `{ ...F0 } ${times(length, (n) => `fragment F${n} on Query { ${`...F${n + 1} `.repeat(spreads)} }`)} fragment F${length} on Query { ${inner} }`;

  it.each([
    ['fields', '__typename', 'QUERY_TOO_COMPLEX'],
    ['aliases', 'a: __typename', 'TOO_MANY_ALIASES'],
    ['directives', '__typename @skip(if: true)', 'TOO_MANY_DIRECTIVES'],
  ])('that multiply %s beyond every number are refused at once, in readable numbers', (_what, inner, code) => {
    for (const [length, spreads] of [
      [150, 2],
      [125, 5],
      [3, 300],
    ] as const) {
      const before = performance.now();
      const refusal = refusalOf(bomb(inner, length, spreads));
      expect(performance.now() - before).toBeLessThan(1_000);
      expect(refusal?.code).toBe(code);
      expect(refusal?.message).toMatch(/^The query has 1000000 or more /);
    }
  });

  it('that spread each other in a circle are measured to an end', () => {
    expect(refusalOf('{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }')).toBeNull(); // for validation
  });

  it('are not counted where nothing spreads them', () => {
    const aliases = times(limits.aliases + 1, (n) => `a${n}: __typename`);
    expect(refusalOf(`{ __typename } fragment A on Query { ${aliases} }`)).toBeNull();
  });
});

describe('the cost', () => {
  const pages = (outer: string, inner: string) =>
    `deployments(${outer}) { edges { node { savepoints(${inner}) { edges { node { id } } } } } }`;

  it('multiplies pages in pages, whether their size is written down, a variable, or the default', () => {
    expect(refusalOf(`{ ${pages('first: 10', 'first: 10')} }`)).toBeNull();
    expect(refusalOf(`{ ${pages('first: 50', 'first: 100')} }`)).toMatchObject({ code: 'QUERY_TOO_COMPLEX' });
    const asked = `query($a: Int!, $b: Int! = 100) { ${pages('first: $a', 'first: $b')} }`;
    expect(refusalOf(asked, { a: 3 })).toBeNull();
    expect(refusalOf(asked, { a: 50 })).toMatchObject({ code: 'QUERY_TOO_COMPLEX' });
    const inner = 'savepoints { edges { node { id } } }';
    const threefold = `{ deployments { edges { node { savepoints { edges { node { deployment { ${inner} } } } } } } } }`;
    expect(validate(schema, parse(threefold))).toEqual([]);
    expect(refusalOf(threefold)).toMatchObject({ code: 'QUERY_TOO_COMPLEX' });
  });

  it('counts a list without a page size as several', () => {
    const attempts = 'attempts { number triggeredAt } warnings { code message }';
    const ofPage = (first: number) => `{ savepoints(first: ${first}) { edges { node { id ${attempts} } } } }`;
    expect(refusalOf(ofPage(100))).toBeNull();
    const roots = (levels: number, inner: string): string =>
      levels === 0 ? inner : `roots { cluster { savepointStorage { ${roots(levels - 1, inner)} } } }`;
    const wide = times(20, (n) => `a${n}: ${roots(3, 'id')}`);
    expect(refusalOf(`{ cluster(id: "x") { savepointStorage { ${wide} } } }`)).toMatchObject({
      code: 'QUERY_TOO_COMPLEX',
    });
  });

  it.each([0, -1, 101, 2_147_483_647])('has no page of %d: the refusal names the field and the remedy', (first) => {
    const literal = refusalOf(`{ deployments(first: ${first}) { edges { cursor } } }`);
    const variable = refusalOf('query($n: Int!) { deployments(first: $n) { edges { cursor } } }', { n: first });
    expect(literal).toEqual(variable);
    expect(literal?.code).toBe('BAD_USER_INPUT');
    expect(literal?.message).toMatch(/^first: -?\d+ is not between 1 and 100, at the field deployments\. .*endCursor/);
  });

  it('lets every example of the playground and the introspection of tools pass', () => {
    const introspection = getIntrospectionQuery({ inputValueDeprecation: true, schemaDescription: true, oneOf: true });
    expect(refusalOf(introspection)).toBeNull();
    for (const { query, variables } of examples as { query: string; variables?: string | object }[]) {
      const given = typeof variables === 'string' ? JSON.parse(variables) : (variables ?? {});
      for (const { name } of parse(query).definitions.filter((one) => one.kind === 'OperationDefinition')) {
        const refusal = refusalOf(query, given, name?.value);
        expect({ query, code: refusal?.code === 'BAD_USER_INPUT' ? null : (refusal?.code ?? null) }).toEqual({
          query,
          code: null,
        });
      }
    }
  });
});

describe('variables', () => {
  const query = 'query($states: [DeploymentState!]) { deployments(filter: { states: $states }) { edges { cursor } } }';

  it('that are wrong 100,000 times are refused as quickly as once, in a short message without hints', () => {
    const before = performance.now();
    const refusal = refusalOf(query, { states: Array.from({ length: 100_000 }, () => 'RUNNIN') });
    expect(performance.now() - before).toBeLessThan(1_000);
    expect(refusal?.code).toBe('BAD_USER_INPUT');
    expect(refusal?.message).not.toMatch(/did you mean|RUNNING/i);
    const long = refusalOf(query, { states: ['x'.repeat(200_000)] });
    expect(long?.message.length).toBeLessThan(600);
  });

  it('with NUL or __proto__ anywhere are refused', () => {
    for (const harmful of ['{"states":["a\\u0000"]}', '{"x":{"y":[{"__proto__":{"z":1}}]}}', '{"__proto__":{"z":1}}'])
      expect(refusalOf(query, JSON.parse(harmful))).toMatchObject({ code: 'BAD_USER_INPUT' });
    expect(({} as { z?: number }).z).toBeUndefined();
  });
});

describe('the operation that is to run', () => {
  const two = `query A { __typename } query B { ${times(limits.aliases + 1, (n) => `a${n}: __typename`)} }`;

  it('is the one that is named, and it alone is measured', () => {
    expect(refusalOf(two, {}, 'A')).toBeNull();
    expect(refusalOf(two, {}, 'B')).toMatchObject({ code: 'TOO_MANY_ALIASES' });
  });

  it.each([
    ['that is not there', two, 'C', /no operation named "C"/],
    ['that is not there beside one without a name', '{ __typename }', 'C', /no operation named "C"/],
    ['of several', two, undefined, /several operations/],
    ['of none', 'fragment A on Query { __typename }', undefined, /fragments alone/],
  ])('cannot be one %s', (_what, query, name, message) => {
    expect(refusalOf(query, {}, name)).toEqual({
      code: 'OPERATION_RESOLUTION_FAILURE',
      message: expect.stringMatching(message),
    });
  });
});
