import type { FlinkClients } from '../cluster/flink-clients.js';
import type { Claim } from '../db/claims.js';
import type { Database } from '../db/database.js';
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
}

/** One of few places, taken until it is left. */
export interface LookPlace {
  /** Keeps the claim while the call lasts, which may be longer than a lease. */
  hold<T>(claim: Claim, call: (signal: AbortSignal) => Promise<T>): Promise<T>;
  leave(): void;
}
export interface LookPlaces {
  /** null: all are taken. */
  enter(): LookPlace | null;
}

/** QUICK: beside the statistics. LONG: once all else is known. */
export type HowLong = 'QUICK' | 'LONG';

/** With what it takes to look at the data of those that are COMPLETED: thousands may be in one minute, and all else of a worker goes on. */
export interface ReadDetailsDeps extends AdvanceSavepointDeps {
  dataLooks: Record<HowLong, LookPlaces>;
}
