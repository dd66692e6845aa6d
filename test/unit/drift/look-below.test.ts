import { describe, expect, it } from '@jest/globals';
import { lookBelow, MOST_LOOKED_AT, totalOf } from '../../../src/drift/look-below.js';
import type { StorageReader } from '../../../src/storage/storage-reader.js';

/** A storage that holds some files, by path; what it is asked for is counted. */
function storageOf(files: Record<string, number>): StorageReader & { lists: number } {
  const reader = {
    lists: 0,
    impliesDirectories: false,
    list: (path: string) => {
      reader.lists += 1;
      const names = Object.keys(files).flatMap((file) =>
        file.startsWith(`${path}/`) ? (file.slice(path.length + 1).split('/')[0] ?? []) : [],
      );
      return Promise.resolve(
        [...new Set(names)].sort().map((name) => {
          const sizeBytes = files[`${path}/${name}`];
          return sizeBytes === undefined
            ? { name, kind: 'DIRECTORY' as const, sizeBytes: null, modifiedAt: null }
            : { name, kind: 'FILE' as const, sizeBytes, modifiedAt: new Date(1_000 * sizeBytes) };
        }),
      );
    },
    exists: (path: string) => Promise.resolve(Object.keys(files).some((file) => file === path)),
    size: (path: string) => Promise.resolve(files[path] ?? null),
    modifiedAt: (path: string) => Promise.resolve(path in files ? new Date(1_000 * (files[path] ?? 0)) : null),
    read: () => Promise.resolve(null),
  };
  return reader;
}

describe('what lies below a directory', () => {
  it('is told part by part, and is whole where Flink has written _metadata into a folder of its own naming', async () => {
    const { parts, cutShort } = await lookBelow(
      storageOf({
        'd/savepoint-1/_metadata': 1,
        'd/savepoint-1/x': 9,
        'd/savepoint-2/x': 3,
        'd/other/_metadata': 4,
        'd/loose': 2,
      }),
      'd',
    );
    expect(cutShort).toBe(false);
    expect(parts).toEqual([
      { name: 'loose', whole: false, files: 1, bytes: 2, newest: 2_000 },
      { name: 'other', whole: false, files: 1, bytes: 4, newest: 4_000 },
      { name: 'savepoint-1', whole: true, files: 2, bytes: 10, newest: 9_000 },
      { name: 'savepoint-2', whole: false, files: 1, bytes: 3, newest: 3_000 },
    ]);
    expect(totalOf(parts)).toEqual({ files: 5, bytes: 19, newest: 9_000 });
    expect(totalOf([])).toEqual({ files: 0, bytes: 0, newest: null });
  });

  it('is nothing where there is nothing', async () => {
    expect(await lookBelow(storageOf({ 'e/x': 1 }), 'd')).toEqual({ parts: [], cutShort: false });
  });

  it('is looked at so far and no further, however it is nested; what is whole is seen all the same', async () => {
    const files: Record<string, number> = { 'd/savepoint-z/_metadata': 1 };
    for (let number = 0; number < MOST_LOOKED_AT; number += 1) files[`d/a/${number}/${number}/x`] = 1;
    const storage = storageOf(files);
    const { parts, cutShort } = await lookBelow(storage, 'd');
    expect(cutShort).toBe(true);
    expect(storage.lists).toBeLessThanOrEqual(MOST_LOOKED_AT + 1);
    expect(parts.at(-1)).toMatchObject({ name: 'savepoint-z', whole: true, files: 0 });
  });

  it('is looked at to its end where that is just the limit', async () => {
    const files = Object.fromEntries(Array.from({ length: MOST_LOOKED_AT }, (_, number) => [`d/${number}`, 1]));
    expect(await lookBelow(storageOf(files), 'd')).toMatchObject({ cutShort: false });
    expect(await lookBelow(storageOf({ ...files, 'd/more': 1 }), 'd')).toMatchObject({ cutShort: true });
  });
});
