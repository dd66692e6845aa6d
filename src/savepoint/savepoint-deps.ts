import type { FlinkClients } from '../cluster/flink-clients.js';
import type { Claim } from '../db/claims.js';
import type { Database } from '../db/database.js';
import type { KeptClaims } from '../db/kept-claims.js';
import type { SavepointAtWork } from './savepoint.store.js';

/** Takes a savepoint that Flink is at, with its claim, and asks for it until it is over. */
export interface FollowSavepoints {
  follow(work: SavepointAtWork, claim: Claim): void;
}

/** What every step of a savepoint works with. */
export interface AdvanceSavepointDeps {
  database: Database;
  flinkClients: FlinkClients;
  followSavepoints: FollowSavepoints;
  /** For a look that may outlast a lease. */
  keptClaims: Pick<KeptClaims, 'keep'>;
}
