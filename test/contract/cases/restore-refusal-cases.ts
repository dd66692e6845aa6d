import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContractCase } from '../contract-case.js';
import type { ContractSession } from '../contract-session.js';
import type { JobWish } from '../contract-target.js';
import { expectRefusedRestore } from './refused-restore.js';
import { makeSavepoint } from './operations.js';

/** Magic number and version 99 of a `_metadata` file, and more bytes than a header has. */
const NEWER = Buffer.concat([Buffer.from('4960672d00000063', 'hex'), Buffer.alloc(64)]);
const TRUNCATED = Buffer.from('4960672d00000004', 'hex');

async function folderWith(flink: ContractSession, metadata: Buffer): Promise<string> {
  const folder = join(await flink.target.newFolder(), 'foreign');
  await mkdir(folder);
  await writeFile(join(folder, '_metadata'), metadata);
  return `file://${folder}`;
}

const fromSavepointOf = async (flink: ContractSession, maker: JobWish, wish: JobWish): Promise<JobWish> => ({
  ...wish,
  savepointPath: await makeSavepoint(flink, await flink.startJob(maker)),
});

/** Starts whose state does not fit the program, or is none. */
export const RESTORE_REFUSAL_CASES: ContractCase[] = [
  {
    name: 'refuses a start whose program has not the operator that the state belongs to',
    holds: async (flink) =>
      expectRefusedRestore(
        flink,
        await fromSavepointOf(flink, {}, { counterUid: 'renamed' }),
        /Cannot map checkpoint\/savepoint state for operator 0da08f51eaa85fc298e176a139b3649a to the new program/,
      ),
  },
  {
    name: 'refuses a start with another max parallelism than that of the state',
    holds: async (flink) =>
      expectRefusedRestore(
        flink,
        await fromSavepointOf(flink, { maxParallelism: 32 }, { maxParallelism: 64 }),
        /with max parallelism 32 to new program with max parallelism 64/,
      ),
  },
  {
    name: 'refuses a start with a parallelism above the max parallelism of the state',
    holds: async (flink) =>
      expectRefusedRestore(
        flink,
        await fromSavepointOf(flink, { maxParallelism: 2 }, { parallelism: 4 }),
        /The maximum parallelism \(2\) of the restored state is lower than the configured parallelism \(4\)/,
      ),
  },
  {
    name: 'refuses a start from a _metadata file that was cut off',
    holds: async (flink) =>
      expectRefusedRestore(flink, { savepointPath: await folderWith(flink, TRUNCATED) }, /EOFException/),
  },
  {
    name: 'refuses a start from a _metadata file of a version that it does not know',
    holds: async (flink) =>
      expectRefusedRestore(
        flink,
        { savepointPath: await folderWith(flink, NEWER) },
        /Unrecognized checkpoint version number: 99/,
      ),
  },
];
