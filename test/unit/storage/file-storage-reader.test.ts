import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdir, mkdtemp, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { FileStorageReader } from '../../../src/storage/file-storage-reader.js';
import { StorageCalls, StorageSilent } from '../../../src/storage/storage-calls.js';

let folder: string;
let root: string;
let reader: FileStorageReader;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'stateward-storage-'));
  root = path.join(folder, 'root');
  await mkdir(path.join(root, 'sp/savepoint-1'), { recursive: true });
  await writeFile(path.join(root, 'sp/savepoint-1/_metadata'), 'meta');
  await writeFile(path.join(root, 'sp/savepoint-1/data file %20'), 'x'.repeat(1000));
  await writeFile(path.join(folder, 'secret'), 'secret');
  reader = new FileStorageReader(root);
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

const outside = expect.objectContaining({ code: 'OUTSIDE_STORAGE_ROOT' });
const unreadable = expect.objectContaining({ code: 'STORAGE_UNREADABLE' });

/** What it has in common with other storages is in storage-readers.test.ts. */
describe('a directory as storage', () => {
  it('refuses what a symbolic link leads out to, present or not, and follows one that stays inside', async () => {
    await symlink('..', path.join(root, 'up'));
    await symlink(path.join(folder, 'secret'), path.join(root, 'file'));
    await symlink('sp', path.join(root, 'inside'));
    await expect(reader.list('up')).rejects.toEqual(outside);
    await expect(reader.size('up/secret')).rejects.toEqual(outside);
    await expect(reader.exists('up/not-there')).rejects.toEqual(outside);
    await expect(reader.read('up/secret')).rejects.toEqual(outside);
    await expect(reader.read('file')).rejects.toEqual(outside);
    await expect(reader.size('file')).rejects.toEqual(outside);
    expect(await reader.exists('inside/savepoint-1/_metadata')).toBe(true);
  });

  it('takes no sibling with a longer name for a part of the root', async () => {
    await mkdir(`${root}-2`);
    await symlink(`${root}-2`, path.join(root, 'sibling'));
    await expect(reader.exists('sibling')).rejects.toEqual(outside);
  });

  it('works where the root itself is a symbolic link', async () => {
    await symlink(root, path.join(folder, 'link'));
    expect(await new FileStorageReader(path.join(folder, 'link')).size('sp/savepoint-1/_metadata')).toBe(4);
  });

  it('takes a root that is not there, or no directory, for trouble and not for absence', async () => {
    await rename(root, path.join(folder, 'moved'));
    await expect(reader.exists('sp')).rejects.toEqual(unreadable);
    await expect(reader.list('')).rejects.toEqual(unreadable);
    await writeFile(root, 'a file');
    await expect(reader.exists('sp')).rejects.toEqual(unreadable);
  });

  it('goes on when entries vanish while it lists', async () => {
    const many = path.join(root, 'many');
    await mkdir(many);
    const names = Array.from({ length: 300 }, (_, index) => `f${index}`);
    await Promise.all(names.map((name) => writeFile(path.join(many, name), '')));
    const [listed] = await Promise.all([reader.list('many'), ...names.map((name) => rm(path.join(many, name)))]);
    expect(listed.every((entry) => names.includes(entry.name))).toBe(true);
    expect(await reader.list('many')).toEqual([]);
  });

  it('reports what it cannot read for another reason than absence as trouble', async () => {
    await symlink('loop', path.join(root, 'loop'));
    await expect(reader.list('loop')).rejects.toEqual(unreadable);
    await expect(reader.exists('loop/x')).rejects.toEqual(unreadable);
    await expect(reader.size(`sp/${'x'.repeat(300)}`)).rejects.toEqual(unreadable);
  });

  it('has not read a file that becomes shorter, or vanishes, on the way', async () => {
    const file = path.join(root, 'large');
    for (const shorten of [() => truncate(file, 300_000), () => rm(file)]) {
      await writeFile(file, Buffer.alloc(600_000));
      const reading = (async () => {
        for await (const piece of (await reader.read('large')) ?? []) if (piece.length > 0) await shorten();
      })();
      await expect(reading).rejects.toEqual(unreadable);
      await rm(file, { force: true });
    }
  });

  it.each(['', 'relative/dir', './x'])('is not made for the root %j', (bad) => {
    expect(() => new FileStorageReader(bad)).toThrow(expect.objectContaining({ code: 'BAD_CONFIGURATION' }));
  });
});

describe('a path of which nothing is there', () => {
  it.each([
    ['forbidden', Object.assign(new Error('EACCES'), { code: 'EACCES' })],
    ['silent', new StorageSilent('it has not answered', true)],
  ])('is no absence when what lies above it is %s', async (_, trouble) => {
    let asked = 0;
    const calls = {
      call: <T>(_: string, work: () => Promise<T>) => ((asked += 1) === 4 ? Promise.reject(trouble) : work()),
    };
    // The root, that it is a directory, the path, and then what lies above it.
    await expect(new FileStorageReader(root, calls).exists('sp/nope')).rejects.toMatchObject({
      code: 'STORAGE_UNREADABLE',
      cause: trouble,
    });
    expect(asked).toBe(4);
  });
});

describe('a list that is ended', () => {
  it('asks nothing more, and says nothing of the storage', async () => {
    const end = new AbortController();
    let asked = 0;
    const calls = {
      call: <T>(_: string, work: () => Promise<T>) => {
        asked += 1;
        if (asked === 5) end.abort(new Error('enough')); // at the first of the two files
        return work();
      },
    };
    await expect(new FileStorageReader(root, calls).list('sp/savepoint-1', end.signal)).rejects.toThrow('enough');
    expect(asked).toBe(5);
  });
});

describe('a directory that does not answer', () => {
  it('is unreadable, and never an absence', async () => {
    const calls = new StorageCalls({ slowMs: 5, silentMs: 10 });
    const silent = new FileStorageReader(root, calls);
    let answer = () => {};
    const hanging = calls.call(root, () => new Promise<void>((resolve) => (answer = resolve)));
    await expect(hanging).rejects.toBeInstanceOf(StorageSilent);
    for (const look of [silent.exists('nope'), silent.list('nope'), silent.size('nope'), silent.modifiedAt('nope')])
      await expect(look).rejects.toMatchObject({
        code: 'STORAGE_UNREADABLE',
        message: expect.stringContaining('has not answered'),
        cause: expect.any(StorageSilent),
      });
    answer();
    await Promise.resolve();
    expect(await new FileStorageReader(root).exists('nope')).toBe(false);
  });
});
