import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  cpSync,
  createReadStream,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inspectSnapshot, type SizeElsewhere, type SnapshotToInspect } from '../../src/savepoint/inspect-snapshot.js';
import { absolute, changelog, changesInFiles, metadata, operator, subtask } from '../support/metadata-writer.js';
import { realMetadata, SNAPSHOTS } from '../support/metadata-files.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'stateward-snapshots-'));
  cpSync(SNAPSHOTS, root, { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true }));

const sizeOf = (file: string) => (existsSync(file) ? statSync(file).size : null);
const reader = {
  read: async (file: string) => (existsSync(path.join(root, file)) ? createReadStream(path.join(root, file)) : null),
  size: async (file: string) => sizeOf(path.join(root, file)),
  list: async (folder: string) =>
    readdirSync(path.join(root, folder), { withFileTypes: true }).map((entry) => {
      const isFile = entry.isFile();
      const kind: 'FILE' | 'DIRECTORY' = isFile ? 'FILE' : 'DIRECTORY';
      return {
        name: entry.name,
        kind,
        sizeBytes: isFile ? sizeOf(path.join(root, folder, entry.name)) : null,
        modifiedAt: null,
      };
    }),
};

/** Where Flink had put what belongs to a case: `file:/data/fx/<cluster>/checkpoints/<job id>/` is the folder of a whole job. */
const reachIn =
  (version: string, name: string): SizeElsewhere =>
  async (location) => {
    const below = /^file:\/+data\/fx\/[^/]+\/checkpoints\/[0-9a-f]{32}\/(.+)$/.exec(location)?.[1];
    return below === undefined ? 'NOT_REACHED' : reader.size(`${version}/${name}/${below}`);
  };

const inspect = (version: string, name: string, folder = '', rest: Partial<SnapshotToInspect> = {}) =>
  inspectSnapshot({
    reader,
    path: path.posix.join(version, name, folder),
    location: `file:/data/fx/x/checkpoints/${'0'.repeat(32)}/${folder}`,
    sizeElsewhere: reachIn(version, name),
    ...rest,
  });

describe('a snapshot that is inspected', () => {
  it.each(realMetadata().map(({ name, facts }) => [name, facts] as const))('is whole: %s', async (name, facts) => {
    const [version = '', which = '', file = ''] = name.split(' ');
    const whole = await inspect(version, which, path.posix.dirname(file));
    expect(whole).toMatchObject({ damaged: 0, damages: [], notReached: 0 });
    const ownFolder = facts.kind === 'savepoint';
    if (ownFolder) {
      expect(whole).toMatchObject({ selfContained: true, relocatable: true });
      const files = readdirSync(path.join(root, version, which)).filter(
        (one) => !['facts.json', '.gitkeep'].includes(one),
      );
      const bytes = files.reduce((sum, one) => sum + (sizeOf(path.join(root, version, which, one)) ?? 0), 0);
      expect(whole?.totalBytes).toBe(bytes);
    }
  });

  it.each(['1.20.5', '2.3.0'])(
    'is neither self-contained nor relocatable where it shares files (%s)',
    async (version) => {
      for (const name of ['checkpoint-incremental', 'checkpoint-file-merging'])
        expect(await inspect(version, name, 'chk-3')).toMatchObject({ selfContained: false, relocatable: false });
    },
  );

  it('is null without _metadata', async () => {
    expect(await inspect('2.3.0', 'incomplete-savepoint')).toBeNull();
  });

  it('tells files that are missing, shorter or longer, and what cannot be reached', async () => {
    const folder = path.join(root, '2.3.0/state-in-files');
    const [first = '', second = ''] = readdirSync(folder).filter((name) => /^[0-9a-f]{8}-/.test(name));
    const size = sizeOf(path.join(folder, second)) ?? 0;
    rmSync(path.join(folder, first));
    truncateSync(path.join(folder, second), size - 1);
    const damaged = await inspect('2.3.0', 'state-in-files');
    expect(damaged).toMatchObject({ damaged: 2, absent: 1 });
    expect(damaged?.damages).toEqual(
      expect.arrayContaining([
        { file: first, expectedBytes: expect.any(Number), foundBytes: null },
        { file: second, expectedBytes: size, foundBytes: size - 1 },
      ]),
    );
    truncateSync(path.join(folder, second), size + 1);
    expect((await inspect('2.3.0', 'state-in-files'))?.damaged).toBe(2);

    const shared = await inspect('2.3.0', 'checkpoint-incremental', 'chk-3', {
      sizeElsewhere: async () => 'NOT_REACHED',
    });
    expect(shared?.notReached).toBeGreaterThan(0);
    expect(shared?.notReached).toBeLessThanOrEqual(shared?.files ?? 0);
  });

  it.each([
    ['with the byte that says whether they are compressed', 100, 0],
    ['compressed', 3, 0],
    ['empty', 0, 1],
    ['gone', null, 1],
  ])('holds changes of a changelog of any length: %s', async (_, size, damaged) => {
    const keyed = changelog(14, [], [changesInFiles(13, absolute('file:/dstl/one', 99))]);
    const bytes = metadata(6, [operator(6, { subtasks: [subtask(6, { index: 0, keyed })] })]);
    writeFileSync(path.join(root, '_metadata'), bytes);
    const found = await inspect('', '', '', { sizeElsewhere: async () => size });
    expect(found).toMatchObject({ files: 1, damaged });
    expect(found?.damages).toEqual(
      damaged === 0 ? [] : [{ file: 'file:/dstl/one', expectedBytes: 1, foundBytes: size }],
    );
  });

  it('says of its own files nothing once its folder has gone away under the look', async () => {
    const gone = { ...reader, list: async () => [] };
    const seen = await inspect('2.3.0', 'state-in-files', '', { reader: gone });
    expect(seen).toMatchObject({ damaged: 0, notReached: seen?.files });
    expect(seen?.files).toBeGreaterThan(0);
  });

  it('tells how far it is, and ends when it is told to', async () => {
    const seen: number[][] = [];
    const whole = await inspect('2.3.0', 'checkpoint-incremental', 'chk-3', {
      progress: (looked, of) => void seen.push([looked, of]),
    });
    const of = seen.length;
    expect(of).toBeGreaterThan(1);
    expect(of).toBeLessThanOrEqual(whole?.files ?? 0);
    expect(seen).toEqual(Array.from({ length: of }, (_, index) => [index + 1, of]));

    const end = new AbortController();
    const ended = inspect('2.3.0', 'checkpoint-incremental', 'chk-3', {
      signal: end.signal,
      progress: () => end.abort(new Error('enough')),
    });
    await expect(ended).rejects.toThrow('enough');
  });

  it('ends the list of its own folder too', async () => {
    const end = new AbortController();
    let told: AbortSignal | undefined;
    const list = async (folder: string, signal?: AbortSignal) => {
      told = signal;
      return reader.list(folder);
    };
    await inspect('2.3.0', 'checkpoint-incremental', 'chk-3', { signal: end.signal, reader: { ...reader, list } });
    expect(told).toBe(end.signal);
  });
});
