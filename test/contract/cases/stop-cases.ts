import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import type { ContractCase } from '../contract-case.js';
import { newId, textOf } from '../contract-session.js';
import { folderOf, isCompleted, locationIn, triggerSavepoint, type Statistics } from './operations.js';

/** Stop with savepoint. */
export const STOP_CASES: ContractCase[] = [
  {
    name: 'stops a job with a savepoint: FINISHED, with its location',
    holds: async (flink) => {
      const jobId = await flink.startJob();
      const [triggerId, directory] = [newId(), await flink.target.newFolder()];
      const body = { triggerId, targetDirectory: `file://${directory}`, drain: false, formatType: 'NATIVE' };
      const accepted = await flink.take('accepted', `POST /jobs/${jobId}/stop`, body);
      expect(accepted).toMatchObject({ status: 202, body: { 'request-id': triggerId } });
      const path = `GET /jobs/${jobId}/savepoints/${triggerId}`;
      const location = locationIn(await flink.takeWhen('completed', path, isCompleted));
      expect(location).toContain(`file:${directory}/savepoint-`);
      expect(existsSync(join(folderOf(location), '_metadata'))).toBe(true);
      await flink.waitForState(jobId, 'FINISHED');
      const result = await flink.take('result', `GET /jobs/${jobId}/execution-result`);
      expect(result.body).toMatchObject({ 'job-execution-result': { 'application-status': 'SUCCEEDED' } });
      const ended = await flink.takeWhen(
        'statistics',
        `GET /jobs/${jobId}/checkpoints`,
        ({ latest }: Statistics) => latest.savepoint !== null,
      );
      expect((ended.body as Statistics).latest.savepoint).toMatchObject({ checkpoint_type: 'SYNC_SAVEPOINT' });
      expect((await flink.take('cancel', `PATCH /jobs/${jobId}?mode=cancel`)).status).toBe(409);
    },
  },
  {
    name: 'lets a job run whose stop cannot make its savepoint',
    holds: async (flink) => {
      const [jobId, triggerId] = [await flink.startJob(), newId()];
      await flink.ask(`POST /jobs/${jobId}/stop`, { triggerId, targetDirectory: 'nofs://bucket/savepoints' });
      const polled = await flink.takeWhen('failed', `GET /jobs/${jobId}/savepoints/${triggerId}`, isCompleted);
      expect(textOf(polled)).toContain('UnsupportedFileSystemSchemeException');
      expect(await flink.stateOf(jobId)).toBe('RUNNING');
    },
  },
  {
    name: 'takes a stop with the trigger id of a savepoint for that savepoint, and does not stop',
    holds: async (flink) => {
      const jobId = await flink.startJob();
      const { triggerId, path } = await triggerSavepoint(flink, jobId);
      const location = locationIn(await flink.takeWhen('savepoint', path, isCompleted));
      const accepted = await flink.take('accepted', `POST /jobs/${jobId}/stop`, { triggerId });
      expect(accepted).toMatchObject({ status: 202, body: { 'request-id': triggerId } });
      expect(locationIn(await flink.take('as before', path))).toBe(location);
      expect(await flink.stateOf(jobId)).toBe('RUNNING');
    },
  },
  {
    name: 'refuses a stop whose drain is no flag',
    holds: async (flink) => {
      const jobId = await flink.startJob();
      const refused = await flink.take('refused', `POST /jobs/${jobId}/stop`, { drain: 'maybe' });
      expect(refused.status).toBe(400);
      expect(textOf(refused)).toContain('StopWithSavepointRequestBody');
    },
  },
];
