import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { encodeMetadata } from '../../demo/fake-flink/snapshot-files.js';
import type { FakeFlink, FakeFlinkOptions } from '../../demo/fake-flink/fake-flink.js';
import {
  ask,
  cancel,
  firstMade,
  JOB,
  onDisk,
  run,
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

/** A savepoint of a job whose program was given these arguments. */
async function savepointOf(flink: FakeFlink, programArgsList: string[] = []): Promise<string> {
  const jobId = 'e'.repeat(32);
  await run(flink, { jobId, programArgsList });
  await trigger(flink, jobId);
  return firstMade(flink);
}

const exceptionsOf = (flink: FakeFlink) => ask(flink, `GET /jobs/${JOB}/exceptions`);
const resultOf = (flink: FakeFlink) => ask(flink, `GET /jobs/${JOB}/execution-result`);

function foreign(flink: FakeFlink, name: string, content: Buffer | string): string {
  mkdirSync(path.join(flink.folder, name));
  writeFileSync(path.join(flink.folder, name, '_metadata'), content);
  return `file://${flink.folder}/${name}`;
}

const REFUSALS: [string, string, (flink: FakeFlink) => Promise<object>][] = [
  [
    'a path that is not there',
    'Cannot find checkpoint or savepoint file/directory',
    (flink) => Promise.resolve({ savepointPath: `file://${flink.folder}/none` }),
  ],
  [
    'a folder without metadata',
    "Cannot find meta data file '_metadata'",
    (flink) => Promise.resolve({ savepointPath: `file://${flink.folder}` }),
  ],
  [
    'a foreign file',
    'Unexpected magic number.',
    (flink) => Promise.resolve({ savepointPath: foreign(flink, 'foreign', 'long enough to hold the header of one') }),
  ],
  [
    'a truncated file',
    'EOFException',
    (flink) => Promise.resolve({ savepointPath: foreign(flink, 'short', Buffer.from('4960672d00000006', 'hex')) }),
  ],
  [
    'an operator that the program has not any more',
    'because the operator is not available in the new program',
    async (flink) => ({ savepointPath: await savepointOf(flink), programArgsList: ['--counter-uid', 'renamed'] }),
  ],
  [
    'another max parallelism',
    'with max parallelism 32 to new program with max parallelism 64',
    async (flink) => ({
      savepointPath: await savepointOf(flink, ['--max-parallelism', '32']),
      programArgsList: ['--max-parallelism', '64'],
    }),
  ],
  [
    'a parallelism above that of the state',
    'The maximum parallelism (2) of the restored state is lower than the configured parallelism (4)',
    async (flink) => ({ savepointPath: await savepointOf(flink, ['--max-parallelism', '2']), parallelism: 4 }),
  ],
];

describe('a restore', () => {
  it('takes a retained checkpoint as it takes a savepoint, and says so of it', async () => {
    const flink = await start();
    const before = flink.addJob();
    flink.job(before).completeCheckpoint();
    const checkpoint = flink.job(before).completeCheckpoint() ?? '';
    await cancel(flink, before);
    expect((await run(flink, { savepointPath: `${checkpoint.replace('file:', 'file://')}/_metadata` })).status).toBe(
      200,
    );
    const { latest } = await statistics(flink, JOB);
    expect(latest.restored).toMatchObject({ id: 2, external_path: checkpoint, is_savepoint: true });
    expect(flink.job(JOB).completeCheckpoint()).toContain('/chk-3');
    expect(existsSync(onDisk(checkpoint))).toBe(true);
  });

  it.each([true, false])(
    'of a checkpoint that Flink has deleted is refused, with files (%s) or without',
    async (files) => {
      const flink = await start();
      flink.knobs.writesFiles = files;
      const before = flink.addJob();
      const checkpoint = flink.job(before).completeCheckpoint();
      await stop(flink, before);
      expect((await run(flink, { savepointPath: checkpoint })).status).toBe(400);
    },
  );

  it.each(REFUSALS)('of %s is a 400 under the default scheduler', async (_, text, bodyFor) => {
    const flink = await start();
    const refused = await run(flink, await bodyFor(flink));
    expect(refused.status).toBe(400);
    expect(textOf(refused)).toContain(text);
    expect(flink.job(JOB)).toMatchObject({ state: 'FAILED', tasks: [] });
    expect(textOf(await exceptionsOf(flink))).toContain(text);
  });

  it.each(REFUSALS)(
    'of %s is told in the execution result alone by the adaptive scheduler',
    async (_, text, bodyFor) => {
      const flink = await start({ scheduler: 'adaptive' });
      expect((await run(flink, await bodyFor(flink))).status).toBe(200);
      expect((await exceptionsOf(flink)).body).toMatchObject({ exceptionHistory: { entries: [] } });
      expect(textOf(await resultOf(flink))).toContain(text);
      expect((await ask(flink, `GET /jobs/${JOB}`)).body).toMatchObject({
        state: 'FAILED',
        schedulerType: 'Adaptive',
        'application-id': null,
        'status-counts': { CREATED: expect.any(Number) },
      });
      expect((await statistics(flink, JOB)).latest.restored).toBeNull();
      expect((await run(flink)).status).toBe(400);
    },
  );

  it('of a newer version is refused by the older Flink', async () => {
    const flink = await start({ version: '1.20.5' });
    const content = { version: '2.3.0', checkpointId: 4, kind: 'CHECKPOINT', operators: [] } as const;
    const savepointPath = foreign(flink, 'newer', encodeMetadata({ ...content, operators: [] }));
    const refused = await run(flink, { savepointPath });
    expect(textOf(refused)).toContain('Unrecognized checkpoint version number: 6');
  });

  it('leaves state behind when it is allowed to, and says the same of what was restored', async () => {
    const flink = await start();
    const savepointPath = await savepointOf(flink);
    const body = { savepointPath, programArgsList: ['--counter-uid', 'renamed'], allowNonRestoredState: true };
    expect((await run(flink, body)).status).toBe(200);
    expect((await statistics(flink, JOB)).latest.restored).toMatchObject({ external_path: savepointPath });
  });

  it('takes over the max parallelism of the state where the program sets none', async () => {
    const flink = await start();
    const savepointPath = await savepointOf(flink, ['--max-parallelism', '32']);
    expect((await run(flink, { savepointPath, parallelism: 4 })).status).toBe(200);
  });

  it.each(['default', 'adaptive'] as const)('is refused on demand, once, by the %s scheduler', async (scheduler) => {
    const flink = await start({ scheduler });
    const savepointPath = await savepointOf(flink);
    flink.restoresFailWith('run-restore-missing-operator');
    const refused = await run(flink, { savepointPath });
    expect(refused.status).toBe(scheduler === 'default' ? 400 : 200);
    expect(textOf(await resultOf(flink))).toContain('is not available in the new program');
    expect((await run(flink, { savepointPath, jobId: 'd'.repeat(32) })).status).toBe(200);
    expect(flink.job('d'.repeat(32)).state).toBe('RUNNING');
  });

  it('does not happen although the run was accepted, when a test wants that', async () => {
    const flink = await start();
    const savepointPath = await savepointOf(flink);
    flink.knobs.restores = 'NOTHING';
    expect((await run(flink, { savepointPath })).status).toBe(200);
    expect((await statistics(flink, JOB)).latest.restored).toBeNull();
    expect(flink.job(JOB).state).toBe('RUNNING');
  });

  it('happens from something else, when a test wants that', async () => {
    const flink = await start();
    const savepointPath = await savepointOf(flink);
    flink.knobs.restores = { id: 77, location: 'file:/other/savepoint-1' };
    await run(flink, { savepointPath });
    expect((await statistics(flink, JOB)).latest.restored).toMatchObject({
      id: 77,
      external_path: 'file:/other/savepoint-1',
    });
    expect((await run(flink, { jobId: 'd'.repeat(32) })).status).toBe(200);
    expect((await statistics(flink, 'd'.repeat(32))).latest.restored).toBeNull();
  });
});

describe('a start that loops over its failure', () => {
  it('is RESTARTING and RUNNING in turn until it is cancelled', async () => {
    const flink = await start();
    const savepointPath = await savepointOf(flink);
    flink.startsFailWith('exceptions-restore-missing-file', { afterMs: 10, restarts: true });
    flink.knobs.restartDurationMs = 10;
    expect((await run(flink, { savepointPath })).status).toBe(200);
    for (const state of ['RESTARTING', 'RUNNING', 'RESTARTING', 'RUNNING']) {
      await until(
        () => ask(flink, `GET /jobs/${JOB}/status`),
        (answer) => textOf(answer).includes(state),
      );
    }
    expect(textOf(await exceptionsOf(flink))).toContain('FileNotFoundException');
    await cancel(flink, JOB);
    expect(flink.job(JOB).state).toBe('CANCELED');
  });
});

describe('a job without a TaskManager', () => {
  it('alternates RUNNING, its tasks SCHEDULED, and RESTARTING, and recovers when one is back', async () => {
    const flink = await start();
    flink.knobs.lostTaskManagerCycleMs = 20;
    const id = flink.addJob();
    const checkpoint = flink.job(id).completeCheckpoint();
    flink.loseTaskManagers();
    expect((await ask(flink, 'GET /taskmanagers')).body).toEqual({ taskmanagers: [] });
    expect((await ask(flink, 'GET /overview')).body).toMatchObject({ taskmanagers: 0, 'slots-total': 0 });
    const details = (fits: (text: string) => boolean) =>
      until(
        () => ask(flink, `GET /jobs/${id}`),
        (answer) => fits(textOf(answer)),
      );
    for (let round = 0; round < 2; round += 1) {
      await details((text) => text.includes('"state":"RESTARTING"'));
      await details((text) => text.includes('"state":"RUNNING"') && text.includes('"SCHEDULED":4'));
    }
    expect(textOf(await ask(flink, `GET /jobs/${id}/exceptions`))).toContain('NoResourceAvailableException');
    flink.returnTaskManagers();
    await details((text) => text.includes('"state":"RUNNING"') && text.includes('"RUNNING":4'));
    const { latest, counts } = await statistics(flink, id);
    expect(latest.restored).toMatchObject({ external_path: checkpoint, is_savepoint: false });
    expect(counts['restored']).toBeGreaterThan(1);
  });

  it('stays CREATED under the adaptive scheduler', async () => {
    const flink = await start({ scheduler: 'adaptive', slots: 2 });
    const other = flink.addJob({ parallelism: 2 });
    await run(flink, { parallelism: 2 });
    expect(flink.job(JOB)).toMatchObject({ state: 'CREATED', waitsForSlots: true });
    await cancel(flink, other);
    expect(flink.job(JOB)).toMatchObject({ state: 'RUNNING', tasks: Array(4).fill('RUNNING') });
  });
});

describe('a JobManager that comes back under high availability', () => {
  it('has the jobs with empty statistics, counts on, and subsumes what the jobs had retained', async () => {
    const flink = await start();
    const id = flink.addJob({ checkpointIntervalMs: 12_345 });
    flink.job(id).completeCheckpoint();
    const checkpoint = flink.job(id).completeCheckpoint() ?? '';
    await flink.restart({ keepJobs: true });
    const { counts, history, latest } = await statistics(flink, id);
    expect(counts).toEqual({ restored: 1, total: 0, in_progress: 0, completed: 0, failed: 0 });
    expect([history, latest.completed, latest.restored?.external_path]).toEqual([[], null, checkpoint]);
    expect(flink.job(id).settings.checkpointIntervalMs).toBe(12_345);
    expect(flink.job(id).completeCheckpoint()).toContain('/chk-3');
    expect(existsSync(onDisk(checkpoint))).toBe(false);
  });
});
