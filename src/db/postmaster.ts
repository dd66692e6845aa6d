import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a running server says of itself in `postmaster.pid` (seen with PostgreSQL 18). */
export interface Postmaster {
  pid: number;
  port: number;
  ready: boolean;
}

/** The server that runs on a data folder; undefined when none does, whatever a file left by a dead one says. */
export function findPostmaster(data: string): Postmaster | undefined {
  const stated = readPidFile(data);
  return stated && isPostgres(stated.pid) ? stated : undefined;
}

/**
 * After a power cut or in a new container the number in the file may belong to a quite different process, and PostgreSQL
 * would refuse to start for it. Called only when findPostmaster saw none.
 */
export function removeStalePidFile(data: string): void {
  const stated = readPidFile(data);
  if (stated && !isPostgres(stated.pid)) rmSync(join(data, 'postmaster.pid'), { force: true });
}

/**
 * Ends the server the fast way: sessions end, nothing is lost. After `withinMs` the hard way, with recovery at the next start.
 * Waits for its file to go, not for the process: an adopted one may stay a zombie.
 */
export async function stopPostmaster(data: string, pid: number, pgCtl: string, withinMs: number): Promise<void> {
  const isUp = () => readPidFile(data)?.pid === pid && isAlive(pid);
  if (isUp()) signal(pid, 'INT', pgCtl);
  for (const deadline = Date.now() + withinMs; isUp(); await sleep(20)) {
    if (Date.now() > deadline) return signal(pid, 'QUIT', pgCtl);
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // alive, and another user's
  }
}

function readPidFile(data: string): Postmaster | undefined {
  let lines: string[];
  try {
    lines = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const pid = Number(lines[0]);
  return pid > 0 ? { pid, port: Number(lines[3]), ready: lines[7]?.trim() === 'ready' } : undefined; // 0: being written
}

/** In doubt yes: two servers on one folder would be worse than a start that is refused. */
function isPostgres(pid: number): boolean {
  if (!isAlive(pid)) return false;
  const command = commandOf(pid);
  return command === undefined || basename(command).startsWith('postgres');
}

/** The program of a process, empty for a zombie; undefined where it cannot be asked. */
function commandOf(pid: number): string | undefined {
  if (process.platform === 'win32') return undefined;
  if (process.platform === 'linux') {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0];
    } catch {
      return isAlive(pid) ? undefined : '';
    }
  }
  const { status, stdout } = spawnSync('ps', ['-o', 'comm=', '-p', String(pid)], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

function signal(pid: number, name: 'INT' | 'QUIT', pgCtl: string): void {
  if (process.platform === 'win32') {
    spawnSync(pgCtl, ['kill', name, String(pid)], { windowsHide: true }); // signals to PostgreSQL on Windows are its own invention
    return;
  }
  try {
    process.kill(pid, `SIG${name}`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
