import { expect } from '@jest/globals';
import type { ContractCase } from '../contract-case.js';
import { newId, textOf, type ContractSession } from '../contract-session.js';
import { isCompleted, triggerSavepoint, type Statistics } from './operations.js';

const checkpointed = async (flink: ContractSession, jobId: string, body: object = {}): Promise<number> => {
  const triggerId = newId();
  const accepted = await flink.take('checkpoint accepted', `POST /jobs/${jobId}/checkpoints`, { triggerId, ...body });
  expect(accepted).toMatchObject({ status: 202, body: { 'request-id': triggerId } });
  const polled = await flink.takeWhen('checkpoint', `GET /jobs/${jobId}/checkpoints/${triggerId}`, isCompleted);
  return (polled.body as { operation: { checkpointId: number } }).operation.checkpointId;
};

/** Checkpoint statistics, and checkpoints asked for. */
export const CHECKPOINT_CASES: ContractCase[] = [
  {
    name: 'tells how a job takes checkpoints',
    holds: async (flink) => {
      const jobId = await flink.startJob();
      const { status } = await flink.take('checkpoint settings', `GET /jobs/${jobId}/checkpoints/config`);
      expect(status).toBe(200);
      expect(await flink.client.checkpointConfig(jobId)).toMatchObject({
        intervalMs: null,
        timeoutMs: 600_000,
        minPauseMs: 0,
        stateBackend: 'HASHMAP',
        checkpointStorageClass: 'FileSystemCheckpointStorage',
      });
    },
  },
  {
    name: 'takes a checkpoint when asked, and tells its statistics down to the subtasks',
    holds: async (flink) => {
      const jobId = await flink.startJob();
      const id = await checkpointed(flink, jobId);
      const { body } = await flink.takeWhen(
        'statistics',
        `GET /jobs/${jobId}/checkpoints`,
        ({ latest }: Statistics) => latest.completed?.id === id,
      );
      expect((body as Statistics).latest.completed).toMatchObject({
        is_savepoint: false,
        status: 'COMPLETED',
        checkpoint_type: 'CHECKPOINT',
        discarded: false,
        external_path: expect.stringMatching(new RegExp(`^file:/.*/${jobId}/chk-${id}$`)),
      });
      const details = await flink.take('details', `GET /jobs/${jobId}/checkpoints/details/${id}`);
      const vertices = Object.keys((details.body as { tasks: object }).tasks);
      expect(vertices).toHaveLength(2);
      for (const vertex of vertices) {
        const path = `GET /jobs/${jobId}/checkpoints/details/${id}/subtasks/${vertex}`;
        expect((await flink.take(`subtasks of ${vertices.indexOf(vertex)}`, path)).status).toBe(200);
      }
      expect(await flink.client.acknowledgements(jobId, id)).toEqual(
        vertices.map((vertexId) => ({ vertexId, subtasks: 2, acknowledged: 2, pending: [] })),
      );
    },
  },
  {
    name: 'takes a full checkpoint, and no incremental one',
    holds: async (flink) => {
      const jobId = await flink.startJob();
      expect(await checkpointed(flink, jobId, { checkpointType: 'FULL' })).toBeGreaterThan(0);
      const refused = await flink.take('incremental', `POST /jobs/${jobId}/checkpoints`, {
        checkpointType: 'INCREMENTAL',
      });
      expect(refused.status).toBe(500);
      expect(textOf(refused)).toContain('FLINK-33723');
      expect((await flink.take('bad type', `POST /jobs/${jobId}/checkpoints`, { checkpointType: 'full' })).status).toBe(
        400,
      );
    },
  },
  {
    name: 'keeps the trigger ids of checkpoints and of savepoints apart',
    holds: async (flink) => {
      const jobId = await flink.startJob();
      const { triggerId } = await triggerSavepoint(flink, jobId);
      const unknown = await flink.take('unknown checkpoint trigger', `GET /jobs/${jobId}/checkpoints/${triggerId}`);
      expect(unknown.status).toBe(404);
      expect(textOf(unknown)).toContain('There is no checkpoint operation with triggerId=');
    },
  },
  {
    name: 'acknowledges a checkpoint of an unknown job, and fails it',
    holds: async (flink) => {
      const [jobId, triggerId] = [newId(), newId()];
      expect((await flink.take('accepted', `POST /jobs/${jobId}/checkpoints`, { triggerId })).status).toBe(202);
      const polled = await flink.takeWhen('failed', `GET /jobs/${jobId}/checkpoints/${triggerId}`, isCompleted);
      expect(textOf(polled)).toContain('FlinkJobNotFoundException');
    },
  },
  {
    name: 'has no details of a checkpoint that was never taken',
    holds: async (flink) => {
      const jobId = await flink.startJob();
      const gone = await flink.take('gone', `GET /jobs/${jobId}/checkpoints/details/999`);
      expect(gone.status).toBe(404);
      expect(textOf(gone)).toContain('Could not find checkpointing statistics for checkpoint 999.');
      expect(await flink.client.acknowledgements(jobId, 999)).toBeNull();
    },
  },
  {
    name: 'shows a savepoint in its statistics while it is under way, and when it has ended',
    holds: async (flink) => {
      const jobId = await flink.startJob({ slowSnapshotMs: 500 });
      await flink.take('none yet', `GET /jobs/${jobId}/checkpoints`);
      const { path } = await triggerSavepoint(flink, jobId);
      const running = await flink.takeWhen(
        'under way',
        `GET /jobs/${jobId}/checkpoints`,
        ({ history }: Statistics) => history[0]?.status === 'IN_PROGRESS' && history[0].num_acknowledged_subtasks > 0,
      );
      const [entry] = (running.body as Statistics).history;
      expect(entry).toMatchObject({ is_savepoint: true, checkpoint_type: 'SAVEPOINT', num_subtasks: 4 });
      expect((running.body as Statistics).counts).toMatchObject({ in_progress: 1, completed: 0, failed: 0 });
      expect((await flink.take('poll', path)).body).toEqual({ status: { id: 'IN_PROGRESS' }, operation: null });
      const { body } = await flink.takeWhen('completed', path, isCompleted);
      const { location } = (body as { operation: { location: string } }).operation;
      const ended = await flink.takeWhen(
        'ended',
        `GET /jobs/${jobId}/checkpoints`,
        ({ latest }: Statistics) => latest.savepoint !== null,
      );
      expect((ended.body as Statistics).latest.savepoint).toMatchObject({
        id: entry?.id,
        external_path: location,
        savepointFormat: 'CANONICAL',
        num_acknowledged_subtasks: 4,
      });
    },
  },
];
