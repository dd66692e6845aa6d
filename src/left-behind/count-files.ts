import type { StorageReader } from '../storage/storage-reader.js';

export interface FilesBelow {
  files: number;
  bytes: number;
}

/** `<job id>/shared` and `<job id>/taskowned` are flat, or have a folder for each subtask (1.20.5, 2.3.0). */
const DEEPEST = 4;
const MOST_FILES = 200_000;

/** What lies below a folder; empty folders are nothing. */
export async function countFiles(reader: StorageReader, path: string): Promise<FilesBelow> {
  const counted = { files: 0, bytes: 0 };
  await count(reader, path, 0, counted);
  return counted;
}

async function count(reader: StorageReader, path: string, depth: number, counted: FilesBelow): Promise<void> {
  for (const { name, kind, sizeBytes } of await reader.list(path)) {
    if (counted.files >= MOST_FILES) return;
    if (kind === 'DIRECTORY' && depth < DEEPEST) await count(reader, `${path}/${name}`, depth + 1, counted);
    else {
      counted.files += 1;
      counted.bytes += sizeBytes ?? 0;
    }
  }
}
