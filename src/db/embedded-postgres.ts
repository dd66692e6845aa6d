import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { AppError } from '../errors.js';
import { findNativeFolder, type PostgresBinaries, prepareBinaries } from './postgres-binaries.js';
import { prepareCluster, prepareFolder } from './postgres-cluster.js';
import { type PostgresProcess, startPostgres } from './postgres-process.js';
import { choosePostgresUser } from './postgres-user.js';
import { findPostmaster, removeStalePidFile, stopPostmaster } from './postmaster.js';

/**
 * Held by one session for as long as a supervisor lives, however it dies: refusal of a second start and adoption of a
 * server that outlived its supervisor are the same question, who holds this lock?
 */
const OWNER_LOCK = 7_208_001;
const DATABASE = 'stateward';
const START_MS = 20_000;
const STOP_MS = 4_000;
const LINGER_MS = 300;

export interface EmbeddedPostgres {
  /** Of the database `stateward`, password included; the same after a restart unless another program took the port. */
  url: string;
  /** Of the postmaster. */
  pid: number;
  /** It was running already, left behind by a supervisor that was killed. */
  adopted: boolean;
  /** Settles when the server is gone or has ended our session, whoever did it. Opening again recovers it. */
  gone: Promise<void>;
  /**
   * Ends the server: sessions end, nothing is lost; the hard way, with recovery at the next start, when that takes longer
   * than `withinMs` (default 4,000). The request is sent before this returns, so that a process may end at once after it.
   */
  stop(withinMs?: number): Promise<void>;
}

/**
 * Opens the PostgreSQL whose data are in `<folder>/postgres`: makes it on the first start, starts it, or adopts the one
 * that runs. Throws ALREADY_RUNNING when another supervisor owns it, BAD_CONFIGURATION when it can never run here, and
 * DATABASE_UNAVAILABLE when it did not start within 20 s. `native` is where the binaries are (default: the npm package).
 */
export async function openEmbeddedPostgres(
  folder: string,
  options: { native?: string } = {},
): Promise<EmbeddedPostgres> {
  const native = options.native ?? (await findNativeFolder());
  const user = choosePostgresUser(join(folder, 'postgres'));
  prepareFolder(folder, user);
  const place = realpathSync(folder);
  const data = join(place, 'postgres');
  const binaries = prepareBinaries(native, user, place);
  const password = await prepareCluster(place, data, binaries.initdb, user);
  for (const deadline = Date.now() + START_MS; ; await sleep(250)) {
    try {
      let started: PostgresProcess | undefined;
      if (!findPostmaster(data)) {
        removeStalePidFile(data);
        started = await startPostgres(place, data, binaries.postgres, user);
      }
      return await own(place, data, password, binaries, started);
    } catch (error) {
      // Else a race with another start was lost, or sessions of a killed server still end: look again.
      if (error instanceof AppError && !error.retryable) throw error;
      if (Date.now() < deadline) continue;
      if (error instanceof AppError) throw error;
      throw new AppError(
        'DATABASE_UNAVAILABLE',
        `The database in ${data} did not start: ${(error as Error).message}. See ${join(place, 'postgres.log')}.`,
        { cause: error },
      );
    }
  }
}

async function own(
  folder: string,
  data: string,
  password: string,
  binaries: PostgresBinaries,
  started: PostgresProcess | undefined,
): Promise<EmbeddedPostgres> {
  const { pid, port } = await waitUntilReady(data, started);
  const urlOf = (database: string) => `postgres://stateward:${password}@127.0.0.1:${port}/${database}`;
  const owner = new pg.Client({
    connectionString: urlOf('postgres'),
    keepAlive: true,
    connectionTimeoutMillis: 5_000,
    application_name: `stateward supervisor ${process.pid}`,
  });
  owner.on('error', () => undefined); // 'end' follows, and says it
  const gone = new Promise<void>((resolve) => owner.once('end', resolve));
  await owner.connect();
  try {
    await takeOwnership(owner, folder);
    const { rowCount } = await owner.query('select from pg_database where datname = $1', [DATABASE]);
    if (!rowCount) await owner.query(`create database ${DATABASE}`);
  } catch (error) {
    await owner.end();
    throw error;
  }
  const stop = async (withinMs = STOP_MS) => {
    const stopped = stopPostmaster(data, pid, binaries.pgCtl, withinMs);
    await owner.end();
    await stopped;
    if (started) await Promise.race([started.ended, sleep(LINGER_MS)]); // its file goes a moment before the process
  };
  return { url: urlOf(DATABASE), pid, adopted: started === undefined, gone, stop };
}

async function takeOwnership(owner: pg.Client, folder: string): Promise<void> {
  const { rows } = await owner.query<{ mine: boolean }>('select pg_try_advisory_lock($1) as mine', [OWNER_LOCK]);
  if (rows[0]?.mine) return;
  const { rows: holders } = await owner.query<{ application_name: string }>(
    `select application_name from pg_locks join pg_stat_activity using (pid)
      where locktype = 'advisory' and objid = $1 and granted`,
    [OWNER_LOCK],
  );
  const holder = /\d+$/.exec(holders[0]?.application_name ?? '')?.[0];
  throw new AppError(
    'ALREADY_RUNNING',
    `Stateward already runs on the data folder ${folder}${holder ? ` (process ${holder})` : ''}. ` +
      'Stop it first (Ctrl-C there, or kill that process), or set STATEWARD_DATA_FOLDER to another folder and STATEWARD_PORT to another port.',
  );
}

async function waitUntilReady(
  data: string,
  started: PostgresProcess | undefined,
): Promise<{ pid: number; port: number }> {
  for (const deadline = Date.now() + START_MS; ; await sleep(20)) {
    started?.throwIfEnded();
    const server = findPostmaster(data);
    if (server?.ready) return server;
    if (!started && !server) throw new Error('the server that ran went away');
    if (Date.now() > deadline) throw new Error(`it was not ready within ${START_MS / 1000} s`);
  }
}
