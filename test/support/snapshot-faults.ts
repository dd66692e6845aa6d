import { randomUUID } from 'node:crypto';
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DriftScene } from './drift-scenario.js';
import { SNAPSHOTS } from './metadata-files.js';
import { absolute, i32, inline, keyGroups, MAGIC, metadata, operator, relative, subtask } from './metadata-writer.js';

/** What may be found in the place of a `_metadata`. */

/** Of one operator, whose keyed state is this. */
const holding = (stream: Buffer, names = { name: 'counter', uid: 'counter' }) =>
  metadata(6, [operator(6, { ...names, subtasks: [subtask(6, { index: 0, keyed: keyGroups(7, stream) })] })]);

/** A valid header of a version, and what no reader of today knows. */
const ofVersion = (version: number) => Buffer.concat([i32(MAGIC), i32(version), Buffer.alloc(64)]);

export const real = (name = 'canonical-hashmap') => readFile(join(SNAPSHOTS, '2.3.0', name, '_metadata'));

/** Cut in the middle. */
export async function truncated(): Promise<Buffer> {
  const whole = await real();
  return whole.subarray(0, Math.floor(whole.length / 2));
}
export const foreign = async (): Promise<Buffer> => Buffer.from('not a savepoint, but long enough for a header of one');
export const empty = async (): Promise<Buffer> => Buffer.alloc(0);
export const version1 = async (): Promise<Buffer> => ofVersion(1);
export const version99 = async (): Promise<Buffer> => ofVersion(99);
/** Some 50 MB. */
export const huge = async (): Promise<Buffer> => holding(inline('x'.repeat(50_000_000)));
export const pointingTo = (location: string, bytes: number): Buffer => holding(absolute(location, bytes));
export const missingFile = (name: string = randomUUID(), bytes = 10, names?: { name: string; uid: string }): Buffer =>
  holding(relative(name, bytes), names);

/** A real snapshot, below the root of the storage. */
export const copyReal = ({ folder }: Pick<DriftScene, 'folder'>, path: string, name: string, version = '2.3.0') =>
  cp(join(SNAPSHOTS, version, name), join(folder, path), { recursive: true });
