import {
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  type SelectionSetNode,
  visit,
} from 'graphql';
import {
  type ComplexityEstimator,
  fieldExtensionsEstimator,
  getComplexity,
  simpleEstimator,
} from 'graphql-query-complexity';

/** What one operation may cost at most. GraphQL's own introspection query is 15 deep and is measured apart. */
export const limits = { tokens: 2_000, depth: 12, introspectionDepth: 20, aliases: 30, complexity: 5_000 };

/** A page costs its size times its children. */
const pageEstimator: ComplexityEstimator = ({ args, childComplexity }) =>
  typeof args.first === 'number' ? 1 + Math.max(0, args.first) * childComplexity : undefined;

/** Called after validation and before anything runs, on HTTP and on WebSocket alike: throws on the first limit that is passed. */
export function checkLimits(
  schema: GraphQLSchema,
  document: DocumentNode,
  variables?: Record<string, unknown> | null,
  operationName?: string | null,
): void {
  const fragments = new Map(
    document.definitions
      .filter((one): one is FragmentDefinitionNode => one.kind === Kind.FRAGMENT_DEFINITION)
      .map((one) => [one.name.value, one]),
  );
  const known = new Map<string, Size>();
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    const { depth, introspection, aliases } = measure(definition.selectionSet, fragments, known);
    if (depth > limits.depth)
      refuse('QUERY_TOO_DEEP', `The query is ${depth} levels deep; ${limits.depth} are allowed.`);
    if (introspection > limits.introspectionDepth) {
      refuse(
        'QUERY_TOO_DEEP',
        `The introspection is ${introspection} levels deep; ${limits.introspectionDepth} are allowed.`,
      );
    }
    if (aliases > limits.aliases)
      refuse('TOO_MANY_ALIASES', `The query has ${aliases} aliases; ${limits.aliases} are allowed.`);
  }
  refuseNul(document, variables);
  let complexity: number;
  try {
    complexity = getComplexity({
      schema,
      query: document,
      variables: variables ?? {},
      operationName: operationName ?? undefined,
      estimators: [fieldExtensionsEstimator(), pageEstimator, simpleEstimator({ defaultComplexity: 1 })],
    });
  } catch (error) {
    // It coerces the variables first, and a bad one is the request's own fault.
    return refuse('BAD_USER_INPUT', error instanceof Error ? error.message : String(error));
  }
  if (complexity > limits.complexity) {
    refuse(
      'QUERY_TOO_COMPLEX',
      `The query costs ${complexity}; ${limits.complexity} are allowed. Ask for smaller pages or fewer fields.`,
    );
  }
}

/** PostgreSQL keeps every character but NUL, and would say so only after half of the work. */
function refuseNul(document: DocumentNode, variables: unknown): void {
  const texts: unknown[] = [variables];
  visit(document, { StringValue: ({ value }) => void texts.push(value) });
  while (texts.length > 0) {
    const text = texts.pop();
    if (typeof text === 'string' && text.includes('\0'))
      refuse('BAD_USER_INPUT', 'A text of the request holds the character NUL, which cannot be kept. Remove it.');
    if (typeof text === 'object' && text !== null) for (const inner of Object.values(text)) texts.push(inner);
  }
}

interface Size {
  depth: number;
  introspection: number;
  aliases: number;
}

/** Fragments are measured once and remembered, so that a chain of them does not cost more than its text. Cycles were refused by validation. */
function measure(
  set: SelectionSetNode | undefined,
  fragments: Map<string, FragmentDefinitionNode>,
  known: Map<string, Size>,
): Size {
  const size: Size = { depth: 0, introspection: 0, aliases: 0 };
  for (const node of set?.selections ?? []) {
    const isField = node.kind === Kind.FIELD;
    let inner: Size;
    if (node.kind === Kind.FRAGMENT_SPREAD) {
      const name = node.name.value;
      inner = known.get(name) ?? measure(fragments.get(name)?.selectionSet, fragments, known);
      known.set(name, inner);
    } else {
      inner = measure(node.selectionSet, fragments, known);
    }
    const deep = Math.max(inner.depth, inner.introspection) + 1;
    if (isField && (node.name.value === '__schema' || node.name.value === '__type'))
      size.introspection = Math.max(size.introspection, deep);
    else {
      size.depth = Math.max(size.depth, inner.depth + (isField ? 1 : 0));
      size.introspection = Math.max(
        size.introspection,
        inner.introspection === 0 ? 0 : inner.introspection + (isField ? 1 : 0),
      );
    }
    size.aliases += inner.aliases + (isField && node.alias ? 1 : 0);
  }
  return size;
}

function refuse(code: string, message: string): never {
  throw new GraphQLError(message, { extensions: { code, http: { status: 400 } } });
}
