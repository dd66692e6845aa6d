import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import type { ContractCase } from '../contract-case.js';
import { folderOf, makeSavepoint, type Statistics } from './operations.js';
import { expectRefusedRestore } from './refused-restore.js';

/** Starts from a savepoint. */
export const RESTORE_CASES: ContractCase[] = [
  {
    name: 'starts a job from a savepoint, and says from which',
    holds: async (flink) => {
      const location = await makeSavepoint(flink, await flink.startJob());
      const jobId = await flink.startJob({ savepointPath: location });
      const { body } = await flink.takeWhen(
        'statistics',
        `GET /jobs/${jobId}/checkpoints`,
        ({ latest }: Statistics) => latest.restored !== null,
      );
      expect((body as Statistics).latest.restored).toMatchObject({ is_savepoint: true, external_path: location });
      expect((body as Statistics).counts).toMatchObject({ restored: 1 });
      const statistics = await flink.client.checkpoints(jobId);
      expect(statistics?.latest.restored).toMatchObject({ isSavepoint: true, location });
    },
  },
  {
    name: 'starts a job with an empty savepoint path without state',
    holds: async (flink) => {
      const jobId = await flink.startJob({ savepointPath: '' });
      const { body } = await flink.take('statistics', `GET /jobs/${jobId}/checkpoints`);
      expect((body as Statistics).latest.restored).toBeNull();
    },
  },
  {
    name: 'refuses a start from a path that is not there, and keeps a failed job under its id',
    holds: async (flink) =>
      expectRefusedRestore(
        flink,
        { savepointPath: `file://${await flink.target.newFolder()}/none` },
        /FileNotFoundException: Cannot find checkpoint or savepoint file\/directory/,
      ),
  },
  {
    name: 'refuses a start from a folder without _metadata',
    holds: async (flink) =>
      expectRefusedRestore(
        flink,
        { savepointPath: `file://${await flink.target.newFolder()}` },
        /FileNotFoundException: Cannot find meta data file '_metadata' in directory/,
      ),
  },
  {
    name: 'refuses a start from a _metadata file that is none',
    holds: async (flink) => {
      const folder = join(await flink.target.newFolder(), 'foreign');
      await mkdir(folder);
      await writeFile(join(folder, '_metadata'), 'not a savepoint, but long enough to hold a header of one');
      await expectRefusedRestore(flink, { savepointPath: `file://${folder}` }, /Unexpected magic number/);
    },
  },
  {
    name: 'refuses a start from a savepoint that was deleted',
    holds: async (flink) => {
      const location = await makeSavepoint(flink, await flink.startJob());
      await rm(folderOf(location), { recursive: true });
      await expectRefusedRestore(
        flink,
        { savepointPath: location },
        /Cannot find checkpoint or savepoint file\/directory/,
      );
    },
  },
  {
    name: 'refuses a start from a file system that it has no plugin for',
    holds: (flink) =>
      expectRefusedRestore(flink, { savepointPath: 'nofs://bucket/sp' }, /UnsupportedFileSystemSchemeException/),
  },
];
