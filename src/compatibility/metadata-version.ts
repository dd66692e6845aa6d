/** From which Flink on a version of `_metadata` is written. */
const WRITTEN_FROM: readonly { version: number; major: number; minor: number }[] = [
  { version: 6, major: 2, minor: 1 },
  { version: 5, major: 2, minor: 0 },
  { version: 4, major: 1, minor: 16 },
  { version: 3, major: 1, minor: 11 },
  { version: 2, major: 1, minor: 3 },
];
/** The newest Flink whose version is known; a later one reads at least as much. */
const NEWEST_KNOWN = { major: 2, minor: 3 };

export interface MinorVersion {
  major: number;
  minor: number;
}

export function minorVersionOf(flinkVersion: string | null): MinorVersion | null {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(flinkVersion ?? '') ?? [];
  return major === undefined || minor === undefined ? null : { major: Number(major), minor: Number(minor) };
}

/** Whether what made a state is of a later minor version than what would read it; false where one of them is not known. */
export function isNewerFlink(made: string | null, reads: string | null): boolean {
  const [maker, reader] = [minorVersionOf(made), minorVersionOf(reads)];
  return maker !== null && reader !== null && isNewer(maker, reader);
}

export const isNewer = (made: MinorVersion, reads: MinorVersion): boolean =>
  made.major > reads.major || (made.major === reads.major && made.minor > reads.minor);

/** The newest `_metadata` that a Flink reads, which is the one that it writes; each reads all from 2 on. null: not known. */
export function readsMetadataUpTo(flink: MinorVersion): number | null {
  if (flink.major > NEWEST_KNOWN.major || (flink.major === NEWEST_KNOWN.major && flink.minor > NEWEST_KNOWN.minor))
    return null;
  return (
    WRITTEN_FROM.find(({ major, minor }) => flink.major > major || (flink.major === major && flink.minor >= minor))
      ?.version ?? null
  );
}

/** The first Flink that writes, and reads, this version; null: one that is not known. */
export function firstFlinkWith(metadataVersion: number): string | null {
  const found = WRITTEN_FROM.find(({ version }) => version === metadataVersion);
  return found ? `${found.major}.${found.minor}` : null;
}
