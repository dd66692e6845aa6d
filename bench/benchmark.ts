import { cpus, loadavg, totalmem } from 'node:os';
import { basename } from 'node:path';

/**
 * Notes what a benchmark opens, before or as soon as it exists: closed in the reverse order, whether the benchmark ends, fails
 * or is interrupted.
 */
export type Open = (what: string, close: () => Promise<void> | void) => void;

/**
 * Runs one benchmark: says by which command and on what machine, closes what it has opened in any case, and ends the
 * process with 0, or with 1 after a failure or when `work` answers false (a missed target under --check).
 */
export async function benchmark(work: (open: Open) => Promise<boolean>): Promise<never> {
  const opened: { what: string; close: () => Promise<void> | void }[] = [];
  let closing: Promise<void> | undefined;
  const closeAll = (): Promise<void> => (closing ??= closeEach(opened));
  let interrupted = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      interrupted = true;
      console.error(`\n${signal}: closing what was opened …`);
      void closeAll().then(() => process.exit(130));
    });
  }
  // A measured process that dies fails whoever reads it, also in a timer, where nobody catches.
  for (const trouble of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(trouble, (error: unknown) => {
      if (!interrupted) console.error(error);
      void closeAll().then(() => process.exit(interrupted ? 130 : 1));
    });
  }
  const open: Open = (what, close) => {
    opened.push({ what, close });
    if (closing) throw new Error(`${what} came too late: the benchmark is ending`); // closeEach takes it too
  };
  console.log(describeRun());
  let code = 1;
  try {
    code = (await work(open)) ? 0 : 1;
  } catch (error) {
    if (!interrupted) console.error(error);
  }
  await closeAll();
  process.exit(interrupted ? 130 : code);
}

/** Until nothing is left: what is being opened meanwhile is closed as well. */
async function closeEach(opened: { what: string; close: () => Promise<void> | void }[]): Promise<void> {
  for (let last = opened.pop(); last; last = opened.pop()) {
    try {
      await last.close();
    } catch (error) {
      console.error(`${last.what} could not be closed; look whether something is left of it:`, error);
    }
  }
}

function describeRun(): string {
  const [script = '', ...options] = process.argv.slice(1);
  const cores = cpus();
  return [
    `command  node dist/bench/${basename(script)} ${options.join(' ')}`.trimEnd(),
    `machine  ${cores.length} cores (${cores[0]?.model.trim() || 'unknown model'}), ${Math.round(totalmem() / 1024 ** 3)} GiB, ${process.platform} ${process.arch}, Node ${process.versions.node}, load before it ${loadavg()[0]?.toFixed(2)}`,
  ].join('\n');
}
