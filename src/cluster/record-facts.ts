import { randomUUID } from 'node:crypto';
import { NOW } from '../db/assign.js';
import type { Transaction } from '../db/database.js';
import { EventType } from '../event/event-types.js';
import type { NewEvent } from '../event/record-event.js';
import type { ClusterFacts } from '../flink/flink.types.js';
import { sameLocation, schemeOf } from '../flink/location.js';
import { ClusterState, type Cluster } from './cluster.entity.js';
import { isLoopback } from './cluster-url.js';
import { storagesOfCluster } from './find-cluster.js';
import { findStorageByName, insertStorage } from './storage.store.js';

/** A root where there was none is what NO_SAVEPOINT_ROOT asks for, and no change; a root that is gone or another one is. */
const sameRoot = (recorded: string | null, now: string | null) =>
  recorded === null || (now !== null && sameLocation(recorded, now));

/** Whether a cluster that was read before is another one now (CL-2). */
export function isChanged(recorded: Cluster, facts: ClusterFacts): boolean {
  if (recorded.factsReadAt === null) return false;
  return (
    !sameRoot(recorded.savepointRoot, facts.savepointRoot) ||
    !sameRoot(recorded.checkpointRoot, facts.checkpointRoot) ||
    recorded.haClusterId !== facts.haClusterId
  );
}

/** Columns that follow from facts read just now. Of a CHANGED cluster only what says nothing of storages is taken over. */
export function columnsOf(facts: ClusterFacts, changed: boolean): Record<string, unknown> {
  return {
    flink_version: facts.flinkVersion,
    accepts_jars: facts.acceptsJars,
    process_mark: facts.processMark,
    async_store_duration_ms: facts.asyncStoreDurationMs,
    heartbeat_timeout_ms: facts.heartbeatTimeoutMs,
    checkpoint_history_size: facts.checkpointHistorySize,
    facts_read_at: NOW,
    ...(changed
      ? {}
      : {
          savepoint_root: facts.savepointRoot,
          checkpoint_root: facts.checkpointRoot,
          ha_cluster_id: facts.haClusterId,
          configuration: JSON.stringify(facts.configuration),
        }),
  };
}

/** Makes the storages that a cluster's own configuration names and that it has not got yet; answers their ids. */
export async function makeStorages(
  tx: Transaction,
  cluster: Pick<Cluster, 'id' | 'name' | 'url'>,
  facts: ClusterFacts,
): Promise<{ savepoint_storage_id: string | null; checkpoint_storage_id: string | null }> {
  const known = await storagesOfCluster(tx, cluster.id);
  const storageFor = async (root: string | null, purpose: string): Promise<string | null> => {
    if (root === null) return null;
    const same = known.find((storage) => sameLocation(storage.uri, root));
    if (same) return same.storageId;
    const id = randomUUID();
    const wanted = `${cluster.name} ${purpose}`;
    const name = (await findStorageByName(tx, wanted)) ? `${wanted} ${id.slice(0, 8)}` : wanted;
    const readRoot = readRootOf(root, cluster.url);
    await insertStorage(tx, { id, name, readRoot }, [{ clusterId: cluster.id, uri: root }]);
    known.push({ storageId: id, clusterId: cluster.id, uri: root, name, readRoot, readState: 'UNPROVEN' });
    return id;
  };
  return {
    savepoint_storage_id: await storageFor(facts.savepointRoot, 'savepoints'),
    checkpoint_storage_id: await storageFor(facts.checkpointRoot, 'checkpoints'),
  };
}

/**
 * The folder here that may be the same as a `file:` root there: only for a cluster at a loopback address, and only a
 * guess, since that address may be a forwarded port. It is proven by the first savepoint of Flink that is seen in it.
 */
export function readRootOf(root: string, url: string): string | null {
  const scheme = schemeOf(root);
  return scheme === 'file' && isLoopback(url) ? root.replace(/^file:\/*/i, '/') : null;
}

/** What is to be told when a cluster was read, of itself and of the deployments that run there. */
export function eventsOfChange(
  cluster: Cluster,
  facts: ClusterFacts,
  state: ClusterState,
  deploymentIds: readonly string[],
): NewEvent[] {
  const newProcess = cluster.factsReadAt !== null && cluster.processMark !== facts.processMark;
  const events: { type: EventType; message: string }[] = [];
  if (state !== cluster.state) {
    if (state === ClusterState.CHANGED) {
      events.push({
        type: EventType.CLUSTER_CHANGED,
        message:
          `Cluster ${cluster.name} answers with other storage roots or another high-availability id than recorded: ` +
          `savepoints ${facts.savepointRoot ?? 'none'} (recorded ${cluster.savepointRoot ?? 'none'}), checkpoints ${facts.checkpointRoot ?? 'none'} ` +
          `(recorded ${cluster.checkpointRoot ?? 'none'}). It is observed, and nothing is started or triggered there until confirmCluster says whether it is the ` +
          'SAME or was REPLACED, or the recorded configuration is back.',
      });
    } else {
      events.push({
        type: EventType.CLUSTER_REACHABLE,
        message: `Cluster ${cluster.name} answers (Flink ${facts.flinkVersion}).`,
      });
    }
  }
  if (newProcess) {
    events.push({
      type: EventType.JOBMANAGER_CHANGED,
      message: `Cluster ${cluster.name} has a new JobManager process: what the old one remembered (trigger ids, uploaded jars, statistics) is gone.`,
    });
  }
  const concernsDeployments: EventType[] = [EventType.JOBMANAGER_CHANGED, EventType.CLUSTER_CHANGED];
  return events.flatMap((event) => {
    const told = { ...event, clusterId: cluster.id };
    const concerned = concernsDeployments.includes(event.type) ? deploymentIds : [];
    return [told, ...concerned.map((deploymentId) => ({ ...told, deploymentId }))];
  });
}
