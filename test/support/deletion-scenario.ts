import { randomUUID } from 'node:crypto';
import { type Claim, claimOne } from '../../src/db/claims.js';
import { advanceDeletion } from '../../src/deletion/advance-deletion.js';
import type { AdvanceDeletionDeps } from '../../src/deletion/deletion-deps.js';
import type { Data } from './graphql-client.js';
import { mutate } from './mutate.js';
import { createSavepoint, endOfSavepoint } from './scenario.js';
import type { Stateward } from './stateward.js';
import { waitFor } from './wait-for.js';

const SAVEPOINT = `id state proof deletedAt data
  deletion { state scope rule reason actor waitingFor failure { code message rootCause failedAt } nextTryAt leftPath leftBytes note }`;
const REFUSALS = [
  '... on SavepointProtected { protections { kind message unlock deployment { id } job { id } } }',
  '... on SavepointNotDeletable { location }',
  '... on SavepointUnderWay { savepointState }',
  '... on NotBeingDeleted { savepointState }',
  '... on InvalidInput { field }',
  '... on NotFound { field }',
];

/** A completed savepoint with its details, so that nothing more is asked of Flink about it. */
export async function completedSavepoint(stateward: Stateward, deploymentId: string): Promise<Data> {
  const { id } = await createSavepoint(stateward, deploymentId);
  const ended = await endOfSavepoint(stateward, id);
  if (ended.state !== 'COMPLETED') throw new Error(`Not completed: ${JSON.stringify(ended)}`);
  return ended;
}

/** The answer of deleteSavepoint, with the extras of every refusal. */
export const askToDelete = (stateward: Stateward, savepointId: string, more: object = {}): Promise<Data> =>
  mutate(stateward, 'deleteSavepoint', { savepointId, ...more }, [
    `... on Savepoint { ${SAVEPOINT} }`,
    ...REFUSALS.filter((one) => !one.includes('NotBeingDeleted')),
  ]);

export const askToRetry = (stateward: Stateward, savepointId: string): Promise<Data> =>
  mutate(stateward, 'retryDeletion', { savepointId }, [
    `... on Savepoint { ${SAVEPOINT} }`,
    '... on NotBeingDeleted { savepointState }',
  ]);

export const askToForget = (stateward: Stateward, savepointId: string, reason?: string): Promise<Data> =>
  mutate(stateward, 'forgetSavepoint', { savepointId, reason }, [
    `... on Savepoint { ${SAVEPOINT} }`,
    '... on DisposalUnderWay { savepointId askedAt }',
    '... on NotBeingDeleted { savepointState }',
  ]);

/** As it is now. */
export async function deletionNow(stateward: Stateward, id: string): Promise<Data> {
  const { savepoint } = await stateward.ask(`query($id: ID!) { savepoint(id: $id) { ${SAVEPOINT} } }`, { id });
  return savepoint;
}

/** Waits until a savepoint has that state. */
export const deletionIn = (stateward: Stateward, id: string, state: string, timeoutMs = 20_000): Promise<Data> =>
  waitFor(
    async () => {
      const savepoint = await deletionNow(stateward, id);
      return savepoint.state === state && savepoint;
    },
    { what: `savepoint ${id} to be ${state}`, timeoutMs },
  );

/** From now on Stateward cannot look into the storage that a savepoint lies in. */
export async function hideStorageOf(stateward: Stateward, id: string): Promise<void> {
  const { savepoint } = await stateward.ask('query($id: ID!) { savepoint(id: $id) { storage { id } } }', { id });
  const answer = await mutate(
    stateward,
    'updateStorage',
    { storageId: savepoint.storage.id, readRoot: null },
    '... on Storage { access }',
  );
  if (answer.access !== 'NONE') throw new Error(`Not hidden: ${JSON.stringify(answer)}`);
}

/** Waits until the deletion waits for something, and answers for what. */
export const waitingDeletion = (stateward: Stateward, id: string): Promise<string> =>
  waitFor(async () => (await deletionNow(stateward, id)).deletion?.waitingFor as string | null, {
    what: `the deletion of ${id} to wait`,
  });

/** Disposals that arrived at a fake Flink, spoiled ones included. */
export const disposalCalls = ({ requests }: { requests: { method: string; path: string; body: unknown }[] }) =>
  requests
    .filter(({ method, path }) => method === 'POST' && path.endsWith('/savepoint-disposal'))
    .map(({ body }) => (body as { 'savepoint-path': string })['savepoint-path']);

export const deletionDeps = ({ services: { database, flinkClients } }: Stateward): AdvanceDeletionDeps => ({
  database,
  flinkClients,
  keptClaims: { keep: () => () => undefined },
});

/** Without waiting until it is due, by a worker that owns the cluster from then on. */
export async function claimDeletion(
  { services: { database } }: Stateward,
  id: string,
  clusterId: string,
): Promise<Claim> {
  const workerId = randomUUID();
  await database.changed(
    `update cluster_lease set owner = $2, owned_until = now() + interval '1 min' where cluster_id = $1`,
    [clusterId, workerId],
  );
  const claim = await claimOne(database, workerId, 'deletion', id);
  if (!claim) throw new Error('somebody else has it');
  return claim;
}

/** One step of a deletion, at once. */
export const stepOfDeletion = async (stateward: Stateward, id: string, clusterId: string): Promise<void> =>
  advanceDeletion(deletionDeps(stateward), await claimDeletion(stateward, id, clusterId));
