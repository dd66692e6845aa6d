import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect } from '@jest/globals';
import type { ContractCase } from '../contract-case.js';
import type { ContractSession } from '../contract-session.js';
import { cancelJob, folderOf, makeSavepoint, statisticsWhen, stopJob, takeCheckpoint } from './operations.js';
import { isCompleted, type Statistics } from './operations.js';

const RETENTION = 'execution.checkpointing.externalized-checkpoint-retention';
const isWhole = (location: string): boolean => existsSync(join(folderOf(location), '_metadata'));

type End = (flink: ContractSession, jobId: string) => Promise<void>;
const byStop: End = async (flink, jobId) => {
  const { path } = await stopJob(flink, jobId);
  await flink.takeWhen('stopped', path, isCompleted);
  await flink.waitForState(jobId, 'FINISHED');
};

/** Has one checkpoint made, ends the job, and looks what is left of it. */
const keepsAfter =
  (retention: string, end: End, kept: boolean) =>
  async (flink: ContractSession): Promise<void> => {
    const jobId = await flink.startJob({ flinkConfiguration: { [RETENTION]: retention } });
    const config = await flink.client.checkpointConfig(jobId);
    expect([config?.retainedOnCancellation, config?.retainedOnFailure]).toEqual([
      retention === 'RETAIN_ON_CANCELLATION',
      retention !== 'NO_EXTERNALIZED_CHECKPOINTS',
    ]);
    const { external_path: location } = await takeCheckpoint(flink, jobId);
    expect(isWhole(location)).toBe(true);
    await end(flink, jobId);
    // The savepoint of a stop may show up after the checkpoints that go with it.
    const ended = ({ latest }: Statistics): boolean =>
      latest.completed?.discarded === !kept && (end !== byStop || latest.savepoint !== null);
    const { body } = await flink.takeWhen('statistics', `GET /jobs/${jobId}/checkpoints`, ended);
    expect((body as Statistics).latest.completed).toMatchObject({ external_path: location });
    expect(isWhole(location)).toBe(kept);
    // The folders of the job itself are left behind in any case.
    expect(await readdir(dirname(folderOf(location)))).toEqual(expect.arrayContaining(['shared', 'taskowned']));
  };

/** Checkpoints from their making to what is left of them, and starts from them. */
export const CHECKPOINT_LIFE_CASES: ContractCase[] = [
  {
    name: 'keeps the newest checkpoint of a cancelled job under RETAIN_ON_CANCELLATION',
    holds: keepsAfter('RETAIN_ON_CANCELLATION', cancelJob, true),
  },
  {
    name: 'deletes the checkpoints of a cancelled job under DELETE_ON_CANCELLATION',
    holds: keepsAfter('DELETE_ON_CANCELLATION', cancelJob, false),
  },
  {
    name: 'deletes the checkpoints of a cancelled job under NO_EXTERNALIZED_CHECKPOINTS',
    holds: keepsAfter('NO_EXTERNALIZED_CHECKPOINTS', cancelJob, false),
  },
  {
    name: 'deletes the checkpoints of a stopped job whatever the retention',
    holds: keepsAfter('RETAIN_ON_CANCELLATION', byStop, false),
  },
  {
    name: 'takes checkpoints by itself at the interval, numbers them, and deletes those beyond the retained ones',
    holds: async (flink) => {
      const jobId = await flink.startJob({ checkpointIntervalMs: 100 });
      const { history, latest, counts } = await statisticsWhen(
        flink,
        jobId,
        (seen) => (seen.latest.completed?.id ?? 0) >= 6 && seen.counts['in_progress'] === 0,
      );
      const ids = history.map(({ id }) => id);
      expect(ids).toEqual(ids.map((_, index) => (ids[0] ?? 0) - index));
      expect(latest.completed?.id).toBe(ids[0]);
      expect(counts['completed']).toBe(history.filter(({ status }) => status === 'COMPLETED').length);
      expect(history.map(({ discarded }) => discarded)).toEqual(history.map((_, index) => index >= 3));
      expect((await flink.client.checkpointConfig(jobId))?.intervalMs).toBe(100);
    },
  },
  {
    name: 'starts a job from a retained checkpoint, says of it what it says of a savepoint, and counts on from it',
    holds: async (flink) => {
      const before = await flink.startJob();
      await takeCheckpoint(flink, before);
      const checkpoint = await takeCheckpoint(flink, before);
      await cancelJob(flink, before);
      const jobId = await flink.startJob({ savepointPath: `${checkpoint.external_path}/_metadata` });
      const { body } = await flink.takeWhen(
        'statistics',
        `GET /jobs/${jobId}/checkpoints`,
        ({ latest }: Statistics) => latest.restored !== null,
      );
      expect((body as Statistics).latest.restored).toMatchObject({
        id: checkpoint.id,
        is_savepoint: true,
        external_path: checkpoint.external_path,
      });
      expect((await takeCheckpoint(flink, jobId)).id).toBe(checkpoint.id + 1);
      expect(isWhole(checkpoint.external_path)).toBe(true);
    },
  },
  {
    name: 'starts a job whose operator was renamed from a savepoint when state may be left behind',
    holds: async (flink) => {
      const savepointPath = await makeSavepoint(flink, await flink.startJob());
      const jobId = await flink.startJob({ savepointPath, counterUid: 'renamed', allowNonRestoredState: true });
      const { latest } = await statisticsWhen(flink, jobId, (seen) => seen.latest.restored !== null);
      expect(latest.restored).toMatchObject({ is_savepoint: true, external_path: savepointPath });
    },
  },
  {
    name: 'takes the checkpoint settings of a job from the configuration that it is run with',
    holds: async (flink) => {
      const jobId = await flink.startJob({
        flinkConfiguration: {
          'execution.checkpointing.interval': '1 h',
          'execution.checkpointing.timeout': '1 min',
          'execution.checkpointing.min-pause': '5 s',
          'execution.checkpointing.unaligned.enabled': 'true',
          'execution.checkpointing.tolerable-failed-checkpoints': '3',
          [RETENTION]: 'DELETE_ON_CANCELLATION',
          'state.backend.type': 'rocksdb',
        },
      });
      await flink.take('settings', `GET /jobs/${jobId}/checkpoints/config`);
      expect(await flink.client.checkpointConfig(jobId)).toEqual({
        intervalMs: 3_600_000,
        timeoutMs: 60_000,
        minPauseMs: 5_000,
        retainedOnCancellation: false,
        retainedOnFailure: true,
        inJobManagerMemory: false,
        unaligned: true,
        tolerableFailures: 3,
        stateBackend: 'ROCKSDB',
        stateBackendClass: 'EmbeddedRocksDBStateBackend',
        checkpointStorageClass: 'FileSystemCheckpointStorage',
      });
    },
  },
  {
    name: 'writes checkpoints that are kept in the memory of the JobManager to the checkpoint directory all the same',
    holds: async (flink) => {
      const jobId = await flink.startJob({ flinkConfiguration: { 'execution.checkpointing.storage': 'jobmanager' } });
      expect(await flink.client.checkpointConfig(jobId)).toMatchObject({
        inJobManagerMemory: true,
        checkpointStorageClass: 'JobManagerCheckpointStorage',
      });
      const { external_path: location } = await takeCheckpoint(flink, jobId);
      await flink.take('statistics', `GET /jobs/${jobId}/checkpoints`);
      await cancelJob(flink, jobId);
      expect(isWhole(location)).toBe(true);
      const next = await flink.startJob({ savepointPath: location });
      const { latest } = await statisticsWhen(flink, next, (seen) => seen.latest.restored !== null);
      expect(latest.restored).toMatchObject({ external_path: location });
    },
  },
  {
    name: 'refuses a run with a setting that cannot be read, and makes no job of it',
    holds: async (flink) => {
      const jarId = await flink.uploadedJar();
      const body = flink.runBody({ flinkConfiguration: { 'execution.checkpointing.interval': 'soon' } });
      const refused = await flink.take('refused', `POST /jars/${jarId}/run`, body);
      expect(refused.status).toBe(400);
      expect(await flink.client.jobStatus(body.jobId)).toBeNull();
    },
  },
];
