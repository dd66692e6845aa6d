import { type Claim, renew } from '../db/claims.js';
import type { Database } from '../db/database.js';

const RENEW_EVERY_MS = 3_000;
const AT_ONCE = 4;

/** Calls that outlast a lease (jar upload, run): few at once, and the claim is renewed while they last. */
export class LongCalls {
  private running = 0;

  /** False: all places are taken; give the row back and come again. */
  get hasRoom(): boolean {
    return this.running < AT_ONCE;
  }

  /** Aborts the call when the claim is lost or cannot be renewed: what it has done is then looked up as after a lost reply. */
  async hold<T>(database: Database, claim: Claim, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const lost = new AbortController();
    const timer = setInterval(() => {
      renew(database, claim).then(
        (held) => held || lost.abort(new Error('The claim was taken over by another worker.')),
        (error: unknown) => lost.abort(error),
      );
    }, RENEW_EVERY_MS);
    this.running++;
    try {
      return await call(lost.signal);
    } finally {
      this.running--;
      clearInterval(timer);
    }
  }
}
