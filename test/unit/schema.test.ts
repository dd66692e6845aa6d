import { beforeAll, describe, expect, it } from '@jest/globals';
import {
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isIntrospectionType,
  isInterfaceType,
  isObjectType,
  isScalarType,
  isSpecifiedScalarType,
  isUnionType,
} from 'graphql';
import { readFileSync } from 'node:fs';
import { schemaText } from '../../src/api/emit-schema.js';
import { createSchema } from '../../src/api/schema.js';
import { refusalCodes } from '../../src/api/user-error.js';

let schema: GraphQLSchema;
beforeAll(async () => {
  schema = await createSchema();
});

const ownTypes = () =>
  Object.values(schema.getTypeMap()).filter((type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type));

describe('the schema', () => {
  it('is the one that is committed: run `npm run schema` after a change', async () => {
    const committed = readFileSync(new URL('../../schema/schema.graphql', import.meta.url), 'utf8');
    expect(committed).toBe(await schemaText());
  });

  it('describes every query, mutation and subscription', () => {
    const silent = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].flatMap((type) =>
      Object.values(type?.getFields() ?? {})
        .filter((field) => !field.description)
        .map((field) => `${type?.name}.${field.name}`),
    );
    expect(silent).toEqual([]);
  });

  it('has mutations that take one input and answer with a union that holds refusals', () => {
    for (const field of Object.values(schema.getMutationType()?.getFields() ?? {})) {
      expect(field.args.map(({ name }) => name)).toEqual(['input']);
      const result = schema.getType(String(field.type).replace('!', ''));
      if (!isUnionType(result)) throw new Error(`${field.name} does not answer with a union`);
      const refusals = result
        .getTypes()
        .filter((type) => type.getInterfaces().some(({ name }) => name === 'UserError'));
      expect(refusals.length).toBe(result.getTypes().length - 1);
      expect(refusals.map(({ name }) => name)).toContain('IdempotencyKeyReused');
    }
  });

  it('has a type for every refusal that can be answered', () => {
    const refusals = ownTypes().filter(
      (type) => isObjectType(type) && type.getInterfaces().some(({ name }) => name === 'UserError'),
    );
    const expected = refusalCodes.map((code) =>
      code
        .toLowerCase()
        .split('_')
        .map((part) => `${part[0]?.toUpperCase()}${part.slice(1)}`)
        .join(''),
    );
    expect(refusals.map(({ name }) => name).sort()).toEqual(expected.sort());
  });
});

describe('descriptions', () => {
  it('are there for every type that a caller meets', () => {
    const silent = ownTypes()
      .filter((type) => !['Query', 'Mutation', 'Subscription'].includes(type.name) && !isUnionType(type))
      .filter((type) => !type.description)
      .map(({ name }) => name);
    expect(silent).toEqual([]);
  });

  it('are there for every field', () => {
    const silent = ownTypes().flatMap((type) =>
      isObjectType(type) || isInterfaceType(type) || isInputObjectType(type)
        ? Object.values(type.getFields())
            .filter((field) => !field.description)
            .map((field) => `${type.name}.${field.name}`)
        : [],
    );
    expect(silent).toEqual([]);
  });

  it('are there for every argument', () => {
    const silent = ownTypes().flatMap((type) =>
      isObjectType(type) || isInterfaceType(type)
        ? Object.values(type.getFields()).flatMap((field) =>
            field.args.filter((arg) => !arg.description).map((arg) => `${type.name}.${field.name}(${arg.name})`),
          )
        : [],
    );
    expect(silent).toEqual([]);
  });

  it('are there for every value of an enum', () => {
    const silent = ownTypes().flatMap((type) =>
      isEnumType(type)
        ? type
            .getValues()
            .filter((value) => !value.description)
            .map((value) => `${type.name}.${value.name}`)
        : [],
    );
    expect(silent).toEqual([]);
  });

  it('are there for every scalar', () => {
    expect(
      ownTypes()
        .filter(isScalarType)
        .filter(({ description }) => !description),
    ).toEqual([]);
  });
});
