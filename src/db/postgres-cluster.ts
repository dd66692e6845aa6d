import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../errors.js';
import { isAlive } from './postmaster.js';
import { findClosedFolder, type PostgresUser } from './postgres-user.js';

const DRAFT = /^postgres\.new-(\d+)-/;
const PASSWORD_FILE = 'stateward.password';

/** Makes the data folder if it is absent, so that the user of PostgreSQL can reach it. Throws BAD_CONFIGURATION. */
export function prepareFolder(folder: string, user: PostgresUser): void {
  try {
    if (mkdirSync(folder, { recursive: true }) && user) chmodSync(folder, 0o711); // whatever the umask: may be entered, not listed
  } catch (cause) {
    throw new AppError(
      'BAD_CONFIGURATION',
      `The data folder ${folder} cannot be made: ${(cause as Error).message}. Set STATEWARD_DATA_FOLDER to a folder that you may write in.`,
      { cause },
    );
  }
  const closed = findClosedFolder(folder, user);
  if (!closed) return;
  throw new AppError(
    'BAD_CONFIGURATION',
    `PostgreSQL does not run as root, so Stateward, started as root, runs it as user ${user?.uid}; and that user may not enter ${closed}, ` +
      `on the way to the data folder ${folder}. Start Stateward as a normal user, or choose a folder that all may enter, for example STATEWARD_DATA_FOLDER=/var/lib/stateward.`,
  );
}

/**
 * Makes the cluster on the first start, and returns the password of its owner `stateward`. It is made aside and renamed
 * whole, password included: an initdb that was killed leaves no half cluster, and two first starts cannot mix.
 */
export async function prepareCluster(
  folder: string,
  data: string,
  initdb: string,
  user: PostgresUser,
): Promise<string> {
  const passwordFile = join(data, PASSWORD_FILE);
  if (!existsSync(data)) {
    removeOldDrafts(folder);
    const draft = `${data}.new-${process.pid}-${randomBytes(4).toString('hex')}`;
    const draftPassword = `${draft}.password`;
    try {
      mkdirSync(draft, { mode: 0o700 });
      writeFileSync(draftPassword, randomBytes(24).toString('hex'), { mode: 0o600 });
      if (user) for (const path of [draft, draftPassword]) chownSync(path, user.uid, user.gid);
      await runInitdb(initdb, draft, draftPassword, user);
      renameSync(draftPassword, join(draft, PASSWORD_FILE));
      renameSync(draft, data);
    } catch (error) {
      for (const path of [draft, draftPassword]) rmSync(path, { recursive: true, force: true });
      if (!existsSync(passwordFile)) throw error; // else another first start was quicker: use its cluster
    }
  }
  try {
    return readFileSync(passwordFile, 'utf8').trim();
  } catch (cause) {
    throw new AppError(
      'BAD_CONFIGURATION',
      `The database in ${data} cannot be opened: ${(cause as Error).message}. It belongs to another user, or was not made by Stateward. ` +
        'Start Stateward as that user, or set STATEWARD_DATA_FOLDER to another folder.',
      { cause },
    );
  }
}

async function runInitdb(initdb: string, draft: string, passwordFile: string, user: PostgresUser): Promise<void> {
  const options = ['-U', 'stateward', '-E', 'UTF8', '--locale=C', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`];
  const run = spawn(initdb, ['-D', draft, ...options], {
    ...user,
    ...processOptions(draft),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let complaint = '';
  run.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
  const [code] = await once(run, 'close').catch((cause: unknown) => {
    throw new AppError(
      'BAD_CONFIGURATION',
      `PostgreSQL cannot be run: ${(cause as Error).message} (${initdb}). The one that Stateward brings needs glibc on Linux. Set DATABASE_URL to a PostgreSQL of your own.`,
      { cause },
    );
  });
  if (code === 0) return;
  if (complaint.includes('could not look up effective user ID')) {
    throw new AppError(
      'BAD_CONFIGURATION',
      `PostgreSQL runs only as a user that the system knows: ${complaint.trim()}. Start Stateward as a user of /etc/passwd, or set DATABASE_URL to a PostgreSQL of your own.`,
    );
  }
  throw new AppError(
    'DATABASE_UNAVAILABLE',
    `The database could not be made in ${draft} (initdb ended with ${code}): ${complaint.trim()}`,
  );
}

/** Detached: a Ctrl-C reaches the supervisor only, which stops things in its own order. Our environment (tokens) is not theirs. */
export function processOptions(cwd: string) {
  const env = process.platform === 'win32' ? undefined : { LC_ALL: 'C', TZ: 'UTC' };
  return { cwd, detached: true, windowsHide: true, ...(env && { env }) };
}

/** Of first starts that were killed; a live one's is left alone. */
function removeOldDrafts(folder: string): void {
  for (const name of readdirSync(folder)) {
    const pid = DRAFT.exec(name)?.[1];
    if (pid && !isAlive(Number(pid))) rmSync(join(folder, name), { recursive: true, force: true });
  }
}
