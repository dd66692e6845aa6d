import { type ChildProcess, execFileSync, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
} from 'node:fs';
import { realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { type EmbeddedPostgres, openEmbeddedPostgres } from '../../src/db/embedded-postgres.js';
import { findNativeFolder } from '../../src/db/postgres-binaries.js';
import { waitFor } from '../support/wait-for.js';

const isRoot = process.getuid?.() === 0;
const openerScript = fileURLToPath(new URL('../support/open-postgres.mjs', import.meta.url));

let made: string;
let folder: string;
let opened: EmbeddedPostgres[];
let openers: ChildProcess[];

beforeAll(async () => {
  made = realpathSync(mkdtempSync(join(tmpdir(), 'stateward-made-')));
  chmodSync(made, 0o755);
  await (await openEmbeddedPostgres(made)).stop();
});

afterAll(() => rmSync(made, { recursive: true, force: true }));

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'stateward-embedded-')));
  chmodSync(folder, 0o755);
  opened = [];
  openers = [];
});

afterEach(async () => {
  for (const opener of openers) if (opener.exitCode === null && opener.signalCode === null) await kill(opener);
  for (const database of opened) await database.stop();
  const left = findPostmasters();
  for (const pid of left) process.kill(pid, 'SIGQUIT');
  await waitFor(() => findPostmasters().length === 0, { what: 'no PostgreSQL to be left on the folder' });
  rmSync(folder, { recursive: true, force: true });
});

describe('the embedded PostgreSQL', () => {
  it('is made on the first start, keeps its rows and its address over a restart, and has a database of its own', async () => {
    const first = await open();
    expect(first.adopted).toBe(false);
    expect(new URL(first.url).pathname).toBe('/stateward');
    await query(first, 'create table kept as select 1 as one');
    await first.stop();
    await first.gone;
    expect(isAlive(first.pid)).toBe(false);

    const second = await open();
    expect(second.url).toBe(first.url);
    expect(await query(second, 'select one from kept')).toEqual([{ one: 1 }]);
  });

  it('listens on loopback alone, asks for its password, and ends sessions that forget their transaction', async () => {
    copyCluster();
    const database = await open();
    expect(await query(database, 'show listen_addresses')).toEqual([{ listen_addresses: '127.0.0.1' }]);
    expect(await query(database, 'show unix_socket_directories')).toEqual([{ unix_socket_directories: '' }]);
    expect(await query(database, 'show idle_in_transaction_session_timeout')).toEqual([
      { idle_in_transaction_session_timeout: '1min' },
    ]);
    const stranger = new URL(database.url);
    stranger.password = 'guessed';
    await expect(query({ url: stranger.href }, 'select 1')).rejects.toThrow(/password authentication failed/);
    expect(statSync(join(folder, 'postgres', 'stateward.password')).mode & 0o077).toBe(0);
  });

  it('refuses a second owner, and says which process and which folder', async () => {
    copyCluster();
    const opener = await openElsewhere(folder);
    await expect(open()).rejects.toMatchObject({
      code: 'ALREADY_RUNNING',
      message: expect.stringMatching(new RegExp(`${folder} \\(process ${opener.child.pid}\\).*STATEWARD_DATA_FOLDER`)),
    });
    expect(await query(opener, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('lets one of two first starts at the same instant win, and refuses the other', async () => {
    const results = await Promise.allSettled([openElsewhere(folder), openElsewhere(folder), openElsewhere(folder)]);
    const winners = results.filter(({ status }) => status === 'fulfilled');
    expect(winners).toHaveLength(1);
    for (const result of results) {
      if (result.status === 'rejected') expect(String(result.reason)).toMatch(/ALREADY_RUNNING/);
    }
    expect(readdirSync(folder).filter((name) => name.includes('.new-'))).toEqual([]);
  });

  it('says when it was killed, and has every committed row when opened again, at the same address', async () => {
    copyCluster();
    const database = await open();
    await query(database, 'create table kept as select generate_series(1, 1000) as n');
    process.kill(database.pid, 'SIGKILL');
    await database.gone;
    const again = await open();
    expect(again.url).toBe(database.url);
    expect(again.pid).not.toBe(database.pid);
    expect(await query(again, 'select count(*)::int as n from kept')).toEqual([{ n: 1000 }]);
  });

  it('is adopted when its owner was killed, and can be stopped by the one that adopted it', async () => {
    copyCluster();
    const owner = await openElsewhere(folder);
    await query(owner, 'create table kept as select 1 as one');
    await kill(owner.child);
    const adopted = await open();
    expect(adopted).toMatchObject({ adopted: true, pid: owner.pid, url: owner.url });
    expect(await query(adopted, 'select one from kept')).toEqual([{ one: 1 }]);
    await adopted.stop();
    expect(existsSync(join(folder, 'postgres', 'postmaster.pid'))).toBe(false);
  });

  it('takes no notice of a postmaster.pid whose number now belongs to another program', async () => {
    copyCluster();
    const database = await open();
    const stated = readFileSync(join(folder, 'postgres', 'postmaster.pid'), 'utf8');
    await database.stop();
    writeFileSync(join(folder, 'postgres', 'postmaster.pid'), stated.replace(/^\d+/, String(process.pid)));
    const again = await open();
    expect(again.adopted).toBe(false);
    expect(await query(again, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('clears up after a first start that was killed half way', async () => {
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    const draft = join(folder, `postgres.new-${dead}-abcd`);
    mkdirSync(draft);
    writeFileSync(`${draft}.password`, 'half');
    await open();
    expect(readdirSync(folder).filter((name) => name.includes('.new-'))).toEqual([]);
  });

  it('moves to another port when another program has taken the one of last time', async () => {
    copyCluster();
    const first = await open();
    await first.stop();
    const { createServer } = await import('node:net');
    const thief = createServer().listen(Number(new URL(first.url).port), '127.0.0.1');
    await once(thief, 'listening');
    try {
      const second = await open();
      expect(second.url).not.toBe(first.url);
      expect(await query(second, 'select 1 as one')).toEqual([{ one: 1 }]);
    } finally {
      thief.close();
    }
  });

  it('names the way out where its binaries are not installed', async () => {
    await expect(findNativeFolder('sunos', 'sparc')).rejects.toMatchObject({
      code: 'BAD_CONFIGURATION',
      message: expect.stringMatching(/@embedded-postgres\/sunos-sparc.*DATABASE_URL/s),
    });
  });

  it('says what to do about a cluster of another version of PostgreSQL', async () => {
    copyCluster();
    await (await open()).stop();
    writeFileSync(join(folder, 'postgres', 'PG_VERSION'), '12\n');
    await expect(open()).rejects.toMatchObject({
      code: 'BAD_CONFIGURATION',
      message: expect.stringMatching(/version 12/),
    });
  });

  it('says what to do about a folder that is not its own', async () => {
    mkdirSync(join(folder, 'postgres'));
    await expect(open()).rejects.toMatchObject({
      code: 'BAD_CONFIGURATION',
      message: expect.stringMatching(/not made by Stateward.*STATEWARD_DATA_FOLDER/s),
    });
  });
});

describe('the binaries of the embedded PostgreSQL', () => {
  it('run although the install scripts did not: the library links are made', async () => {
    const native = await copyNative(join(folder, 'package'), { links: false });
    const database = await open({ native });
    expect(await query(database, 'select 1 as one')).toEqual([{ one: 1 }]);
    const links = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8')) as { target: string }[];
    for (const { target } of links) expect(lstatSync(join(native, '..', target)).isSymbolicLink()).toBe(true);
    expect(existsSync(join(folder, 'data', 'postgres-binaries-1.2.3'))).toBe(false);
  });

  // What only root meets is no check that a normal user left out: there these do not exist, instead of being skipped.
  if (isRoot)
    it('run from a copy when other users cannot look where they are', async () => {
      const native = await copyNative(join(folder, 'closed', 'package'), { links: false });
      chmodSync(join(folder, 'closed'), 0o700);
      const database = await open({ native });
      expect(await query(database, 'select 1 as one')).toEqual([{ one: 1 }]);
      expect(existsSync(join(folder, 'data', 'postgres-binaries-1.2.3', 'native', 'bin', 'postgres'))).toBe(true);
      await database.stop();
      await expect(open({ native })).resolves.toMatchObject({ adopted: false });
    });
});

if (isRoot)
  describe('the embedded PostgreSQL, started as root,', () => {
    it('does not run as root', async () => {
      copyCluster();
      const database = await open();
      expect(statSync(join(folder, 'postgres')).uid).toBe(65_534);
      if (process.platform === 'linux') expect(statSync(`/proc/${database.pid}`).uid).toBe(65_534);
    });

    it('says which folder is closed to the user that it runs as', async () => {
      const closed = join(folder, 'closed');
      mkdirSync(closed, { mode: 0o700 });
      await expect(openEmbeddedPostgres(join(closed, 'data'))).rejects.toMatchObject({
        code: 'BAD_CONFIGURATION',
        message: expect.stringMatching(new RegExp(`may not enter ${closed},.*STATEWARD_DATA_FOLDER`)),
      });
    });

    it('makes a data folder that can be entered, whatever the umask', async () => {
      const before = process.umask(0o077);
      try {
        opened.push(await openEmbeddedPostgres(join(folder, 'strict')));
      } finally {
        process.umask(before);
      }
    });

    it('says what to do when the system does not know the user', async () => {
      chmodSync(folder, 0o777);
      await expect(openElsewhere(join(folder, 'data'), { uid: 12_345, gid: 12_345 })).rejects.toThrow(
        /BAD_CONFIGURATION.*user that the system knows.*DATABASE_URL/s,
      );
    });

    it('opens what a normal user has made, as that user, and the other way round says whose it is', async () => {
      const user = { uid: 1, gid: 1 }; // daemon: PostgreSQL wants one that the system knows
      const home = join(folder, 'home');
      mkdirSync(home);
      chownSync(home, user.uid, user.gid);
      const owner = await openElsewhere(join(home, 'data'), user);
      expect(statSync(join(home, 'data', 'postgres')).uid).toBe(user.uid);
      await query(owner, 'create table kept as select 1 as one');
      owner.child.send('stop');
      await once(owner.child, 'exit');

      const database = await openEmbeddedPostgres(join(home, 'data'));
      opened.push(database);
      expect(await query(database, 'select one from kept')).toEqual([{ one: 1 }]);

      const byRoot = await open();
      await byRoot.stop();
      await expect(openElsewhere(folder, user)).rejects.toThrow(/BAD_CONFIGURATION.*belongs to another user/s);
    });
  });

/** For tests that are not about the first start: what one has made, owners included, for a tenth of the time. */
function copyCluster(): void {
  if (process.platform === 'win32') cpSync(made, folder, { recursive: true });
  else execFileSync('cp', ['-a', `${made}/.`, folder]);
}

/** Opens it in this process; stopped after the test. */
async function open(options: { native?: string } = {}): Promise<EmbeddedPostgres> {
  const database = await openEmbeddedPostgres(options.native ? join(folder, 'data') : folder, options);
  opened.push(database);
  return database;
}

interface Elsewhere {
  child: ChildProcess;
  pid: number;
  url: string;
}

/** Opens it in a process of its own. Rejects with `CODE: message`. */
async function openElsewhere(where: string, user?: { uid: number; gid: number }): Promise<Elsewhere> {
  const child = fork(openerScript, [where], {
    ...user,
    cwd: '/',
    execArgv: [],
    env: {},
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  openers.push(child);
  const [reply] = (await once(child, 'message')) as [{ url: string; pid: number } | { error: string }];
  if ('error' in reply) throw new Error(reply.error);
  return { child, ...reply };
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

async function query({ url }: { url: string }, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows as unknown[];
  } finally {
    await client.end();
  }
}

/** Live postmasters on folders of this test. */
function findPostmasters(): number[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('postmaster.pid'),
  );
  return files
    .map((path) => Number.parseInt(readFileSync(join(folder, path), 'utf8'), 10))
    .filter((pid) => pid !== process.pid && isAlive(pid));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** A package folder such as npm makes, without what its install script adds. */
async function copyNative(where: string, { links }: { links: boolean }): Promise<string> {
  const native = await findNativeFolder();
  cpSync(native, join(where, 'native'), {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => links || !lstatSync(path).isSymbolicLink(),
  });
  writeFileSync(join(where, 'package.json'), '{ "version": "1.2.3" }');
  return join(where, 'native');
}
