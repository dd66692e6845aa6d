interface Planned {
  due: number;
  action: () => void;
}

/** setTimeout takes no more (2^31 - 1 ms). */
const LONGEST_TIMER_MS = 2_147_483_647;

/**
 * Monotonic time and what is planned for it. Planned actions run in the order of their times: before any request is
 * handled ({@link settle}) or, when nobody asks, by the one timer. So an effect happens at its time even if unobserved.
 */
export class Timeline {
  private readonly epochOffsetMs = Date.now() - performance.now();
  private planned: Planned[] = [];
  private timer: NodeJS.Timeout | null = null;

  /** Epoch milliseconds; never goes back. */
  now(): number {
    return Math.floor(this.epochOffsetMs + performance.now());
  }

  /** Plans an action; an infinite delay means never. Returns what takes it off the plan. */
  after(delayMs: number, action: () => void): () => void {
    if (!Number.isFinite(delayMs)) return () => undefined;
    const entry: Planned = { due: performance.now() + delayMs, action };
    this.planned.push(entry);
    this.planned.sort((a, b) => a.due - b.due);
    this.arm();
    return () => {
      this.planned = this.planned.filter((other) => other !== entry);
      this.arm();
    };
  }

  settle(): void {
    for (let next = this.planned[0]; next !== undefined && next.due <= performance.now(); next = this.planned[0]) {
      this.planned.shift();
      next.action();
    }
    this.arm();
  }

  clear(): void {
    this.planned = [];
    this.arm();
  }

  private arm(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    const next = this.planned[0];
    if (next === undefined) return;
    const delayMs = Math.min(LONGEST_TIMER_MS, Math.max(0, Math.ceil(next.due - performance.now())));
    this.timer = setTimeout(() => this.settle(), delayMs);
  }
}
