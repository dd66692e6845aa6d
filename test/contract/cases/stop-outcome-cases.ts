import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { classifySavepointFailure, createdSavepointPath } from '../../../src/flink/savepoint-failure.js';
import { waitFor } from '../../support/wait-for.js';
import type { ContractCase } from '../contract-case.js';
import { newId, textOf, type ContractSession } from '../contract-session.js';
import type { Statistics } from './operations.js';
import {
  cancelJob,
  folderOf,
  isCompleted,
  locationIn,
  statisticsWhen,
  stopJob,
  triggerSavepoint,
} from './operations.js';

const isWhole = (location: string): boolean => existsSync(join(folderOf(location), '_metadata'));

async function stopsWithTheClient(flink: ContractSession, drain: boolean): Promise<void> {
  const [jobId, triggerId, directory] = [await flink.startJob(), newId(), await flink.target.newFolder()];
  const stop = { triggerId, targetDirectory: `file://${directory}`, format: 'CANONICAL', drain } as const;
  expect(await flink.client.stopWithSavepoint(jobId, stop)).toEqual({ outcome: 'ACCEPTED', requestId: triggerId });
  const path = `GET /jobs/${jobId}/savepoints/${triggerId}`;
  const location = locationIn(await flink.takeWhen('completed', path, isCompleted));
  expect(location).toContain(`file:${directory}/savepoint-`);
  expect(await flink.client.savepointOperation(jobId, triggerId)).toEqual({ status: 'COMPLETED', location });
  await flink.waitForState(jobId, 'FINISHED');
  expect(await flink.client.jobStatus(jobId)).toBe('FINISHED');
  const ended = await flink.takeWhen(
    'statistics',
    `GET /jobs/${jobId}/checkpoints`,
    ({ latest }: Statistics) => latest.savepoint !== null,
  );
  expect((ended.body as Statistics).latest.savepoint).toMatchObject({
    external_path: location,
    checkpoint_type: 'SYNC_SAVEPOINT',
    savepointFormat: 'CANONICAL',
  });
}

async function expectToRunOn(flink: ContractSession, directory: string, text: RegExp): Promise<void> {
  const jobId = await flink.startJob();
  const { path } = await stopJob(flink, jobId, { targetDirectory: directory });
  expect(textOf(await flink.takeWhen('failed', path, isCompleted))).toMatch(text);
  expect(await flink.stateOf(jobId)).toBe('RUNNING');
  const after = await triggerSavepoint(flink, jobId);
  expect(isWhole(locationIn(await flink.takeWhen('savepoint after it', after.path, isCompleted)))).toBe(true);
}

/** What becomes of a stop, under either scheduler. */
export const STOP_OUTCOME_CASES: ContractCase[] = [
  {
    name: 'stops a job for the client, and says that it is FINISHED',
    holds: (flink) => stopsWithTheClient(flink, false),
  },
  {
    name: 'stops a job with a drain',
    holds: (flink) => stopsWithTheClient(flink, true),
  },
  {
    name: 'fails the savepoint under way when the job is stopped, and stops it',
    holds: async (flink) => {
      const jobId = await flink.startJob({ slowSnapshotMs: 500 });
      const savepoint = await triggerSavepoint(flink, jobId);
      await statisticsWhen(flink, jobId, ({ history }) => (history[0]?.num_acknowledged_subtasks ?? 0) > 0);
      const stop = await stopJob(flink, jobId);
      const failed = await flink.takeWhen('savepoint', savepoint.path, isCompleted);
      expect(textOf(failed)).toContain('Checkpoint Coordinator is suspending.');
      expect(isWhole(locationIn(await flink.takeWhen('stop', stop.path, isCompleted)))).toBe(true);
      await flink.waitForState(jobId, 'FINISHED');
    },
  },
  {
    name: 'lets a job run that was to be stopped into a directory in which nobody may write',
    holds: (flink) => expectToRunOn(flink, 'file:///proc/nowhere', /Failed to create savepoint directory/),
  },
  {
    name: 'lets a job run that was to be stopped into a directory without a name',
    holds: (flink) => expectToRunOn(flink, '', /Can not create a Path from an empty string/),
  },
  {
    name: 'fails a stop whose tasks fail while they close: the savepoint is whole and named, the job FAILED',
    holds: async (flink) => {
      const jobId = await flink.startJob({ failsOnClose: true });
      const { path, triggerId, directory } = await stopJob(flink, jobId);
      expect(textOf(await flink.takeWhen('failed', path, isCompleted))).toContain('StopWithSavepointStoppingException');
      const operation = await flink.client.savepointOperation(jobId, triggerId);
      const location = operation.status === 'FAILED' ? createdSavepointPath(operation.cause) : null;
      expect(location).toContain(`file:${directory}/savepoint-`);
      expect(isWhole(location ?? '')).toBe(true);
      await flink.waitForState(jobId, 'FAILED');
      const { latest } = await statisticsWhen(flink, jobId, (seen) => seen.latest.savepoint !== null);
      expect(latest.savepoint).toMatchObject({ checkpoint_type: 'SYNC_SAVEPOINT', external_path: location });
    },
  },
  {
    name: 'restarts a job whose stop took longer than the checkpoint timeout, from its last checkpoint',
    holds: async (flink) => {
      const jobId = await flink.startJob({
        slowSnapshotMs: 1_000,
        flinkConfiguration: {
          'execution.checkpointing.timeout': '800 ms',
          'restart-strategy.type': 'fixed-delay',
          'restart-strategy.fixed-delay.attempts': '10',
          'restart-strategy.fixed-delay.delay': '100 ms',
        },
      });
      const { path, directory } = await stopJob(flink, jobId);
      const failed = await flink.takeWhen('failed', path, isCompleted);
      expect(textOf(failed)).toContain('Checkpoint expired before completing.');
      await waitFor(async () => ((await flink.client.job(jobId))?.state ?? '') === 'RUNNING', {
        what: 'it to run again',
      });
      await flink.waitUntilRunning(jobId);
      expect(existsSync(directory)).toBe(true);
      expect((await statisticsWhen(flink, jobId, ({ counts }) => counts['failed'] === 1)).latest.savepoint).toBeNull();
    },
  },
  {
    name: 'fails a stop of a job that has ended, or was never there',
    holds: async (flink) => {
      const ended = await flink.startJob();
      await cancelJob(flink, ended);
      for (const jobId of [ended, newId()]) {
        const { path } = await stopJob(flink, jobId);
        expect(textOf(await flink.takeWhen('failed', path, isCompleted))).toContain('FlinkJobNotFoundException');
      }
    },
  },
  {
    name: 'fails a stop and a savepoint of a job that restarts',
    holds: async (flink) => {
      const jobId = await flink.startJob({ fails: true, restartsLate: true });
      await flink.waitForState(jobId, 'RESTARTING');
      const isAdaptive = flink.target.cluster.scheduler === 'adaptive';
      for (const [route, adaptively] of [
        ['stop', /The Flink job is currently not executing\./],
        // While the tasks of the failed attempt are still being cancelled it says the same as the default scheduler.
        ['savepoints', /is not a streaming job\.|Not all required tasks are currently running\./],
      ] as const) {
        const triggerId = newId();
        const { status } = await flink.ask(`POST /jobs/${jobId}/${route}`, { triggerId });
        expect(status).toBe(202);
        const operation = await waitFor(
          async () => {
            const seen = await flink.client.savepointOperation(jobId, triggerId);
            return seen.status === 'FAILED' && seen;
          },
          { what: `the ${route} to fail` },
        );
        const text = isAdaptive ? adaptively : /Not all required tasks are currently running\./;
        expect(operation.cause.fullText).toMatch(text);
        expect(classifySavepointFailure(operation.cause)).toBe('TASKS_NOT_RUNNING');
      }
    },
  },
  {
    name: 'ignores the name that a savepoint has for its directory, and stops into its own',
    holds: async (flink) => {
      const [jobId, triggerId] = [await flink.startJob(), newId()];
      const directory = await flink.target.newFolder();
      const body = { triggerId, 'target-directory': `file://${directory}` };
      expect((await flink.ask(`POST /jobs/${jobId}/stop`, body)).status).toBe(202);
      const path = `GET /jobs/${jobId}/savepoints/${triggerId}`;
      const location = locationIn(await flink.takeWhen('completed', path, isCompleted));
      const { savepointRoot } = await flink.client.clusterFacts();
      expect(location).toContain(`${savepointRoot?.replace('file://', 'file:') ?? '?'}/savepoint-`);
    },
  },
  {
    name: 'tells the status of a job without a delay, and of an unknown one that there is none',
    holds: async (flink) => {
      const jobId = await flink.startJob();
      expect(await flink.client.jobStatus(jobId)).toBe('RUNNING');
      await cancelJob(flink, jobId);
      expect(await flink.client.jobStatus(jobId)).toBe('CANCELED');
      expect(await flink.client.cancelJob(jobId)).toEqual({ outcome: 'ACCEPTED' });
      expect(await flink.client.jobStatus(newId())).toBeNull();
    },
  },
];
