import { type Claim, ClaimLost, fencedWrite } from '../db/claims.js';
import type { Database } from '../db/database.js';
import { underWay } from './check.store.js';

const EVERY_MS = 1_000;

/** Writes down how far something is, once a second at most, while it goes on. */
export class ProgressNotes {
  private writing: Promise<void> = Promise.resolve();
  private busy = false;
  private writtenAt = 0;
  private trouble: unknown;

  constructor(
    private readonly database: Database,
    private readonly claim: Claim,
  ) {}

  tell(what: string): void {
    if (this.busy || this.trouble !== undefined || Date.now() - this.writtenAt < EVERY_MS) return;
    this.busy = true;
    this.writing = this.write(what);
  }

  /** When the last one is written. Throws what kept one from being written. */
  async end(): Promise<void> {
    await this.writing;
    if (this.trouble !== undefined) throw this.trouble;
  }

  private async write(what: string): Promise<void> {
    try {
      await fencedWrite(this.database, this.claim, underWay, { waiting_for: what }, 'HOLD');
    } catch (error) {
      this.trouble = error ?? new ClaimLost(this.claim);
    } finally {
      this.busy = false;
      this.writtenAt = Date.now();
    }
  }
}
