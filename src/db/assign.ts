/** The database's time, in place of a value: no process's own clock decides anything. */
export const NOW = Symbol('now()');

/**
 * `column = $n` for each entry, appending to `values`. Column names come from our code, never from a caller.
 * undefined leaves a column as it is.
 */
export function assign(set: Record<string, unknown>, values: unknown[]): string[] {
  return Object.entries(set)
    .filter(([, value]) => value !== undefined)
    .map(([column, value]) => (value === NOW ? `${column} = now()` : `${column} = $${values.push(value)}`));
}
