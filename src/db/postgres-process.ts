import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { AppError } from '../errors.js';
import { processOptions } from './postgres-cluster.js';
import type { PostgresUser } from './postgres-user.js';

const MiB = 1024 * 1024;
const LOG_BYTES = 16 * MiB;

export interface PostgresProcess {
  /** Throws what the server said when it ended. */
  throwIfEnded(): void;
  ended: Promise<void>;
}

/** Starts the server of an existing cluster, on the port of last time; its words go to `<folder>/postgres.log`. */
export async function startPostgres(
  folder: string,
  data: string,
  postgres: string,
  user: PostgresUser,
): Promise<PostgresProcess> {
  const port = await choosePort(join(folder, 'postgres.port'));
  const logFile = join(folder, 'postgres.log');
  if (sizeOf(logFile) > LOG_BYTES) renameSync(logFile, `${logFile}.old`);
  const logBegin = sizeOf(logFile);
  const log = openSync(logFile, 'a', 0o600); // a file, not a pipe: the server outlives us when we are killed
  const args = Object.entries(settings(port)).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = spawn(postgres, ['-D', data, ...args], {
    ...user,
    ...processOptions(data),
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  child.on('error', () => undefined); // exitCode is set as well
  child.unref();
  return {
    ended: new Promise((resolve) => child.once('exit', () => resolve())),
    throwIfEnded() {
      if (child.exitCode === null && child.signalCode === null) return;
      const words = readFileSync(logFile).subarray(logBegin).toString('utf8');
      const fatal = /^.*(?:FATAL|PANIC): .*(?:\n.*(?:DETAIL|HINT): .*)*/m.exec(words)?.[0];
      if (fatal?.includes('database files are incompatible with server')) {
        throw new AppError(
          'BAD_CONFIGURATION',
          `The database in ${data} was made by another version of PostgreSQL than the one that this Stateward brings: ${fatal}. ` +
            'Start the Stateward that made it, or set DATABASE_URL to a server that holds a copy of its data.',
        );
      }
      throw new Error(
        `postgres ended with ${child.signalCode ?? child.exitCode}: ${fatal ?? words.trim().slice(-500)}`,
      );
    },
  };
}

/** Small on a small machine, and growing a little with it. */
function settings(port: number): Record<string, string | number> {
  const memoryMiB = totalmem() / MiB;
  const share = (part: number, least: number, most: number) =>
    `${Math.round(Math.min(most, Math.max(least, memoryMiB / part)))}MB`;
  return {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    timezone: 'UTC',
    log_timezone: 'UTC',
    max_connections: 200,
    shared_buffers: share(64, 64, 256),
    effective_cache_size: share(4, 256, 16_384),
    maintenance_work_mem: share(128, 32, 128),
    work_mem: '8MB',
    jit: 'off', // short statements only: compiling them costs more than it saves
    log_checkpoints: 'off',
    idle_in_transaction_session_timeout: '60s',
  };
}

/** The port of last time if it is free, so that the pools of API and worker find a restarted server by themselves. */
async function choosePort(file: string): Promise<number> {
  const lastPort = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
  const port = (lastPort > 0 && lastPort < 65_536 && (await findFreePort(lastPort))) || (await findFreePort(0));
  if (!port) throw new Error('no free port on 127.0.0.1');
  if (port !== lastPort) writeFileSync(file, String(port));
  return port;
}

/** `wanted` (0: any) if it is free now. */
async function findFreePort(wanted: number): Promise<number | undefined> {
  const probe = createServer().listen(wanted, '127.0.0.1');
  const free = await once(probe, 'listening').then(
    () => true,
    () => false, // taken, or not ours to take
  );
  if (!free) return undefined;
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
