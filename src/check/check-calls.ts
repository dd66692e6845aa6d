import type { Claim } from '../db/claims.js';
import type { LongCalls } from '../run/long-calls.js';

/** A JobManager gets three long calls at a time from one worker: one is left for a start. */
const ON_ONE_CLUSTER = 2;

/** Checks that a worker is at: few at once, few on one cluster, and apart from starts, which never wait for them. */
export class CheckCalls {
  private readonly running = new Map<string, number>();

  constructor(private readonly longCalls: LongCalls) {}

  /** False: give the row back and come again. */
  hasRoomOn(clusterId: string): boolean {
    return this.longCalls.hasRoom && this.on(clusterId) < ON_ONE_CLUSTER;
  }

  /** Aborts when the claim is lost or cannot be renewed: whoever has it then goes on by what is written. */
  async hold(claim: Claim, clusterId: string, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    this.running.set(clusterId, this.on(clusterId) + 1);
    try {
      await this.longCalls.hold(claim, work);
    } finally {
      if (this.on(clusterId) > 1) this.running.set(clusterId, this.on(clusterId) - 1);
      else this.running.delete(clusterId);
    }
  }

  private on(clusterId: string): number {
    return this.running.get(clusterId) ?? 0;
  }
}
