import { existsSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect } from '@jest/globals';
import { foundNoSavepoint } from '../../../src/flink/disposal-failure.js';
import type { DisposalStatus } from '../../../src/flink/flink.types.js';
import { waitFor } from '../../support/wait-for.js';
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

/** As Stateward asks for it, and reads the end. */
async function endOf({ client }: ContractSession, location: string): Promise<DisposalStatus> {
  const reply = await client.disposeSavepoint(location);
  if (reply.outcome === 'REFUSED') throw new Error(`The disposal was refused: ${reply.cause.summary}`);
  return waitFor(
    async () => {
      const status = await client.disposalOperation(reply.requestId);
      return status.status !== 'PENDING' && status;
    },
    { what: `the disposal of ${location} to end` },
  );
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
      expect(await endOf(flink, location)).toMatchObject({ status: 'FAILED' });
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
    name: 'ends a disposal as Stateward reads it: done, nothing there, not known',
    holds: async (flink) => {
      const location = await makeSavepoint(flink, await flink.startJob());
      expect(await endOf(flink, `${location}/_metadata`)).toEqual({ status: 'COMPLETED' });
      expect(existsSync(folderOf(location))).toBe(false);
      const folder = await flink.target.newFolder();
      for (const nothing of [location, `file://${folder}`, `file://${folder}/none`]) {
        const end = await endOf(flink, nothing);
        expect(end.status === 'FAILED' && foundNoSavepoint(end.cause)).toBe(true);
      }
      expect(await flink.client.disposalOperation(newId())).toEqual({ status: 'UNKNOWN' });
    },
  },
  {
    name: 'touches nothing where what should be a savepoint is another file',
    holds: async (flink) => {
      const folder = await flink.target.newFolder();
      await writeFile(join(folder, '_metadata'), 'something else entirely');
      const failed = await disposed(flink, 'no savepoint', `file://${folder}`);
      expect(textOf(failed)).toContain('Unexpected magic number');
      expect(await readdir(folder)).toEqual(['_metadata']);
      const end = await endOf(flink, `file://${folder}`);
      expect(end.status === 'FAILED' && foundNoSavepoint(end.cause)).toBe(false);
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
