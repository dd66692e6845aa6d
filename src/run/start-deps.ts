import type { FlinkClients } from '../cluster/flink-clients.js';
import type { Database } from '../db/database.js';
import type { Logger } from '../logger.js';
import type { LookPlaces } from '../savepoint/savepoint-deps.js';
import type { LongCalls } from './long-calls.js';

/** What every step of a submission works with. */
export interface AdvanceStartDeps {
  database: Database;
  flinkClients: FlinkClients;
  longCalls: LongCalls;
  /**
   * Looks at snapshots: a storage that hangs must not keep uploads and submissions from their places; nor, where thousands of runs are
   * looked at after they have begun, the looks before a start.
   */
  snapshotLooks: { beforeStart: LookPlaces; afterStart: LookPlaces };
  config: { artifactFolder: string; secrets: ReadonlyMap<string, string> };
  log: Logger;
}
