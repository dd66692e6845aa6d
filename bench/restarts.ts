import type { Child } from './child.js';

/** A part of the product that is ended and started again. */
export interface Restartable<T extends Child> {
  /** The process of now. */
  readonly now: T;
  /** Of all its processes together, but for what they did on their way out. */
  cpuMs(): number;
  /** Ends it, and starts the next at once. */
  restart(by: 'SIGKILL' | 'SIGTERM'): Promise<Restart>;
}

export interface Restart {
  /** The signal or the exit code that it ended with. */
  endedWith: string;
  /** From the signal until the next process was ready. */
  awayMs: number;
}

export async function restartable<T extends Child>(start: () => Promise<T>): Promise<Restartable<T>> {
  let now = await start();
  let cpuMsBefore = 0;
  return {
    get now() {
      return now;
    },
    cpuMs: () => cpuMsBefore + now.cpuMs(),
    restart: async (by) => {
      const begunAt = performance.now();
      cpuMsBefore += now.cpuMs();
      await now.stop(by);
      const { exitCode, signalCode } = now.process;
      now = await start();
      return { endedWith: String(signalCode ?? exitCode), awayMs: performance.now() - begunAt };
    },
  };
}
