import type { Stats } from 'node:fs';
import { lstat, open, readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../errors.js';
import { storageCalls, type StorageCalls } from './storage-calls.js';
import { type ByteRange, checkRange, type StorageEntry, type StorageReader } from './storage-reader.js';

/** So much is read by one call. */
const PIECE_BYTES = 256 * 1024;

/** A StorageReader on a directory that this process can read, such as a mounted volume. */
export class FileStorageReader implements StorageReader {
  readonly impliesDirectories = false;

  /** @throws AppError BAD_CONFIGURATION when the path is not absolute. */
  constructor(
    private readonly rootDirectory: string,
    private readonly calls: Pick<StorageCalls, 'call'> = storageCalls,
  ) {
    if (!path.isAbsolute(rootDirectory) || rootDirectory.includes('\0')) {
      throw new AppError(
        'BAD_CONFIGURATION',
        `The storage root "${rootDirectory}" is not an absolute path. Give one that begins with /.`,
      );
    }
  }

  async list(relativePath: string, signal?: AbortSignal): Promise<StorageEntry[]> {
    const directory = await this.resolve(relativePath);
    if (directory === null) return [];
    try {
      const entries: StorageEntry[] = [];
      for (const name of await this.call(() => readdir(directory))) {
        signal?.throwIfAborted();
        const entry = await this.readEntry(directory, name);
        if (entry) entries.push(entry);
      }
      return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    } catch (error) {
      signal?.throwIfAborted(); // no trouble of the storage
      if (isAbsence(error)) return this.absent([]);
      throw this.unreadable(relativePath, error);
    }
  }

  async exists(relativePath: string): Promise<boolean> {
    return (await this.resolve(relativePath)) !== null;
  }

  async size(relativePath: string): Promise<number | null> {
    return (await this.file(relativePath))?.stats.size ?? null;
  }

  async modifiedAt(relativePath: string): Promise<Date | null> {
    return (await this.file(relativePath))?.stats.mtime ?? null;
  }

  async read(relativePath: string, range: ByteRange = {}): Promise<AsyncIterable<Buffer> | null> {
    checkRange(range);
    const file = await this.file(relativePath);
    if (file === null) return null;
    const { from = 0, bytes = Infinity } = range;
    return this.pieces(relativePath, file.real, from, Math.min(from + bytes, file.stats.size));
  }

  /** Opens it for each piece, all in one call: so a call that hangs keeps nothing open behind it that nobody closes. */
  private async *pieces(relativePath: string, file: string, from: number, to: number): AsyncGenerator<Buffer> {
    let at = from;
    while (at < to) {
      let piece: Buffer;
      try {
        piece = await this.call(() => readPiece(file, at, Math.min(PIECE_BYTES, to - at)));
        if (piece.length === 0) throw new Error('it has become shorter while it was read');
      } catch (error) {
        throw this.unreadable(relativePath, error);
      }
      yield piece;
      at += piece.length;
    }
  }

  /** null for what vanished since it was listed, and for what is neither file nor directory; links are not followed. */
  private async readEntry(directory: string, name: string): Promise<StorageEntry | null> {
    try {
      const found = await this.call(() => lstat(path.join(directory, name)));
      if (found.isDirectory()) return { name, kind: 'DIRECTORY', sizeBytes: null, modifiedAt: null };
      return found.isFile() ? { name, kind: 'FILE', sizeBytes: found.size, modifiedAt: found.mtime } : null;
    } catch (error) {
      if (isAbsence(error)) return null;
      throw error;
    }
  }

  private call<T>(work: () => Promise<T>): Promise<T> {
    return this.calls.call(this.rootDirectory, work);
  }

  private async file(relativePath: string): Promise<{ real: string; stats: Stats } | null> {
    const real = await this.resolve(relativePath);
    if (real === null) return null;
    try {
      const stats = await this.call(() => stat(real));
      return stats.isFile() ? { real, stats } : null;
    } catch (error) {
      if (isAbsence(error)) return this.absent(null);
      throw this.unreadable(relativePath, error);
    }
  }

  /** The real path, or null when there is nothing at it. */
  private async resolve(relativePath: string): Promise<string | null> {
    const segments = relativePath.split('/');
    if (relativePath.startsWith('/') || segments.includes('..') || /[\\\0]/.test(relativePath)) {
      throw this.outside(relativePath, 'holds "..", a backslash or NUL, or is absolute');
    }
    const root = await this.realRoot();
    let real: string;
    try {
      real = await this.call(() => realpath(path.join(root, ...segments)));
    } catch (error) {
      if (isAbsence(error)) return this.absentOrOutside(root, segments, relativePath);
      throw this.unreadable(relativePath, error);
    }
    if (!isWithin(root, real)) throw this.outside(relativePath, 'leads out of it through a symbolic link');
    return real;
  }

  /** What is missing below a link that leads out is not an absence in this storage. */
  private async absentOrOutside(root: string, segments: string[], relativePath: string): Promise<null> {
    for (let length = segments.length - 1; length > 0; length -= 1) {
      const above = path.join(root, ...segments.slice(0, length));
      const parent = await this.call(() => realpath(above)).catch((error: unknown) => {
        if (isAbsence(error)) return null;
        throw this.unreadable(relativePath, error);
      });
      if (parent === null) continue;
      if (!isWithin(root, parent)) throw this.outside(relativePath, 'leads out of it through a symbolic link');
      break;
    }
    return this.absent(null);
  }

  /** A root that went away in the meantime is trouble, and not the absence of what lay below it. */
  private async absent<T>(answer: T): Promise<T> {
    await this.realRoot();
    return answer;
  }

  private async realRoot(): Promise<string> {
    try {
      const root = await this.call(() => realpath(this.rootDirectory));
      if (!(await this.call(() => stat(root))).isDirectory()) throw new Error('it is not a directory');
      return root;
    } catch (error) {
      throw this.unreadable('', error);
    }
  }

  private outside(relativePath: string, why: string): AppError {
    return new AppError(
      'OUTSIDE_STORAGE_ROOT',
      `The path ${JSON.stringify(relativePath)} does not lie in the storage ${this.rootDirectory}: it ${why}. Nothing was read; give a path below the root.`,
    );
  }

  private unreadable(relativePath: string, error: unknown): AppError {
    const why = error instanceof Error ? error.message : String(error);
    return new AppError(
      'STORAGE_UNREADABLE',
      `${path.join(this.rootDirectory, relativePath)} cannot be read: ${why}. Look whether the storage is mounted and Stateward may read it.`,
      { cause: error },
    );
  }
}

async function readPiece(file: string, from: number, bytes: number): Promise<Buffer> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(bytes), 0, bytes, from);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

function isAbsence(error: unknown): boolean {
  if (typeof error !== 'object' || error === null || !('code' in error)) return false;
  return error.code === 'ENOENT' || error.code === 'ENOTDIR';
}

function isWithin(root: string, target: string): boolean {
  return target === root || target.startsWith(root.endsWith(path.sep) ? root : root + path.sep);
}
