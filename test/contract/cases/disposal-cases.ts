import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect } from '@jest/globals';
import type { ContractCase } from '../contract-case.js';
import { newId, textOf, type Answer, type ContractSession } from '../contract-session.js';
import { folderOf, isCompleted, makeSavepoint } from './operations.js';

async function disposed(flink: ContractSession, name: string, savepointPath: string): Promise<Answer> {
  const accepted = await flink.take(`${name}: accepted`, 'POST /savepoint-disposal', {
    'savepoint-path': savepointPath,
  });
  expect(accepted.status).toBe(200);
  const id = (accepted.body as { 'request-id': string })['request-id'];
  expect(id).toMatch(/^[0-9a-f]{32}$/);
  return flink.takeWhen(name, `GET /savepoint-disposal/${id}`, isCompleted);
}

/** Disposal of savepoints. */
export const DISPOSAL_CASES: ContractCase[] = [
  {
    name: 'disposes of a savepoint once: its folder is gone, the one above stays',
    holds: async (flink) => {
      const location = await makeSavepoint(flink, await flink.startJob());
      const done = await disposed(flink, 'disposed', location);
      expect(done.body).toEqual({ status: { id: 'COMPLETED' }, operation: {} });
      expect(existsSync(folderOf(location))).toBe(false);
      expect(existsSync(dirname(folderOf(location)))).toBe(true);
      const again = await disposed(flink, 'disposed again', location);
      expect(textOf(again)).toMatch(/Could not dispose savepoint .*FileNotFoundException/s);
    },
  },
  {
    name: 'fails the disposal of a path that is not there',
    holds: async (flink) => {
      const failed = await disposed(flink, 'no such path', `file://${await flink.target.newFolder()}/none`);
      expect(textOf(failed)).toContain('Cannot find checkpoint or savepoint file/directory');
    },
  },
  {
    name: 'fails the disposal in a file system that it has no plugin for',
    holds: async (flink) => {
      const failed = await disposed(flink, 'no such scheme', 'nofs://bucket/savepoint');
      expect(textOf(failed)).toContain('UnsupportedFileSystemSchemeException');
    },
  },
  {
    name: 'leaves a folder alone that holds no savepoint',
    holds: async (flink) => {
      const folder = await flink.target.newFolder();
      const failed = await disposed(flink, 'no metadata', `file://${folder}`);
      expect(textOf(failed)).toContain("Cannot find meta data file '_metadata' in directory");
      expect(existsSync(folder)).toBe(true);
    },
  },
  {
    name: 'refuses a disposal without a path, and knows no disposal that was never asked for',
    holds: async (flink) => {
      const refused = await flink.take('no path', 'POST /savepoint-disposal', {});
      expect(refused.status).toBe(400);
      expect(textOf(refused)).toContain('Field savepoint-path must not be omitted or be null.');
      const unknown = await flink.take('unknown', `GET /savepoint-disposal/${newId()}`);
      expect(unknown.status).toBe(404);
      expect(textOf(unknown)).toContain('Operation not found under key');
    },
  },
];
