import {
  type DocumentNode,
  getNullableType,
  getVariableValues,
  type GraphQLSchema,
  isCompositeType,
  getNamedType,
  isListType,
  type OperationDefinitionNode,
} from 'graphql';
import {
  type ComplexityEstimator,
  fieldExtensionsEstimator,
  getComplexity,
  simpleEstimator,
} from 'graphql-query-complexity';
import { LARGEST_PAGE } from './connection.js';
import { refuse } from './refuse-operation.js';

/** Objects in a list that takes no `first`: storage roots, attempts, warnings, settings. Measured lists have 1 to 6. */
const ASSUMED_LIST_SIZE = 5;

/** A page costs its size times its children, whether the size is written down, a variable or the default. */
const pageEstimator: ComplexityEstimator = ({ args, childComplexity, field }) => {
  const { first } = args as { first?: unknown };
  if (typeof first !== 'number') return undefined;
  if (first < 1 || first > LARGEST_PAGE) {
    const remedy = 'Ask for fewer, and for what follows with after: endCursor of the page before.';
    refuse(
      'BAD_USER_INPUT',
      `first: ${first} is not between 1 and ${LARGEST_PAGE}, at the field ${field.name}. ${remedy}`,
    );
  }
  return 1 + first * childComplexity;
};

/** Introspection is read from memory and bounded by its depth; the edges of a page are counted with its `first`. */
const listEstimator: ComplexityEstimator = ({ type, field, childComplexity }) => {
  if (type.name.startsWith('__') || field.name === 'edges') return undefined;
  const isListOfObjects = isListType(getNullableType(field.type)) && isCompositeType(getNamedType(field.type));
  return isListOfObjects ? 1 + ASSUMED_LIST_SIZE * childComplexity : undefined;
};

const estimators = [
  fieldExtensionsEstimator(),
  pageEstimator,
  listEstimator,
  simpleEstimator({ defaultComplexity: 1 }),
];

/**
 * What an operation costs at most, known before it runs. Throws BAD_USER_INPUT for variables that do not fit and for pages
 * that are too large. The operation must have passed validation and the limits of its size: this walks each of its fields.
 */
export function costOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Record<string, unknown>,
): number {
  // Only the first fault: a list of 100,000 wrong values would make as many errors.
  const { errors } = getVariableValues(schema, operation.variableDefinitions ?? [], variables, {
    maxErrors: 1,
    hideSuggestions: true,
  });
  if (errors?.[0]) refuse('BAD_USER_INPUT', errors[0].message);
  return getComplexity({ schema, query: document, variables, operationName: operation.name?.value, estimators });
}
