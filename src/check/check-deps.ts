import type { FlinkClients } from '../cluster/flink-clients.js';
import type { Database } from '../db/database.js';
import type { Logger } from '../logger.js';
import type { CheckCalls } from './check-calls.js';

/** How long things may take. */
export interface CheckLimits {
  /** The look at a snapshot's files. */
  lookMs: number;
  /** main() in the JobManager. */
  planMs: number;
  /** A cluster that does not answer, or is CHANGED, until the check is given up. */
  clusterMs: number;
  /** After a reply that was lost, until the JobManager is asked whether it is the same: one that goes down answers a while longer. */
  lostReplyMs: number;
}

export const CHECK_LIMITS: CheckLimits = {
  lookMs: 10 * 60_000,
  planMs: 10 * 60_000,
  clusterMs: 10 * 60_000,
  lostReplyMs: 3_000,
};

/** What every step of a check works with. */
export interface AdvanceCheckDeps {
  database: Database;
  flinkClients: FlinkClients;
  checkCalls: CheckCalls;
  checkLimits: CheckLimits;
  config: { artifactFolder: string; secrets: ReadonlyMap<string, string>; planJars: boolean };
  log: Logger;
}
