import type { FlinkClients } from '../cluster/flink-clients.js';
import type { Database } from '../db/database.js';

/** What every step of a deletion works with. */
export interface AdvanceDeletionDeps {
  database: Database;
  flinkClients: FlinkClients;
}
