import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { projectFolder } from '../project-folder.js';
import { hasCode } from './error-code.js';

/** Folders that a killed run left behind are removed when they are older than this. */
const LEFT_OVER_AGE_MS = 60 * 60_000;

/** Where jars of Flink and compiled jobs are kept between runs; STATEWARD_FLINK_CACHE moves it. */
export function flinkCacheFolder(): string {
  const moved = process.env.STATEWARD_FLINK_CACHE;
  return moved ? resolve(moved) : join(projectFolder(), '.cache', 'flink');
}

/**
 * Fills a folder beside its place and renames it whole, so that a killed run leaves no half folder and two runs at once
 * cannot mix: the first to finish wins, and the work of the other is thrown away.
 */
export async function fillFolder(folder: string, fill: (aside: string) => Promise<void>): Promise<void> {
  const parent = dirname(folder);
  await mkdir(parent, { recursive: true });
  await removeLeftOvers(parent);
  const aside = asideOf(folder);
  await mkdir(aside);
  try {
    await fill(aside);
    await rename(aside, folder);
  } catch (error) {
    await rm(aside, { recursive: true, force: true });
    // The other run was first.
    if (!hasCode(error, 'ENOTEMPTY', 'EEXIST')) throw error;
  }
}

/** Takes a folder out of its place in one step, then deletes it. */
export async function dropFolder(folder: string): Promise<void> {
  const aside = asideOf(folder);
  await rename(folder, aside);
  await rm(aside, { recursive: true, force: true });
}

function asideOf(folder: string): string {
  return `${folder}.${randomBytes(6).toString('hex')}.part`;
}

async function removeLeftOvers(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.endsWith('.part')) continue;
    const path = join(parent, name);
    const entry = await stat(path).catch(() => null); // Another run may be removing it too.
    if (entry && Date.now() - entry.mtimeMs > LEFT_OVER_AGE_MS) await rm(path, { recursive: true, force: true });
  }
}
