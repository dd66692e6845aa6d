import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import type { FakeFlink, FakeFlinkOptions } from '../../demo/fake-flink/fake-flink.js';
import {
  ask,
  cancel,
  firstMade,
  locationOf,
  onDisk,
  OTHER_TRIGGER,
  poll,
  statistics,
  stop,
  textOf,
  trigger,
  until,
} from '../support/fake-flink-requests.js';

const started: FakeFlink[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((flink) => flink.stop()));
});

async function start(options?: FakeFlinkOptions): Promise<FakeFlink> {
  const flink = await startFakeFlink(options);
  started.push(flink);
  return flink;
}

const stateIs = (flink: FakeFlink, id: string, state: string) =>
  until(
    () => ask(flink, `GET /jobs/${id}/status`),
    (answer) => textOf(answer).includes(`"${state}"`),
  );
const metadata = (location: string): boolean => existsSync(path.join(onDisk(location), '_metadata'));

describe('a stop', () => {
  it('goes where targetDirectory says; target-directory is ignored, and it stops into the default directory', async () => {
    const flink = await start();
    const [first, second] = [flink.addJob(), flink.addJob()];
    await stop(flink, first, { targetDirectory: `file://${flink.folder}/asked` });
    expect(locationOf(await poll(flink, first))).toContain(`file:${flink.folder}/asked/savepoint-`);
    await stop(flink, second, { 'target-directory': `file://${flink.folder}/asked` });
    expect(locationOf(await poll(flink, second))).toContain(`file:${flink.folder}/savepoints/savepoint-`);
    expect(flink.job(second).state).toBe('FINISHED');
  });

  it('deletes the checkpoints of the job, whatever the retention; its savepoint stays', async () => {
    const flink = await start();
    const id = flink.addJob({ retention: 'RETAIN_ON_CANCELLATION' });
    const checkpoint = flink.job(id).completeCheckpoint() ?? '';
    await stop(flink, id);
    expect(flink.job(id).state).toBe('FINISHED');
    expect([existsSync(onDisk(checkpoint)), metadata(firstMade(flink))]).toEqual([false, true]);
    const { latest, history } = await statistics(flink, id);
    expect(latest.completed).toMatchObject({ external_path: checkpoint, discarded: true });
    expect(history[0]).toMatchObject({ checkpoint_type: 'SYNC_SAVEPOINT', status: 'COMPLETED', discarded: false });
  });

  it('with drain leaves one more checkpoint behind its savepoint, which failed', async () => {
    const flink = await start();
    const id = flink.addJob();
    await stop(flink, id, { drain: true });
    const { history } = await statistics(flink, id);
    expect(history.map(({ id: number, status }) => [number, status])).toEqual([
      [2, 'FAILED'],
      [1, 'COMPLETED'],
    ]);
    expect(flink.job(id).state).toBe('FINISHED');
  });

  it('ends checkpoints under way, and no periodic one is taken until it has failed', async () => {
    const flink = await start();
    const id = flink.addJob({ checkpointTimeoutMs: 3_600_000 });
    flink.knobs.savepointDurationMs = Infinity;
    flink.job(id).takesCheckpoints = true;
    const underWay = flink.job(id).checkpoints.begin();
    await stop(flink, id);
    expect(underWay).toMatchObject({ status: 'FAILED', failureMessage: 'Checkpoint Coordinator is suspending.' });
    expect(flink.job(id).takesCheckpoints).toBe(false);
  });

  it('whose savepoint is whole shows it on disk and in the statistics while the tasks close', async () => {
    const flink = await start();
    const id = flink.addJob();
    flink.knobs.closeDurationMs = Infinity;
    await stop(flink, id);
    expect((await poll(flink, id)).body).toEqual({ status: { id: 'IN_PROGRESS' }, operation: null });
    expect([metadata(firstMade(flink)), flink.job(id).state]).toEqual([true, 'RUNNING']);
    expect((await statistics(flink, id)).latest.savepoint?.external_path).toBe(firstMade(flink));
    flink.finishSavepoints(id);
    expect(locationOf(await poll(flink, id))).toBe(firstMade(flink));
    expect(flink.job(id).state).toBe('FINISHED');
  });

  it.each([
    ['default', 'StopWithSavepointStoppingException: A savepoint has been created at: '],
    ['adaptive', 'The job was cancelled.'],
  ] as const)('that is cancelled while its tasks close fails as the %s scheduler says it', async (scheduler, text) => {
    const flink = await start({ scheduler });
    const id = flink.addJob();
    flink.knobs.closeDurationMs = Infinity;
    await stop(flink, id);
    await cancel(flink, id);
    const failed = textOf(await poll(flink, id));
    expect(failed).toContain(text);
    expect(failed.includes(firstMade(flink))).toBe(scheduler === 'default');
    expect(flink.job(id).state).toBe('CANCELED');
    const { latest } = await statistics(flink, id);
    expect(latest.savepoint).toMatchObject({ checkpoint_type: 'SYNC_SAVEPOINT', external_path: firstMade(flink) });
  });

  it('whose job fails while its tasks close names the savepoint, and so does the exception history', async () => {
    const flink = await start();
    const id = flink.addJob();
    flink.savepointsFailWith('stop-poll-stopping-failed');
    await stop(flink, id);
    const named = `A savepoint has been created at: ${firstMade(flink)}, but the corresponding job ${id} failed`;
    expect(textOf(await poll(flink, id))).toContain(named);
    expect(textOf(await ask(flink, `GET /jobs/${id}/exceptions`))).toContain(named);
    expect(flink.job(id).state).toBe('FAILED');
  });

  it.each(['file:///proc/nowhere', 'nofs://bucket/a', ''])('into "%s" fails, and the job runs on', async (target) => {
    const flink = await start();
    const id = flink.addJob();
    await stop(flink, id, { targetDirectory: target });
    expect(textOf(await poll(flink, id))).toContain('CheckpointException');
    expect([flink.job(id).state, flink.job(id).stopping]).toEqual(['RUNNING', false]);
  });

  it('into an unwritable directory says under the adaptive scheduler that it could not be completed', async () => {
    const flink = await start({ scheduler: 'adaptive' });
    const id = flink.addJob();
    await stop(flink, id, { targetDirectory: 'file:///proc/nowhere' });
    const text = textOf(await poll(flink, id));
    expect(text).toContain('FlinkException: Stop with savepoint operation could not be completed.');
    expect(text).toContain('Caused by: java.io.IOException: Failed to create savepoint directory');
  });

  it.each([
    [true, 'RUNNING'],
    [false, 'FAILED'],
  ])(
    'that loses a TaskManager makes no savepoint; with restarts allowed (%s) its job is %s',
    async (restarts, state) => {
      const flink = await start();
      const id = flink.addJob();
      const checkpoint = flink.job(id).completeCheckpoint();
      flink.knobs.restarts = restarts;
      flink.savepointsFailWith('stop-poll-failed-taskmanager-lost', { afterMs: 0 });
      await stop(flink, id);
      await stateIs(flink, id, state);
      expect(textOf(await poll(flink, id))).toContain('Checkpoint Coordinator is suspending.');
      expect(flink.savepointsMade).toEqual([]);
      expect(readdirSync(path.join(flink.folder, 'savepoints'))).toEqual([]);
      if (restarts) expect((await statistics(flink, id)).latest.restored?.external_path).toBe(checkpoint);
    },
  );

  it('that takes longer than the checkpoint timeout restarts its job, unlike a savepoint', async () => {
    const flink = await start();
    flink.knobs.savepointDurationMs = 60_000;
    const id = flink.addJob({ checkpointTimeoutMs: 20 });
    flink.job(id).completeCheckpoint();
    await stop(flink, id);
    await until(
      () => poll(flink, id),
      (answer) => textOf(answer).includes('Checkpoint expired before completing.'),
    );
    await until(
      () => statistics(flink, id).then(({ latest }) => ({ status: 200, body: latest.restored })),
      ({ body }) => body !== null,
    );
    await stateIs(flink, id, 'RUNNING');
  });

  it.each([
    ['default', 'stop', 'is not being executed at the moment'],
    ['default', 'savepoints', 'is not being executed at the moment'],
    ['adaptive', 'stop', 'The Flink job is currently not executing.'],
    ['adaptive', 'savepoints', 'is not a streaming job.'],
  ] as const)('or savepoint of a job that restarts, %s scheduler: /%s says "%s"', async (scheduler, route, text) => {
    const flink = await start({ scheduler });
    const id = flink.addJob();
    flink.job(id).setState('RESTARTING');
    await ask(flink, `POST /jobs/${id}/${route}`, { triggerId: OTHER_TRIGGER });
    expect(textOf(await poll(flink, id, OTHER_TRIGGER))).toContain(text);
  });

  it('of a job that has ended is accepted and then fails', async () => {
    const flink = await start();
    const id = flink.addJob({ state: 'FINISHED' });
    expect((await stop(flink, id)).status).toBe(202);
    expect(textOf(await poll(flink, id))).toContain('FlinkJobNotFoundException');
  });
});

describe('a cancel', () => {
  it('is accepted again while it goes on and after it, and refused for a job that ended otherwise', async () => {
    const flink = await start();
    flink.knobs.cancelDurationMs = 30;
    const id = flink.addJob();
    expect([(await cancel(flink, id)).status, flink.job(id).state]).toEqual([202, 'CANCELLING']);
    expect((await cancel(flink, id)).status).toBe(202);
    await stateIs(flink, id, 'CANCELED');
    expect((await cancel(flink, id)).status).toBe(202);
    expect((await cancel(flink, flink.addJob({ state: 'FINISHED' }))).status).toBe(409);
    expect((await cancel(flink, flink.addJob({ state: 'FAILED' }))).status).toBe(409);
    expect((await cancel(flink, '0'.repeat(32))).status).toBe(404);
  });

  it('ends a savepoint under way', async () => {
    const flink = await start();
    flink.knobs.savepointDurationMs = Infinity;
    const id = flink.addJob();
    await trigger(flink, id);
    await cancel(flink, id);
    expect(textOf(await poll(flink, id))).toContain('Checkpoint Coordinator is suspending.');
  });
});
