import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readProcesses } from '../support/processes.js';
import { waitFor } from '../support/wait-for.js';

const script = fileURLToPath(new URL('../../dist/demo/main.js', import.meta.url)); // what `npm run demo` runs; `npm test` has built it

let folder: string;
let temporary: string;
let child: ChildProcess | undefined;
/** Of everything that the demo started, and what that started. */
let descendants: Set<number>;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'stateward-simulated-')));
  chmodSync(folder, 0o755); // its PostgreSQL may be another user
  temporary = join(folder, 'tmp');
  mkdirSync(temporary);
  descendants = new Set();
});

afterEach(async () => {
  if (child && child.exitCode === null && child.signalCode === null) {
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
  child = undefined;
  const left = findOurProcesses();
  for (const { pid } of left) process.kill(pid, 'SIGKILL');
  rmSync(folder, { recursive: true, force: true });
  expect(left).toEqual([]);
});

describe('npm run demo -- --simulated', () => {
  it('marks every line, shows no location that does not exist, and leaves nothing running', async () => {
    const { code, lines, present, absent } = await start(['--simulated', '--once']);
    expect({ code, unmarked: lines.filter((line) => !/^SIMULATED( |$)/.test(line)) }).toEqual({
      code: 0,
      unmarked: [],
    });

    const text = lines.join('\n');
    const [, gone = ''] = /gone: +(\S+)/.exec(text) ?? [];
    expect([...absent]).toEqual([gone]); // what it says is deleted, and was there before
    expect([...present]).toContain(gone);
    const shown = pathsIn(text);
    expect(new Set(shown.filter((path) => !existsSync(path)))).toEqual(new Set([gone]));
    const savepoints = new Set(shown.filter((path) => /\/savepoint-[0-9a-f]{6}-[0-9a-f]+$/.test(path)));
    expect(savepoints.size).toBe(4);
    expect(shown.filter((path) => path.endsWith('/_metadata'))).toHaveLength(3);
    expect(shown.every((path) => path.startsWith(join(folder, '.stateward-demo-simulated')))).toBe(true);

    const acknowledged = new Set(text.match(/\d+ of 8 subtasks/g));
    expect(acknowledged.size).toBeGreaterThanOrEqual(2); // it moved while it was watched
    expect(text.match(/COMPLETED {2}\S+Z .* PRESENT /g)).toHaveLength(3);
    expect(text).toContain('run 2, Flink job');
    expect(text).toContain('"counter-b" runs beside "counter"');

    expect(text).toContain('Every 30 minutes from 09:00 to 17:30 on Mondays to Fridays, Europe/Berlin');
    expect(text).toMatch(/coming slots: (\S+:[03]0:00\.000Z(, |\n)){3}/);
    expect(text).toContain('FLOOR_LOWERED: Slots may be 1 min apart');
    expect(text).toMatch(/FIRED for \S+:00\.000Z/);
    expect(text).toMatch(/goes +STOP "stopped for the upgrade" +There is 1 newer one, and the policy keeps 1\./);
    expect(text).toMatch(/stays +SCHEDULED +NEWEST_GOOD: /);
    expect(text).toContain('DELETED by MAX_COUNT, proof: EMPTY');
    expect(text).toContain('SAVEPOINT_PROTECTED, NEWEST_GOOD: ');
    expect(text).toMatch(/DELETED +\S+Z .* gone, EMPTY +STOP /);
    expect(text).toMatch(/COMPLETED {2}\S+Z .* PRESENT +SCHEDULED/);

    const ports = [...new Set([...text.matchAll(/http:\/\/127\.0\.0\.1:(\d+)/g)].map(([, port]) => Number(port)))];
    expect(ports).toHaveLength(2);
    expect(await Promise.all(ports.map(accepts))).toEqual([false, false]);
    expect(descendants.size).toBeGreaterThanOrEqual(4); // supervisor, API, worker, PostgreSQL
    expect(findOurProcesses()).toEqual([]);
    expect(readdirSync(temporary)).toEqual([]);
    expect(existsSync(join(folder, '.stateward-demo-simulated/data/postgres/postmaster.pid'))).toBe(false);
  }, 180_000);

  it('stays up until it is interrupted, and stops in good order then, also while it is still starting', async () => {
    const ended = start(['--simulated']);
    await waitFor(() => existsSync(join(folder, '.stateward-demo-simulated/data/postgres.port')), {
      timeoutMs: 30_000,
      what: 'the database to be started',
    });
    child?.kill('SIGINT');
    const { code, lines } = await ended;
    expect(code).toBe(0);
    expect(lines.filter((line) => line.endsWith(' stopped'))).toEqual([
      'SIMULATED   Stateward stopped',
      'SIMULATED   Flink stopped',
    ]);
    expect(findOurProcesses()).toEqual([]);
  });

  it('marks also what went wrong, in the demo and in the Stateward that it started', async () => {
    const { code, lines } = await start(['--simulated', '--once'], { STATEWARD_LOG_LEVEL: 'loud' });
    expect(code).toBe(1);
    expect(lines.find((line) => line.includes('STATEWARD_LOG_LEVEL'))).toMatch(/^SIMULATED /);
    expect(lines).toContain('SIMULATED The demo stopped: Stateward ended with 78 before it was ready; see above.');
    expect(lines.filter((line) => !/^SIMULATED( |$)/.test(line))).toEqual([]);
  });

  it.each([
    [['--simulated', '--twice'], {}, 64, 'SIMULATED The demo knows no --twice. Its options: --once, --simulated.'],
    [['--simulate'], {}, 64, 'The demo knows no --simulate. Its options: --once, --simulated.'],
    [
      ['--simulated'],
      { STATEWARD_FLINK_VERSION: '1.19.0' },
      3,
      'SIMULATED Flink 1.19.0 cannot be simulated: STATEWARD_FLINK_VERSION may be 2.3.0 or 1.20.5.',
    ],
  ])('refuses %j with %j before it touches anything', async (options, env, expected, message) => {
    const { code, lines } = await start(options, env);
    expect({ code, lines }).toEqual({ code: expected, lines: [message] });
    expect(readdirSync(folder)).toEqual(['tmp']);
  });
});

interface Ended {
  code: number | null;
  /** Of stdout and stderr, in the order in which they came. */
  lines: string[];
  /** Paths that existed, or did not, when a line that shows them was read. */
  present: Set<string>;
  absent: Set<string>;
}

/** Without a PATH beyond Node's own folder, hence without Java and Maven. */
async function start(options: string[], env: Record<string, string> = {}): Promise<Ended> {
  if (!existsSync(script)) throw new Error(`${script} is absent: run node prepare.mjs first (npm test does).`);
  const lines: string[] = [];
  const present = new Set<string>();
  const absent = new Set<string>();
  const started = spawn(process.execPath, [script, ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { STATEWARD_DEMO_FOLDER: folder, STATEWARD_PORT: '0', TMPDIR: temporary, ...env },
  });
  child = started;
  for (const stream of [started.stdout, started.stderr])
    createInterface(stream).on('line', (line) => {
      lines.push(line);
      noteDescendants();
      for (const path of pathsIn(line)) (existsSync(path) ? present : absent).add(path);
    });
  const [code] = (await once(started, 'close')) as [number | null];
  return { code, lines, present, absent };
}

/** Whatever looks like a path of this test's folder, written as a location or plainly. */
function pathsIn(text: string): string[] {
  return [...text.matchAll(/(?:file:(?:\/\/)?)?(\/[^\s,;)]+)/g)]
    .map(([, path = '']) => path)
    .filter((path) => path.startsWith(folder));
}

function noteDescendants(): void {
  const all = readProcesses();
  const parents = new Set([child?.pid, ...descendants]);
  for (let known = -1; known < parents.size;) {
    known = parents.size;
    for (const { pid, parent } of all) if (parents.has(parent)) parents.add(pid);
  }
  for (const pid of parents) if (pid !== undefined && pid !== child?.pid) descendants.add(pid);
}

function findOurProcesses() {
  return readProcesses().filter(({ pid, command }) => command.includes(folder) || descendants.has(pid));
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false; // refused: nobody listens
  } finally {
    socket.destroy();
  }
}
