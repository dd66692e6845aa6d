import { existsSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import type { FakeFlink, FakeFlinkOptions } from '../../demo/fake-flink/fake-flink.js';
import {
  ask,
  cancel,
  firstMade,
  JOB,
  onDisk,
  poll,
  run,
  statistics,
  stop,
  textOf,
  trigger,
  TRIGGER,
  until,
} from '../support/fake-flink-requests.js';
import type { Statistics } from '../support/fake-flink-requests.js';

const started: FakeFlink[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((flink) => flink.stop()));
});

async function start(options?: FakeFlinkOptions): Promise<FakeFlink> {
  const flink = await startFakeFlink(options);
  started.push(flink);
  return flink;
}

async function statisticsWhen(flink: FakeFlink, id: string, fits: (seen: Statistics) => boolean): Promise<Statistics> {
  for (;;) {
    const seen = await statistics(flink, id);
    if (fits(seen)) return seen;
  }
}

const settingsOf = async (flink: FakeFlink, id: string) =>
  (await ask(flink, `GET /jobs/${id}/checkpoints/config`)).body as Record<string, unknown>;

describe('periodic checkpoints', () => {
  it('come by themselves, at the interval that the job was run with, when they are wanted', async () => {
    const flink = await start();
    flink.knobs.takesCheckpoints = true;
    await run(flink, { flinkConfiguration: { 'execution.checkpointing.interval': '30 ms' } });
    const { history, counts } = await statisticsWhen(flink, JOB, ({ latest }) => (latest.completed?.id ?? 0) >= 4);
    expect(counts).toMatchObject({ failed: 0, in_progress: 0 });
    expect(history.map((entry) => entry.id)).toEqual(history.map((_, index) => (history[0]?.id ?? 0) - index));
    const triggered = history.map((entry) => entry.trigger_timestamp);
    expect((triggered[0] ?? 0) - (triggered[1] ?? 0)).toBeGreaterThanOrEqual(29);
  });

  it('do not come by themselves unless they are wanted, and of one job when that job is told', async () => {
    const flink = await start();
    const [quiet, busy] = [1, 2].map(() => flink.addJob({ checkpointIntervalMs: 20 }));
    flink.job(busy ?? '').takesCheckpoints = true;
    await statisticsWhen(flink, busy ?? '', ({ counts }) => (counts['completed'] ?? 0) >= 2);
    expect((await statistics(flink, quiet ?? '')).counts).toMatchObject({ total: 0 });
  });

  it('stop with the job, and with periodic checkpoints off never begin', async () => {
    const flink = await start();
    flink.knobs.takesCheckpoints = true;
    const [ended, without] = [flink.addJob({ checkpointIntervalMs: 20 }), flink.addJob({ checkpointIntervalMs: null })];
    await statisticsWhen(flink, ended, ({ counts }) => (counts['completed'] ?? 0) >= 1);
    await cancel(flink, ended);
    const { counts } = await statistics(flink, ended);
    const witness = flink.addJob({ checkpointIntervalMs: 20 });
    await statisticsWhen(flink, witness, (seen) => (seen.counts['completed'] ?? 0) >= 3);
    expect((await statistics(flink, ended)).counts).toEqual(counts);
    expect((await statistics(flink, without)).counts).toMatchObject({ total: 0 });
  });

  it('show their progress while they take time, and expire with the timeout', async () => {
    const flink = await start();
    Object.assign(flink.knobs, { takesCheckpoints: true, checkpointDurationMs: 60_000 });
    const id = flink.addJob({ tasks: 4, checkpointIntervalMs: 20, checkpointTimeoutMs: 60 });
    const seen = await statisticsWhen(flink, id, ({ counts }) => counts['in_progress'] === 1);
    expect(seen.history[0]).toMatchObject({ status: 'IN_PROGRESS', is_savepoint: false, num_subtasks: 4 });
    const { latest } = await statisticsWhen(flink, id, ({ counts }) => (counts['failed'] ?? 0) >= 1);
    expect(latest.failed?.failure_message).toBe('Checkpoint expired before completing.');
    expect(flink.job(id).state).toBe('RUNNING');
  });

  it('fail as a test says, and recover', async () => {
    const flink = await start();
    Object.assign(flink.knobs, { takesCheckpoints: true, checkpointsFail: 'Asynchronous task checkpoint failed.' });
    const id = flink.addJob({ checkpointIntervalMs: 20 });
    const { latest } = await statisticsWhen(flink, id, ({ counts }) => (counts['failed'] ?? 0) >= 2);
    expect(latest.failed?.failure_message).toBe('Asynchronous task checkpoint failed.');
    flink.knobs.checkpointsFail = null;
    await statisticsWhen(flink, id, (seen) => seen.latest.completed !== null);
  });

  it('are counted without an entry while not all tasks run', async () => {
    const flink = await start();
    flink.knobs.takesCheckpoints = true;
    const id = flink.addJob({ checkpointIntervalMs: 20 });
    flink.job(id).setTasks({ RUNNING: 3, INITIALIZING: 1 });
    const seen = await statisticsWhen(flink, id, ({ counts }) => (counts['failed'] ?? 0) >= 1);
    expect([seen.history, seen.latest.failed]).toEqual([[], null]);
  });

  it('keep only the history that the cluster is set to, and count them all', async () => {
    const flink = await start({ configuration: { 'web.checkpoints.history': '3' } });
    const id = flink.addJob();
    await trigger(flink, id);
    flink.job(id).failCheckpoint();
    for (let n = 0; n < 5; n += 1) flink.job(id).completeCheckpoint();
    const { history, latest, counts } = await statistics(flink, id);
    expect(history.map((entry) => entry.id)).toEqual([7, 6, 5]);
    expect([latest.savepoint?.id, latest.failed?.id, latest.completed?.id]).toEqual([1, 2, 7]);
    expect(counts).toMatchObject({ total: 7, completed: 6, failed: 1, in_progress: 0 });
    expect(flink.job(id).snapshots).toHaveLength(5);
  });
});

describe('the files of checkpoints', () => {
  it('lie below the folder of the job; those beyond the retained number are deleted', async () => {
    const flink = await start({ configuration: { 'execution.checkpointing.num-retained': '2' } });
    const id = flink.addJob();
    const locations = [1, 2, 3].map(() => flink.job(id).completeCheckpoint() ?? '');
    expect(readdirSync(path.join(flink.folder, 'checkpoints', id)).sort()).toEqual([
      'chk-2',
      'chk-3',
      'shared',
      'taskowned',
    ]);
    expect(existsSync(path.join(onDisk(locations[2] ?? ''), '_metadata'))).toBe(true);
    const { history } = await statistics(flink, id);
    expect(history.map(({ discarded }) => discarded)).toEqual([false, false, true]);
  });

  it('lie where the configuration of the job says', async () => {
    const flink = await start();
    const dir = `file://${flink.folder}/elsewhere`;
    await run(flink, { flinkConfiguration: { 'execution.checkpointing.dir': dir } });
    expect(flink.job(JOB).completeCheckpoint()).toBe(`file:${flink.folder}/elsewhere/${JOB}/chk-1`);
  });

  it('have no address without a directory: they are kept in the memory of the JobManager alone', async () => {
    const flink = await start({ checkpointRoot: null });
    await run(flink);
    expect(flink.job(JOB).completeCheckpoint()).toBeNull();
    expect((await statistics(flink, JOB)).latest.completed?.external_path).toBe(
      '<checkpoint-not-externally-addressable>',
    );
    expect(await settingsOf(flink, JOB)).toMatchObject({ checkpoint_storage: 'JobManagerCheckpointStorage' });
  });

  it('lie there also when the state is kept in the memory of the JobManager', async () => {
    const flink = await start();
    await run(flink, { flinkConfiguration: { 'execution.checkpointing.storage': 'jobmanager' } });
    expect(existsSync(onDisk(flink.job(JOB).completeCheckpoint() ?? ''))).toBe(true);
    expect(await settingsOf(flink, JOB)).toMatchObject({ checkpoint_storage: 'JobManagerCheckpointStorage' });
  });

  it('are incomplete while one is under way, removed when it fails, and left when the JobManager dies', async () => {
    const flink = await start();
    const [failed, interrupted] = [flink.addJob(), flink.addJob()];
    const folderOf = (id: string) => path.join(flink.folder, 'checkpoints', id, 'chk-1');
    const snapshot = flink.job(failed).checkpoints.begin();
    expect(readdirSync(folderOf(failed))).toEqual([]);
    flink.job(failed).checkpoints.abandon(snapshot, 'Checkpoint was declined.');
    expect(existsSync(folderOf(failed))).toBe(false);
    flink.job(interrupted).checkpoints.begin();
    await flink.restart();
    expect(readdirSync(folderOf(interrupted))).toHaveLength(1);
    expect(existsSync(path.join(folderOf(interrupted), '_metadata'))).toBe(false);
  });

  it.each([
    ['RETAIN_ON_CANCELLATION', 'cancel', true],
    ['DELETE_ON_CANCELLATION', 'cancel', false],
    ['NO_EXTERNALIZED_CHECKPOINTS', 'cancel', false],
    ['RETAIN_ON_CANCELLATION', 'failure', true],
    ['DELETE_ON_CANCELLATION', 'failure', true],
    ['NO_EXTERNALIZED_CHECKPOINTS', 'failure', false],
    ['RETAIN_ON_CANCELLATION', 'stop', false],
  ] as const)('of a job that was run with %s: after a %s the newest is kept: %s', async (retention, end, kept) => {
    const flink = await start();
    const key = 'execution.checkpointing.externalized-checkpoint-retention';
    await run(flink, { flinkConfiguration: { [key]: retention } });
    const location = flink.job(JOB).completeCheckpoint() ?? '';
    if (end === 'cancel') await cancel(flink, JOB);
    else if (end === 'stop') await stop(flink, JOB);
    else flink.job(JOB).setState('FAILED');
    const { latest } = await statistics(flink, JOB);
    expect([existsSync(onDisk(location)), latest.completed?.discarded]).toEqual([kept, !kept]);
    expect(readdirSync(path.join(flink.folder, 'checkpoints', JOB))).toEqual(
      expect.arrayContaining(['shared', 'taskowned']),
    );
  });
});

describe('the checkpoint settings of a job', () => {
  it('are those that it was run with, under the names of today and deprecated ones', async () => {
    const flink = await start();
    await run(flink, {
      flinkConfiguration: {
        'execution.checkpointing.interval': '30 s',
        'execution.checkpointing.timeout': '1 min',
        'execution.checkpointing.min-pause': 'PT5S',
        'execution.checkpointing.unaligned': 'true',
        'execution.checkpointing.tolerable-failed-checkpoints': '3',
        'execution.checkpointing.externalized-checkpoint-retention': 'DELETE_ON_CANCELLATION',
        'state.backend': 'rocksdb',
      },
    });
    expect(await settingsOf(flink, JOB)).toMatchObject({
      interval: 30_000,
      timeout: 60_000,
      min_pause: 5_000,
      unaligned_checkpoints: true,
      tolerable_failed_checkpoints: 3,
      externalization: { enabled: true, delete_on_cancellation: true },
      state_backend: 'EmbeddedRocksDBStateBackend',
      checkpoint_storage: 'FileSystemCheckpointStorage',
    });
    flink.job(JOB).completeCheckpoint();
    expect((await statistics(flink, JOB)).latest.completed).toMatchObject({ checkpoint_type: 'UNALIGNED_CHECKPOINT' });
  });

  it('come from the cluster where the job says nothing, and from the program before all', async () => {
    const flink = await start({ configuration: { 'execution.checkpointing.interval': '7 s' } });
    await run(flink);
    expect(await settingsOf(flink, JOB)).toMatchObject({ interval: 7_000 });
    const other = 'd'.repeat(32);
    await run(flink, {
      jobId: other,
      flinkConfiguration: { 'execution.checkpointing.interval': '8 s' },
      programArgsList: ['--checkpoint-interval-ms', '9000'],
    });
    expect(await settingsOf(flink, other)).toMatchObject({ interval: 9_000 });
  });

  it('that cannot be read are a 400, and no job is made', async () => {
    const flink = await start();
    const refused = await run(flink, { flinkConfiguration: { 'execution.checkpointing.timeout': 'later' } });
    expect(refused.status).toBe(400);
    expect(textOf(refused)).toContain("Could not parse value 'later' for key 'execution.checkpointing.timeout'.");
    expect(flink.jobIds).toEqual([]);
  });
});

describe('stale answers', () => {
  it('of a job may lag while its checkpoints do not, and the other way round', async () => {
    const flink = await start();
    const id = flink.addJob();
    Object.assign(flink.knobs, { detailsCacheMs: 3_600_000 });
    await ask(flink, `GET /jobs/${id}`);
    flink.job(id).completeCheckpoint();
    await statistics(flink, id);
    await cancel(flink, id);
    expect((await ask(flink, `GET /jobs/${id}`)).body).toMatchObject({ state: 'RUNNING' });
    expect((await ask(flink, `GET /jobs/${id}/status`)).body).toEqual({ status: 'CANCELED' });
    expect((await statistics(flink, id)).latest.completed).not.toBeNull();
    Object.assign(flink.knobs, { detailsCacheMs: 0, statisticsCacheMs: 3_600_000 });
    await statistics(flink, id);
    expect((await ask(flink, `GET /jobs/${id}`)).body).toMatchObject({ state: 'CANCELED' });
  });
});

describe('what a job recovers from', () => {
  it('is its newest checkpoint, never an intermediate savepoint; the entry says that no start named it', async () => {
    const flink = await start();
    const id = flink.addJob();
    const checkpoint = flink.job(id).completeCheckpoint();
    await trigger(flink, id);
    flink.job(id).restart();
    const { latest } = await statisticsWhen(flink, id, ({ counts }) => counts['restored'] === 1);
    expect(latest.restored).toMatchObject({ id: 1, external_path: checkpoint, is_savepoint: false });
  });

  it('is what it was started from until its first checkpoint; disposed of meanwhile, the job fails', async () => {
    const flink = await start();
    const maker = flink.addJob();
    await trigger(flink, maker);
    await run(flink, { savepointPath: firstMade(flink) });
    flink.job(JOB).restart();
    const seen = await statisticsWhen(flink, JOB, ({ counts }) => counts['restored'] === 2);
    expect(seen.latest.restored).toMatchObject({ external_path: firstMade(flink), is_savepoint: true });
    rmSync(onDisk(firstMade(flink)), { recursive: true });
    flink.job(JOB).restart();
    await until(
      () => ask(flink, `GET /jobs/${JOB}/status`),
      (answer) => textOf(answer).includes('FAILED'),
    );
    expect(textOf(await ask(flink, `GET /jobs/${JOB}/exceptions`))).toContain('FileNotFoundException');
  });

  it('is nothing where nothing was checkpointed: the job starts over', async () => {
    const flink = await start();
    const id = flink.addJob();
    flink.job(id).restart();
    await until(
      () => ask(flink, `GET /jobs/${id}/status`),
      (answer) => textOf(answer).includes('RUNNING'),
    );
    expect((await statistics(flink, id)).counts['restored']).toBe(0);
  });

  it('may be a checkpoint that was asked for, under a trigger id of its own', async () => {
    const flink = await start();
    const id = flink.addJob();
    flink.knobs.savepointDurationMs = Infinity;
    await ask(flink, `POST /jobs/${id}/checkpoints`, { triggerId: TRIGGER });
    await stop(flink, id);
    const failed = await ask(flink, `GET /jobs/${id}/checkpoints/${TRIGGER}`);
    expect(textOf(failed)).toContain('Checkpoint Coordinator is suspending.');
    expect((await poll(flink, id)).body).toEqual({ status: { id: 'IN_PROGRESS' }, operation: null });
    expect((await statistics(flink, id)).counts).toMatchObject({ failed: 1, in_progress: 1 });
  });
});
