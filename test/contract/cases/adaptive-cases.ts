import { expect } from '@jest/globals';
import type { ContractCase } from '../contract-case.js';
import { takeListed, takeCheckpoint, type Statistics } from './operations.js';
import { RESTORE_CASES } from './restore-cases.js';
import { RESTORE_REFUSAL_CASES } from './restore-refusal-cases.js';
import { STOP_CASES } from './stop-cases.js';
import { STOP_OUTCOME_CASES } from './stop-outcome-cases.js';

/** For the cluster with the adaptive scheduler, a history of five entries and no checkpoint directory. */
export const ADAPTIVE_CASES: ContractCase[] = [
  {
    name: 'tells the details of a running job',
    holds: async (flink) => {
      const jobId = await flink.startJob();
      const details = await flink.takeWhen(
        'details',
        `GET /jobs/${jobId}`,
        ({ vertices }: { vertices: { status: string }[] }) => vertices.every(({ status }) => status === 'RUNNING'),
      );
      expect(details.body).toMatchObject({ jid: jobId, name: 'orders', state: 'RUNNING', 'job-type': 'STREAMING' });
      await takeListed(flink, jobId);
    },
  },
  {
    name: 'lists no more entries than its history has places, and still counts them all',
    holds: async (flink) => {
      const jobId = await flink.startJob();
      for (let n = 0; n < 7; n += 1) await takeCheckpoint(flink, jobId);
      const { body } = await flink.takeWhen(
        'statistics',
        `GET /jobs/${jobId}/checkpoints`,
        ({ counts }: Statistics) => counts['completed'] === 7,
      );
      const { history, counts } = body as Statistics;
      expect(history.map(({ id }) => id)).toEqual([7, 6, 5, 4, 3]);
      expect(counts).toMatchObject({ total: 7, completed: 7, failed: 0 });
      expect((await flink.take('gone', `GET /jobs/${jobId}/checkpoints/details/1`)).status).toBe(404);
      expect((await flink.client.clusterFacts()).checkpointHistorySize).toBe(5);
    },
  },
  {
    name: 'keeps checkpoints in the memory of the JobManager, where they have no address',
    holds: async (flink) => {
      const jobId = await flink.startJob();
      await flink.take('settings', `GET /jobs/${jobId}/checkpoints/config`);
      expect(await flink.client.checkpointConfig(jobId)).toMatchObject({
        inJobManagerMemory: true,
        checkpointStorageClass: 'JobManagerCheckpointStorage',
      });
      const checkpoint = await takeCheckpoint(flink, jobId);
      expect(checkpoint.external_path).toBe('<checkpoint-not-externally-addressable>');
      expect((await flink.client.checkpoints(jobId))?.latest.completed?.location).toBeNull();
      expect((await flink.client.clusterFacts()).checkpointRoot).toBeNull();
    },
  },
  {
    name: 'leaves a job CREATED for which it has not enough slots',
    holds: async (flink) => {
      const body = flink.runBody({ parallelism: 17 });
      const jarId = await flink.uploadedJar();
      expect((await flink.ask(`POST /jars/${jarId}/run`, body)).status).toBe(200);
      await flink.waitForState(body.jobId, 'CREATED');
      await takeListed(flink, body.jobId);
    },
  },
  ...STOP_CASES,
  ...STOP_OUTCOME_CASES,
  ...RESTORE_CASES,
  ...RESTORE_REFUSAL_CASES,
];
