import { expect } from '@jest/globals';
import type { ContractCase } from '../contract-case.js';
import { newId, textOf } from '../contract-session.js';

/** What is asked of the cluster as a whole. */
export const CLUSTER_CASES: ContractCase[] = [
  {
    name: 'tells its version, and that it takes jars',
    holds: async (flink) => {
      const { status, body } = await flink.take('config', 'GET /config');
      expect(status).toBe(200);
      expect(body).toMatchObject({ 'flink-version': flink.target.version, features: { 'web-submit': true } });
      const { body: versioned } = await flink.ask('GET /v1/config');
      expect(versioned).toEqual(body);
    },
  },
  {
    name: 'shows its directories, its history size and a mark of its process',
    holds: async (flink) => {
      const { status, body } = await flink.take('configuration', 'GET /jobmanager/config');
      expect(status).toBe(200);
      const shown = new Map((body as { key: string; value: string }[]).map(({ key, value }) => [key, value]));
      expect(shown.get('web.tmpdir')).toMatch(/\/flink-web-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      expect(shown.get('execution.checkpointing.savepoint-dir')).toMatch(/^file:\/\/\//);
      expect(await flink.client.clusterFacts()).toMatchObject({
        flinkVersion: flink.target.version,
        acceptsJars: true,
        processMark: shown.get('web.tmpdir')?.split('/').at(-1),
        savepointRoot: shown.get('execution.checkpointing.savepoint-dir'),
        checkpointRoot: shown.get('execution.checkpointing.dir'),
        asyncStoreDurationMs: 300_000,
        checkpointHistorySize: 100,
      });
    },
  },
  {
    name: 'counts its slots and its jobs by how they are',
    holds: async (flink) => {
      await flink.startJob();
      const { status, body } = await flink.take('overview', 'GET /overview');
      expect(status).toBe(200);
      expect(body).toMatchObject({ 'jobs-running': 1, 'flink-version': flink.target.version });
      const slots = await flink.client.slots();
      expect(slots).toMatchObject({ taskManagers: 1, available: slots.total - 2 });
    },
  },
  {
    name: 'lists its TaskManagers with their hosts',
    holds: async (flink) => {
      const { status, body } = await flink.take('task managers', 'GET /taskmanagers');
      expect(status).toBe(200);
      expect((body as { taskmanagers: unknown[] }).taskmanagers).toHaveLength(1);
      expect(await flink.client.taskManagerHosts()).toHaveLength(1);
    },
  },
  {
    name: 'answers a path that it has not with a 404',
    holds: async (flink) => {
      const unread = await flink.take('unknown path', 'GET /no/such/path');
      expect(unread.status).toBe(404);
      expect(textOf(unread)).toContain('Unable to load requested file /no/such/path.');
      const unsent = await flink.take('unknown path of a POST', 'POST /no/such/path', {});
      expect(unsent).toMatchObject({ status: 404, body: { errors: ['Not found: /no/such/path'] } });
    },
  },
  {
    name: 'forgets jobs and trigger ids with its JobManager process, whose mark changes',
    holds: async (flink) => {
      const jobId = await flink.startJob();
      const triggerId = newId();
      await flink.ask(`POST /jobs/${jobId}/savepoints`, {
        triggerId,
        'target-directory': await flink.target.newFolder(),
      });
      await flink.takeWhen(
        'completed before',
        `GET /jobs/${jobId}/savepoints/${triggerId}`,
        ({ status }: { status: { id: string } }) => status.id === 'COMPLETED',
      );
      const markBefore = await flink.client.processMark();

      await flink.target.restartJobManager();

      const markAfter = await flink.client.processMark();
      expect(markAfter).toMatch(/^flink-web-/);
      expect(markAfter).not.toBe(markBefore);
      const forgotten = await flink.take('forgotten trigger', `GET /jobs/${jobId}/savepoints/${triggerId}`);
      expect(forgotten.status).toBe(404);
      expect(textOf(forgotten)).toContain(
        `There is no savepoint operation with triggerId=${triggerId} for job ${jobId}.`,
      );
      expect(await flink.client.savepointOperation(jobId, triggerId)).toEqual({ status: 'UNKNOWN' });
      expect((await flink.take('no jobs', 'GET /jobs')).body).toEqual({ jobs: [] });
      expect((await flink.take('no jobs in the overview', 'GET /jobs/overview')).body).toEqual({ jobs: [] });
      expect(await flink.client.jobs()).toEqual([]);
      const idle = await flink.take('overview without jobs', 'GET /overview');
      expect(idle.body).toMatchObject({ 'jobs-running': 0, 'jobs-cancelled': 0, 'jobs-finished': 0, 'jobs-failed': 0 });
      expect((await flink.take('lost job', `GET /jobs/${jobId}`)).status).toBe(404);
    },
  },
];
