import { lookInto, seen } from '../cluster/storage-access.js';
import type { Database } from '../db/database.js';
import type { StorageReader } from '../storage/storage-reader.js';

/** What is left of a savepoint in its storage. */
export type Rest =
  /** It was looked for where Flink would have it: there is nothing. */
  | { left: false }
  /** `metadata`: its `_metadata` is there, so it may be whole. */
  | { left: true; files: number; bytes: number; metadata: boolean };

/** Savepoints lie flat in one folder (1.20.5, 2.3.0); what is deeper is not Flink's. */
const DEEPEST = 8;
/** What is counted of a folder that has grown beyond all measure. */
const MOST_FILES = 200_000;

/** null: it cannot be told, since Stateward cannot read the storage, or nothing was found where that proves nothing. */
export async function lookForRest(database: Database, storageId: string, path: string): Promise<Rest | null> {
  const sight = await lookInto(database, storageId);
  if (!sight) return null;
  const rest = await seen(sight, (reader) => countRest(reader, path));
  return rest?.left === false && !sight.proven ? null : rest;
}

/** An empty folder is nothing: Flink leaves those above, too. */
async function countRest(reader: StorageReader, path: string): Promise<Rest | null> {
  if (!(await reader.exists(path))) return (await isLyingHere(reader, path)) ? { left: false } : null;
  const found = { files: 0, bytes: 0 };
  await count(reader, path, 0, found);
  return found.files === 0
    ? { left: false }
    : { left: true, ...found, metadata: await reader.exists(`${path}/_metadata`) };
}

/**
 * Whether this is where it lay: Flink removes the folder of a savepoint and leaves the one above (1.20.5, 2.3.0). Without that, nothing
 * being there may as well mean that a mount is missing or that the root was moved, and then it proves nothing.
 */
async function isLyingHere(reader: StorageReader, path: string): Promise<boolean> {
  const above = path.slice(0, Math.max(0, path.lastIndexOf('/')));
  return above === '' ? (await reader.list('')).length > 0 : reader.exists(above);
}

async function count(
  reader: StorageReader,
  path: string,
  depth: number,
  found: { files: number; bytes: number },
): Promise<void> {
  for (const { name, kind, sizeBytes } of await reader.list(path)) {
    if (found.files >= MOST_FILES) return;
    if (kind === 'DIRECTORY' && depth < DEEPEST) await count(reader, `${path}/${name}`, depth + 1, found);
    else {
      found.files += 1;
      found.bytes += sizeBytes ?? 0;
    }
  }
}
