import {
  type DocumentNode,
  type FragmentDefinitionNode,
  getOperationAST,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  visit,
} from 'graphql';
import { measureOperation, type OperationSize, UNCOUNTED } from './measure-operation.js';
import { costOf } from './operation-cost.js';
import { refuse } from './refuse-operation.js';

/** What one operation may cost at most. GraphQL's own introspection query is 15 deep and is measured apart. */
export const limits = {
  tokens: 2_000,
  brackets: 100,
  depth: 12,
  introspectionDepth: 20,
  aliases: 30,
  directives: 20,
  selections: 5_000,
  complexity: 5_000,
};

/** For GraphQL's own validation: no hints at what exists, and no list of 100 faults. */
export const validationOptions = { maxErrors: 10, hideSuggestions: true };

/**
 * Called after validation and before anything runs, on HTTP and on WebSocket alike: throws on the first limit that is
 * passed, and answers the operation that is to run.
 */
export function checkLimits(
  schema: GraphQLSchema,
  document: DocumentNode,
  variables?: Record<string, unknown> | null,
  operationName?: string | null,
): OperationDefinitionNode {
  const operation = getOperationAST(document, operationName);
  if (!operation) refuseUnresolved(document, operationName);
  const fragments = new Map(
    document.definitions
      .filter((one): one is FragmentDefinitionNode => one.kind === Kind.FRAGMENT_DEFINITION)
      .map((one) => [one.name.value, one]),
  );
  refuseLarge(measureOperation(operation, fragments));
  refuseHarmful(document, variables);
  const cost = costOf(schema, document, operation, variables ?? {});
  if (cost > limits.complexity) {
    const remedy = 'Ask for smaller pages or fewer fields.';
    refuse('QUERY_TOO_COMPLEX', `The query costs ${cost}; ${limits.complexity} are allowed. ${remedy}`);
  }
  return operation;
}

function refuseUnresolved(document: DocumentNode, operationName?: string | null): never {
  const code = 'OPERATION_RESOLUTION_FAILURE';
  if (operationName) refuse(code, `The request has no operation named "${operationName}". Correct operationName.`);
  const any = document.definitions.some(({ kind }) => kind === Kind.OPERATION_DEFINITION);
  refuse(
    code,
    any ? 'The request has several operations. Name one in operationName.' : 'The request has fragments alone.',
  );
}

function refuseLarge(size: OperationSize): void {
  const told = (count: number) => (count >= UNCOUNTED ? `${UNCOUNTED} or more` : String(count));
  const { depth, introspection, aliases, directives, selections } = size;
  if (depth > limits.depth) refuse('QUERY_TOO_DEEP', `The query is ${depth} levels deep; ${limits.depth} are allowed.`);
  if (introspection > limits.introspectionDepth) {
    const allowed = `${limits.introspectionDepth} are allowed`;
    refuse('QUERY_TOO_DEEP', `The introspection is ${introspection} levels deep; ${allowed}.`);
  }
  if (aliases > limits.aliases)
    refuse('TOO_MANY_ALIASES', `The query has ${told(aliases)} aliases; ${limits.aliases} are allowed.`);
  if (directives > limits.directives)
    refuse('TOO_MANY_DIRECTIVES', `The query has ${told(directives)} directives; ${limits.directives} are allowed.`);
  if (selections > limits.selections) {
    const allowed = `${limits.selections} are allowed. Spread fragments less often`;
    refuse('QUERY_TOO_COMPLEX', `The query has ${told(selections)} fields with those of its fragments; ${allowed}.`);
  }
}

/**
 * PostgreSQL keeps every character but NUL, and would say so only after half of the work. No input has a field
 * `__proto__`, and the parser of HTTP bodies refuses it as well.
 */
function refuseHarmful(document: DocumentNode, variables: unknown): void {
  const values: unknown[] = [variables];
  visit(document, { StringValue: ({ value }) => void values.push(value) });
  while (values.length > 0) {
    const value = values.pop();
    if (typeof value === 'string' && value.includes('\0'))
      refuse('BAD_USER_INPUT', 'A text of the request holds the character NUL, which cannot be kept. Remove it.');
    if (typeof value !== 'object' || value === null) continue;
    if (Object.hasOwn(value, '__proto__')) refuse('BAD_USER_INPUT', 'A variable has the key __proto__. Remove it.');
    for (const inner of Object.values(value)) values.push(inner);
  }
}
