import { readdirSync, readFileSync } from 'node:fs';

/** What processes cost, read from /proc: Linux only. */

/** USER_HZ: the unit of the times in /proc/<pid>/stat, 100 on every platform that Node runs on. */
const TICK_MS = 10;
const KIB = 1024;

interface Times {
  parent: number;
  /** Of the process itself, all its threads. */
  ownMs: number;
  /** Of its children that have ended and were waited for. */
  endedChildrenMs: number;
}

export function requireLinux(): void {
  if (process.platform === 'linux') return;
  throw new Error('CPU and memory of processes are read from /proc, which only Linux has. Run this benchmark there.');
}

/** CPU that one process has used so far, in ms; rounded to 10 ms by the kernel. */
export const cpuMsOf = (pid: number): number => timesOf(pid).ownMs;

/** CPU of a process, of its children that live and of those that have ended: for PostgreSQL, whose sessions are children. */
export function cpuMsOfFamily(pid: number): number {
  const own = timesOf(pid);
  const children = pidsOf()
    .filter((other) => other !== pid)
    .map((other) => timesIfAlive(other))
    .filter((times) => times?.parent === pid);
  return own.ownMs + own.endedChildrenMs + children.reduce((sum, times) => sum + (times?.ownMs ?? 0), 0);
}

/** CPU that the whole machine has spent on anything so far, in ms, time taken away by a hypervisor included. */
export function cpuMsOfMachine(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = (
    readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? ''
  )
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq + steal) * TICK_MS;
}

/** A process and all that descend from it, whatever their process groups. */
export function familyOf(pid: number): number[] {
  const parents = new Map(pidsOf().map((other) => [other, timesIfAlive(other)?.parent]));
  const family = [pid];
  for (const member of family) for (const [other, parent] of parents) if (parent === member) family.push(other);
  return family;
}

export const commandOf = (pid: number): string =>
  readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();

/** Memory that a process has resident now, in bytes. */
export function residentBytesOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * KIB;
}

const pidsOf = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

function timesIfAlive(pid: number): Times | undefined {
  try {
    return timesOf(pid);
  } catch (error) {
    // It ended between the listing and the reading.
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

function timesOf(pid: number): Times {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field is the name in brackets, which may hold spaces and brackets itself.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const field = (number: number) => Number(fields[number - 3]); // numbered as in proc(5)
  return {
    parent: field(4),
    ownMs: (field(14) + field(15)) * TICK_MS,
    endedChildrenMs: (field(16) + field(17)) * TICK_MS,
  };
}
