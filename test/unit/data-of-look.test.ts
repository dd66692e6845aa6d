import { describe, expect, it } from '@jest/globals';
import { MetadataError, type MetadataErrorCode } from '../../src/flink/metadata/metadata-error.js';
import { damageInDetail, damageInWords, dataOfLook } from '../../src/savepoint/data-of-look.js';
import type { Inspection } from '../../src/savepoint/inspect-snapshot.js';
import type { SnapshotLook } from '../../src/savepoint/look-at-snapshot.js';
import { lookWithin } from '../../src/savepoint/look-within.js';
import { read } from '../support/metadata-files.js';
import { metadata } from '../support/metadata-writer.js';

async function seen(rest: Partial<Inspection> = {}): Promise<SnapshotLook> {
  const inspection: Inspection = {
    metadata: await read(metadata(6, [])),
    selfContained: true,
    relocatable: true,
    totalBytes: 100,
    files: 9,
    damages: [],
    damaged: 0,
    absent: 0,
    notReached: 0,
    ...rest,
  };
  return { kind: 'READ', inspection, proven: true };
}
const unread = (code: MetadataErrorCode, proven = true): SnapshotLook => ({
  kind: 'NOT_METADATA',
  error: new MetadataError(code, 12, 'the file ends here'),
  proven,
});

describe('the state of the data by a look', () => {
  it.each<[string, () => Promise<SnapshotLook>, string | null]>([
    ['all files there', () => seen(), 'PRESENT'],
    ['some that cannot be reached', () => seen({ notReached: 3 }), 'PRESENT'],
    ['one damaged', () => seen({ damaged: 1 }), 'DAMAGED'],
    ['no _metadata in a proven storage', async () => ({ kind: 'NO_METADATA', proven: true }), 'MISSING'],
    ['no _metadata in another', async () => ({ kind: 'NO_METADATA', proven: false }), null],
    ['one cut off', async () => unread('TRUNCATED'), 'DAMAGED'],
    ['one that is corrupt', async () => unread('CORRUPT'), 'DAMAGED'],
    ['a foreign one that was never read', async () => unread('NOT_METADATA'), 'NOT_CHECKED'],
    ['one of another version', async () => unread('VERSION_NOT_SUPPORTED'), 'NOT_CHECKED'],
    ['an unreadable storage', async () => ({ kind: 'NOT_SEEN', why: 'away', soon: true }), null],
  ])('is told of %s', async (_, look, state) => {
    expect(dataOfLook(await look(), false)).toBe(state);
  });

  it('is told of a foreign one that was read before, wherever: something else lies in its place now', () => {
    expect(dataOfLook(unread('NOT_METADATA'), true)).toBe('DAMAGED');
    expect(dataOfLook(unread('NOT_METADATA', false), true)).toBe('DAMAGED');
    expect(dataOfLook(unread('VERSION_NOT_SUPPORTED'), true)).toBe('NOT_CHECKED');
  });

  it('is not told by a look that was ended', () => {
    expect(dataOfLook({ kind: 'ENDED', afterMs: 5 }, true)).toBeNull();
  });
});

describe('what is wrong', () => {
  const gone = (file: string) => ({ file, expectedBytes: 10, foundBytes: null });

  it('is said with the files, of many the first', async () => {
    const short = { file: 'b', expectedBytes: 10, foundBytes: 4 };
    expect(damageInWords(await seen({ damaged: 1, absent: 1, damages: [gone('a')] }))).toBe(
      '1 of its 9 files is missing or of another size: a is not there',
    );
    const many = await seen({ damaged: 5, absent: 4, damages: [gone('a'), short, gone('c'), gone('d'), gone('e')] });
    expect(damageInWords(many)).toBe(
      '5 of its 9 files are missing or of another size: a is not there, b has 4 of 10 bytes, c is not there, and 2 more',
    );
    expect(damageInDetail(many)).toMatchObject({ damaged: 5, absent: 4, damages: { length: 5 } });
  });

  it('is said with the byte of _metadata, and nothing is wrong with a version that is not known', () => {
    expect(damageInWords(unread('TRUNCATED'))).toMatch(
      /cannot be read \(At byte 12 of _metadata: the file ends here\)$/,
    );
    expect(damageInDetail(unread('TRUNCATED'))).toEqual({ metadata: 'TRUNCATED', atByte: 12 });
    expect(damageInWords(unread('VERSION_NOT_SUPPORTED'))).toBeNull();
  });
});

describe('a look with an end', () => {
  const NEVER = 60_000;

  it('is told when it is over in time, with what it threw', async () => {
    const look = await seen();
    expect(await lookWithin(NEVER, async () => look)).toBe(look);
    await expect(lookWithin(NEVER, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  });

  it('is not waited for beyond it, and is told to end', async () => {
    let told: AbortSignal | undefined;
    const ended = await lookWithin(1, (signal) => {
      told = signal;
      return new Promise(() => undefined);
    });
    expect(ended).toEqual({ kind: 'ENDED', afterMs: 1 });
    expect(told?.aborted).toBe(true);
  });

  it('that throws for being ended says no more than that', async () => {
    const look = (signal: AbortSignal) =>
      new Promise<SnapshotLook>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    expect(await lookWithin(1, look)).toEqual({ kind: 'ENDED', afterMs: 1 });
  });
});
