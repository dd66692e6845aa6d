export type MetadataErrorCode =
  /** It does not begin as a `_metadata` file does. */
  | 'NOT_METADATA'
  /** A later format than is known here, or one that every release refuses. Its header was read. */
  | 'VERSION_NOT_SUPPORTED'
  /** It ends before what it announces. */
  | 'TRUNCATED'
  /** It holds what no Flink writes. */
  | 'CORRUPT';

/** What is wrong with a `_metadata` file, and where: `offset` in bytes from its beginning. */
export class MetadataError extends Error {
  constructor(
    readonly code: MetadataErrorCode,
    readonly offset: number,
    what: string,
  ) {
    super(`At byte ${offset} of _metadata: ${what}.`);
  }
}
