import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import type { FakeFlink, FakeFlinkOptions } from '../../demo/fake-flink/fake-flink.js';
import {
  ask,
  firstMade,
  locationOf,
  onDisk,
  OTHER_TRIGGER,
  poll,
  statistics,
  textOf,
  trigger,
  TRIGGER,
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

describe('trigger ids', () => {
  it('start one savepoint however often the POST is repeated, also as a stop', async () => {
    const flink = await start();
    const id = flink.addJob();
    expect((await trigger(flink, id)).body).toEqual({ 'request-id': TRIGGER });
    expect((await trigger(flink, id, { 'target-directory': '/elsewhere' })).status).toBe(202);
    expect((await ask(flink, `POST /jobs/${id}/stop`, { triggerId: TRIGGER })).status).toBe(202);
    expect(flink.savepointsMade).toHaveLength(1);
    expect(flink.job(id).state).toBe('RUNNING');
    expect(flink.triggersReceived(id)).toEqual([TRIGGER, TRIGGER, TRIGGER]);
  });

  it('are kept apart by job', async () => {
    const flink = await start();
    await trigger(flink, flink.addJob());
    await trigger(flink, flink.addJob());
    expect(flink.savepointsMade).toHaveLength(2);
  });

  it('are unknown once the result is older than the store duration; the same POST then makes another savepoint', async () => {
    const flink = await start({ asyncStoreDurationMs: 1 });
    const id = flink.addJob();
    await trigger(flink, id);
    await until(
      () => poll(flink, id),
      ({ status }) => status === 404,
    );
    await trigger(flink, id);
    expect(flink.savepointsMade).toHaveLength(2);
  });

  it('never expire while the savepoint is under way, nor with a store duration of 0', async () => {
    const flink = await start({ asyncStoreDurationMs: 0 });
    const id = flink.addJob();
    flink.knobs.savepointDurationMs = Infinity;
    await trigger(flink, id);
    expect((await poll(flink, id)).body).toEqual({ status: { id: 'IN_PROGRESS' }, operation: null });
    flink.finishSavepoints(id);
    expect(flink.savepointsMade).toHaveLength(1);
    expect(locationOf(await poll(flink, id))).toBe(firstMade(flink));
  });

  it('are forgotten on demand while the savepoint goes on', async () => {
    const flink = await start();
    const id = flink.addJob();
    flink.knobs.savepointDurationMs = Infinity;
    await trigger(flink, id);
    flink.forgetOperations();
    expect((await poll(flink, id)).status).toBe(404);
    flink.finishSavepoints(id);
    expect(flink.savepointsMade).toHaveLength(1);
  });

  it('are accepted in upper case and answered in lower case; others than 32 hex characters are a 400', async () => {
    const flink = await start();
    const id = flink.addJob();
    const upper = await trigger(flink, id.toUpperCase(), { triggerId: TRIGGER.toUpperCase() });
    expect(upper).toEqual({ status: 202, body: { 'request-id': TRIGGER } });
    const refused = await trigger(flink, id, { triggerId: 'short' });
    expect(refused.status).toBe(400);
    expect(textOf(refused)).toContain('Request did not match expected format SavepointTriggerRequestBody.');
    expect((await trigger(flink, id, { formatType: 'canonical' })).status).toBe(400);
  });
});

describe('a savepoint', () => {
  it('goes to the default directory when the directory is under an unknown name', async () => {
    const flink = await start();
    await trigger(flink, flink.addJob(), { targetDirectory: `file://${flink.folder}/asked`, nonsense: 1 });
    expect(firstMade(flink)).toContain(`file:${flink.folder}/savepoints/savepoint-`);
  });

  it('without a directory and without a default is refused at once', async () => {
    const flink = await start({ savepointRoot: null });
    const id = flink.addJob();
    const refused = await trigger(flink, id);
    expect(refused.status).toBe(400);
    expect(textOf(refused)).toContain('Property [target-directory] must be provided.');
    expect(textOf(await ask(flink, `POST /jobs/${id}/stop`, {}))).toContain('Property [targetDirectory] must be');
    flink.changeRoots({ savepointRoot: `file://${flink.folder}/late` });
    expect((await trigger(flink, id)).status).toBe(202);
  });

  it('lies on disk where the answer says, in the folded form with one slash', async () => {
    const flink = await start();
    const id = flink.addJob();
    await trigger(flink, id, { 'target-directory': `file://${flink.folder}//a b/x/../c%20d/` });
    const location = locationOf(await poll(flink, id));
    expect(location).toMatch(new RegExp(`^file:${flink.folder}/a b/c%20d/savepoint-${id.slice(0, 6)}-[0-9a-f]{12}$`));
    expect(readdirSync(onDisk(location))).toEqual(['_metadata']);
  });

  it('is made at its time although nobody asks', async () => {
    const flink = await start();
    flink.knobs.savepointDurationMs = 300;
    const jobId = flink.addJob();
    await trigger(flink, jobId);
    expect(flink.savepointsMade).toHaveLength(0);
    while (flink.savepointsMade.length === 0) await new Promise(setImmediate);
    expect(flink.savepointsMade[0]).toMatchObject({ jobId, triggerId: TRIGGER, targetDirectory: null });
    expect(existsSync(onDisk(firstMade(flink)))).toBe(true);
  });

  it('writes nothing outside the own folder, nor with files off', async () => {
    const flink = await start();
    const id = flink.addJob();
    await trigger(flink, id, { 'target-directory': '/nowhere/at/all' });
    flink.knobs.writesFiles = false;
    await trigger(flink, id, { triggerId: OTHER_TRIGGER });
    expect(flink.savepointsMade.map(({ location }) => existsSync(onDisk(location)))).toEqual([false, false]);
  });

  it.each([
    ['a local path with an authority', 'file://host/a', "Found local file path with authority 'host'"],
    ['an unknown scheme', 'nofs://bucket/a', 'UnsupportedFileSystemSchemeException'],
    ['a scheme in upper case', 'FILE:///a', "scheme 'FILE'"],
    ['an empty text', '', 'Can not create a Path from an empty string'],
  ])('into %s fails with the cause in the poll', async (_, target, cause) => {
    const flink = await start();
    const id = flink.addJob();
    await trigger(flink, id, { 'target-directory': target });
    expect(textOf(await poll(flink, id))).toContain(cause);
    expect(flink.savepointsMade).toEqual([]);
    expect(flink.job(id).state).toBe('RUNNING');
  });

  it('may run beside another one', async () => {
    const flink = await start();
    const id = flink.addJob();
    flink.knobs.savepointDurationMs = Infinity;
    await trigger(flink, id);
    await trigger(flink, id, { triggerId: OTHER_TRIGGER });
    expect((await statistics(flink, id)).counts['in_progress']).toBe(2);
    flink.finishSavepoints(id);
    expect(new Set(flink.savepointsMade.map(({ location }) => location)).size).toBe(2);
  });

  it('ends after the asked number of polls, its acknowledgements and bytes rising on the way', async () => {
    const flink = await start();
    const id = flink.addJob({ tasks: 8 });
    Object.assign(flink.knobs, { pendingPolls: 4, savepointSteps: 4 });
    await trigger(flink, id);
    const seen: number[][] = [];
    for (;;) {
      if (locationOf(await poll(flink, id)) !== '') break;
      const [entry] = (await statistics(flink, id)).history;
      seen.push([entry?.num_acknowledged_subtasks ?? -1, entry?.checkpointed_size ?? -1]);
    }
    expect(seen).toEqual([2, 4, 6, 7].map((acknowledged) => [acknowledged, acknowledged * 4096]));
    const [entry] = (await statistics(flink, id)).history;
    expect(entry).toMatchObject({ status: 'COMPLETED', num_acknowledged_subtasks: 8, external_path: firstMade(flink) });
  });

  it('fails at once when the job is cancelled; its folder goes, the directory asked for stays', async () => {
    const flink = await start();
    const id = flink.addJob();
    flink.knobs.savepointDurationMs = Infinity;
    await trigger(flink, id);
    expect((await ask(flink, `PATCH /jobs/${id}?mode=cancel`)).status).toBe(202);
    expect(textOf(await poll(flink, id))).toContain('Checkpoint Coordinator is suspending.');
    expect(readdirSync(path.join(flink.folder, 'savepoints'))).toEqual([]);
    expect((await statistics(flink, id)).history[0]?.failure_message).toBe('Checkpoint Coordinator is suspending.');
    expect(flink.job(id).state).toBe('CANCELED');
  });

  it('expires with the checkpoint timeout of the job, which goes on', async () => {
    const flink = await start();
    const id = flink.addJob({ checkpointTimeoutMs: 10 });
    flink.knobs.savepointDurationMs = 60_000;
    await trigger(flink, id);
    const failed = await until(
      () => poll(flink, id),
      (answer) => textOf(answer).includes('COMPLETED'),
    );
    expect(textOf(failed)).toContain('Checkpoint expired before completing.');
    expect(flink.job(id).state).toBe('RUNNING');
  });

  it.each([
    ['CANONICAL', {}, 'a0d9290316d5bd13a6078ae292e9d9357c5bd34d0e8467d887382c40509d19cb'],
    ['NATIVE', {}, '881d909cb0abaf581fa980ab24822b6a5b5210101c9cff99477dae404d7bd073'],
    ['CANONICAL', { drain: false }, 'd44bcb53b0069c7ca6b70062f2fc2faf65027419909428d1b0be7a608ee7d102'],
    ['CANONICAL', { drain: true }, 'a3768b3a6d11a93044f9845af9927a7573ce392d019ad623b231a37d464866de'],
  ])('ends its metadata with the very bytes of a real one: %s %j', async (formatType, stop, digest) => {
    const flink = await start();
    const operation = Object.keys(stop).length === 0 ? 'savepoints' : 'stop';
    await ask(flink, `POST /jobs/${flink.addJob()}/${operation}`, { formatType, ...stop });
    const metadata = readFileSync(path.join(onDisk(firstMade(flink)), '_metadata'));
    const tail = metadata.subarray(metadata.lastIndexOf(Buffer.from('aced0005', 'hex')));
    expect(createHash('sha256').update(tail).digest('hex')).toBe(digest);
    expect([metadata.readInt32BE(0), metadata.readInt32BE(4)]).toEqual([0x4960672d, 6]);
  });
});

describe('a stop', () => {
  it('makes its savepoint, ends the job and fails savepoints under way', async () => {
    const flink = await start();
    const id = flink.addJob();
    flink.knobs.savepointDurationMs = Infinity;
    await trigger(flink, id);
    flink.knobs.savepointDurationMs = 0;
    await ask(flink, `POST /jobs/${id}/stop`, { triggerId: OTHER_TRIGGER, drain: false });
    expect(textOf(await poll(flink, id))).toContain('Checkpoint Coordinator is suspending.');
    expect(locationOf(await poll(flink, id, OTHER_TRIGGER))).toBe(firstMade(flink));
    expect(flink.job(id).state).toBe('FINISHED');
  });

  it('that fails while stopping leaves a whole savepoint, named in the failure, and a FAILED job', async () => {
    const flink = await start();
    const id = flink.addJob();
    flink.savepointsFailWith('stop-poll-stopping-failed');
    await ask(flink, `POST /jobs/${id}/stop`, { triggerId: TRIGGER });
    expect(textOf(await poll(flink, id))).toContain(`A savepoint has been created at: ${firstMade(flink)}, but`);
    expect(existsSync(path.join(onDisk(firstMade(flink)), '_metadata'))).toBe(true);
    expect(flink.job(id).state).toBe('FAILED');
  });

  it('that times out restarts the job from its last checkpoint', async () => {
    const flink = await start();
    const id = flink.addJob();
    const checkpoint = flink.job(id).completeCheckpoint();
    flink.savepointsFailWith('stop-poll-failed-timeout', { afterMs: 0 });
    await ask(flink, `POST /jobs/${id}/stop`, { triggerId: TRIGGER });
    await until(
      () => ask(flink, `GET /jobs/${id}/status`),
      (answer) => textOf(answer).includes('RUNNING') && flink.job(id).counts.restored === 1,
    );
    expect((await statistics(flink, id)).latest.restored?.external_path).toBe(checkpoint);
    expect(flink.savepointsMade).toEqual([]);
  });
});

describe('checkpoint statistics', () => {
  it('are as old as the cache allows, while /jobs/:id/status is not cached', async () => {
    const flink = await start({ statisticsCacheMs: 3_600_000 });
    const id = flink.addJob();
    await statistics(flink, id);
    await ask(flink, `GET /jobs/${id}`);
    await trigger(flink, id);
    await ask(flink, `PATCH /jobs/${id}`);
    expect((await statistics(flink, id)).history).toEqual([]);
    expect((await ask(flink, `GET /jobs/${id}`)).body).toMatchObject({ state: 'RUNNING' });
    expect((await ask(flink, `GET /jobs/${id}/status`)).body).toEqual({ status: 'CANCELED' });
  });

  it('list ten entries; the newest savepoint stays readable beyond them', async () => {
    const flink = await start();
    const id = flink.addJob();
    await trigger(flink, id);
    await poll(flink, id);
    for (let n = 0; n < 12; n += 1) flink.job(id).completeCheckpoint();
    const { history, latest, counts } = await statistics(flink, id);
    expect(history.map((entry) => entry.id)).toEqual([13, 12, 11, 10, 9, 8, 7, 6, 5, 4]);
    expect([latest.savepoint?.id, counts['completed']]).toEqual([1, 13]);
    expect((await ask(flink, `GET /jobs/${id}/checkpoints/details/1`)).status).toBe(200);
    expect((await ask(flink, `GET /jobs/${id}/checkpoints/details/2`)).status).toBe(404);
  });

  it('say Long.MAX_VALUE, digit by digit, when periodic checkpoints are off', async () => {
    const flink = await start();
    const id = flink.addJob({ checkpointIntervalMs: null });
    const response = await fetch(`${flink.url}/jobs/${id}/checkpoints/config`);
    expect(await response.text()).toContain('"interval":9223372036854775807,');
  });

  it.each([
    ['RETAIN_ON_CANCELLATION', 'CANCELED', true],
    ['RETAIN_ON_CANCELLATION', 'FINISHED', false],
    ['DELETE_ON_CANCELLATION', 'CANCELED', false],
    ['DELETE_ON_CANCELLATION', 'FAILED', true],
    ['NO_EXTERNALIZED_CHECKPOINTS', 'FAILED', false],
  ] as const)('with %s, a job that ends %s keeps its newest checkpoint: %s', async (retention, state, kept) => {
    const flink = await start();
    const id = flink.addJob({ retention });
    flink.job(id).completeCheckpoint();
    const newest = flink.job(id).completeCheckpoint() ?? '';
    flink.job(id).setState(state);
    const { history } = await statistics(flink, id);
    expect(history.map((entry) => entry.discarded)).toEqual([!kept, true]);
    expect(existsSync(onDisk(newest))).toBe(kept);
  });
});
