import { expect } from '@jest/globals';
import type { ContractCase } from '../contract-case.js';
import { newId, textOf } from '../contract-session.js';
import { takeListed } from './operations.js';

/** What is asked of one job, and how it ends. */
export const JOB_CASES: ContractCase[] = [
  {
    name: 'lists a running job with its tasks',
    holds: async (flink) => {
      const jobId = await flink.startJob();
      const { body } = await flink.ask('GET /jobs');
      expect((body as { jobs: unknown[] }).jobs).toContainEqual({ id: jobId, status: 'RUNNING' });
      expect((await takeListed(flink, jobId)).status).toBe(200);
      const listed = (await flink.client.jobs()).find((job) => job.jobId === jobId);
      expect(listed).toMatchObject({ name: 'orders', state: 'RUNNING', endTime: null });
      expect(listed?.tasks).toMatchObject({ TOTAL: 4, RUNNING: 4 });
    },
  },
  {
    name: 'tells the details, the status, the settings and the plan of a running job',
    holds: async (flink) => {
      const jobId = await flink.startJob();
      const details = await flink.takeWhen(
        'details',
        `GET /jobs/${jobId}`,
        ({ vertices }: { vertices: { status: string }[] }) => vertices.every(({ status }) => status === 'RUNNING'),
      );
      expect(details.body).toMatchObject({ jid: jobId, name: 'orders', state: 'RUNNING', 'job-type': 'STREAMING' });
      const job = await flink.client.job(jobId);
      expect(job?.vertices.map(({ parallelism }) => parallelism)).toEqual([2, 2]);
      expect((await flink.take('status', `GET /jobs/${jobId}/status`)).body).toEqual({ status: 'RUNNING' });
      const settings = await flink.take('settings', `GET /jobs/${jobId}/config`);
      expect(settings.body).toMatchObject({ jid: jobId, name: 'orders', 'execution-config': { 'job-parallelism': 2 } });
      const plan = await flink.take('plan', `GET /jobs/${jobId}/plan`);
      expect((details.body as { plan: object }).plan).toMatchObject((plan.body as { plan: object }).plan);
      expect((plan.body as { plan: { nodes: unknown[] } }).plan.nodes).toHaveLength(2);
      expect((await flink.take('no exceptions', `GET /jobs/${jobId}/exceptions`)).status).toBe(200);
      expect((await flink.take('no result yet', `GET /jobs/${jobId}/execution-result`)).body).toEqual({
        status: { id: 'IN_PROGRESS' },
      });
      expect(await flink.client.jobFailure(jobId)).toBeNull();
    },
  },
  {
    name: 'does not know a job that was never there, whatever is asked of it',
    holds: async (flink) => {
      const jobId = newId();
      const below = ['', '/config', '/plan', '/exceptions', '/execution-result'];
      for (const path of [...below, '/checkpoints', '/checkpoints/config', '/checkpoints/details/1']) {
        const { status, body } = await flink.take(`unknown job ${path}`, `GET /jobs/${jobId}${path}`);
        expect([path, status]).toEqual([path, 404]);
        expect(JSON.stringify(body)).toMatch(new RegExp(`Job ${jobId} not found|FlinkJobNotFoundException`));
      }
      const status = await flink.take('unknown job /status', `GET /jobs/${jobId}/status`);
      expect(status.status).toBe(500);
      expect(textOf(status)).toContain('FlinkJobNotFoundException');
      const cancelled = await flink.take('cancel', `PATCH /jobs/${jobId}?mode=cancel`);
      expect(cancelled.status).toBe(404);
      expect(textOf(cancelled)).toContain('Job could not be found.');
      expect(await flink.client.job(jobId)).toBeNull();
      expect(await flink.client.checkpoints(jobId)).toBeNull();
      expect(await flink.client.checkpointConfig(jobId)).toBeNull();
      expect(await flink.client.cancelJob(jobId)).toMatchObject({ outcome: 'REFUSED', status: 404 });
    },
  },
  {
    name: 'refuses an id that is none',
    holds: async (flink) => {
      const { status } = await flink.take('malformed job id', 'GET /jobs/zz');
      expect(status).toBe(400);
      expect((await flink.take('malformed trigger id', `GET /jobs/${newId()}/savepoints/xyz`)).status).toBe(400);
      expect((await flink.take('malformed checkpoint id', `GET /jobs/${newId()}/checkpoints/details/x`)).status).toBe(
        400,
      );
    },
  },
  {
    name: 'cancels a job, and says yes again when it is cancelled already',
    holds: async (flink) => {
      const jobId = await flink.startJob();
      const cancelled = await flink.take('cancel', `PATCH /jobs/${jobId}?mode=cancel`);
      expect(cancelled).toMatchObject({ status: 202, body: {} });
      await flink.waitForState(jobId, 'CANCELED');
      expect(await flink.take('cancel again', `PATCH /jobs/${jobId}?mode=cancel`)).toMatchObject({ status: 202 });
      const result = await flink.take('result', `GET /jobs/${jobId}/execution-result`);
      expect(result.body).toMatchObject({ 'job-execution-result': { 'application-status': 'CANCELED' } });
      const ended = await flink.takeWhen(
        'details of the cancelled job',
        `GET /jobs/${jobId}`,
        ({ state }: { state: string }) => state === 'CANCELED',
      );
      expect((ended.body as { 'end-time': number })['end-time']).toBeGreaterThan(0);
      expect(await flink.client.jobFailure(jobId)).toBeNull();
    },
  },
  {
    name: 'tells why a job has failed, and will not cancel it',
    holds: async (flink) => {
      const jobId = await flink.startJob({ fails: true });
      await flink.waitForState(jobId, 'FAILED');
      const result = await flink.take('result', `GET /jobs/${jobId}/execution-result`);
      expect(result.body).toMatchObject({ 'job-execution-result': { 'application-status': 'FAILED' } });
      await flink.takeWhen(
        'exceptions',
        `GET /jobs/${jobId}/exceptions`,
        ({ exceptionHistory }: { exceptionHistory: { entries: unknown[] } }) => exceptionHistory.entries.length > 0,
      );
      const cause = await flink.client.jobFailure(jobId);
      expect(cause?.classes).toContain('java.lang.IllegalStateException');
      const cancelled = await flink.take('cancel', `PATCH /jobs/${jobId}?mode=cancel`);
      expect(cancelled.status).toBe(409);
      await flink.takeWhen(
        'details of the failed job',
        `GET /jobs/${jobId}`,
        ({ state }: { state: string }) => state === 'FAILED',
      );
    },
  },
];
