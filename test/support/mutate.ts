import type { Data } from './graphql-client.js';
import type { Stateward } from './stateward.js';

/** The answer of a mutation: its type, code and message of a refusal, and `fields`, written as fragments. */
export async function mutate(
  stateward: Stateward,
  name: string,
  input: object,
  fields: string | readonly string[] = [],
): Promise<Data> {
  const type = `${name[0]?.toUpperCase()}${name.slice(1)}Input`;
  const data = await stateward.ask(
    `mutation($input: ${type}!) { ${name}(input: $input) { __typename ... on UserError { code message } ${[fields].flat().join(' ')} } }`,
    { input },
  );
  return data[name];
}

/** Types of events that meet a condition on their columns, in their order. */
export async function eventTypes(stateward: Stateward, column: string, id: string): Promise<string[]> {
  const rows = await stateward.services.database.rows<{ type: string }>(
    `select type from event where ${column} = $1 order by id`,
    [id],
  );
  return rows.map(({ type }) => type);
}
