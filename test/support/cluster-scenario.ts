import { wake } from '../../src/db/claims.js';
import type { Data } from './graphql-client.js';
import type { Stateward } from './stateward.js';
import { waitFor } from './wait-for.js';

const CLUSTER = `id name url state stateSince lastError lastErrorAt flinkVersion acceptsJars processMark savepointRoot
  checkpointRoot slotsTotal slotsAvailable taskManagers observedAt savepointBudget taskManagerHosts warnings { code message }
  savepointStorage { id name access readRoot roots { uri cluster { id } } } checkpointStorage { id name roots { uri } }`;

/** The answer of registerCluster, with the extras of every refusal. */
export async function askToRegister(stateward: Stateward, input: object): Promise<Data> {
  const { registerCluster } = await stateward.ask(
    `mutation($input: RegisterClusterInput!) { registerCluster(input: $input) { __typename ... on Cluster { ${CLUSTER} }
       ... on UserError { code message } ... on InvalidInput { field } ... on NameTaken { takenById }
       ... on ClusterAlreadyRegistered { clusterId } } }`,
    { input },
  );
  return registerCluster;
}

export async function clusterNow(stateward: Stateward, id: string): Promise<Data> {
  const { cluster } = await stateward.ask(`query($id: ID!) { cluster(id: $id) { ${CLUSTER} } }`, { id });
  return cluster;
}

/** Lets the pause until the next look at a cluster, and the minute for which its facts count as fresh, be over at once. */
export async function lookAgain(stateward: Stateward, clusterId: string): Promise<void> {
  const { database } = stateward.services;
  await database.changed(
    `update cluster set facts_read_at = facts_read_at - interval '2 min' where id = $1 and facts_read_at > now() - interval '1 min'`,
    [clusterId],
  );
  await wake(database, 'cluster', clusterId);
}

/** Has the cluster looked at, again and again, until it is as `fits` says. */
export const clusterBecomes = (
  stateward: Stateward,
  id: string,
  what: string,
  fits: (cluster: Data) => boolean,
): Promise<Data> =>
  waitFor(
    async () => {
      await lookAgain(stateward, id);
      const cluster = await clusterNow(stateward, id);
      return fits(cluster) && cluster;
    },
    { what: `cluster ${id} to be ${what}`, timeoutMs: 20_000 },
  );

/** Events of one cluster: type and deployment, in their order. */
export const clusterEvents = (stateward: Stateward, clusterId: string) =>
  stateward.services.database.rows<{ type: string; deployment_id: string | null }>(
    `select type, deployment_id from event where cluster_id = $1 and type like any(array['CLUSTER%', 'JOBMANAGER%']) order by id`,
    [clusterId],
  );
