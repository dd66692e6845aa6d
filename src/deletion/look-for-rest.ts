import { lookInto, seen } from '../cluster/storage-access.js';
import type { Claim } from '../db/claims.js';
import type { StorageReader } from '../storage/storage-reader.js';
import type { AdvanceDeletionDeps } from './deletion-deps.js';
import type { DeletionAtWork } from './disposal.store.js';
import { inWordsBytes } from './words.js';

/** What is left of a savepoint in its storage. */
export type Rest =
  /** It was looked for where Flink would have it: there is nothing. */
  | { left: false }
  /** `metadata`: its `_metadata` is there, so it may be whole; what is whole need not be counted. */
  | { left: true; metadata: boolean; counted: Counted | null };

interface Counted {
  files: number;
  bytes: number;
}

/** Savepoints lie flat in one folder (1.20.5, 2.3.0); what is deeper is not Flink's. */
const DEEPEST = 8;
/** What is counted of a folder that has grown beyond all measure. */
const MOST_FILES = 200_000;

/**
 * null: it cannot be told, since Stateward cannot read the storage, or nothing was found where that proves nothing. The claim is kept
 * meanwhile: a folder of many files over a network takes longer to be looked into than a lease lasts.
 */
export async function lookForRest(
  { database, keptClaims }: AdvanceDeletionDeps,
  { savepoint: { storageId, path } }: DeletionAtWork,
  claim: Claim,
  { countWhole }: { countWhole: boolean },
): Promise<Rest | null> {
  const sight = storageId === null ? null : await lookInto(database, storageId);
  if (!sight || path === null) return null;
  const letGo = keptClaims.keep(claim, { lost: () => undefined }); // the next write is refused then
  try {
    const rest = await seen(sight, (reader) => look(reader, path, countWhole));
    return rest?.left === false && !sight.proven ? null : rest;
  } finally {
    letGo();
  }
}

/** An empty folder is nothing: Flink leaves those above, too. */
async function look(reader: StorageReader, path: string, countWhole: boolean): Promise<Rest | null> {
  if (!(await reader.exists(path))) return (await isLyingHere(reader, path)) ? { left: false } : null;
  const metadata = await reader.exists(`${path}/_metadata`);
  if (metadata && !countWhole) return { left: true, metadata, counted: null };
  const counted = { files: 0, bytes: 0 };
  await count(reader, path, 0, counted);
  return counted.files === 0 ? { left: false } : { left: true, metadata, counted };
}

/**
 * Whether this is where it lay: Flink removes the folder of a savepoint and leaves the one above (1.20.5, 2.3.0). Without that, nothing
 * being there may as well mean that a mount is missing or that the root was moved, and then it proves nothing.
 */
async function isLyingHere(reader: StorageReader, path: string): Promise<boolean> {
  const above = path.slice(0, Math.max(0, path.lastIndexOf('/')));
  return above === '' ? (await reader.list('')).length > 0 : reader.exists(above);
}

async function count(reader: StorageReader, path: string, depth: number, counted: Counted): Promise<void> {
  for (const { name, kind, sizeBytes } of await reader.list(path)) {
    if (counted.files >= MOST_FILES) return;
    if (kind === 'DIRECTORY' && depth < DEEPEST) await count(reader, `${path}/${name}`, depth + 1, counted);
    else {
      counted.files += 1;
      counted.bytes += sizeBytes ?? 0;
    }
  }
}

/** Within a sentence. */
export const inWords = (rest: Rest | null): string =>
  rest?.left && rest.counted
    ? `${rest.counted.files} ${rest.counted.files === 1 ? 'file is' : 'files are'} left (${inWordsBytes(rest.counted.bytes)})`
    : 'files may be left';
