/** One entry of a directory. */
export interface StorageEntry {
  name: string;
  kind: 'FILE' | 'DIRECTORY';
  /** null for a directory. */
  sizeBytes: number | null;
  /** When it was last written, on the storage's clock; null for a directory. */
  modifiedAt: Date | null;
}

/** A part of a file: from which byte on (default: the first), and how many at most (default: all that follow). */
export interface ByteRange {
  from?: number;
  bytes?: number;
}

/**
 * Read-only access to the place where Flink puts state. Every path is relative to the root that the reader was made
 * for, with `/` as separator; one that leads out of the root (`..`, absolute, or through a symbolic link) throws
 * AppError OUTSIDE_STORAGE_ROOT. Trouble (permissions, a root that is not there, I/O, no answer in time) throws STORAGE_UNREADABLE: absence of a
 * path below a readable root is an answer, absence of the root is trouble. In an object store the root is the bucket, and a
 * directory is there as long as something lies in it.
 */
export interface StorageReader {
  /** A directory is there only as long as something lies in it, as in an object store: that one is gone says nothing of the storage. */
  readonly impliesDirectories: boolean;
  /** Entries of a directory, by name; empty when the directory does not exist. `signal` ends it, which may be of many calls: its reason is thrown. */
  list(path: string, signal?: AbortSignal): Promise<StorageEntry[]>;
  exists(path: string): Promise<boolean>;
  /** Size of a file; null when there is none. */
  size(path: string): Promise<number | null>;
  /** When a file was last written, on the storage's clock; null when there is none. */
  modifiedAt(path: string): Promise<Date | null>;
  /**
   * The bytes of a file, as they come; null when there is none. What goes wrong on the way is thrown by the iteration, which is to be
   * begun at once. A file that has become shorter meanwhile, or has vanished, is trouble.
   */
  read(path: string, range?: ByteRange): Promise<AsyncIterable<Buffer> | null>;
}

/** @throws RangeError for what is no part of any file. */
export function checkRange({ from = 0, bytes = 0 }: ByteRange): void {
  for (const value of [from, bytes])
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is no number of bytes`);
}
