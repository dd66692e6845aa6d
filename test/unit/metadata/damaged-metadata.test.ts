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

const files = realMetadata().map(({ name, path }) => ({ name, file: readFileSync(path) }));

describe('a damaged _metadata file', () => {
  it.each(files)('is told wherever it was cut: $name', async ({ file }) => {
    for (let length = 0; length < file.length; length += 1) {
      const error = await failure(file.subarray(0, length));
      if (!(error instanceof MetadataError) || error.offset > length) throw error;
      if (error.code !== 'TRUNCATED') throw new Error(`Cut to ${length} bytes: ${error.code}, ${error.message}`);
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
      { numRuns: 3_000 },
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
