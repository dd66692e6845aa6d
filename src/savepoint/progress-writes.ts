import type { Claim } from '../db/claims.js';
import type { Database } from '../db/database.js';
import { writeProgress } from './savepoint.store.js';
import type { Progress } from './savepoint.lifecycle.js';

const COLLECT_MS = 100;

/** Progress of many savepoints, written together: each reading is replaced by the next, so one that is lost costs nothing. */
export class ProgressWrites {
  private waiting = new Map<Claim, Progress>();
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly database: Database,
    private readonly onTrouble: (error: unknown) => void,
  ) {}

  add(claim: Claim, progress: Progress): void {
    this.waiting.set(claim, progress);
    this.timer ??= setTimeout(() => this.write(), COLLECT_MS);
  }

  async stop(): Promise<void> {
    clearTimeout(this.timer);
    await this.writing;
  }

  private write(): void {
    const all = [...this.waiting].map(([claim, progress]) => ({ ...progress, id: claim.id, claim: claim.claim }));
    this.waiting = new Map();
    this.timer = undefined;
    this.writing = this.writing.then(() => writeProgress(this.database, all)).catch(this.onTrouble);
  }
}
