import type { StorageEntry, StorageReader } from '../storage/storage-reader.js';

/** Of one directory, so many files and folders are looked at: a savepoint has one file for each subtask and state, and a look must end. */
export const MOST_LOOKED_AT = 500;

/** What lies directly in a directory. */
export interface Part {
  name: string;
  /** A folder that Flink names so, with `_metadata`, which it writes last: all of it is there. */
  whole: boolean;
  files: number;
  bytes: number;
  /** When the newest file was written, in epoch ms on the clock of the storage. */
  newest: number | null;
}

export interface Below {
  /** Those that hold at least one file; an empty folder is nothing. */
  parts: Part[];
  /** There is more than was looked at. */
  cutShort: boolean;
}

/** What lies below a directory of a storage, however deep. Links are not followed. */
export async function lookBelow(reader: StorageReader, directory: string): Promise<Below> {
  const below: Below = { parts: [], cutShort: false };
  let rest = MOST_LOOKED_AT;

  async function count(part: Part, path: string): Promise<void> {
    for (const entry of await reader.list(path)) {
      if (rest === 0) below.cutShort = true;
      else if (entry.kind === 'FILE') add(part, entry);
      else {
        rest -= 1;
        await count(part, `${path}/${entry.name}`);
      }
    }
  }
  function add(part: Part, { sizeBytes, modifiedAt }: StorageEntry): void {
    rest -= 1;
    part.files += 1;
    part.bytes += sizeBytes ?? 0;
    if (modifiedAt) part.newest = Math.max(part.newest ?? 0, modifiedAt.getTime());
  }

  for (const entry of await reader.list(directory)) {
    const { name, kind } = entry;
    const path = `${directory}/${name}`;
    const part: Part = { name, whole: false, files: 0, bytes: 0, newest: null };
    if (kind === 'FILE' && rest > 0) add(part, entry);
    else if (kind === 'FILE') below.cutShort = true;
    else {
      part.whole = name.startsWith('savepoint-') && (await reader.size(`${path}/_metadata`)) !== null;
      if (rest === 0) below.cutShort = true;
      else {
        rest -= 1;
        await count(part, path);
      }
    }
    if (part.files > 0 || part.whole) below.parts.push(part);
  }
  return below;
}

/** Of several together. */
export function totalOf(parts: readonly Part[]): Pick<Part, 'files' | 'bytes' | 'newest'> {
  const times = parts.flatMap(({ newest }) => newest ?? []);
  return {
    files: parts.reduce((sum, { files }) => sum + files, 0),
    bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
    newest: times.length > 0 ? Math.max(...times) : null,
  };
}
