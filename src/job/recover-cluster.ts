import { ClusterState } from '../cluster/cluster.entity.js';
import { type Claim, ClaimLost, fencedWrite } from '../db/claims.js';
import type { Database } from '../db/database.js';

const AGAIN_MS = 5_000;

/** After a look that failed by our own fault: the cluster is looked at again a little later. */
export async function recoverCluster({ database }: { database: Database }, claim: Claim): Promise<void> {
  try {
    await fencedWrite(database, claim, Object.values(ClusterState), {}, { againInMs: AGAIN_MS });
  } catch (error) {
    if (!(error instanceof ClaimLost)) throw error;
  }
}
