import type { FileReference, SnapshotMetadata } from '../flink/metadata/metadata.types.js';
import { readMetadata } from '../flink/metadata/read-metadata.js';
import { normaliseLocation } from '../flink/location.js';
import type { StorageReader } from '../storage/storage-reader.js';

/** How long a file is that is named by a whole location, in bytes; null: there is none; NOT_REACHED: it cannot be looked at. */
export type SizeElsewhere = (location: string) => Promise<number | null | 'NOT_REACHED'>;

export interface SnapshotToInspect {
  reader: Pick<StorageReader, 'list' | 'size'> & { read(path: string): Promise<AsyncIterable<Buffer> | null> };
  /** The folder of `_metadata`, below the root of the reader. */
  path: string;
  /** The same as Flink writes it. */
  location: string;
  sizeElsewhere: SizeElsewhere;
  /** Ends the look, which then throws the signal's reason. */
  signal?: AbortSignal;
  /** Of the files that lie elsewhere, which may be many and are looked at one by one. */
  progress?: (looked: number, of: number) => void;
}

export interface Damage {
  /** The file name, or the whole location of one elsewhere. */
  file: string;
  /** So long it is by `_metadata`, in bytes; at the least where parts of it belong to others. */
  expectedBytes: number;
  /** null: there is none. */
  foundBytes: number | null;
}

/** What a snapshot holds, and whether all of it is there. */
export interface Inspection {
  metadata: SnapshotMetadata;
  /** All that it points to lies in its own folder. */
  selfContained: boolean;
  /** Its folder may be copied elsewhere: nothing in it is named by a whole location. */
  relocatable: boolean;
  /** Of `_metadata` and of all files that it points to, each counted once. */
  totalBytes: number;
  files: number;
  /** The first {@link DAMAGES_TOLD} of them, and how many there are. */
  damages: Damage[];
  damaged: number;
  /** Of the damaged, those that are not there at all. */
  absent: number;
  /** Files that lie where they cannot be looked at. */
  notReached: number;
}

export const DAMAGES_TOLD = 20;
/** Of files that lie elsewhere; those of its own folder are listed at once. */
const AT_ONCE = 8;

/**
 * Reads `_metadata` and looks for every file that it points to; null: there is no `_metadata`. A canonical savepoint may hold all of its
 * state in `_metadata`; an incremental checkpoint points to thousands of files in other folders.
 * @throws MetadataError where `_metadata` cannot be read; whatever the reader throws goes through.
 */
export async function inspectSnapshot(snapshot: SnapshotToInspect): Promise<Inspection | null> {
  const { reader, path, location } = snapshot;
  const bytes = await reader.read(`${path}/_metadata`);
  if (!bytes) return null;
  const files = new Files(normaliseLocation(location));
  const metadata = await readMetadata(untilAborted(bytes, snapshot.signal), (file) => files.add(file));
  const inspection: Inspection = {
    metadata,
    selfContained: files.elsewhere.size === 0,
    relocatable: !files.anyWhole,
    totalBytes: metadata.metadataBytes,
    files: files.own.size + files.elsewhere.size,
    damages: [],
    damaged: 0,
    absent: 0,
    notReached: 0,
  };
  const found: Found = (file, { bytes: expectedBytes, whole }, foundBytes) => {
    inspection.totalBytes += foundBytes ?? 0;
    if (foundBytes === expectedBytes || (!whole && foundBytes !== null && foundBytes > expectedBytes)) return;
    inspection.damaged += 1;
    if (foundBytes === null) inspection.absent += 1;
    if (inspection.damages.length < DAMAGES_TOLD) inspection.damages.push({ file, expectedBytes, foundBytes });
  };
  inspection.notReached += await lookForOwn(snapshot, files.own, found);
  inspection.notReached += await lookElsewhere(snapshot, files.elsewhere, found);
  return inspection;
}

async function* untilAborted(bytes: AsyncIterable<Buffer>, signal: AbortSignal | undefined) {
  for await (const chunk of bytes) {
    signal?.throwIfAborted();
    yield chunk;
  }
}

interface Needed {
  bytes: number;
  /** It is that long; else longer perhaps. */
  whole: boolean;
}
type Found = (file: string, needed: Needed, foundBytes: number | null) => void;

/** What a snapshot points to, each file once, with how long it must be. */
class Files {
  /** By name, in its own folder. */
  readonly own = new Map<string, Needed>();
  /** By normalised location. */
  readonly elsewhere = new Map<string, Needed>();
  anyWhole = false;

  constructor(private readonly folder: string) {}

  add(file: FileReference): void {
    if (file.kind === 'RELATIVE') return need(this.own, file.name, { bytes: file.sizeBytes, whole: true });
    this.anyWhole = true;
    const location = normaliseLocation(file.location);
    const needed = neededOf(file);
    const name = location.startsWith(`${this.folder}/`) ? location.slice(this.folder.length + 1) : null;
    if (name !== null && !name.includes('/')) need(this.own, name, needed);
    else need(this.elsewhere, location, needed);
  }
}

function neededOf(file: Exclude<FileReference, { kind: 'RELATIVE' }>): Needed {
  switch (file.kind) {
    case 'ABSOLUTE':
      return { bytes: file.sizeBytes, whole: true };
    case 'SEGMENT':
      return { bytes: file.fromByte + file.sizeBytes, whole: false };
    case 'CHANGES':
      return { bytes: 1, whole: false };
  }
}

function need(files: Map<string, Needed>, file: string, needed: Needed): void {
  const before = files.get(file);
  if (!before || needed.bytes > before.bytes) files.set(file, needed);
}

/** Answers how many could not be looked at: all, where the folder is away by now that `_metadata` was read in. */
async function lookForOwn(
  { reader, path, signal }: SnapshotToInspect,
  own: ReadonlyMap<string, Needed>,
  found: Found,
): Promise<number> {
  if (own.size === 0) return 0;
  const there = new Map((await reader.list(path, signal)).map(({ name, sizeBytes }) => [name, sizeBytes]));
  if (!there.has('_metadata')) return own.size;
  for (const [name, expected] of own) found(name, expected, there.get(name) ?? null);
  return 0;
}

/** Answers how many could not be looked at. */
async function lookElsewhere(
  { sizeElsewhere, signal, progress }: SnapshotToInspect,
  elsewhere: ReadonlyMap<string, Needed>,
  found: Found,
): Promise<number> {
  let notReached = 0;
  let looked = 0;
  const left = elsewhere.entries();
  const looks = Array.from({ length: AT_ONCE }, async () => {
    for (const [location, expected] of left) {
      const size = await sizeElsewhere(location);
      signal?.throwIfAborted();
      if (size === 'NOT_REACHED') notReached += 1;
      else found(location, expected, size);
      progress?.((looked += 1), elsewhere.size);
    }
  });
  await Promise.all(looks);
  return notReached;
}
