import { type Claim, fencedWrite } from '../db/claims.js';
import type { Database } from '../db/database.js';
import type { StopAtWork } from './stop.store.js';

/** Gives the stop back with what it waits for, in words; null: nothing that is worth a word. */
export const lookAgain = (
  database: Database,
  work: StopAtWork,
  claim: Claim,
  waitingFor: string | null,
  againInMs: number,
): Promise<void> =>
  fencedWrite(
    database,
    claim,
    [work.state],
    { failures: 0, waiting_for: waitingFor?.slice(0, 500) ?? null },
    { againInMs },
  );
