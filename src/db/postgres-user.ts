import { statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Whom a PostgreSQL process runs as; undefined: as ourselves. */
export type PostgresUser = { uid: number; gid: number } | undefined;

const NOBODY = 65_534;

/** PostgreSQL refuses to run as root: for root it runs as whoever owns the data, at first as nobody. */
export function choosePostgresUser(data: string): PostgresUser {
  if (process.getuid?.() !== 0) return undefined;
  const owner = statSync(data, { throwIfNoEntry: false });
  return owner && owner.uid !== 0 ? { uid: owner.uid, gid: owner.gid } : { uid: NOBODY, gid: NOBODY };
}

/**
 * The outermost folder on the way to `path` (a folder, itself included) that `user` may not enter, by its mode bits;
 * undefined when the way is open. Ourselves we do not ask: the system call says it.
 */
export function findClosedFolder(path: string, user: PostgresUser): string | undefined {
  if (!user) return undefined;
  const parent = dirname(path);
  const above = parent === path ? undefined : findClosedFolder(parent, user);
  return above ?? (mayEnter(path, user) ? undefined : path);
}

function mayEnter(folder: string, { uid, gid }: NonNullable<PostgresUser>): boolean {
  const entry = statSync(folder, { throwIfNoEntry: false });
  if (!entry) return true; // not made yet
  const bit = entry.uid === uid ? 0o100 : entry.gid === gid ? 0o010 : 0o001;
  return (entry.mode & bit) !== 0;
}
