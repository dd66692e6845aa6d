import { answerOnce } from '../api/answer-once.js';
import { checkId } from '../api/id-arg.js';
import { InvalidInput, NameTaken, NotFound } from '../api/user-error.js';
import { NOW } from '../db/assign.js';
import { type Database, isDuplicate, type Sql, type Transaction } from '../db/database.js';
import type { Caller, KeyedRequest } from '../db/idempotency.js';
import { AppError } from '../errors.js';
import { EventType } from '../event/event-types.js';
import { recordInOrder } from '../event/record-event.js';
import type { ClusterFacts } from '../flink/flink.types.js';
import { type Cluster, ClusterState } from './cluster.entity.js';
import { changeCluster, deploymentsLiveOn, findClusterByName, findClusterByUrl } from './cluster.store.js';
import {
  ClusterAlreadyRegistered,
  ClusterUnreachable,
  type UpdateClusterInput,
  type UpdateClusterResult,
} from './cluster.types.js';
import { readClusterUrl } from './cluster-url.js';
import { findCluster, lockCluster, readFactsSoon } from './find-cluster.js';
import type { FlinkClients } from './flink-clients.js';
import { columnsOf, eventsOfChange, isChanged } from './record-facts.js';

export interface UpdateClusterDeps {
  database: Database;
  flinkClients: FlinkClients;
}

interface Wanted {
  name?: string;
  url?: string;
  savepointBudget?: number;
}

/**
 * Changes name, address or budget, and has the cluster read anew at once. A new address must answer as a Flink unless `force`; one
 * that answers with other roots than recorded makes the cluster CHANGED before anything can be sent there.
 */
export async function updateCluster(
  { database, flinkClients }: UpdateClusterDeps,
  input: UpdateClusterInput,
  caller: Caller,
): Promise<UpdateClusterResult> {
  checkId('clusterId', input.clusterId);
  const wanted = readWanted(input);
  if (wanted instanceof InvalidInput) return wanted;

  // Asked outside the transaction: a slow address must not hold a connection to the database.
  const before = await findCluster(database, input.clusterId);
  const moves = wanted.url !== undefined && before !== null && before.url !== wanted.url;
  const answer = moves ? await ask(flinkClients, wanted.url ?? '') : null;

  const request: KeyedRequest = { caller, idempotencyKey: input.idempotencyKey, mutation: 'updateCluster', input };
  try {
    return await answerOnce(database, request, findCluster, async (tx) => {
      const cluster = await lockCluster(tx, input.clusterId);
      if (!cluster || cluster.removedAt !== null) return new NotFound('clusterId', 'cluster', input.clusterId);
      const taken = await refuseTaken(tx, cluster, wanted);
      if (taken) return taken;
      if (answer instanceof AppError && !input.force) return new ClusterUnreachable(answer.message);
      await store(tx, cluster, wanted, answer instanceof AppError ? null : answer, caller);
      return cluster.id;
    });
  } catch (error) {
    if (!before || (!isDuplicate(error, 'cluster_name_key') && !isDuplicate(error, 'cluster_url_key'))) throw error;
    const taken = await refuseTaken(database, before, wanted); // given to another one at the same instant
    if (!taken) throw error;
    return taken;
  }
}

function readWanted({ name, url, savepointBudget }: UpdateClusterInput): Wanted | InvalidInput {
  const wanted: Wanted = {};
  if (name !== null && name !== undefined) {
    wanted.name = name.trim();
    if (wanted.name.length < 1 || wanted.name.length > 100) {
      return new InvalidInput('name', 'give 1 to 100 characters.');
    }
  }
  if (url !== null && url !== undefined) {
    const address = readClusterUrl(url);
    if ('problem' in address) return new InvalidInput('url', address.problem);
    wanted.url = address.url;
  }
  if (savepointBudget !== null && savepointBudget !== undefined) {
    wanted.savepointBudget = savepointBudget;
    if (savepointBudget < 1 || savepointBudget > 1000) {
      return new InvalidInput('savepointBudget', `${savepointBudget} is not between 1 and 1000.`);
    }
  }
  return wanted;
}

async function ask(flinkClients: FlinkClients, url: string): Promise<ClusterFacts | AppError> {
  try {
    return await flinkClients.once(url, (client) => client.clusterFacts());
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return error;
  }
}

async function refuseTaken(sql: Sql, cluster: Cluster, { name, url }: Wanted) {
  const sameUrl = url === undefined ? null : await findClusterByUrl(sql, url);
  if (sameUrl && sameUrl.id !== cluster.id) return new ClusterAlreadyRegistered(sameUrl);
  const sameName = name === undefined ? null : await findClusterByName(sql, name);
  return sameName && sameName.id !== cluster.id ? new NameTaken('cluster', sameName.name, sameName.id) : null;
}

async function store(
  tx: Transaction,
  cluster: Cluster,
  wanted: Wanted,
  facts: ClusterFacts | null,
  { actor }: Caller,
): Promise<void> {
  const other = facts !== null && cluster.state !== ClusterState.CHANGED && isChanged(cluster, facts) ? facts : null;
  await changeCluster(
    tx,
    cluster.id,
    {
      name: wanted.name,
      url: wanted.url,
      budget: wanted.savepointBudget,
      ...(other ? { ...columnsOf(other, true), state: ClusterState.CHANGED, state_since: NOW } : {}),
    },
    'LOOK_NOW',
  );
  await readFactsSoon(tx, cluster.id);
  const renamed = { ...cluster, name: wanted.name ?? cluster.name };
  const words = [
    wanted.name !== undefined && wanted.name !== cluster.name && `name ${wanted.name} (was ${cluster.name})`,
    wanted.url !== undefined && wanted.url !== cluster.url && `address ${wanted.url} (was ${cluster.url})`,
    wanted.savepointBudget !== undefined &&
      wanted.savepointBudget !== cluster.savepointBudget &&
      `savepoint budget ${wanted.savepointBudget} (was ${cluster.savepointBudget})`,
  ].filter((word) => word !== false);
  const deploymentIds = other ? await deploymentsLiveOn(tx, cluster.id) : [];
  const updated = {
    type: EventType.CLUSTER_UPDATED,
    clusterId: cluster.id,
    actor,
    message: `Cluster ${renamed.name} was changed: ${words.join(', ') || 'nothing'}. It is read anew.`,
  };
  const changed = other ? eventsOfChange(renamed, other, ClusterState.CHANGED, deploymentIds) : [];
  await recordInOrder(tx, [updated, ...changed]);
}
