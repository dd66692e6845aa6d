/** One entry of a directory. */
export interface StorageEntry {
  name: string;
  kind: 'FILE' | 'DIRECTORY';
  /** null for a directory. */
  sizeBytes: number | null;
}

/**
 * Read-only access to the place where Flink puts state. Every path is relative to the root that the reader was made
 * for, with `/` as separator; one that leads out of the root (`..`, absolute, or through a symbolic link) throws
 * AppError OUTSIDE_STORAGE_ROOT. Trouble (permissions, a root that is not there, I/O, no answer in time) throws STORAGE_UNREADABLE: absence of a
 * path below a readable root is an answer, absence of the root is trouble.
 */
export interface StorageReader {
  /** Entries of a directory, by name; empty when the directory does not exist. */
  list(path: string): Promise<StorageEntry[]>;
  exists(path: string): Promise<boolean>;
  /** Size of a file; null when there is none. */
  size(path: string): Promise<number | null>;
  /** When a file was last written, on the storage's clock; null when there is none. */
  modifiedAt(path: string): Promise<Date | null>;
}
