import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MetadataError } from '../../src/flink/metadata/metadata-error.js';
import type { FileReference, SnapshotMetadata } from '../../src/flink/metadata/metadata.types.js';
import { readMetadata } from '../../src/flink/metadata/read-metadata.js';

async function* inChunks(file: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let from = 0; from < file.length; from += size) yield file.subarray(from, from + size);
}

/** Reads it in chunks of some bytes, with all files that it points to. */
export async function read(file: Buffer, chunk = 1 << 20): Promise<SnapshotMetadata & { files: FileReference[] }> {
  const files: FileReference[] = [];
  return { ...(await readMetadata(inChunks(file, chunk), (one) => files.push(one))), files };
}

/** What speaks against a file. */
export async function failure(file: Buffer, chunk?: number): Promise<MetadataError> {
  const error = await read(file, chunk).then(
    () => null,
    (thrown: unknown) => thrown as MetadataError,
  );
  if (error === null) throw new Error('It was read');
  return error;
}

/** Flink 1.20.5, 2.0.1 and 2.3.0 have written these; the README beside them tells how. */
export const SNAPSHOTS = 'test/fixtures/snapshots';

export interface SnapshotFacts {
  kind: string;
  format: string | null;
  operators: { id: string; uid: string | null; parallelism: number; maxParallelism: number }[];
  rest: { checkpoint_type: string; state_size: number };
  metadata: Record<string, unknown>;
}

export interface RealMetadata {
  name: string;
  path: string;
  facts: SnapshotFacts;
  /** What an independent reader has found in it. */
  found: Record<string, unknown>;
}

export function realMetadata(): RealMetadata[] {
  return ['1.20.5', '2.0.1', '2.3.0'].flatMap((version) =>
    readdirSync(join(SNAPSHOTS, version)).flatMap((name) => {
      const folder = join(SNAPSHOTS, version, name);
      const facts = JSON.parse(readFileSync(join(folder, 'facts.json'), 'utf8')) as SnapshotFacts;
      return readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((path) => path.split('/').at(-1) === '_metadata')
        .map((path) => ({
          name: `${version} ${name} ${path}`,
          path: join(folder, path),
          facts,
          found: ('version' in facts.metadata ? facts.metadata : facts.metadata[path]) as Record<string, unknown>,
        }));
    }),
  );
}
