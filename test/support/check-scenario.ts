import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { wake } from '../../src/db/claims.js';
import { operatorIdOf } from '../../src/flink/operator-id.js';
import type { Data } from './graphql-client.js';
import { inline, keyGroups, metadata, operator, relative, subtask } from './metadata-writer.js';
import { mutate } from './mutate.js';
import type { Stateward } from './stateward.js';
import { waitFor } from './wait-for.js';

const CHECK = `id state waitingFor entryClass programArguments parallelism allowNonRestoredState fresh eventCursor actor createdAt endedAt
  flinkConfiguration { key value } deployment { id } cluster { id } artifact { id }
  snapshot { kind location takenAt why savepoint { id } checkpoint { id } }
  failure { code message rootCause }
  verdict { mapping notChecked findings { code severity operator { id name uid } stateBytes message remedy }
    kept { operator { id name uid } stateBytes } stateBytes planSource plannedAt metadataReadAt }`;

/** The answer of checkCompatibility. */
export const askToCheck = (stateward: Stateward, input: object): Promise<Data> =>
  mutate(stateward, 'checkCompatibility', input, [
    `... on CompatibilityCheck { ${CHECK} }`,
    '... on NotFound { field }',
    '... on InvalidInput { field }',
  ]);

/** A check as it is, or after having waited for its end. */
export async function checkOf(stateward: Stateward, id: string, waitMs = 0): Promise<Data> {
  const { compatibilityCheck } = await stateward.ask(
    `query($id: ID!, $waitMs: Int) { compatibilityCheck(id: $id, waitMs: $waitMs) { ${CHECK} } }`,
    { id, waitMs },
  );
  return compatibilityCheck;
}

/** Asked and waited for. */
export async function checked(stateward: Stateward, input: object): Promise<Data> {
  const { id, code, message } = await askToCheck(stateward, input);
  if (!id) throw new Error(`Declined: ${code}: ${message}`);
  return checkOf(stateward, id, 30_000);
}

/** Waits for its end, and lets every pause between two looks at it be over at once. */
export const hurriedCheck = (stateward: Stateward, id: string): Promise<Data> =>
  waitFor(
    async () => {
      await wake(stateward.services.database, 'compatibility_check', id);
      const check = await checkOf(stateward, id);
      return check.endedAt !== null && check;
    },
    { what: `check ${id} to end`, timeoutMs: 20_000 },
  );

/** Calls for a plan that arrived at Flink, spoiled ones included. */
export const planCalls = (flink: FakeFlink) =>
  flink.requests.filter(({ method, path }) => method === 'POST' && path.endsWith('/plan'));

/** The simulated job holds no state: this gives a snapshot of it some, in the operators of these uids. */
export async function giveState(location: string, uids: readonly string[], file?: string): Promise<void> {
  const stream = file === undefined ? inline('some state') : relative(file, 100);
  const operators = uids.map((uid) =>
    operator(6, {
      id: operatorIdOf(uid),
      name: uid,
      uid,
      subtasks: [subtask(6, { index: 0, keyed: keyGroups(7, stream) })],
    }),
  );
  await writeFile(join(location.replace(/^file:/, ''), '_metadata'), metadata(6, operators));
}
