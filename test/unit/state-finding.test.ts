import { describe, expect, it } from '@jest/globals';
import { MetadataError, type MetadataErrorCode } from '../../src/flink/metadata/metadata-error.js';
import { findingOf } from '../../src/run/state-finding.js';
import type { Inspection } from '../../src/savepoint/inspect-snapshot.js';
import type { SnapshotLook } from '../../src/savepoint/look-at-snapshot.js';

const found = (look: SnapshotLook, wasRead = false) => findingOf(look, wasRead);
const read = (change: Partial<Inspection>) =>
  found({
    kind: 'READ',
    proven: true,
    inspection: { files: 5, damages: [], damaged: 0, absent: 0, notReached: 0, ...change } as Inspection,
  });
const notMetadata = (code: MetadataErrorCode, wasRead = false) =>
  found({ kind: 'NOT_METADATA', proven: true, error: new MetadataError(code, 4, 'what it is') }, wasRead);

describe('what a look says of the state of a start', () => {
  it('is that it is whole, damaged, or not told', () => {
    expect(read({})).toEqual({ result: 'WHOLE', why: null, data: 'PRESENT' });
    expect(read({ notReached: 2 })).toMatchObject({ result: 'NOT_TOLD', data: 'NOT_CHECKED' });
    expect(found({ kind: 'NOT_SEEN', why: 'it hangs', soon: false })).toMatchObject({
      result: 'NOT_TOLD',
      why: 'it hangs',
    });
  });

  it('names the first damaged files and counts the others', () => {
    const damages = ['a', 'b', 'c', 'd'].map((file) => ({ file, expectedBytes: 9, foundBytes: null }));
    damages[0] = { file: 'a', expectedBytes: 9, foundBytes: 3 as never };
    expect(read({ damages, damaged: 4, absent: 3 })).toEqual({
      result: 'DAMAGED',
      data: 'DAMAGED',
      why: '4 of its 5 files are missing or of another size: a has 3 of 9 bytes, b is not there, c is not there, and 1 more',
    });
  });

  it('takes an absent _metadata for gone where the storage is proven alone', () => {
    expect(found({ kind: 'NO_METADATA', proven: true })).toMatchObject({ result: 'DAMAGED', data: 'MISSING' });
    expect(found({ kind: 'NO_METADATA', proven: false })).toMatchObject({
      result: 'NOT_TOLD',
      data: 'NOT_CHECKED',
    });
  });

  it('takes a format that is not known for no damage', () => {
    expect(notMetadata('VERSION_NOT_SUPPORTED')).toMatchObject({ result: 'NOT_TOLD', data: 'NOT_CHECKED' });
    for (const code of ['TRUNCATED', 'CORRUPT'] as const)
      expect(notMetadata(code)).toMatchObject({ result: 'DAMAGED', data: 'DAMAGED' });
  });

  it('takes foreign bytes for damage where it was read before alone', () => {
    expect(notMetadata('NOT_METADATA', true)).toMatchObject({ result: 'DAMAGED', data: 'DAMAGED' });
    expect(notMetadata('NOT_METADATA')).toMatchObject({
      result: 'NOT_TOLD',
      data: 'NOT_CHECKED',
      why: expect.stringMatching(/does not begin as Flink writes it, and was never read here/),
    });
  });
});
