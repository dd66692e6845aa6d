import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/** Exit codes (sysexits) that trying again does not change: a bad configuration, a port that is taken. */
export const hopelessExits: readonly number[] = [78, 69];

export interface ChildOptions {
  name: string;
  script: string;
  env: () => Record<string, string | undefined>;
  /** What the child sends over its IPC channel. */
  onMessage(message: unknown): void;
  say(text: string): void;
  /** A child that has lived this long starts again after the shortest pause. Default: 30 s. */
  grownUpMs?: number;
}

export interface Kept {
  readonly pid: number | undefined;
  /** Settles with the exit code when the child ended in a way that trying again does not change. */
  hopeless: Promise<number>;
  /** Asks the child to end; it is started again, with what `env` gives then. */
  restart(): void;
  /** Asks the child to end, and kills it when it has not ended after `killAfterMs`. */
  stop(killAfterMs: number): Promise<void>;
  /** At once; stop() was called before. */
  kill(): void;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;
const GROWN_UP_MS = 30_000;

/**
 * Keeps one child process running: started again when it dies, after a pause that doubles while it keeps dying young. It
 * is detached, so that Ctrl-C reaches the supervisor alone, and ends by itself when its IPC channel is cut.
 */
export function keepRunning({ name, script, env, onMessage, say, grownUpMs = GROWN_UP_MS }: ChildOptions): Kept {
  let child: ChildProcess | undefined;
  let giveUp: (code: number) => void = () => undefined;
  const hopeless = new Promise<number>((resolve) => (giveUp = resolve));
  const stopping = new AbortController();

  const done = (async () => {
    for (let pauseMs = FIRST_PAUSE_MS; !stopping.signal.aborted; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      const bornAt = Date.now();
      const current = spawn(process.execPath, [script], {
        detached: true,
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
        env: env(),
      });
      child = current;
      current.on('message', onMessage);
      const how = await new Promise<number | string>((resolve) => {
        current.once('exit', (code, signal) => resolve(signal ?? code ?? 1));
        current.once('error', (error) => resolve(error.message));
      });
      child = undefined;
      if (stopping.signal.aborted) return;
      if (typeof how === 'number' && hopelessExits.includes(how)) return giveUp(how);
      if (Date.now() - bornAt > grownUpMs) pauseMs = FIRST_PAUSE_MS;
      say(`The ${name} process ended (${how}); it is started again in ${pauseMs} ms.`);
      await sleep(pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined); // stopping ends the pause
    }
  })();

  return {
    get pid() {
      return child?.pid;
    },
    hopeless,
    kill: () => void child?.kill('SIGKILL'),
    restart: () => child && askToEnd(child),
    stop: async (killAfterMs) => {
      stopping.abort();
      const current = child;
      if (current) askToEnd(current);
      const late = setTimeout(() => current?.kill('SIGKILL'), killAfterMs);
      await done;
      clearTimeout(late);
    },
  };
}

/** On Windows a signal would end it at once; there the closed channel asks. */
function askToEnd(child: ChildProcess): void {
  if (process.platform !== 'win32') child.kill('SIGTERM');
  else if (child.connected) child.disconnect();
}
