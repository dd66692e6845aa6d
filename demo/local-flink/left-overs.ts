import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { hasCode } from './error-code.js';
import { mainClasses } from './flink-process.js';
import { foldersBelow } from './flink-settings.js';
import { runCommand } from './run-command.js';

const PATIENCE_MS = 5_000;
const LOOK_AGAIN_MS = 50;

function pidFile(folder: string): string {
  return join(folder, 'pids.json');
}

/** Written at once after every start and end, so that a killed run can be cleaned up after. */
export function recordPids(folder: string, pids: number[]): void {
  const file = pidFile(folder);
  writeFileSync(`${file}.new`, JSON.stringify(pids));
  renameSync(`${file}.new`, file);
}

/**
 * Ends the processes of an earlier run in this folder: SIGTERM, and SIGKILL after 5 s. A recorded pid that by now belongs
 * to anything but the Flink of this folder is left alone.
 * @returns the pids that were ended.
 */
export async function endLeftOvers(folder: string): Promise<number[]> {
  const own: number[] = [];
  for (const pid of readPids(folder)) if (await isFlinkOf(folder, pid)) own.push(pid);
  for (const pid of own) {
    signal(pid, 'SIGTERM');
    signal(pid, 'SIGCONT');
  }
  const deadline = Date.now() + PATIENCE_MS;
  for (const pid of own) {
    while (await isFlinkOf(folder, pid)) {
      if (Date.now() > deadline) signal(pid, 'SIGKILL');
      await pause(LOOK_AGAIN_MS);
    }
  }
  if (own.length > 0) recordPids(folder, []);
  return own;
}

function readPids(folder: string): number[] {
  let text: string;
  try {
    text = readFileSync(pidFile(folder), 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
  const pids: unknown = JSON.parse(text);
  return Array.isArray(pids) ? pids.filter((pid): pid is number => Number.isInteger(pid) && pid > 1) : [];
}

async function isFlinkOf(folder: string, pid: number): Promise<boolean> {
  const command = await commandOf(pid);
  const { conf } = foldersBelow(folder);
  return Object.values(mainClasses).some((name) => command.includes(`${name} --configDir ${conf}`));
}

/** Empty for a process that is gone, and for one that ended and was not yet waited for. */
async function commandOf(pid: number): Promise<string> {
  if (process.platform === 'linux') {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''); // Gone.
    return line.replaceAll('\0', ' ');
  }
  return (await runCommand('ps', ['-ww', '-o', 'command=', '-p', String(pid)])).output;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // It ended by itself between the look and the signal.
    if (!hasCode(error, 'ESRCH')) throw error;
  }
}
