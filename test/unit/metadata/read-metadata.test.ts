import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import type { FileReference, SnapshotMetadata } from '../../../src/flink/metadata/metadata.types.js';
import { read, realMetadata } from '../../support/metadata-files.js';

/** In the shape of the facts. */
function asFound(read: SnapshotMetadata & { files: FileReference[] }) {
  const places = (kind: FileReference['kind']) =>
    [
      ...new Set(
        read.files.flatMap((one) => (one.kind !== kind ? [] : [one.kind === 'RELATIVE' ? one.name : one.location])),
      ),
    ].sort();
  const counts = Object.entries(read.handles).flatMap(([place, types]) =>
    [...types].map(([type, count]): [string, number] => [
      place === 'channel' && read.version < 6 ? place : `${place}${type}`,
      count,
    ]),
  );
  return {
    version: read.version,
    checkpointId: read.checkpointId,
    bytes: read.metadataBytes,
    masterStates: read.masterStates.length,
    handles: Object.fromEntries(counts),
    inlineBytes: read.inlineBytes,
    relativeFiles: places('RELATIVE'),
    absoluteFiles: places('ABSOLUTE'),
    segmentFiles: places('SEGMENT'),
    operators: inOrder(
      read.operators.map(({ operatorStates, ...one }) => ({
        ...one,
        operatorStates: Object.fromEntries([...operatorStates].map(([name, how]) => [name, how.toLowerCase()])),
      })),
    ),
  };
}
interface Listed {
  id: string;
  subtasks: number[];
}
const inOrder = <T extends Listed>(operators: readonly T[]) =>
  operators
    .map((one) => ({ ...one, subtasks: [...one.subtasks].sort((a, b) => a - b) }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));

describe('a real _metadata file', () => {
  it.each(realMetadata())('is read to its last byte: $name', async ({ path, facts, found }) => {
    const file = readFileSync(path);
    for (const chunk of [1, 13, 1 << 20]) {
      const got = await read(file, chunk);
      const { inlinePieces: _, ...wanted } = found;
      const lists = ['relativeFiles', 'absoluteFiles', 'segmentFiles'].map((name) => [
        name,
        [...((wanted[name] ?? []) as string[])].sort(),
      ]);
      const operators = (wanted.operators as (Listed & { name?: string; uid?: string })[]).map((one) => ({
        ...one,
        name: one.name || null,
        uid: one.uid || null,
      }));
      expect(asFound(got)).toEqual({ ...wanted, ...Object.fromEntries(lists), operators: inOrder(operators) });
      expect(got.metadataBytes).toBe(file.length);
      expect(got.properties.kind).toBe(facts.kind === 'checkpoint' ? 'CHECKPOINT' : 'SAVEPOINT');
      expect(got.properties.format).toBe(facts.kind === 'checkpoint' ? null : facts.format);
      expect(got.properties.drained).toBe(path.includes('drained'));
    }
  });
});
