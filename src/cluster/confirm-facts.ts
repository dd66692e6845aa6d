import { NOW } from '../db/assign.js';
import type { Transaction } from '../db/database.js';
import type { ClusterFacts } from '../flink/flink.types.js';
import { type Cluster, ClusterState } from './cluster.entity.js';
import { changeCluster, leaveStorages } from './cluster.store.js';
import { ClusterIdentity } from './cluster.types.js';
import { readFactsSoon } from './find-cluster.js';
import { columnsOf, makeStorages } from './record-facts.js';

/**
 * What a CHANGED cluster answers is what is recorded of it from now on. SAME: its new roots become further storages. REPLACED: it
 * reaches none of the storages of the old one, not even under the same text, and gets its own. The cluster's row is locked.
 */
export async function takeForGranted(
  tx: Transaction,
  cluster: Cluster,
  facts: ClusterFacts,
  identity: ClusterIdentity,
): Promise<void> {
  if (identity === ClusterIdentity.REPLACED) await leaveStorages(tx, cluster.id);
  const storages = await makeStorages(tx, cluster, facts);
  await changeCluster(
    tx,
    cluster.id,
    {
      ...columnsOf(facts, false),
      ...storages,
      state: ClusterState.REACHABLE,
      state_since: NOW,
      observed_at: NOW,
      ...(identity === ClusterIdentity.REPLACED ? { clock_offset_ms: null, replaced_at: NOW } : {}),
    },
    'LOOK_NOW',
  );
  await readFactsSoon(tx, cluster.id);
}
