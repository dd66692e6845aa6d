import { lookInto, lookThrough } from '../cluster/storage-access.js';
import type { Claim } from '../db/claims.js';
import { isLyingHere } from '../storage/lying-here.js';
import type { StorageReader } from '../storage/storage-reader.js';
import type { WhereItLies } from './containment.js';
import type { AdvanceDeletionDeps } from './deletion-deps.js';
import { hadTurn, putOff } from './put-off.js';
import { inWordsBytes } from './words.js';

/** What is left of a savepoint in its storage. */
export type Rest =
  /** It was looked for where Flink would have it: there is nothing. */
  | { left: false }
  /** `metadata`: its `_metadata` is there, so it may be whole; what is whole need not be counted. */
  | { left: true; metadata: boolean; counted: Counted | null }
  /** It cannot be told, and why not: within a sentence. */
  | { left: null; why: string };

/** What is deleted, and where it lies. */
interface Looked {
  id: string;
  savepoint: Pick<WhereItLies, 'storageId' | 'path'>;
}

interface Counted {
  files: number;
  bytes: number;
}

/** Savepoints lie flat in one folder (1.20.5, 2.3.0); what is deeper is not Flink's. */
const DEEPEST = 8;
/** Looks into one storage at a time: one that does not answer holds no more of the places of a watcher than these. */
const LOOKS_AT_ONCE = 16;
/** At least, where the storage is slow to answer one of them. */
const SLOW_PAUSE_MS = 1_000;
/** What is counted of a folder that has grown beyond all measure. */
const MOST_FILES = 200_000;

const looking = new Map<string, number>();

/** The storage is asked by enough others, or is slow to answer one of them: the row is looked at again later, the more of them wait the later. */
export class NotNow extends Error {
  override readonly name = 'NotNow';
  constructor(readonly againInMs: number) {
    super('The storage is being asked by others.');
  }
}

/**
 * The claim is kept meanwhile: a folder of many files over a network takes longer to be looked into than a lease lasts.
 * @throws NotNow
 */
export async function lookForRest(
  { database, keptClaims }: AdvanceDeletionDeps,
  { id, savepoint: { storageId, path } }: Looked,
  claim: Claim,
  { countWhole }: { countWhole: boolean },
): Promise<Rest> {
  if (storageId === null || path === null) return { left: null, why: 'it lies in no storage that is known' };
  const sight = await lookInto(database, storageId);
  if (!sight) return { left: null, why: 'Stateward cannot read the storage' };
  const others = looking.get(storageId) ?? 0;
  if (others >= LOOKS_AT_ONCE) throw new NotNow(putOff(storageId, id));
  looking.set(storageId, others + 1);
  hadTurn(storageId, id);
  const letGo = keptClaims.keep(claim, { lost: () => undefined }); // the next write is refused then
  try {
    const found = await lookThrough(sight, (reader) => look(reader, path, countWhole));
    if ('why' in found) {
      if (found.soon) throw new NotNow(putOff(storageId, id, SLOW_PAUSE_MS));
      return { left: null, why: found.why.replace(/\.$/, '') };
    }
    if (found.seen.left === false && !sight.proven)
      return { left: null, why: 'what is read here is not proven to be that storage' };
    return found.seen;
  } finally {
    letGo();
    const now = (looking.get(storageId) ?? 1) - 1;
    if (now > 0) looking.set(storageId, now);
    else looking.delete(storageId);
  }
}

/** An empty folder is nothing: Flink leaves those above, too. */
async function look(reader: StorageReader, path: string, countWhole: boolean): Promise<Rest> {
  if (!(await reader.exists(path)))
    return (await isLyingHere(reader, path))
      ? { left: false }
      : { left: null, why: 'neither it nor what lay above it is there' };
  const metadata = await reader.exists(`${path}/_metadata`);
  if (metadata && !countWhole) return { left: true, metadata, counted: null };
  const counted = { files: 0, bytes: 0 };
  await count(reader, path, 0, counted);
  return counted.files === 0 ? { left: false } : { left: true, metadata, counted };
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
export const inWords = (rest: Rest): string =>
  rest.left && rest.counted
    ? `${rest.counted.files} ${rest.counted.files === 1 ? 'file is' : 'files are'} left (${inWordsBytes(rest.counted.bytes)})`
    : `files may be left${rest.left === null ? ` (${rest.why})` : ''}`;
