import type { FlinkClients } from '../cluster/flink-clients.js';
import type { Database } from '../db/database.js';

/** What every step of a savepoint works with. */
export interface AdvanceSavepointDeps {
  database: Database;
  flinkClients: FlinkClients;
}
