import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { StorageSilent } from '../../../src/storage/storage-calls.js';
import type { ByteRange, StorageReader } from '../../../src/storage/storage-reader.js';
import { storageKinds, type StorageOfKind } from './storage-kinds.js';

const outside = expect.objectContaining({ code: 'OUTSIDE_STORAGE_ROOT' });
const unreadable = expect.objectContaining({ code: 'STORAGE_UNREADABLE' });
const silent = expect.objectContaining({
  code: 'STORAGE_UNREADABLE',
  message: expect.stringContaining('has not answered'),
  cause: expect.any(StorageSilent),
});

/** null: there is no such file. */
async function bytesOf(reader: StorageReader, path: string, range?: ByteRange): Promise<Buffer | null> {
  const pieces = await reader.read(path, range);
  if (pieces === null) return null;
  const read: Buffer[] = [];
  for await (const piece of pieces) read.push(piece);
  return Buffer.concat(read);
}

describe.each(storageKinds)('$kind as storage', ({ open }) => {
  let storage: StorageOfKind;
  let reader: StorageReader;
  beforeEach(async () => {
    storage = await open();
    ({ reader } = storage);
    await storage.put('sp/savepoint-1/_metadata', 'meta');
    await storage.put('sp/savepoint-1/data file %20+&', 'x'.repeat(1000));
  });
  afterEach(() => storage.close());

  /** Everything that can be asked. */
  const questions = (of: StorageReader, path: string) => [
    () => of.list(path),
    () => of.exists(path),
    () => of.size(path),
    () => of.modifiedAt(path),
    () => bytesOf(of, path),
    () => bytesOf(of, path, { from: 2, bytes: 1 }),
  ];

  it('lists one level, by name, with the sizes and times of files', async () => {
    const modifiedAt = new Date('2026-03-04T05:06:07Z');
    await storage.put('file', '', modifiedAt);
    expect(await reader.list('')).toEqual([
      { name: 'file', kind: 'FILE', sizeBytes: 0, modifiedAt },
      { name: 'sp', kind: 'DIRECTORY', sizeBytes: null, modifiedAt: null },
    ]);
    expect(await reader.list('sp/savepoint-1')).toMatchObject([
      { name: '_metadata', kind: 'FILE', sizeBytes: 4 },
      { name: 'data file %20+&', kind: 'FILE', sizeBytes: 1000 },
    ]);
    expect(await reader.list('sp/savepoint-1/')).toHaveLength(2);
  });

  it('answers absence with an empty list, false and null', async () => {
    expect(await reader.list('nope/deeper')).toEqual([]);
    expect(await reader.list('sp/savepoint-1/_metadata/x')).toEqual([]);
    for (const path of ['sp/savepoint', 'sp/savepoint-1/_meta', 'sp/savepoint-1/_metadata/x', 'nope/_metadata']) {
      expect([path, await reader.exists(path)]).toEqual([path, false]);
      expect([path, await reader.size(path)]).toEqual([path, null]);
      expect([path, await reader.modifiedAt(path)]).toEqual([path, null]);
      expect([path, await bytesOf(reader, path)]).toEqual([path, null]);
      expect([path, await bytesOf(reader, path, { from: 1 })]).toEqual([path, null]);
    }
  });

  it('does not take a directory for a file', async () => {
    for (const path of ['', 'sp', 'sp/savepoint-1/']) {
      expect(await reader.exists(path)).toBe(true);
      expect(await reader.size(path)).toBeNull();
      expect(await reader.modifiedAt(path)).toBeNull();
      expect(await bytesOf(reader, path)).toBeNull();
    }
  });

  it('sees a directory beside files whose names begin with its own', async () => {
    for (const beside of ['sp/a', 'sp/a!', 'sp/a-b', 'sp/a.b/c']) await storage.put(beside, '');
    expect(await reader.exists('sp/a')).toBe(true);
    await storage.put('sp/b/c', '');
    await storage.put('sp/b-c', '');
    expect(await reader.exists('sp/b')).toBe(true);
    expect(await reader.size('sp/b')).toBeNull();
    expect(await reader.exists('sp/b-')).toBe(false);
  });

  it('tells how large a file is, and when it was written', async () => {
    const writtenAt = new Date('2026-03-04T05:06:07Z');
    await storage.put('sp/old', '12345', writtenAt);
    expect(await reader.size('sp/old')).toBe(5);
    expect(await reader.modifiedAt('sp/old')).toEqual(writtenAt);
  });

  it('reads a file, or a part of it', async () => {
    const bytes = randomBytes(700_001);
    await storage.put('sp/large', bytes);
    expect((await bytesOf(reader, 'sp/large'))?.equals(bytes)).toBe(true);
    expect((await bytesOf(reader, 'sp/large', { from: 300_000 }))?.equals(bytes.subarray(300_000))).toBe(true);
    expect(await bytesOf(reader, 'sp/large', { bytes: 3 })).toEqual(bytes.subarray(0, 3));
    expect(await bytesOf(reader, 'sp/large', { from: 700_000 })).toEqual(bytes.subarray(700_000));
    expect(await bytesOf(reader, 'sp/large', { from: 699_999, bytes: 9 })).toEqual(bytes.subarray(699_999));
    expect(String(await bytesOf(reader, 'sp/savepoint-1/data file %20+&', { from: 998 }))).toBe('xx');
  });

  it('reads nothing of an empty file, of no bytes, and beyond the end', async () => {
    await storage.put('sp/empty', '');
    const nothing = Buffer.alloc(0);
    expect(await bytesOf(reader, 'sp/empty')).toEqual(nothing);
    expect(await bytesOf(reader, 'sp/empty', { from: 0, bytes: 5 })).toEqual(nothing);
    expect(await bytesOf(reader, 'sp/savepoint-1/_metadata', { bytes: 0 })).toEqual(nothing);
    expect(await bytesOf(reader, 'sp/savepoint-1/_metadata', { from: 4 })).toEqual(nothing);
    expect(await bytesOf(reader, 'sp/savepoint-1/_metadata', { from: 5, bytes: 7 })).toEqual(nothing);
    expect(await bytesOf(reader, 'sp/nope', { bytes: 0 })).toBeNull();
  });

  it.each([{ from: -1 }, { from: 0.5 }, { bytes: -1 }, { bytes: NaN }])('has no part %j', async (range) => {
    await expect(reader.read('sp/savepoint-1/_metadata', range)).rejects.toBeInstanceOf(RangeError);
  });

  it('may be left in the middle of a file, again and again', async () => {
    await storage.put('sp/large', Buffer.alloc(600_000, 7));
    for (let time = 0; time < 40; time += 1) {
      for await (const piece of (await reader.read('sp/large')) ?? []) {
        expect(piece[0]).toBe(7);
        break;
      }
    }
    expect(await bytesOf(reader, 'sp/large', { bytes: 1 })).toEqual(Buffer.of(7));
  });

  it.each(['..', '../flink-2/other', 'sp/../../flink-2', '/etc/passwd', '/', 'sp\\..\\..', 'sp\0', 'sp/..'])(
    'refuses the path %j',
    async (bad) => {
      for (const ask of questions(reader, bad)) await expect(ask()).rejects.toEqual(outside);
    },
  );

  it('takes a place that is not there for trouble and not for absence', async () => {
    await storage.takeAway();
    for (const path of ['', 'sp', 'sp/savepoint-1/_metadata', 'nope'])
      for (const ask of questions(reader, path)) await expect(ask()).rejects.toEqual(unreadable);
  });

  it('is waited for when it is slow', async () => {
    storage.becomes('SLOW');
    expect(await reader.exists('sp/savepoint-1')).toBe(true);
    expect(await reader.size('sp/savepoint-1/_metadata')).toBe(4);
    expect(String(await bytesOf(reader, 'sp/savepoint-1/_metadata'))).toBe('meta');
  });

  it('is unreadable when it does not answer, and never an absence', async () => {
    storage.becomes('HANGING');
    const asked = questions(storage.impatient, 'sp/savepoint-1/_metadata').map((ask) => ask());
    const answers = await Promise.allSettled(asked);
    expect(answers).toEqual(asked.map(() => ({ status: 'rejected', reason: silent })));
  });

  it('is unreadable when access is denied', async () => {
    storage.becomes('DENIED');
    for (const ask of questions(reader, 'sp/savepoint-1/_metadata'))
      await expect(ask()).rejects.toMatchObject({
        code: 'STORAGE_UNREADABLE',
        message: expect.stringMatching(/cannot be read: .*denied/),
      });
  });

  it.each([
    ['CUT_MIDWAY' as const, unreadable],
    ['HANGING_MIDWAY' as const, silent],
  ])('whose file is %s has given what came, and then says so', async (how, trouble) => {
    await storage.put('sp/large', Buffer.alloc(600_000, 7));
    storage.becomes(how);
    const pieces = await storage.impatient.read('sp/large');
    let came = 0;
    const reading = (async () => {
      for await (const piece of pieces ?? []) came += piece.length;
    })();
    await expect(reading).rejects.toEqual(trouble);
    expect(came).toBeGreaterThan(0);
    expect(came).toBeLessThan(600_000);
  });
});
