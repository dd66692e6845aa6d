import type { Sql } from '../db/database.js';
import { normaliseLocation, pathBelow } from '../flink/location.js';
import { MetadataError } from '../flink/metadata/metadata-error.js';
import { readMetadata } from '../flink/metadata/read-metadata.js';
import type { StorageReader } from '../storage/storage-reader.js';

/** What the `_metadata` of a snapshot points to besides its own folder. */
export interface Reach {
  checkpointId: number;
  /** Folders in which it has files, each once, as Flink writes them. */
  folders: string[];
}

/** A snapshot that has files in more folders than these is none that Flink has written. */
const MOST_FOLDERS = 10_000;

/**
 * Reads it, streaming; null: there is no `_metadata`. `problem`: what is there cannot be understood. Whatever the reader throws goes
 * through.
 */
export async function readReach(
  reader: StorageReader,
  path: string,
  location: string,
): Promise<Reach | { problem: string } | null> {
  const bytes = await reader.read(`${path}/_metadata`);
  if (!bytes) return null;
  const folders = new Set<string>();
  try {
    const { checkpointId } = await readMetadata(bytes, (file) => {
      if (file.kind === 'RELATIVE') return; // beside its _metadata
      const folder = folderOf(normaliseLocation(file.location));
      if (pathBelow(location, folder) === null && folders.size <= MOST_FOLDERS) folders.add(folder);
    });
    if (folders.size > MOST_FOLDERS) return { problem: `it has files in more than ${MOST_FOLDERS} folders` };
    return { checkpointId, folders: [...folders] };
  } catch (error) {
    if (!(error instanceof MetadataError)) throw error;
    return { problem: error.message };
  }
}

const folderOf = (location: string): string => location.slice(0, Math.max(0, location.lastIndexOf('/')));

/** What was read before, by the keys of the snapshots. */
export async function reachesRead(sql: Sql, keys: readonly string[]): Promise<Map<string, string[]>> {
  if (keys.length === 0) return new Map();
  const rows = await sql.rows<{ snapshot: string; folders: string[] }>(
    'select snapshot, folders from snapshot_reach where snapshot = any($1)',
    [keys],
  );
  return new Map(rows.map(({ snapshot, folders }) => [snapshot, folders]));
}

/** Remembered, so that it need not be read again. `jobId`: of a checkpoint, the run that made it. */
export const rememberReach = (
  sql: Sql,
  {
    key,
    jobId,
    location,
    folders,
  }: { key: string; jobId: string | null; location: string; folders: readonly string[] },
) =>
  sql.changed(
    `insert into snapshot_reach (snapshot, job_id, location, folders) values ($1, $2, $3, $4)
     on conflict (snapshot) do update set location = $3, folders = $4, read_at = now()`,
    [key, jobId, location, folders],
  );

/** Of a run whose checkpoints are gone: its ids may come again, with other checkpoints. */
export const forgetReaches = (sql: Sql, jobId: string) =>
  sql.changed('delete from snapshot_reach where job_id = $1', [jobId]);
