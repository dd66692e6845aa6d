import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import type { ContractCase } from '../contract-case.js';
import { newId, textOf, type ContractSession } from '../contract-session.js';
import { waitFor } from '../../support/wait-for.js';
import type { JobWish } from '../contract-target.js';
import { isCompleted, triggerSavepoint, type Triggered } from './operations.js';

/** Waits until it has failed, and expects that the client reads the same cause out of it. */
async function expectFailure(
  flink: ContractSession,
  jobId: string,
  { triggerId, path }: Triggered,
  text: RegExp,
): Promise<void> {
  const polled = await flink.takeWhen('failed', path, isCompleted);
  expect(polled.status).toBe(200);
  expect(textOf(polled)).toMatch(text);
  const read = await flink.client.savepointOperation(jobId, triggerId);
  expect(read).toMatchObject({ status: 'FAILED', cause: { fullText: expect.stringMatching(text) } });
}

async function expectRefusedDirectory(flink: ContractSession, directory: string, text: RegExp): Promise<void> {
  const jobId = await flink.startJob();
  const triggered = await triggerSavepoint(flink, jobId, { 'target-directory': directory });
  await expectFailure(flink, jobId, triggered, text);
  expect(await flink.stateOf(jobId)).toBe('RUNNING');
  const { counts } = (await flink.take('statistics', `GET /jobs/${jobId}/checkpoints`)).body as {
    counts: Record<string, number>;
  };
  expect(counts).toMatchObject({ in_progress: 0, completed: 0 });
}

async function expectFailureByCancel(flink: ContractSession, wish: JobWish, text: RegExp): Promise<void> {
  const jobId = await flink.startJob({ slowSnapshotMs: 1_000, ...wish });
  const triggered = await triggerSavepoint(flink, jobId);
  await waitFor(
    async () => {
      const [entry] = (await flink.client.checkpoints(jobId))?.history ?? [];
      return entry?.isSavepoint && entry.acknowledgedSubtasks > 0;
    },
    { what: 'the savepoint to be under way' },
  );
  await flink.ask(`PATCH /jobs/${jobId}?mode=cancel`);
  await expectFailure(flink, jobId, triggered, text);
  await flink.waitForState(jobId, 'CANCELED');
  expect(await readdir(triggered.directory)).toEqual([]);
}

/** A real JobManager lets go of a job a moment after it says CANCELED; until then another cause comes back. */
async function forgotten(flink: ContractSession, jobId: string): Promise<void> {
  const targetDirectory = `file://${await flink.target.newFolder()}`;
  await waitFor(
    async () => {
      const triggerId = newId();
      await flink.client.triggerSavepoint(jobId, { triggerId, targetDirectory, format: 'CANONICAL' });
      const told = await flink.client.savepointOperation(jobId, triggerId);
      return told.status === 'FAILED' && told.cause.fullText.includes('FlinkJobNotFoundException');
    },
    { what: 'the job to be let go of' },
  );
}

/** Savepoints that do not come into being. */
export const SAVEPOINT_REFUSAL_CASES: ContractCase[] = [
  {
    name: 'does not know a trigger id that was never sent',
    holds: async (flink) => {
      const [jobId, triggerId] = [await flink.startJob(), newId()];
      const polled = await flink.take('unknown trigger', `GET /jobs/${jobId}/savepoints/${triggerId}`);
      expect(polled.status).toBe(404);
      expect(textOf(polled)).toContain(`There is no savepoint operation with triggerId=${triggerId} for job ${jobId}.`);
      expect(await flink.client.savepointOperation(jobId, triggerId)).toEqual({ status: 'UNKNOWN' });
    },
  },
  {
    name: 'acknowledges a savepoint of an unknown job, and fails it',
    holds: async (flink) => {
      const jobId = newId();
      await expectFailure(flink, jobId, await triggerSavepoint(flink, jobId), /FlinkJobNotFoundException/);
    },
  },
  {
    name: 'acknowledges a savepoint of a cancelled job, and fails it',
    holds: async (flink) => {
      const jobId = await flink.startJob();
      await flink.ask(`PATCH /jobs/${jobId}?mode=cancel`);
      await flink.waitForState(jobId, 'CANCELED');
      await forgotten(flink, jobId);
      await expectFailure(flink, jobId, await triggerSavepoint(flink, jobId), /FlinkJobNotFoundException/);
    },
  },
  {
    name: 'fails a savepoint into a file system that it has no plugin for',
    holds: (flink) => expectRefusedDirectory(flink, 'nofs://bucket/savepoints', /UnsupportedFileSystemSchemeException/),
  },
  {
    name: 'fails a savepoint below a file',
    holds: async (flink) => {
      const file = join(await flink.target.newFolder(), 'file');
      await writeFile(file, '');
      await expectRefusedDirectory(flink, `file://${file}/below`, /Failed to create savepoint directory/);
    },
  },
  {
    name: 'fails a savepoint below a directory in which nobody may write',
    holds: (flink) => expectRefusedDirectory(flink, 'file:///proc/nowhere', /Failed to create savepoint directory/),
  },
  {
    name: 'fails a savepoint into a directory without a name',
    holds: (flink) => expectRefusedDirectory(flink, '', /Can not create a Path from an empty string/),
  },
  {
    name: 'fails a savepoint into a file location with a host',
    holds: (flink) => expectRefusedDirectory(flink, 'file://host/savepoints', /Found local file path with authority/),
  },
  {
    name: 'refuses a body that it cannot read, and starts nothing',
    holds: async (flink) => {
      const jobId = await flink.startJob();
      const route = `POST /jobs/${jobId}/savepoints`;
      const directory = await flink.target.newFolder();
      const target = { 'target-directory': `file://${directory}` };
      const bodies: Record<string, object | string> = {
        'no JSON': '{"triggerId": ',
        'a list': '[]',
        'short trigger id': { ...target, triggerId: 'short' },
        'trigger id of another type': { ...target, triggerId: 7 },
        'format in lower case': { ...target, formatType: 'canonical' },
        'flag that is none': { ...target, 'cancel-job': 'perhaps' },
        'directory of another type': { 'target-directory': { path: directory } },
      };
      for (const [name, body] of Object.entries(bodies)) {
        const refused = await flink.take(name, route, body);
        expect([name, refused.status]).toEqual([name, 400]);
        expect(textOf(refused)).toContain('Request did not match expected format SavepointTriggerRequestBody.');
      }
      expect(await readdir(directory)).toEqual([]);
    },
  },
  {
    name: 'fails the savepoint under way when its job is cancelled',
    holds: (flink) => expectFailureByCancel(flink, {}, /CheckpointCoordinator shutdown\./),
  },
  {
    name: 'fails the savepoint under way when its job, which takes checkpoints by itself, is cancelled',
    holds: (flink) =>
      expectFailureByCancel(flink, { checkpointIntervalMs: 3_600_000 }, /Checkpoint Coordinator is suspending\./),
  },
];
