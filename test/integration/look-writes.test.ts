import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { carryOn } from '../../src/checkpoint/checkpoint-account.js';
import { loadRuns } from '../../src/checkpoint/checkpoint.store.js';
import { FollowedRun } from '../../src/checkpoint/followed-run.js';
import { LookWrites, type NewLook } from '../../src/checkpoint/look-writes.js';
import type { RestoredEntry, SnapshotEntry } from '../../src/flink/flink.types.js';
import { noteSources } from '../../src/job/source-of-adopted.js';
import { createLogger } from '../../src/logger.js';
import { insertCluster, insertDeployment, openTestDatabase, type OpenDatabase } from '../support/rows.js';
import { entryOf } from '../unit/checkpoint/course-of-a-job.js';

let open: OpenDatabase;
let writes: LookWrites;
beforeEach(async () => {
  open = await openTestDatabase();
  writes = new LookWrites(open.database, createLogger('fatal', 'worker'));
});
afterEach(async () => {
  await writes.stop();
  await open.close();
});

async function insertJob(origin = 'STARTED'): Promise<string> {
  const { database } = open;
  const clusterId = await insertCluster(database);
  const deploymentId = await insertDeployment(database, clusterId);
  const jobId = randomUUID();
  await database.changed(
    `insert into job (id, deployment_id, cluster_id, run, flink_job_id, state, strategy, origin, actor)
     values ($1, $2, $3, 1, $4, 'RUNNING', 'NONE', $5, 'test')`,
    [jobId, deploymentId, clusterId, jobId.replaceAll('-', ''), origin],
  );
  return jobId;
}

/** Of a run, with nothing but what makes it one. */
async function insertCompleted(database: OpenDatabase['database'], jobId: string): Promise<string> {
  const id = randomUUID();
  await database.changed(
    `insert into savepoint (id, deployment_id, job_id, cluster_id, origin, state, format, actor, completed_at)
     select $1, deployment_id, id, cluster_id, 'SCHEDULED', 'COMPLETED', 'CANONICAL', 'test', now() from job where id = $2`,
    [id, jobId],
  );
  return id;
}

const load = async (jobId: string) => {
  const [loaded] = await loadRuns(open.database, [jobId]);
  if (!loaded) throw new Error('no such run');
  return new FollowedRun(loaded);
};

function seenWith(entries: SnapshotEntry[], restored: RestoredEntry | null = null) {
  const counts = {
    restored: 0,
    total: entries.length,
    inProgress: entries.filter(({ status }) => status === 'IN_PROGRESS').length,
    completed: entries.filter(({ status }) => status === 'COMPLETED').length,
    failed: entries.filter(({ status }) => status === 'FAILED').length,
  };
  return {
    statistics: {
      counts,
      latest: { completed: null, savepoint: null, failed: null, restored },
      history: [...entries].reverse(),
    },
    processMark: 'a',
    now: Date.now(),
    historySize: 10,
    staleMs: 3_000,
  };
}

const completed = (id: number, part: Partial<SnapshotEntry> = {}) =>
  entryOf({
    id,
    status: 'COMPLETED',
    triggeredAt: Date.now() - 60_000 + id,
    latestAckAt: Date.now(),
    durationMs: 5,
    ...part,
  });

const lookOf = (run: FollowedRun, entries: SnapshotEntry[]) => {
  const look = run.look(seenWith(entries), 0);
  if (!look) throw new Error('nothing new');
  return look;
};

const idsOf = async (jobId: string) =>
  (
    await open.database.rows<{ id: number }>(
      'select flink_checkpoint_id::int as id from checkpoint where job_id = $1 order by 1',
      [jobId],
    )
  ).map(({ id }) => id);

it('that a run has completed its first checkpoint is dated by our clock once, whatever completes after it', async () => {
  const jobId = await insertJob();
  const seenAt = async () =>
    (
      await open.database.row<{ at: Date | null }>(
        'select first_completed_seen_at as at from job_checkpoints where job_id = $1',
        [jobId],
      )
    )?.at;
  await writes.add(lookOf(await load(jobId), [completed(1, { status: 'FAILED', failedAt: Date.now() } as object)]));
  expect(await seenAt()).toBeNull();
  await writes.add(lookOf(await load(jobId), [completed(2)]));
  const first = await seenAt();
  expect(Math.abs(Date.now() - (first?.getTime() ?? 0))).toBeLessThan(60_000);
  await writes.add(lookOf(await load(jobId), [completed(2), completed(3)]));
  expect(await seenAt()).toEqual(first);
});

describe('looks that are written together', () => {
  it('are written though one row among them cannot be, which is shown as a gap', async () => {
    const runs = await Promise.all(Array.from({ length: 9 }, insertJob));
    const bad = completed(2, { subtasks: 3_000_000_000 });
    const outcomes = await Promise.all(
      runs.map(async (id, at) =>
        writes.add(lookOf(await load(id), at === 4 ? [completed(1), bad, completed(3)] : [completed(1)])),
      ),
    );
    expect(outcomes).toEqual(runs.map(() => 'WRITTEN'));
    for (const [at, id] of runs.entries()) expect(await idsOf(id)).toEqual(at === 4 ? [1, 3] : [1]);
    const gaps = await open.database.rows('select job_id, missing, reason from checkpoint_gap');
    expect(gaps).toEqual([{ job_id: runs[4], missing: 1, reason: 'COUNTED_MORE' }]);
  });

  it('hold texts that PostgreSQL takes in no column', async () => {
    const id = await insertJob();
    const failed = entryOf({
      id: 1,
      status: 'FAILED',
      failedAt: Date.now(),
      triggeredAt: Date.now(),
      failureMessage: 'a\0b'.repeat(9_999),
    });
    expect(await writes.add(lookOf(await load(id), [failed]))).toBe('WRITTEN');
    expect(await idsOf(id)).toEqual([1]);
  });

  it('never take an account back: the second of two workers reads it anew', async () => {
    const id = await insertJob();
    const [one, other] = [await load(id), await load(id)];
    expect(await writes.add(lookOf(one, [completed(1), completed(2)]))).toBe('WRITTEN');
    expect(await writes.add(lookOf(other, [completed(1)]))).toBe('OVERTAKEN');
    expect(await idsOf(id)).toEqual([1, 2]);
    const again = await load(id);
    const look = lookOf(again, [completed(1), completed(2), completed(3)]);
    expect(look.gaps).toEqual([]);
    expect(await writes.add(look)).toBe('WRITTEN');
    const events = await open.database.rows('select type from event where job_id = $1', [id]);
    expect(events).toEqual([{ type: 'CHECKPOINT_FIRST_COMPLETED' }]);
  });

  it('with the first completed checkpoint, and no savepoint, wake the policies of its deployment and of that of its source', async () => {
    const { database } = open;
    const [maker, started] = [await insertJob(), await insertJob()];
    await insertJob(); // of neither
    const savepointId = await insertCompleted(database, maker);
    await database.changed('update job set start_savepoint_id = $2 where id = $1', [started, savepointId]);
    await database.changed(
      `insert into retention_policy (deployment_id, max_count, actor, sweep_at) select deployment_id, 1, 'test', now() + interval '1 h' from job`,
    );
    const woken = async () => {
      const rows = await database.rows<{ id: string }>(
        'select j.id from retention_policy p join job j using (deployment_id) where p.sweep_at <= now()',
      );
      return rows.map(({ id }) => id).sort();
    };
    const savepoint = { ...completed(1), isSavepoint: true };
    await writes.add(lookOf(await load(started), [savepoint]));
    expect(await woken()).toEqual([]);
    await writes.add(lookOf(await load(started), [savepoint, completed(2)]));
    expect(await woken()).toEqual([maker, started].sort());
  });

  it('end what was in progress, and never begin it again', async () => {
    const id = await insertJob();
    const run = await load(id);
    const at = Date.now() - 1_000;
    const pending = entryOf({ id: 1, triggeredAt: at });
    const first = lookOf(run, [pending]);
    await writes.add(first);
    run.keep(first);
    await writes.add(lookOf(run, [completed(1, { triggeredAt: at })]));
    const stale = await load(id);
    const { entries } = lookOf(stale, [completed(1, { triggeredAt: at }), completed(2)]);
    const look = {
      ...lookOf(stale, [completed(1, { triggeredAt: at }), completed(2)]),
      entries: [pending, ...entries.slice(1)],
    };
    expect(await writes.add(look)).toBe('WRITTEN');
    const rows = await open.database.rows(
      'select flink_checkpoint_id::int as id, state from checkpoint where job_id = $1 order by 1',
      [id],
    );
    expect(rows).toEqual([
      { id: 1, state: 'COMPLETED' },
      { id: 2, state: 'COMPLETED' },
    ]);
  });

  it('carry the account over a restart of the worker as it was', async () => {
    const id = await insertJob();
    const run = await load(id);
    const failed = entryOf({ id: 2, status: 'FAILED', failedAt: 5_000, triggeredAt: 4_000, failureMessage: 'expired' });
    const look = lookOf(run, [completed(1), failed, entryOf({ id: 3, triggeredAt: 6_000 })]);
    await writes.add(look);
    const [loaded] = await loadRuns(open.database, [id]);
    const { lookedAt, lastCompleted, lastFailed, ...rest } = look.account;
    expect(loaded?.account).toMatchObject(rest);
    expect(Math.abs((loaded?.account?.lookedAt ?? 0) - lookedAt)).toBeLessThan(5_000);
    expect(loaded?.account?.lastCompleted).toMatchObject({ id: 1, triggeredAt: lastCompleted?.triggeredAt });
    expect(loaded?.account?.lastFailed).toMatchObject({
      id: 2,
      failedAt: lastFailed?.failedAt,
      failureMessage: 'expired',
    });
    expect(
      carryOn(loaded?.account ?? null, seenWith([completed(1), failed]), { startedAt: 0, startCheckpointId: 0 }).gaps,
    ).toEqual([]);
  });
});

describe('what an adopted run was restored from', () => {
  const restored = (id: number, location: string, isSavepoint = true): RestoredEntry => ({
    id,
    restoredAt: Date.now(),
    isSavepoint,
    location,
  });
  const look = async (run: FollowedRun, entries: SnapshotEntry[], shown: RestoredEntry | null) => {
    const seen = run.look(seenWith(entries, shown), 0);
    if (!seen) return null;
    const outcome = await writes.add(seen);
    if (outcome === 'WRITTEN') run.keep(seen);
    return outcome;
  };
  const sourceOf = (jobId: string) =>
    open.database.row(
      'select restored_location as location, source_seen_at is not null as seen from job where id = $1',
      [jobId],
    );

  it('is recorded whenever its checkpoints show it, also where nothing else is new; the first that was seen stays', async () => {
    const jobId = await insertJob('ADOPTED');
    const run = await load(jobId);
    expect(await look(run, [completed(5)], null)).toBe('WRITTEN');
    expect(await sourceOf(jobId)).toEqual({ location: null, seen: false });
    const another = await load(jobId);
    expect(await look(run, [completed(5)], restored(4, 's3://b/savepoint-1'))).toBe('WRITTEN');
    expect(await sourceOf(jobId)).toEqual({ location: 's3://b/savepoint-1', seen: true });
    expect(await look(run, [completed(5)], restored(5, 's3://b/chk-5', false))).toBeNull();
    expect(await look(another, [completed(6)], restored(5, 's3://b/chk-5', false))).toBe('OVERTAKEN');
    expect(await sourceOf(jobId)).toMatchObject({ location: 's3://b/savepoint-1' });
  });

  it('is recorded although it had been taken for nothing', async () => {
    const jobId = await insertJob('ADOPTED');
    await noteSources(open.database, [{ jobId, restored: null }]);
    expect(await sourceOf(jobId)).toEqual({ location: null, seen: true });
    expect(await look(await load(jobId), [], restored(4, 's3://b/savepoint-1'))).toBe('WRITTEN');
    expect(await sourceOf(jobId)).toEqual({ location: 's3://b/savepoint-1', seen: true });
  });

  it('is on record when the checkpoints of the run are, which take protection from other savepoints', async () => {
    const jobId = await insertJob('ADOPTED');
    const bad = {
      ...(await load(jobId)).look(seenWith([completed(5)], restored(4, 's3://b/savepoint-1')), 0),
    } as NewLook;
    bad.gaps = [{ from: 0, to: 0, missing: 3_000_000_000, reason: 'ID_MISSING' }];
    expect(await writes.add(bad)).toBe('REFUSED');
    expect(await sourceOf(jobId)).toMatchObject({ location: 's3://b/savepoint-1' });
  });

  it('is not looked for of a run that was started here', async () => {
    const jobId = await insertJob();
    await look(await load(jobId), [completed(5)], restored(4, 's3://b/savepoint-1'));
    expect(await sourceOf(jobId)).toEqual({ location: null, seen: false });
  });
});
