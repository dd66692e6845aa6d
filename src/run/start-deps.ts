import type { FlinkClients } from '../cluster/flink-clients.js';
import type { Database } from '../db/database.js';
import type { Logger } from '../logger.js';
import type { LongCalls } from './long-calls.js';

/** What every step of a submission works with. */
export interface AdvanceStartDeps {
  database: Database;
  flinkClients: FlinkClients;
  longCalls: LongCalls;
  config: { artifactFolder: string; secrets: ReadonlyMap<string, string> };
  log: Logger;
}
