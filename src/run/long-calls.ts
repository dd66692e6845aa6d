import type { Claim } from '../db/claims.js';
import type { KeptClaims } from '../db/kept-claims.js';
import type { LookPlace, LookPlaces } from '../savepoint/savepoint-deps.js';

/** Calls that outlast a lease (jar upload, run, a look at a whole snapshot): few at once, and the claim is kept while they last. */
export class LongCalls implements LookPlaces {
  private running = 0;

  constructor(
    private readonly keptClaims: KeptClaims,
    private readonly atOnce: number,
  ) {}

  /** False: all places are taken; give the row back and come again. */
  get hasRoom(): boolean {
    return this.running < this.atOnce;
  }

  /** For whoever makes more than one call, or has to wait before it: a place that was asked for with {@link hasRoom} may be gone by then. */
  enter(): LookPlace | null {
    if (!this.hasRoom) return null;
    this.running++;
    let left = false;
    return {
      hold: (claim, call) => this.keepFor(claim, call),
      leave: () => {
        if (!left) this.running--;
        left = true;
      },
    };
  }

  /** Aborts the call when the claim is lost or cannot be renewed: what it has done is then looked up as after a lost reply. */
  async hold<T>(claim: Claim, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.running++;
    try {
      return await this.keepFor(claim, call);
    } finally {
      this.running--;
    }
  }

  private async keepFor<T>(claim: Claim, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const lost = new AbortController();
    const letGo = this.keptClaims.keep(claim, {
      lost: () => lost.abort(new Error('The claim was taken over by another worker, or could not be renewed.')),
    });
    try {
      return await call(lost.signal);
    } finally {
      letGo();
    }
  }
}
