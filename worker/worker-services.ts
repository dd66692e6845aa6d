import type { CheckCalls } from '../src/check/check-calls.js';
import type { CheckLimits } from '../src/check/check-deps.js';
import type { KeptClaims } from '../src/db/kept-claims.js';
import type { LongCalls } from '../src/run/long-calls.js';
import type { AdvanceStartDeps } from '../src/run/start-deps.js';
import type { FollowSavepoints, ReadDetailsDeps } from '../src/savepoint/savepoint-deps.js';
import type { Services } from '../src/services.js';

/** What only the worker needs on top of the shared services. */
export interface WorkerServices extends Services {
  /** Of this process, new at each start: owner of clusters. */
  workerId: string;
  followSavepoints: FollowSavepoints;
  longCalls: LongCalls;
  snapshotLooks: AdvanceStartDeps['snapshotLooks'];
  dataLooks: ReadDetailsDeps['dataLooks'];
  checkCalls: CheckCalls;
  checkLimits: CheckLimits;
  keptClaims: KeptClaims;
  /** How many clusters this worker looks after; kept by the watchers. */
  clusterLoad: { owned: number };
}
