import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { BackendFamily } from '../../src/flink/metadata/metadata.types.js';
import { operatorIdOf } from '../../src/flink/operator-id.js';
import type { ChangesScene } from './changes-scene.js';
import type { SnapshotName } from './job-changes.js';
import { inspect } from './judge-change.js';
import { read } from './metadata-files.js';

/** By the handles of keyed state that each kind has. */
const KEYED: Partial<Record<SnapshotName, [handle: number, backend: BackendFamily]>> = {
  'plain CANONICAL': [7, 'CANONICAL'],
  'plain NATIVE': [12, 'HEAP'],
  'plain CHECKPOINT': [12, 'HEAP'],
  'rocks CANONICAL': [7, 'CANONICAL'],
  'rocks NATIVE': [11, 'ROCKSDB_OR_FORST'],
  'rocks CHECKPOINT': [11, 'ROCKSDB_OR_FORST'],
};
const UIDS = ['counter', 'mapper', 'second', 'sink', 'source'];
const NAMES: Record<string, string> = { sink: 'sink: Writer', source: 'Source: source' };

/** Snapshots that the cluster has just made: read to their last byte, and held against the disk and Flink's own statistics. */
export function describeSnapshots(scene: ChangesScene): void {
  describe('a snapshot that was just made', () => {
    it.each(Object.entries(KEYED))(
      '%s is read to its last byte, and all that it lists is there',
      async (name, keyed) => {
        const { folder, kind, entry } = scene.snapshots[name as SnapshotName];
        const file = await readFile(join(folder, '_metadata'));
        const metadata = await read(file, 997);
        const writesNames = scene.jobs.facts.flinkVersion.startsWith('2.');
        expect(metadata).toMatchObject({
          version: writesNames ? 6 : 4,
          checkpointId: entry.id,
          metadataBytes: file.length,
          backends: [keyed[1]],
          properties: {
            kind: kind === 'CHECKPOINT' ? 'CHECKPOINT' : 'SAVEPOINT',
            format: kind === 'CHECKPOINT' ? null : kind,
            drained: false,
          },
        });
        expect([...metadata.handles.keyed.keys()].filter((type) => type !== 0)).toEqual([keyed[0]]);

        const listed = new Map<string, number>();
        for (const one of metadata.files) {
          if (one.kind === 'SEGMENT') throw new Error(`A segment of ${one.location}, with file merging off`);
          const path = one.kind === 'RELATIVE' ? join(folder, one.name) : one.location.replace(/^file:/, '');
          listed.set(path, one.sizeBytes);
        }
        const onDisk = await Promise.all(
          [...listed.keys()].map(async (path) => [path, (await stat(path)).size] as const),
        );
        expect(onDisk).toEqual([...listed]);
        expect([listed.size > 0, metadata.inlineBytes > 0]).toEqual([true, true]);
        // Nothing lies in the folder that is not listed.
        const own = [...listed.keys()].filter((path) => dirname(path) === folder).map((path) => basename(path));
        expect((await readdir(folder)).toSorted()).toEqual([...own, '_metadata'].toSorted());

        const whole = await inspect(scene.snapshots[name as SnapshotName]);
        expect(whole).toMatchObject({ damaged: 0, damages: [], notReached: 0, files: listed.size });
        expect(whole.totalBytes).toBe(file.length + onDisk.reduce((sum, [, bytes]) => sum + bytes, 0));
        expect(whole.selfContained).toBe(name !== 'rocks CHECKPOINT');
        expect(whole.relocatable).toBe(name !== 'rocks CHECKPOINT');

        const state = metadata.operators.reduce(
          (sum, { stateBytes: { operator, keyed: ofKeys, channel } }) => sum + operator + ofKeys + channel,
          0,
        );
        // To the byte: Flink counts what its subtasks have acknowledged, and so not what coordinators hold.
        expect(state).toBe(entry.stateBytes);
        expect(metadata.operators.some(({ coordinatorBytes }) => coordinatorBytes > 0)).toBe(true);

        expect(metadata.operators).toHaveLength(UIDS.length);
        for (const uid of UIDS)
          expect(metadata.operators).toContainEqual(
            expect.objectContaining({
              id: uid === 'sink' ? expect.any(String) : operatorIdOf(uid),
              uid: writesNames ? uid : null,
              name: writesNames ? (NAMES[uid] ?? uid) : null,
              parallelism: 2,
              maxParallelism: 128,
              fullyFinished: false,
            }),
          );
      },
    );

    it('names no uids where none were given', async () => {
      const { metadata } = await inspect(scene.snapshots['bare CANONICAL']);
      const written = metadata.operators.map(({ name, uid }) => [name, uid]);
      const names = UIDS.map((uid) => [metadata.version === 6 ? (NAMES[uid] ?? uid) : null, null]);
      expect(written.toSorted()).toEqual(names.toSorted());
    });
  });
}
