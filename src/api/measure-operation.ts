import { type FragmentDefinitionNode, Kind, type OperationDefinitionNode, type SelectionSetNode } from 'graphql';

/** How large an operation is once every fragment stands where it is spread. */
export interface OperationSize {
  depth: number;
  /** Levels from the root down to the deepest field below __schema or __type. */
  introspection: number;
  aliases: number;
  directives: number;
  /** Fields, spreads and inline fragments. */
  selections: number;
}

/** Counting stops here: a chain of 100 fragments that each spread the next one twice has 2^100 fields. */
export const UNCOUNTED = 1_000_000;

const add = (a: number, b: number) => Math.min(a + b, UNCOUNTED);

/**
 * Each fragment is measured once and remembered, so that measuring costs no more than the text is long, whatever it
 * stands for. A fragment that is met again inside itself counts as empty: validation refuses those.
 */
export function measureOperation(
  operation: OperationDefinitionNode,
  fragments: Map<string, FragmentDefinitionNode>,
): OperationSize {
  const known = new Map<string, OperationSize>();

  const measureFragment = (name: string): OperationSize => {
    const remembered = known.get(name);
    if (remembered) return remembered;
    known.set(name, empty());
    const fragment = fragments.get(name);
    const size = measureSet(fragment?.selectionSet);
    size.directives = add(size.directives, fragment?.directives?.length ?? 0);
    known.set(name, size);
    return size;
  };

  const measureSet = (set: SelectionSetNode | undefined): OperationSize => {
    const size = empty();
    for (const node of set?.selections ?? []) {
      const inner =
        node.kind === Kind.FRAGMENT_SPREAD ? measureFragment(node.name.value) : measureSet(node.selectionSet);
      const level = node.kind === Kind.FIELD ? 1 : 0;
      if (node.kind === Kind.FIELD && (node.name.value === '__schema' || node.name.value === '__type')) {
        size.introspection = Math.max(size.introspection, inner.depth + 1, inner.introspection + 1);
      } else {
        size.depth = Math.max(size.depth, inner.depth + level);
        if (inner.introspection > 0) size.introspection = Math.max(size.introspection, inner.introspection + level);
      }
      size.aliases = add(size.aliases, inner.aliases + (node.kind === Kind.FIELD && node.alias ? 1 : 0));
      size.directives = add(size.directives, inner.directives + (node.directives?.length ?? 0));
      size.selections = add(size.selections, inner.selections + 1);
    }
    return size;
  };

  const size = measureSet(operation.selectionSet);
  const declared = [operation, ...(operation.variableDefinitions ?? [])];
  for (const { directives } of declared) size.directives = add(size.directives, directives?.length ?? 0);
  return size;
}

const empty = (): OperationSize => ({ depth: 0, introspection: 0, aliases: 0, directives: 0, selections: 0 });
