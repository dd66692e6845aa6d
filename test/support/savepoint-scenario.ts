import { wake } from '../../src/db/claims.js';
import type { FakeFlink } from '../../demo/fake-flink/fake-flink.js';
import type { Data } from './graphql-client.js';
import { createDeployment, registerCluster, type Scenario, startDeployment, uploadJob } from './scenario.js';
import type { Stateward } from './stateward.js';
import { waitFor } from './wait-for.js';

let count = 0;

/** A running deployment on a cluster of its own, with names of its own: tests may share a Stateward, never a Flink. */
export async function deploymentOn(
  stateward: Stateward,
  flink: Pick<FakeFlink, 'url'>,
  { cluster = {}, deployment = {} }: { cluster?: object; deployment?: object } = {},
): Promise<Scenario> {
  const clusterId = await registerCluster(stateward, flink.url, `cluster ${++count}`, cluster);
  return anotherDeployment(stateward, clusterId, await uploadJob(stateward), deployment);
}

/** One more running deployment on the same cluster. */
export async function anotherDeployment(
  stateward: Stateward,
  clusterId: string,
  artifactId: string,
  more: object = {},
): Promise<Scenario> {
  const deploymentId = await createDeployment(stateward, clusterId, artifactId, `deployment ${++count}`, more);
  return { clusterId, artifactId, deploymentId, ...(await startDeployment(stateward, deploymentId)) };
}

/** A savepoint as it is now, without waiting. */
export async function savepointNow(stateward: Stateward, id: string): Promise<Data> {
  const { savepoint } = await stateward.ask(
    `query($id: ID!) { savepoint(id: $id) {
       id state format location data detailsState description
       failure { code message rootCause } failureText attempts { number triggerId sends outcome }
       progress { acknowledgedSubtasks totalSubtasks bytes elapsedMs expectedDurationMs noProgress } } }`,
    { id },
  );
  return savepoint;
}

/** Waits until a savepoint has that state. */
export const savepointIn = (stateward: Stateward, id: string, state: string, timeoutMs?: number): Promise<Data> =>
  waitFor(
    async () => {
      const savepoint = await savepointNow(stateward, id);
      return savepoint.state === state && savepoint;
    },
    { what: `savepoint ${id} to be ${state}`, ...(timeoutMs !== undefined && { timeoutMs }) },
  );

/** Waits until Flink has acknowledged the trigger and Stateward has written that down. */
export const acknowledged = (stateward: Stateward, id: string) =>
  waitFor(
    () =>
      stateward.services.database.row(
        'select 1 from savepoint_attempt where savepoint_id = $1 and accepted_at is not null',
        [id],
      ),
    { what: `Flink to acknowledge savepoint ${id}` },
  );

/** Waits like {@link savepointIn}, and lets every pause between two looks at the savepoint be over at once. */
export const hurryTo = (stateward: Stateward, id: string, state: string): Promise<Data> =>
  waitFor(
    async () => {
      await wake(stateward.services.database, 'savepoint', id);
      const savepoint = await savepointNow(stateward, id);
      return savepoint.state === state && savepoint;
    },
    { what: `savepoint ${id} to become ${state}`, timeoutMs: 20_000 },
  );

/** Waits until the result is being looked for, and then lets the 30 s between the two looks have passed. */
export async function secondLookAt(stateward: Stateward, id: string): Promise<void> {
  await waitFor(
    () =>
      stateward.services.database.changed(
        `update savepoint set lost_since = now() - interval '31 s' where id = $1 and lost_since is not null`,
        [id],
      ),
    { what: `the result of savepoint ${id} to be looked for` },
  );
}

/** Types of the events about a savepoint, in their order. */
export async function eventsOf(stateward: Stateward, savepointId: string): Promise<string[]> {
  const rows = await stateward.services.database.rows<{ type: string }>(
    'select type from event where savepoint_id = $1 order by number',
    [savepointId],
  );
  return rows.map(({ type }) => type);
}
