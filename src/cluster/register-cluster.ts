import { randomUUID } from 'node:crypto';
import { answerOnce } from '../api/answer-once.js';
import { InvalidInput, NameTaken } from '../api/user-error.js';
import { assign, NOW } from '../db/assign.js';
import { type Database, isDuplicate, type Transaction } from '../db/database.js';
import type { Caller, KeyedRequest } from '../db/idempotency.js';
import { AppError } from '../errors.js';
import { EventType } from '../event/event-types.js';
import { recordEvent } from '../event/record-event.js';
import type { ClusterFacts } from '../flink/flink.types.js';
import { ClusterState } from './cluster.entity.js';
import { findClusterByName, findClusterByUrl, insertCluster } from './cluster.store.js';
import {
  ClusterAlreadyRegistered,
  ClusterUnreachable,
  type RegisterClusterInput,
  type RegisterClusterResult,
} from './cluster.types.js';
import { readClusterUrl } from './cluster-url.js';
import { findCluster } from './find-cluster.js';
import type { FlinkClients } from './flink-clients.js';
import { columnsOf, makeStorages } from './record-facts.js';

export interface RegisterClusterDeps {
  database: Database;
  flinkClients: FlinkClients;
}

/** Checks the address, reads version, storages and process mark, and stores the cluster. Unreachable is a refusal unless `force`. */
export async function registerCluster(
  { database, flinkClients }: RegisterClusterDeps,
  input: RegisterClusterInput,
  caller: Caller,
): Promise<RegisterClusterResult> {
  const name = input.name.trim();
  if (name.length < 1 || name.length > 100) return new InvalidInput('name', 'give 1 to 100 characters.');
  const address = readClusterUrl(input.url);
  if ('problem' in address) return new InvalidInput('url', address.problem);
  if (input.savepointBudget < 1 || input.savepointBudget > 1000) {
    return new InvalidInput('savepointBudget', `${input.savepointBudget} is not between 1 and 1000.`);
  }

  // Asked outside the transaction: a slow address must not hold a connection to the database.
  let facts: ClusterFacts | undefined;
  let trouble: AppError | undefined;
  try {
    facts = await flinkClients.once(address.url, (client) => client.clusterFacts());
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    trouble = error;
  }

  const request: KeyedRequest = { caller, idempotencyKey: input.idempotencyKey, mutation: 'registerCluster', input };
  try {
    return await answerOnce(database, request, findCluster, async (tx) => {
      const taken = await refuseTaken(tx, name, address.url);
      if (taken) return taken;
      if (trouble && !input.force) return new ClusterUnreachable(trouble.message);
      return store(tx, { name, url: address.url, savepointBudget: input.savepointBudget }, facts, trouble, caller);
    });
  } catch (error) {
    // Two registrations at the same instant: the second finds what the first has made.
    if (!isDuplicate(error, 'cluster_name_key') && !isDuplicate(error, 'cluster_url_key')) throw error;
    const taken = await refuseTaken(database, name, address.url);
    if (!taken) throw error;
    return taken;
  }
}

async function refuseTaken(
  sql: Pick<Database, 'entity' | 'entities' | 'rows' | 'row' | 'changed'>,
  name: string,
  url: string,
) {
  const sameUrl = await findClusterByUrl(sql, url);
  if (sameUrl) return new ClusterAlreadyRegistered(sameUrl);
  const sameName = await findClusterByName(sql, name);
  return sameName && new NameTaken('cluster', name, sameName.id);
}

async function store(
  tx: Transaction,
  cluster: { name: string; url: string; savepointBudget: number },
  facts: ClusterFacts | undefined,
  trouble: AppError | undefined,
  { actor }: Caller,
): Promise<string> {
  const id = randomUUID();
  await insertCluster(tx, { id, ...cluster, state: facts ? ClusterState.REACHABLE : ClusterState.UNREACHABLE });
  const columns = facts
    ? { ...columnsOf(facts, false), ...(await makeStorages(tx, { id, ...cluster }, facts)), observed_at: NOW }
    : { last_error: trouble?.message ?? null, last_error_at: NOW };
  const values: unknown[] = [id];
  await tx.changed(`update cluster set ${assign(columns, values).join(', ')} where id = $1`, values);
  await recordEvent(tx, {
    type: EventType.CLUSTER_REGISTERED,
    clusterId: id,
    actor,
    message: facts
      ? `Cluster ${cluster.name} registered: Flink ${facts.flinkVersion} at ${cluster.url}, savepoints below ${facts.savepointRoot ?? 'nothing (NO_SAVEPOINT_ROOT)'}.`
      : `Cluster ${cluster.name} registered unseen (force): ${cluster.url} did not answer.`,
  });
  return id;
}
