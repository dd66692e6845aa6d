import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { writeEntries } from '../../src/checkpoint/checkpoint.store.js';
import { linkOurs } from '../../src/checkpoint/our-savepoint.store.js';
import { readCheckpoints } from '../../src/checkpoint/read-checkpoint.js';
import type { SnapshotEntry } from '../../src/flink/flink.types.js';
import { insertRun, insertSavepointOf, type Run } from '../support/history-rows.js';
import { openTestDatabase, type OpenDatabase } from '../support/rows.js';
import { entryOf } from '../unit/checkpoint/course-of-a-job.js';

let open: OpenDatabase;
let run: Run;
beforeEach(async () => {
  open = await openTestDatabase();
  run = await insertRun(open.database);
});
afterEach(() => open.close());

/** Seconds of the database's clock. The JobManager's is 90 s ahead of it. */
const T = Date.parse('2026-11-01T00:00:00Z');
const AHEAD_MS = 90_000;
const at = (second: number) => new Date(T + second * 1_000);
const onJobManager = (second: number) => T + AHEAD_MS + second * 1_000;

/** A savepoint of the run with one attempt, called at a second and ended at another one; null: Flink is at it. */
async function savepoint(
  [sent, ended]: [number, number | null],
  { outcome = 'ABORTED', ...columns }: Record<string, unknown> = {},
  of: Run = run,
): Promise<string> {
  const { database } = open;
  await database.changed('update cluster set clock_offset_ms = $2 where id = $1', [of.clusterId, AHEAD_MS]);
  const state = ended === null ? 'IN_PROGRESS' : outcome === 'COMPLETED' ? 'COMPLETED' : 'FAILED';
  const id = await insertSavepointOf(database, of, { state, attempt: 1, ...columns });
  const storageId = randomUUID();
  await database.changed('insert into storage (id, name) values ($1, $2)', [storageId, storageId]);
  await attempt(id, 1, storageId, [sent, ended], outcome);
  return id;
}

const attempt = (id: string, number: number, storageId: string, times: [number, number | null], outcome: unknown) =>
  open.database.changed(
    `insert into savepoint_attempt (savepoint_id, number, trigger_id, storage_id, directory, stored_at, sent_at, ended_at, outcome)
     values ($1, $2, $3, $4, $5, $6, $6, $7, $8)`,
    [
      id,
      number,
      randomUUID().replaceAll('-', ''),
      storageId,
      `${run.deploymentId}/${id}/${number}`,
      at(times[0]),
      times[1] === null ? null : at(times[1]),
      times[1] === null ? null : outcome,
    ],
  );

const entry = (id: number, second: number, part: Partial<SnapshotEntry> = {}): SnapshotEntry =>
  entryOf({
    id,
    isSavepoint: true,
    type: 'SAVEPOINT',
    format: 'CANONICAL',
    status: 'FAILED',
    triggeredAt: onJobManager(second),
    ...part,
  });

/** As a look writes them, and whose they are then. */
async function seen(...entries: SnapshotEntry[]): Promise<(string | null)[]> {
  const looked = entries.map((one) => ({ run: { id: run.jobId, deploymentId: run.deploymentId }, entry: one }));
  await writeEntries(open.database, looked);
  await linkOurs(open.database, looked);
  const rows = await open.database.rows<{ savepoint: string | null }>(
    'select savepoint_id as savepoint from checkpoint where job_id = $1 order by flink_checkpoint_id',
    [run.jobId],
  );
  return rows.map((row) => row.savepoint);
}

describe('a savepoint without a path in the history of a job', () => {
  it('is ours while we wait for one that was called before it began, and stays so when it fails', async () => {
    const id = await savepoint([10, null]);
    expect(await seen(entry(1, 10.2, { status: 'IN_PROGRESS' }))).toEqual([id]);
    expect(await seen(entry(1, 10.2))).toEqual([id]);
  });

  it('is ours by the attempt that it falls into, one after the other', async () => {
    const first = await savepoint([10, 11]);
    const second = await savepoint([11.1, 12]);
    expect(await seen(entry(1, 10.1), entry(2, 11.2))).toEqual([first, second]);
  });

  it('is ours by each attempt of one savepoint', async () => {
    const id = await savepoint([10, 11]);
    const row = await open.database.row<{ storage: string }>(
      'select storage_id as storage from savepoint_attempt where savepoint_id = $1',
      [id],
    );
    await attempt(id, 2, row?.storage ?? '', [30, 31], 'EXPIRED');
    expect(await seen(entry(1, 10.1), entry(2, 30.1))).toEqual([id, id]);
  });

  it('that failed is judged as that, though another attempt has made the savepoint', async () => {
    const id = await savepoint([10, 11]);
    await open.database.changed(`update savepoint set state = 'COMPLETED' where id = $1`, [id]);
    expect(await seen(entry(1, 10.1))).toEqual([id]);
    const [checkpoint] = await readCheckpoints(open.database, [
      { jobId: run.jobId, flinkCheckpointId: 1, triggeredAt: null },
    ]);
    expect(checkpoint?.owner).toBe('STATEWARD');
    expect(checkpoint?.restorable.obstacle).toBe('SNAPSHOT_FAILED');
    expect(checkpoint?.deletion.obstacle).toBe('NOTHING_THERE');
  });

  it('is somebody else’s outside all attempts of ours, on another run, and where the attempt ended otherwise', async () => {
    await savepoint([10, 11]);
    await savepoint([50, 51], { outcome: 'COMPLETED' });
    await savepoint([70, 71], { outcome: 'TASKS_NOT_RUNNING' });
    await savepoint([90, 91], {}, await insertRun(open.database, { state: 'CANCELLED' }, run));
    expect(await seen(...[5, 30, 50.5, 70.5, 90.5].map((second, index) => entry(index, second)))).toEqual(
      Array.from({ length: 5 }, () => null),
    );
  });

  it('is told from one of another type or format', async () => {
    const id = await savepoint([10, 20]);
    const stop = await savepoint([10, 20], { origin: 'STOP' });
    expect(
      await seen(
        entry(1, 11),
        entry(2, 12, { type: 'SYNC_SAVEPOINT' }),
        entry(3, 13, { format: 'NATIVE' }),
        entry(4, 14, { isSavepoint: false, type: 'CHECKPOINT', format: null }),
      ),
    ).toEqual([id, stop, null, null]);
  });

  it('is left open where two began during one attempt of ours, until one completes in its directory', async () => {
    const id = await savepoint([10, null]);
    const pending = [11, 12].map((second, index) => entry(index + 1, second, { status: 'IN_PROGRESS' }));
    expect(await seen(...pending)).toEqual([null, null]);
    const location = `file:/s/${run.deploymentId}/${id}/1/savepoint-1`;
    expect(await seen(entry(1, 11), entry(2, 12, { status: 'COMPLETED', location }))).toEqual([null, id]);
  });

  it('is not ours any more when it completes elsewhere', async () => {
    const id = await savepoint([10, null]);
    expect(await seen(entry(1, 10.2, { status: 'IN_PROGRESS' }))).toEqual([id]);
    expect(await seen(entry(1, 10.2, { status: 'COMPLETED', location: 'file:/theirs/savepoint-1' }))).toEqual([null]);
  });
});
