import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { AppError } from '../errors.js';
import { findPostgresBinaries, isOpenToAll, type PostgresBinaries, unprivileged } from './postgres-binaries.js';

export interface EmbeddedPostgres {
  /** Of the database `stateward` in it. */
  url: string;
  pid: number;
  /** It was running already: an earlier owner had been killed. */
  adopted: boolean;
  /** Settles when the server is gone, whoever ended it. */
  gone: Promise<void>;
  stop(): Promise<void>;
}

/** Held by one session for as long as its owner lives, however it dies: refusal and adoption are decided by it. */
const OWNER_LOCK = 7_208_001;
const ATTEMPTS = 40;
const READY_WITHIN_MS = 15_000;
const STOP_WITHIN_MS = 3_500;

/**
 * Opens the PostgreSQL of a data folder: makes it the first time, adopts one that an owner who was killed has left
 * running, refuses (ALREADY_RUNNING) while another owner lives.
 */
export async function openEmbeddedPostgres(
  folder: string,
  options: { settings?: Record<string, string> } = {},
): Promise<EmbeddedPostgres> {
  const binaries = await findPostgresBinaries();
  mkdirSync(folder, { recursive: true });
  if (unprivileged.uid !== undefined && !(await isOpenToAll(folder))) {
    throw new AppError(
      'BAD_CONFIGURATION',
      `As root, PostgreSQL runs as another user, who cannot reach ${folder}. Set STATEWARD_DATA_FOLDER to a folder that others may pass (chmod o+x), run as a normal user, or set DATABASE_URL.`,
    );
  }
  const data = join(folder, 'postgres');
  const password = await initialise(binaries, data);
  for (let attempt = 1; ; attempt++) {
    const child = readPostmaster(data) ? undefined : await spawnServer(binaries, folder, data, options.settings);
    try {
      const { url, pid, owner } = await connectWhenReady(folder, data, password, child);
      const { rows } = await owner.query<{ mine: boolean }>('select pg_try_advisory_lock($1) as mine', [OWNER_LOCK]);
      if (!rows[0]?.mine) {
        await owner.end();
        throw new AppError(
          'ALREADY_RUNNING',
          `Stateward already runs on ${folder} (its database is process ${pid}). Stop it first, or choose another folder with STATEWARD_DATA_FOLDER.`,
        );
      }
      const gone = new Promise<void>((resolve) => owner.once('end', () => resolve()));
      return { url, pid, adopted: !child, gone, stop: () => stopServer(data, pid, owner) };
    } catch (error) {
      if (error instanceof AppError || attempt === ATTEMPTS) throw error;
      await sleep(250); // a lost race, a stale postmaster.pid, or backends of a killed server that still end: look again
    }
  }
}

/** Made aside and renamed whole, password included: a killed initdb leaves no half cluster, and two first starts cannot mix. */
async function initialise({ initdb }: PostgresBinaries, data: string): Promise<string> {
  const passwordFile = join(data, 'stateward.password');
  if (!existsSync(passwordFile)) {
    const draft = `${data}.new-${process.pid}`;
    const draftPassword = `${draft}.password`;
    rmSync(draft, { recursive: true, force: true });
    mkdirSync(draft, { mode: 0o700 });
    writeFileSync(draftPassword, randomBytes(24).toString('hex'), { mode: 0o600 });
    if (unprivileged.uid !== undefined && unprivileged.gid !== undefined) {
      for (const path of [draft, draftPassword]) chownSync(path, unprivileged.uid, unprivileged.gid);
    }
    const args = [
      '-D',
      draft,
      '-U',
      'stateward',
      '-E',
      'UTF8',
      '--locale=C',
      '-A',
      'scram-sha-256',
      `--pwfile=${draftPassword}`,
    ];
    const run = spawn(initdb, args, { ...unprivileged, cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] });
    let complaint = '';
    run.stderr?.on('data', (chunk) => (complaint += String(chunk)));
    const [code] = (await once(run, 'close')) as [number | null];
    if (code !== 0) {
      rmSync(draft, { recursive: true, force: true });
      rmSync(draftPassword, { force: true });
      throw new AppError(
        'BAD_CONFIGURATION',
        `The embedded PostgreSQL could not be set up in ${data} (initdb ended with ${code}): ${complaint.trim()}`,
      );
    }
    renameSync(draftPassword, join(draft, 'stateward.password'));
    try {
      renameSync(draft, data);
    } catch {
      rmSync(draft, { recursive: true, force: true }); // another first start was quicker: its cluster is used
    }
  }
  return readFileSync(passwordFile, 'utf8').trim();
}

interface Postmaster {
  pid: number;
  port: number;
  ready: boolean;
}

function readPostmaster(data: string): Postmaster | null {
  try {
    const lines = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n');
    const pid = Number(lines[0]);
    process.kill(pid, 0);
    return { pid, port: Number(lines[3]), ready: lines[7]?.trim() === 'ready' };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPERM') throw error; // alive, and not ours
    return null;
  }
}

async function spawnServer(
  { postgres }: PostgresBinaries,
  folder: string,
  data: string,
  more: Record<string, string> = {},
): Promise<ChildProcess> {
  const settings: Record<string, string | number> = {
    listen_addresses: '127.0.0.1',
    port: await choosePort(join(folder, 'postgres.port')),
    unix_socket_directories: '',
    timezone: 'UTC',
    log_timezone: 'UTC',
    max_connections: 200,
    shared_buffers: '64MB',
    idle_in_transaction_session_timeout: '60s',
    ...more,
  };
  const args = ['-D', data, ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`])];
  const log = openSync(join(folder, 'postgres.log'), 'a'); // a file, not a pipe: it outlives us when we are killed
  const child = spawn(postgres, args, {
    ...unprivileged,
    cwd: '/',
    detached: true, // Ctrl-C must reach the supervisor only
    stdio: ['ignore', log, log],
    env: { TZ: 'UTC' },
  });
  closeSync(log);
  child.on('error', () => undefined); // it has no exit code then, and connectWhenReady says that it ended
  return child;
}

async function connectWhenReady(folder: string, data: string, password: string, child?: ChildProcess) {
  const deadline = Date.now() + READY_WITHIN_MS;
  for (;;) {
    if (child && (child.exitCode !== null || child.pid === undefined))
      throw new Error(`postgres ended with ${child.exitCode}; see ${join(folder, 'postgres.log')}`);
    const now = readPostmaster(data);
    if (now?.ready) {
      const urlOf = (database: string) => `postgres://stateward:${password}@127.0.0.1:${now.port}/${database}`;
      const owner = new pg.Client({
        connectionString: urlOf('postgres'),
        keepAlive: true,
        application_name: 'stateward supervisor',
      });
      owner.on('error', () => undefined); // 'end' follows and says it
      await owner.connect();
      const { rowCount } = await owner.query(`select 1 from pg_database where datname = 'stateward'`);
      if (rowCount === 0) await owner.query('create database stateward');
      return { url: urlOf('stateward'), pid: now.pid, owner };
    }
    if (!child && !now) throw new Error('the running postgres went away');
    if (Date.now() > deadline)
      throw new Error(`postgres was not ready within ${READY_WITHIN_MS / 1000} s; see ${join(folder, 'postgres.log')}`);
    await sleep(20);
  }
}

async function stopServer(data: string, pid: number, owner: pg.Client): Promise<void> {
  const isUp = () => readPostmaster(data)?.pid === pid; // the file goes last; the pid alone may linger as a zombie after adoption
  await owner.end().catch(() => undefined); // gone already: then the server is stopped all the same
  if (isUp()) process.kill(pid, 'SIGINT'); // fast shutdown: open sessions are ended, nothing is lost
  for (const end = Date.now() + STOP_WITHIN_MS; isUp(); await sleep(20)) {
    if (Date.now() > end) return void process.kill(pid, 'SIGQUIT'); // immediate; recovery at the next start
  }
}

/** The port of last time if it is free, so that clients of a restarted server find it where it was. */
async function choosePort(file: string): Promise<number> {
  for (const wanted of [existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0, 0]) {
    const server = createServer().listen(wanted, '127.0.0.1');
    const free = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!free) continue;
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    writeFileSync(file, String(port));
    return port;
  }
  throw new Error('There is no free port on 127.0.0.1.');
}
