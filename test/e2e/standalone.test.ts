import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readProcesses, type Running } from '../support/processes.js';
import { waitFor } from '../support/wait-for.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const script = join(root, 'dist/src/standalone.js'); // what `npm start` runs; `npm test` has built it

let folder: string;
let port: number;
let started: Standalone[];
let children: Set<number>;

beforeEach(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'stateward-standalone-')));
  chmodSync(folder, 0o755);
  port = await findFreePort();
  started = [];
  children = new Set();
});

afterEach(async () => {
  listProcesses();
  for (const standalone of started) {
    if (!standalone.hasEnded()) standalone.process.kill('SIGTERM');
    await standalone.ended;
  }
  const left = await waitFor(() => findOurProcesses().length === 0, {
    timeoutMs: 6_000,
    what: 'nothing to be left running',
  }).catch((error: Error) => error);
  for (const { pid } of findOurProcesses()) process.kill(pid, 'SIGKILL');
  rmSync(folder, { recursive: true, force: true });
  if (left instanceof Error) throw left;
});

describe('npm start', () => {
  it('starts from nothing, says where it listens and how it is stopped, and stops in under 5 s without leaving a process', async () => {
    const standalone = start();
    const line = await standalone.line(/^Stateward is ready/);
    expect(line).toMatch(
      new RegExp(
        `^Stateward is ready: GraphQL at http://127\\.0\\.0\\.1:${port}/graphql \\(data in ${folder}, started in [\\d.]+ s\\)\\. Ctrl-C stops it\\.$`,
      ),
    );
    expect(await ask('{ __typename }')).toEqual({ data: { __typename: 'Query' } });

    const stoppedAt = Date.now();
    standalone.process.kill('SIGINT');
    expect(await standalone.ended).toBe(0);
    expect(Date.now() - stoppedAt).toBeLessThan(5_000);
    expect(findOurProcesses()).toEqual([]);
    expect(existsSync(join(folder, 'postgres/postmaster.pid'))).toBe(false);
  });

  it.each(['worker/main.js', 'src/main.js', 'bin/postgres'])('goes on after a kill -9 of %s', async (program) => {
    const standalone = start();
    await standalone.line(/^Stateward is ready/);
    const before = await waitFor(() => findChild(standalone, program), { what: `${program} to run` });
    process.kill(before, 'SIGKILL');
    const after = await waitFor(() => findChild(standalone, program, before), { what: `${program} to run again` });
    expect(after).not.toBe(before);
    await waitFor(() => askDatabase(), { timeoutMs: 20_000, what: 'an answer that needs the database' });
    for (const each of ['worker/main.js', 'src/main.js', 'bin/postgres']) {
      await waitFor(() => findChild(standalone, each), { what: `${each} to run` });
    }
    expect(standalone.hasEnded()).toBe(false);
  });

  it('refuses a second one on the same data folder, and leaves the first alone', async () => {
    const first = start();
    await first.line(/^Stateward is ready/);
    const second = start({ STATEWARD_PORT: String(await findFreePort()) });
    expect(await second.ended).toBe(1);
    expect(second.output()).toContain(`already runs on the data folder ${folder} (process ${first.process.pid})`);
    expect(await askDatabase()).toBe(true);
  });

  it('leaves only the database behind when it is killed, and the next one takes that over', async () => {
    const first = start();
    await first.line(/^Stateward is ready/);
    const database = findChild(first, 'bin/postgres');
    expect(findOurProcesses().length).toBeGreaterThanOrEqual(3);
    first.process.kill('SIGKILL');
    await first.ended;
    await waitFor(() => findOurProcesses().every(({ command }) => command.includes('postgres')), {
      what: 'API and worker to end by themselves',
    });
    const second = start();
    await second.line(/^Took over the PostgreSQL/);
    await second.line(/^Stateward is ready/);
    expect(Number.parseInt(readFileSync(join(folder, 'postgres/postmaster.pid'), 'utf8'), 10)).toBe(database);
    expect(await askDatabase()).toBe(true);
  });

  it('says that its port is taken, and ends with 69', async () => {
    const other = await listen(port);
    try {
      const standalone = start();
      expect(await standalone.ended).toBe(69);
      expect(standalone.output()).toMatch(new RegExp(`EADDRINUSE.*:${port}.*STATEWARD_PORT`));
      expect(standalone.output()).not.toContain('started again');
    } finally {
      other.close();
    }
  });

  it('says what is wrong with its configuration, and ends with 78', async () => {
    const standalone = start({ STATEWARD_HOST: '0.0.0.0', STATEWARD_LOG_LEVEL: 'loud' });
    expect(await standalone.ended).toBe(78);
    expect(standalone.output()).toContain('STATEWARD_LOG_LEVEL');
    expect(existsSync(join(folder, 'postgres'))).toBe(false);
  });

  it('stops also while it is still starting', async () => {
    const standalone = start();
    await waitFor(() => existsSync(join(folder, 'postgres.port')), { what: 'the database to be started' });
    standalone.process.kill('SIGINT');
    expect(await standalone.ended).toBe(0);
    expect(standalone.output()).not.toContain('is ready');
  });

  it('ends at once when it is interrupted a second time', async () => {
    const standalone = start();
    await standalone.line(/^Stateward is ready/);
    const worker = findChild(standalone, 'worker/main.js');
    process.kill(worker!, 'SIGSTOP'); // one that does not end by itself
    await waitFor(() => !standalone.process.kill('SIGINT'), { what: 'it to end' }); // false: there is nobody
    expect(await standalone.ended).toBe(1);
  });
});

class Standalone {
  readonly ended: Promise<number | null>;
  private text = '';

  constructor(readonly process: ChildProcess) {
    for (const stream of [process.stdout, process.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.text += text));
    this.ended = once(process, 'close').then(([code]) => code as number | null);
  }

  hasEnded(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  output(): string {
    return this.text;
  }

  /** The first line of its output that matches. */
  async line(pattern: RegExp): Promise<string> {
    const find = () => this.text.split('\n').find((line) => pattern.test(line));
    return waitFor(() => (this.hasEnded() ? (find() ?? `ended: ${this.text}`) : find()), {
      timeoutMs: 30_000,
      what: `${pattern} in:\n${this.text}`,
    });
  }
}

function start(env: Record<string, string> = {}): Standalone {
  if (!existsSync(script)) throw new Error(`${script} is absent: run node prepare.mjs first (npm test does).`);
  const standalone = new Standalone(
    spawn(process.execPath, [script], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        STATEWARD_DATA_FOLDER: folder,
        STATEWARD_PORT: String(port),
        STATEWARD_LOG_LEVEL: 'warn',
        ...env,
      },
    }),
  );
  started.push(standalone);
  return standalone;
}

/** Of this test, among what runs: its supervisors' children, and the database on its folder, whoever their parent is now. */
function findOurProcesses(): Running[] {
  return listProcesses().filter(({ pid, command }) => command.includes(folder) || children.has(pid));
}

function findChild(standalone: Standalone, program: string, except?: number): number | undefined {
  const runs = ({ command }: Running) => command.split(' ').some((word) => word.endsWith(program));
  return listProcesses().find((each) => each.parent === standalone.process.pid && each.pid !== except && runs(each))
    ?.pid;
}

/** What runs, zombies apart; remembers the children of this test's supervisors. */
function listProcesses(): Running[] {
  const all = readProcesses();
  const supervisors = new Set(started.map(({ process }) => process.pid));
  for (const { pid, parent } of all) if (supervisors.has(parent)) children.add(pid);
  return all;
}

async function ask(query: string): Promise<unknown> {
  const reply = await fetch(`http://127.0.0.1:${port}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
    signal: AbortSignal.timeout(5_000),
  });
  return reply.json();
}

/** Whether a query is answered that reads the database. */
async function askDatabase(): Promise<boolean> {
  const { data } = (await ask('{ clusters { edges { node { id } } } }')) as { data?: { clusters?: unknown } };
  return Boolean(data?.clusters);
}

async function listen(wanted: number): Promise<Server> {
  const server = createServer().listen(wanted, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function findFreePort(): Promise<number> {
  const server = await listen(0);
  const { port: free } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return free;
}
