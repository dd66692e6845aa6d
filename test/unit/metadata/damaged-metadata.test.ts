import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { MetadataError } from '../../../src/flink/metadata/metadata-error.js';
import { failure, read, realMetadata } from '../../support/metadata-files.js';

/** Nothing but a MetadataError, with a place in the file, may come of a damaged file; what is read of it all the same is no trouble. */
async function outcome(file: Buffer): Promise<'READ' | MetadataError> {
  try {
    await read(file);
    return 'READ';
  } catch (error) {
    if (error instanceof MetadataError) return error;
    throw error;
  }
}

/** Version 4 with merged files, version 6 with merged channels, version 6 with increments. */
const CLOSELY = /1\.20\.5 checkpoint-file-merging chk-1|2\.3\.0 (finished-operator|checkpoint-incremental chk-2)/;
/** Less than these are at the end of each. */
const PROPERTIES = 1_000;

const files = realMetadata().map(({ name, path }) => ({ name, file: readFileSync(path) }));

describe('a damaged _metadata file', () => {
  it.each(files)('is told wherever it was cut: $name', async ({ name, file }) => {
    // At each byte of three of them; of the others at each of the last, which are read otherwise, and at some of the rest.
    const closely = CLOSELY.test(name) ? 0 : file.length - PROPERTIES;
    for (let length = 0; length < file.length; length += length < closely ? 61 : 1) {
      const error = await failure(file.subarray(0, length));
      if (!(error instanceof MetadataError) || error.offset > length) throw error;
      const wanted = length === 0 ? 'NOT_METADATA' : 'TRUNCATED';
      if (error.code !== wanted) throw new Error(`Cut to ${length} bytes: ${error.code}, ${error.message}`);
    }
    expect(await outcome(file)).toBe('READ');
  });

  it('with bits turned is read or told, and nothing else', async () => {
    const damage = fc.record({
      which: fc.nat(files.length - 1),
      bits: fc.array(fc.nat(1 << 18), { minLength: 1, maxLength: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(damage, async ({ which, bits }) => {
        const file = Buffer.from(files[which]?.file ?? Buffer.alloc(0));
        for (const bit of bits) {
          const at = (bit >> 3) % file.length;
          file[at] = (file[at] ?? 0) ^ (1 << (bit & 7));
        }
        const came = await outcome(file);
        if (came !== 'READ') expect(came.offset).toBeLessThanOrEqual(file.length);
      }),
      { numRuns: 1_000 },
    );
  });

  it('with any length replaced by the greatest there is, is read or told', async () => {
    for (const { file } of files) {
      for (let at = 8; at + 4 <= file.length; at += 17) {
        const damaged = Buffer.from(file);
        damaged.writeInt32BE(0x7fffffff, at);
        await outcome(damaged);
      }
    }
  });
});
