import type { FlinkClients } from '../cluster/flink-clients.js';
import type { Database } from '../db/database.js';
import type { KeptClaims } from '../db/kept-claims.js';

/** What every step of a deletion works with. */
export interface AdvanceDeletionDeps {
  database: Database;
  flinkClients: FlinkClients;
  /** Of this worker. */
  keptClaims: Pick<KeptClaims, 'keep'>;
}
