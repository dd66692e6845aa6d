import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { wake } from '../../src/db/claims.js';
import { hang } from '../support/hanging-storage.js';
import { deploymentOn } from '../support/savepoint-scenario.js';
import { createSavepoint, endOfSavepoint, type Scenario } from '../support/scenario.js';
import { eventTypesOf, jobIn } from '../support/start-scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { waitFor } from '../support/wait-for.js';

/** Looks come every 2 s where Flink caches its statistics for less. */
const configuration = { 'web.refresh-interval': '100 ms' };

let stateward: Stateward;
let flink: FakeFlink;
beforeAll(async () => void (stateward = await startStateward()));
afterAll(() => stateward.stop());
beforeEach(async () => void (flink = await startFakeFlink({ configuration })));
afterEach(() => flink.stop());

interface Row {
  id: number;
  kind: string;
  state: string;
  discarded: boolean;
  savepoint_id: string | null;
  failure_message: string | null;
}

const rowsOf = (jobId: string) =>
  stateward.services.database.rows<Row>(
    'select flink_checkpoint_id::int as id, kind, state, discarded, savepoint_id, failure_message from checkpoint where job_id = $1 order by 1',
    [jobId],
  );
const gapsOf = (jobId: string) =>
  stateward.services.database.rows<{ reason: string; missing: number | null; from_at: Date; to_at: Date }>(
    'select reason, missing, from_at, to_at from checkpoint_gap where job_id = $1',
    [jobId],
  );
const accountOf = async (jobId: string) =>
  stateward.services.database.row<Record<string, unknown>>('select * from job_checkpoints where job_id = $1', [jobId]);

const statesOf = async (jobId: string) => Object.fromEntries((await rowsOf(jobId)).map(({ id, state }) => [id, state]));
const recorded = (jobId: string, expected: Record<number, string>) =>
  waitFor(async () => JSON.stringify(await statesOf(jobId)) === JSON.stringify(expected), {
    what: `${JSON.stringify(expected)} to be recorded`,
    timeoutMs: 15_000,
  });

/** On a cluster whose intervals are short enough for looks every 2 s. */
const started = async (interval = '1 s'): Promise<Scenario> =>
  deploymentOn(stateward, flink, {
    deployment: { flinkConfiguration: [{ key: 'execution.checkpointing.interval', value: interval }] },
  });

interface Ended {
  end_read_from: string;
}
const endRead = (jobId: string) =>
  waitFor(
    () =>
      stateward.services.database.row<Ended>(
        'select end_read_from from job where id = $1 and end_read_at is not null',
        [jobId],
      ),
    { what: `the end of ${jobId} to be read`, timeoutMs: 20_000 },
  );
const retainedOf = (jobId: string) =>
  stateward.services.database.rows(
    'select flink_checkpoint_id::int as id, kind, source, data from retained_checkpoint where job_id = $1 order by 1',
    [jobId],
  );

/** As Stateward reads it. */
const checkpointRoot = () => `${flink.folder}/checkpoints`;

/** Lets the run be missed for long enough to be lost. */
const lost = (jobId: string, clusterId: string) =>
  waitFor(
    async () => {
      await stateward.services.database.changed(
        `update job set missing_since = missing_since - interval '40 s' where id = $1 and missing_since > now() - interval '30 s'`,
        [jobId],
      );
      await wake(stateward.services.database, 'cluster', clusterId);
      return stateward.services.database.row(
        `select 1 from job where id = $1 and failure_code in ('JOB_LOST', 'END_UNKNOWN')`,
        [jobId],
      );
    },
    { what: 'the job to be lost', timeoutMs: 20_000 },
  );

describe('checkpoints of a live job', () => {
  it('are recorded with how they ended, and those that Flink discards are marked', async () => {
    const { jobId, flinkJobId, deploymentId } = await started();
    const job = flink.job(flinkJobId);
    job.completeCheckpoint();
    job.completeCheckpoint();
    job.failCheckpoint('Checkpoint expired before completing.');
    await recorded(jobId, { 1: 'COMPLETED', 2: 'COMPLETED', 3: 'FAILED' });
    job.completeCheckpoint();
    await recorded(jobId, { 1: 'COMPLETED', 2: 'COMPLETED', 3: 'FAILED', 4: 'COMPLETED' });
    await waitFor(async () => (await rowsOf(jobId))[1]?.discarded, { what: 'checkpoint 2 to be discarded' });
    const rows = await rowsOf(jobId);
    expect(rows.map(({ discarded }) => discarded)).toEqual([true, true, false, false]);
    expect(rows[2]?.failure_message).toBe('Checkpoint expired before completing.');
    expect(await gapsOf(jobId)).toEqual([]);
    expect(await accountOf(jobId)).toMatchObject({
      first_completed_id: '1',
      last_completed_id: '4',
      last_failed_id: '3',
      told_completed: '3',
      recorded_completed: '3',
      failed_in_a_row: 0,
    });
    const events = await eventTypesOf(stateward, deploymentId);
    expect(events.filter((type) => type.startsWith('CHECKPOINT_'))).toEqual([
      'CHECKPOINT_FIRST_COMPLETED',
      'CHECKPOINT_FAILED',
      'CHECKPOINT_RECOVERED',
    ]);
  });

  it('wake whoever shows them', async () => {
    const { jobId, flinkJobId, deploymentId } = await started();
    const watch = stateward.services.wakeups.watch(`checkpoints:${deploymentId}`);
    let woken = false;
    const waiting = watch.next(new AbortController().signal, 15_000).then(() => (woken = true));
    flink.job(flinkJobId).completeCheckpoint();
    await recorded(jobId, { 1: 'COMPLETED' });
    await waiting;
    watch.stop();
    expect(woken).toBe(true);
  });

  it('show a savepoint of ours as ours, at once also without an interval, and one of somebody else as it is', async () => {
    flink.knobs.checkpointIntervalMs = null;
    const { jobId, flinkJobId, deploymentId } = await deploymentOn(stateward, flink);
    await waitFor(() => accountOf(jobId), { what: 'a first look', timeoutMs: 15_000 });
    const { id } = await createSavepoint(stateward, deploymentId);
    await endOfSavepoint(stateward, id as string);
    await recorded(jobId, { 1: 'COMPLETED' });
    expect(await rowsOf(jobId)).toMatchObject([{ kind: 'SAVEPOINT', savepoint_id: id }]);
    expect(await gapsOf(jobId)).toEqual([]);
    expect(flinkJobId).toBeTruthy();
  });

  it('that were pushed out of the list unseen are a gap with its bounds and their number', async () => {
    const { jobId, flinkJobId } = await started();
    const job = flink.job(flinkJobId);
    job.completeCheckpoint();
    await recorded(jobId, { 1: 'COMPLETED' });
    const before = Date.now();
    for (let count = 0; count < 15; count += 1) job.completeCheckpoint();
    await waitFor(async () => (await gapsOf(jobId)).length > 0, { what: 'a gap', timeoutMs: 15_000 });
    const [gap] = await gapsOf(jobId);
    expect(gap).toMatchObject({ reason: 'COUNTED_MORE', missing: 5 });
    expect(gap?.from_at.getTime()).toBeLessThanOrEqual(before);
    expect(Object.keys(await statesOf(jobId))).toHaveLength(11);
  });

  it('are recorded on time beside a cluster that answers too slowly, and of that one when it is well again', async () => {
    const slow = await startFakeFlink({ configuration });
    try {
      const deployment = { flinkConfiguration: [{ key: 'execution.checkpointing.interval', value: '1 s' }] };
      const late = await deploymentOn(stateward, slow, { deployment });
      const { jobId, flinkJobId } = await started();
      slow.job(late.flinkJobId).completeCheckpoint();
      slow.knobs.latencyMs = 10_000;
      for (const count of [1, 2, 3]) {
        flink.job(flinkJobId).completeCheckpoint();
        await waitFor(async () => (await rowsOf(jobId)).length === count, {
          what: `checkpoint ${count}`,
          timeoutMs: 4_000,
        });
      }
      slow.knobs.latencyMs = 0;
      await waitFor(async () => (await rowsOf(late.jobId)).length === 1, { what: 'the late one', timeoutMs: 40_000 });
    } finally {
      await slow.stop();
    }
  });

  it('begin anew with another JobManager process, which is shown as a gap', async () => {
    const { jobId, flinkJobId, clusterId } = await started();
    flink.job(flinkJobId).completeCheckpoint();
    await recorded(jobId, { 1: 'COMPLETED' });
    await flink.restart({ keepJobs: true });
    await wake(stateward.services.database, 'cluster', clusterId);
    flink.job(flinkJobId).completeCheckpoint();
    await recorded(jobId, { 1: 'COMPLETED', 2: 'COMPLETED' });
    expect(await gapsOf(jobId)).toMatchObject([{ reason: 'JOBMANAGER_CHANGED', missing: null }]);
    expect(await accountOf(jobId)).toMatchObject({ process_mark: flink.processMark, told_completed: '1' });
  });
});

describe('what an ended run has left', () => {
  it('is its newest checkpoint after a cancel, seen in the storage', async () => {
    const { jobId, flinkJobId } = await started();
    flink.job(flinkJobId).completeCheckpoint();
    flink.job(flinkJobId).completeCheckpoint();
    await recorded(jobId, { 1: 'COMPLETED', 2: 'COMPLETED' });
    flink.job(flinkJobId).completeCheckpoint(); // nobody has looked since
    flink.job(flinkJobId).setState('CANCELED');
    await jobIn(stateward, jobId, 'CANCELLED');
    expect(await endRead(jobId)).toEqual({ end_read_from: 'STATISTICS' });
    expect(await retainedOf(jobId)).toEqual([{ id: 3, kind: 'CHECKPOINT', source: 'STATISTICS', data: 'PRESENT' }]);
    expect((await rowsOf(jobId)).map(({ discarded }) => discarded)).toEqual([true, true, false]);
  });

  it('is nothing after it has finished', async () => {
    const { jobId, flinkJobId } = await started();
    flink.job(flinkJobId).completeCheckpoint();
    flink.job(flinkJobId).setState('FINISHED');
    await jobIn(stateward, jobId, 'FINISHED');
    await endRead(jobId);
    expect(await retainedOf(jobId)).toEqual([]);
    expect(await rowsOf(jobId)).toMatchObject([{ id: 1, discarded: true }]);
  });

  it('is what lies in its directory when its JobManager took the statistics with it', async () => {
    const { jobId, flinkJobId, clusterId } = await started();
    flink.job(flinkJobId).completeCheckpoint();
    await recorded(jobId, { 1: 'COMPLETED' });
    flink.job(flinkJobId).completeCheckpoint(); // seen by nobody
    await flink.restart();
    await lost(jobId, clusterId);
    expect(await endRead(jobId)).toEqual({ end_read_from: 'STORAGE' });
    expect(await retainedOf(jobId)).toEqual([{ id: 2, kind: 'CHECKPOINT', source: 'STORAGE', data: 'PRESENT' }]);
  });

  it('is waited for while the storage is slow, where that alone can tell', async () => {
    const { jobId, flinkJobId, clusterId } = await started('1 h');
    await waitFor(() => accountOf(jobId), { what: 'the first look, and no other for long' });
    flink.job(flinkJobId).completeCheckpoint();
    await flink.restart();
    const storage = hang(checkpointRoot());
    try {
      await lost(jobId, clusterId);
      await waitFor(() => storage.turnedAway >= 2, { what: 'two looks to be turned away' });
    } finally {
      storage.answer();
    }
    expect(await endRead(jobId)).toEqual({ end_read_from: 'STORAGE' });
    expect(await retainedOf(jobId)).toMatchObject([{ id: 1, source: 'STORAGE' }]);
  });

  it('is waited for while the storage is slow, where Flink tells what to look for', async () => {
    const { jobId, flinkJobId } = await started();
    flink.job(flinkJobId).completeCheckpoint();
    await recorded(jobId, { 1: 'COMPLETED' });
    const storage = hang(checkpointRoot());
    try {
      flink.job(flinkJobId).setState('CANCELED');
      await waitFor(() => storage.turnedAway >= 2, { what: 'two looks to be turned away', timeoutMs: 12_000 });
    } finally {
      storage.answer();
    }
    expect(await endRead(jobId)).toEqual({ end_read_from: 'STATISTICS' });
    expect(await retainedOf(jobId)).toMatchObject([{ id: 1, data: 'PRESENT' }]);
  });
});
