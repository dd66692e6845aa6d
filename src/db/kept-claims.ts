import { type Claim, LEASE_MS, type Renewed, renewAll, type WatchedTable, watchedTables } from './claims.js';
import type { Database } from './database.js';

const RENEW_EVERY_MS = 3_000;
/** Rows renewed by one statement. */
const AT_ONCE = 1_000;

export interface Keeper {
  /** The row is no longer ours, or it cannot be told whether it is: whatever is written now is refused. */
  lost(): void;
  /** The row is still ours, and somebody wants it looked at, or another worker owns its cluster. */
  disturbed?(): void;
}

/** Claims of this worker that outlast a lease, renewed together while they are kept. */
export class KeptClaims {
  private readonly kept = new Map<Claim, Keeper>();
  private timer: NodeJS.Timeout | undefined;
  private renewing: Promise<void> | undefined;

  constructor(
    private readonly database: Database,
    private readonly workerId: string,
    private readonly onTrouble: (error: unknown) => void,
  ) {}

  /** Answers how to let go of it; the row itself is not touched by that. */
  keep(claim: Claim, keeper: Keeper): () => void {
    this.kept.set(claim, keeper);
    this.timer ??= setInterval(() => void (this.renewing ??= this.renew()), RENEW_EVERY_MS);
    return () => {
      this.kept.delete(claim);
      if (this.kept.size > 0) return;
      clearInterval(this.timer);
      this.timer = undefined;
    };
  }

  private async renew(): Promise<void> {
    try {
      for (const table of watchedTables) await this.renewTable(table);
    } catch (error) {
      this.onTrouble(error);
      const now = Date.now();
      for (const [claim, keeper] of this.kept) if (now - claim.claimedAt >= LEASE_MS) keeper.lost();
    } finally {
      this.renewing = undefined;
    }
  }

  private async renewTable(table: WatchedTable): Promise<void> {
    const held = [...this.kept.keys()].filter((claim) => claim.table === table);
    for (let from = 0; from < held.length; from += AT_ONCE) {
      const some = held.slice(from, from + AT_ONCE);
      const renewed = await renewAll(this.database, this.workerId, table, some);
      for (const claim of some) this.tell(claim, renewed.get(claim.id));
    }
  }

  /** Those let go of meanwhile hear nothing. */
  private tell(claim: Claim, renewed: Renewed | undefined): void {
    const keeper = this.kept.get(claim);
    if (!renewed) keeper?.lost();
    else if (renewed.woken || !renewed.owned) keeper?.disturbed?.();
  }
}
