import { answerOnce } from '../api/answer-once.js';
import { checkId } from '../api/id-arg.js';
import { NotFound } from '../api/user-error.js';
import type { Cluster } from '../cluster/cluster.entity.js';
import {
  ClusterIdentity,
  ClusterNotChanged,
  ClusterUnreachable,
  type ConfirmClusterInput,
  type ConfirmClusterResult,
} from '../cluster/cluster.types.js';
import { takeForGranted } from '../cluster/confirm-facts.js';
import { findCluster, lockCluster } from '../cluster/find-cluster.js';
import type { FlinkClients } from '../cluster/flink-clients.js';
import { isChanged } from '../cluster/record-facts.js';
import { NOW } from '../db/assign.js';
import type { Database, Transaction } from '../db/database.js';
import type { Caller, KeyedRequest } from '../db/idempotency.js';
import { AppError } from '../errors.js';
import { EventType } from '../event/event-types.js';
import { recordInOrder } from '../event/record-event.js';
import type { ClusterFacts } from '../flink/flink.types.js';
import type { ClusterFollower } from './cluster-follower.js';
import { endUnseen } from './end-unseen.js';
import { liveJobsOf } from './find-job.js';
import { JobFailureCode } from './job.entity.js';

export interface ConfirmClusterDeps {
  database: Database;
  flinkClients: FlinkClients;
  clusterFollower: ClusterFollower;
}

/**
 * A person says what a cluster is that answers with another configuration than recorded (CL-2). What it answers at this
 * moment is what counts, and is recorded with the confirmation: so it must answer.
 */
export async function confirmCluster(
  deps: ConfirmClusterDeps,
  input: ConfirmClusterInput,
  caller: Caller,
): Promise<ConfirmClusterResult> {
  checkId('clusterId', input.clusterId);
  const { database, flinkClients } = deps;
  // Asked outside the transaction: a slow address must not hold a connection to the database.
  const before = await findCluster(database, input.clusterId);
  const answer = before && before.removedAt === null ? await ask(flinkClients, before.url) : null;

  const request: KeyedRequest = { caller, idempotencyKey: input.idempotencyKey, mutation: 'confirmCluster', input };
  return answerOnce(database, request, findCluster, async (tx) => {
    const cluster = await lockCluster(tx, input.clusterId);
    if (!cluster || !answer || cluster.removedAt !== null) {
      return new NotFound('clusterId', 'cluster', input.clusterId);
    }
    if (answer instanceof AppError) return ClusterUnreachable.whenAsked(answer.message);
    if (!isChanged(cluster, answer)) return new ClusterNotChanged(cluster);
    if (input.identity === ClusterIdentity.SAME) await keep(deps, tx, cluster, answer, caller);
    else await replace(deps, tx, cluster, answer, caller);
    return cluster.id;
  });
}

async function ask(flinkClients: FlinkClients, url: string): Promise<ClusterFacts | AppError> {
  try {
    return await flinkClients.at(url).clusterFacts();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return error;
  }
}

/** What waited for the word goes on. */
async function keep(
  { clusterFollower }: ConfirmClusterDeps,
  tx: Transaction,
  cluster: Cluster,
  facts: ClusterFacts,
  { actor }: Caller,
): Promise<void> {
  await takeForGranted(tx, cluster, facts, ClusterIdentity.SAME);
  const goOn = await clusterFollower.clusterIsBack(tx, cluster.id);
  const confirmed = {
    type: EventType.CLUSTER_CONFIRMED,
    clusterId: cluster.id,
    actor,
    message: `${actor} says that cluster ${cluster.name} is the same one: ${rootsOf(facts)} are its storages from now on; the ones before stay.`,
    details: { identity: ClusterIdentity.SAME },
  };
  await recordInOrder(tx, [confirmed, ...goOn]);
}

/** Nothing of the old cluster is believed to be here: neither its jobs nor its storages. */
async function replace(
  { clusterFollower }: ConfirmClusterDeps,
  tx: Transaction,
  cluster: Cluster,
  facts: ClusterFacts,
  { actor }: Caller,
): Promise<void> {
  const live = await liveJobsOf(tx, cluster.id);
  await takeForGranted(tx, cluster, facts, ClusterIdentity.REPLACED);
  const left = await clusterFollower.clusterReplaced(tx, cluster.id);
  const confirmed = {
    type: EventType.CLUSTER_CONFIRMED,
    clusterId: cluster.id,
    actor,
    message:
      `${actor} says that another cluster has taken the place of ${cluster.name}: ${rootsOf(facts)} are its storages from now on, ` +
      `and ${live.length} live ${live.length === 1 ? 'run ends' : 'runs end'} with the old one.`,
    details: { identity: ClusterIdentity.REPLACED },
  };
  const message = `Cluster ${cluster.name} was replaced by another one (confirmCluster, ${actor}), and the run ended with the old one. Start the deployment again from a state that the new cluster reaches.`;
  await endUnseen(tx, clusterFollower, live, {
    before: [confirmed, ...left],
    set: { ended_at: NOW, failure_code: JobFailureCode.CLUSTER_REPLACED, failure_message: message },
    event: (job) => ({
      type: EventType.JOB_FAILED,
      actor,
      message: `Run ${job.run} failed (${JobFailureCode.CLUSTER_REPLACED}): ${message}`,
    }),
  });
}

const rootsOf = ({ savepointRoot, checkpointRoot }: ClusterFacts) =>
  `${savepointRoot ?? 'none'} for savepoints and ${checkpointRoot ?? 'none'} for checkpoints`;
