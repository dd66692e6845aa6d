import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { dropOldCheckpoints } from '../../src/checkpoint/checkpoint-days.js';
import { followOverview } from '../../src/checkpoint/follow-overview.js';
import type { StateOverview } from '../../src/checkpoint/overview.types.js';
import { readOverviews } from '../../src/checkpoint/read-overview.js';
import type { Database, Sql } from '../../src/db/database.js';
import type { Data } from '../support/graphql-client.js';
import {
  endRun,
  insertAccount,
  insertCheckpoint,
  insertLeftBehind,
  insertRun,
  insertSavepointOf,
  makeDay,
  type Run,
} from '../support/history-rows.js';
import { insertCluster, insertDeployment } from '../support/rows.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { waitFor } from '../support/wait-for.js';

let stateward: Stateward;
beforeAll(async () => {
  stateward = await startStateward({ worker: false });
});
afterAll(() => stateward.stop());

const database = () => stateward.services.database;
const at = (minute: number) => new Date(Date.UTC(2026, 3, 10, 0, minute));

const OVERVIEW = `lastCompletedCheckpoint { id triggeredAt endedAt durationMs checkpointedBytes stateBytes location subtasks restorable { obstacle } }
  lastFailedCheckpoint { id state triggeredAt endedAt durationMs stateBytes failureMessage }
  failedInARow failedWithoutEntry
  lastCompletedSavepoint { id completedAt durationMs sizeBytes }
  lastFailedSavepoint { id failure { code message failedAt } }
  newestRestorableState { kind savepoint { id } checkpoint { id owner } location triggeredAt ageUnknown }
  storedBytes savepointBytes leftBehindBytes ofUnknownSize lastLookAt clockOffsetMs`;

async function overviewOf({ deploymentId }: { deploymentId: string }, fields = OVERVIEW): Promise<Data> {
  const { deployment } = await stateward.ask(
    `query($id: ID!) { deployment(id: $id) { stateOverview { ${fields} } } }`,
    {
      id: deploymentId,
    },
  );
  return deployment.stateOverview;
}

/** The database, and how many statements it was asked for. */
function counting(): { sql: Sql; statements: () => number } {
  let statements = 0;
  const sql = new Proxy<Sql>(database(), {
    get: (target, name: keyof Sql) => {
      statements += 1;
      return (target[name] as (...args: unknown[]) => unknown).bind(target);
    },
  });
  return { sql, statements: () => statements };
}

/** What a run's account holds after it completed one at that minute and failed one after it. */
const told = (minute: number) => ({
  looked_at: new Date(),
  last_completed_id: minute,
  last_completed_triggered_at: at(minute),
  last_completed_at: at(minute + 1),
  last_completed_duration_ms: 60_000,
  last_completed_bytes: 10,
  last_completed_state_bytes: 1_000,
  last_completed_location: `file:///checkpoints/chk-${minute}`,
});

describe('the overview of a deployment', () => {
  it('is empty before its first start', async () => {
    const deploymentId = await insertDeployment(database(), await insertCluster(database()));
    expect(await overviewOf({ deploymentId }, `${OVERVIEW} lookAgeMs`)).toEqual({
      lastCompletedCheckpoint: null,
      lastFailedCheckpoint: null,
      failedInARow: 0,
      failedWithoutEntry: 0,
      lastCompletedSavepoint: null,
      lastFailedSavepoint: null,
      newestRestorableState: null,
      storedBytes: 0,
      savepointBytes: 0,
      leftBehindBytes: 0,
      ofUnknownSize: 0,
      lastLookAt: null,
      lookAgeMs: null,
      clockOffsetMs: null,
    });
  });

  it('tells of the last checkpoints and savepoints, what it could be started from, and what is stored', async () => {
    const earlier = await insertRun(database());
    await endRun(database(), earlier);
    await insertLeftBehind(database(), earlier, 4, at(4));
    const run = await insertRun(database(), {}, earlier);
    await insertAccount(database(), run, {
      ...told(20),
      told_failed: 5,
      recorded_failed: 2,
      failed_without_entry: 1,
      failed_in_a_row: 2,
      last_failed_id: 22,
      last_failed_triggered_at: at(22),
      last_failed_at: at(23),
      last_failed_duration_ms: 60_000,
      last_failed_state_bytes: 0,
      last_failed_message: 'Checkpoint expired before completing.',
    });
    const completed = await insertSavepointOf(database(), run, { triggered_at: at(10), completed_at: at(11) });
    await insertSavepointOf(database(), run, { triggered_at: at(8), completed_at: at(9), size_bytes: null });
    const failed = await insertSavepointOf(database(), run, {
      state: 'FAILED',
      failed_at: at(12),
      failure_code: 'STORAGE_ERROR',
      failure_message: 'Flink could not write.',
      completed_at: null,
    });
    expect(await overviewOf(run)).toEqual({
      lastCompletedCheckpoint: {
        id: `${run.jobId}:20`,
        triggeredAt: at(20).toISOString(),
        endedAt: at(21).toISOString(),
        durationMs: 60_000,
        checkpointedBytes: 10,
        stateBytes: 1_000,
        location: 'file:///checkpoints/chk-20',
        subtasks: null,
        restorable: { obstacle: 'CHECKPOINT_OF_LIVE_JOB' },
      },
      lastFailedCheckpoint: {
        id: `${run.jobId}:22`,
        state: 'FAILED',
        triggeredAt: at(22).toISOString(),
        endedAt: at(23).toISOString(),
        durationMs: 60_000,
        stateBytes: 0,
        failureMessage: 'Checkpoint expired before completing.',
      },
      failedInARow: 2,
      failedWithoutEntry: 4,
      lastCompletedSavepoint: { id: completed, completedAt: at(11).toISOString(), durationMs: 900, sizeBytes: 7_000 },
      lastFailedSavepoint: {
        id: failed,
        failure: { code: 'STORAGE_ERROR', message: 'Flink could not write.', failedAt: at(12).toISOString() },
      },
      newestRestorableState: {
        kind: 'SAVEPOINT',
        savepoint: { id: completed },
        checkpoint: null,
        location: expect.stringContaining('savepoint-012345'),
        triggeredAt: at(10).toISOString(),
        ageUnknown: expect.stringContaining('clock'),
      },
      storedBytes: 12_000,
      savepointBytes: 7_000,
      leftBehindBytes: 5_000,
      ofUnknownSize: 1,
      lastLookAt: expect.any(String),
      clockOffsetMs: null,
    });
  });

  it('goes back run by run for the last checkpoints', async () => {
    const earlier = await insertRun(database());
    await insertAccount(database(), earlier, told(7));
    await endRun(database(), earlier);
    const run = await insertRun(database(), {}, earlier);
    await insertAccount(database(), run, { last_failed_id: 2, last_failed_triggered_at: at(9), last_failed_at: at(9) });
    expect(await overviewOf(run)).toMatchObject({
      lastCompletedCheckpoint: { id: `${earlier.jobId}:7` },
      lastFailedCheckpoint: { id: `${run.jobId}:2` },
    });
  });

  it.each([
    ['drained', { drained: true }],
    ['missing', { data: 'MISSING' }],
    ['damaged', { data: 'DAMAGED' }],
    ['imported', { origin: 'IMPORTED' }],
    ['being deleted', { state: 'DELETING' }],
  ])('does not name a savepoint that is %s as the newest restorable state', async (_what, columns) => {
    const run = await insertRun(database());
    const good = await insertSavepointOf(database(), run, { triggered_at: at(1) });
    await insertSavepointOf(database(), run, { triggered_at: at(5), ...columns });
    expect((await overviewOf(run)).newestRestorableState).toMatchObject({ savepoint: { id: good } });
  });

  it('names what was left behind, or the savepoint of somebody else, where that is newer', async () => {
    const run = await insertRun(database());
    await insertSavepointOf(database(), run, { triggered_at: at(1) });
    await insertCheckpoint(database(), run, 2, at(2), { kind: 'SAVEPOINT', type: 'SAVEPOINT' });
    expect((await overviewOf(run)).newestRestorableState).toMatchObject({
      kind: 'SAVEPOINT',
      savepoint: null,
      checkpoint: { id: `${run.jobId}:2`, owner: 'OTHER' },
    });
    await insertLeftBehind(database(), run, 3, at(3));
    expect((await overviewOf(run)).newestRestorableState).toMatchObject({ checkpoint: { id: `${run.jobId}:2` } });
    await endRun(database(), run);
    expect((await overviewOf(run)).newestRestorableState).toMatchObject({
      kind: 'CHECKPOINT',
      checkpoint: { id: `${run.jobId}:3`, owner: 'NOBODY' },
    });
  });

  it('names nothing later than a savepoint whose stop failed afterwards', async () => {
    const run = await insertRun(database());
    const savepoint = await insertSavepointOf(database(), run, { triggered_at: at(5), stop_failed_after: true });
    await endRun(database(), run);
    await insertLeftBehind(database(), run, 9, at(9));
    expect((await overviewOf(run)).newestRestorableState).toMatchObject({ savepoint: { id: savepoint } });
  });

  it('counts ages on the clock of the JobManager, and says when that differs from ours', async () => {
    const run = await insertRun(database());
    await insertSavepointOf(database(), run, { triggered_at: new Date() });
    const ask = () => overviewOf(run, 'clockOffsetMs newestRestorableState { ageMs ageUnknown }');
    expect(await ask()).toMatchObject({ clockOffsetMs: null, newestRestorableState: { ageMs: null } });
    const offset = (ms: number) =>
      database().changed('update cluster set clock_offset_ms = $2 where id = $1', [run.clusterId, ms]);
    await offset(3_600_000);
    const ahead = await ask();
    expect(ahead).toMatchObject({ clockOffsetMs: 3_600_000, newestRestorableState: { ageUnknown: null } });
    expect(ahead.newestRestorableState.ageMs).toBeGreaterThanOrEqual(3_600_000);
    expect(ahead.newestRestorableState.ageMs).toBeLessThan(3_660_000);
    await offset(-4_000);
    expect(await ask()).toMatchObject({ clockOffsetMs: null, newestRestorableState: { ageMs: 0 } });
  });

  it('is read in one statement, for one deployment and for fifty', async () => {
    const runs = await Promise.all(Array.from({ length: 50 }, () => insertRun(database())));
    for (const run of runs) await insertSavepointOf(database(), run);
    const counted = counting();
    const found = await readOverviews(counted.sql, [...runs.map(({ deploymentId }) => deploymentId), randomUUID()]);
    expect(counted.statements()).toBe(1);
    expect([...found.keys()].sort()).toEqual(runs.map(({ deploymentId }) => deploymentId).sort());
    expect([...found.values()].every(({ savepointBytes }) => savepointBytes === 7_000)).toBe(true);
  });

  it('does not change when days of the history are dropped, and lineage does not either', async () => {
    await makeDay(database(), '2020-04-20');
    const made = new Date('2020-04-20T10:00:00Z');
    const run = await insertRun(database());
    for (let id = 1; id <= 5; id += 1)
      await insertCheckpoint(database(), run, id, new Date(made.getTime() + id * 1_000));
    await insertAccount(database(), run, { ...told(5), last_completed_triggered_at: new Date(made.getTime() + 5_000) });
    await endRun(database(), run);
    await insertLeftBehind(database(), run, 5, new Date(made.getTime() + 5_000));
    const next = await insertRun(
      database(),
      {
        strategy: 'LATEST_STATE',
        start_job_id: run.jobId,
        start_checkpoint_id: 5,
        start_location: `file:///checkpoints/${run.jobId}/chk-5`,
        start_triggered_at: new Date(made.getTime() + 5_000),
        start_why: 'the newest',
      },
      run,
    );
    const other = await insertRun(database());
    await insertCheckpoint(database(), other, 8, made, { kind: 'SAVEPOINT', type: 'SAVEPOINT' });
    const look = async () => ({
      theirs: (await overviewOf(other)).newestRestorableState,
      overview: await overviewOf(
        next,
        `${OVERVIEW} newestRestorableState { checkpoint { restorable { canBeRestored } } }`,
      ),
      lineage: await lineageOf(next.jobId),
    });
    const before = await look();
    expect(before.theirs).toMatchObject({ checkpoint: { id: `${other.jobId}:8`, owner: 'OTHER' } });
    expect(before.lineage.startedFrom).toMatchObject({ checkpoint: { id: `${run.jobId}:5` } });
    expect(await dropOldCheckpoints(database(), 30)).toMatchObject({ days: ['checkpoint_20200420'] });
    expect(await look()).toEqual(before);
  });
});

const lineageOf = async (id: string): Promise<Data> =>
  (
    await stateward.ask(
      `query($id: ID!) { job(id: $id) { run successors { edges { node { id } } }
         startedFrom { kind location takenAt why savepoint { id } checkpoint { id triggeredAt startedJobs { edges { node { id } } } } takenByJob { id run } } } }`,
      { id },
    )
  ).job;

describe('lineage', () => {
  it('leads from a run to the savepoint, the run that took it, and on; and back again', async () => {
    const maker = await insertRun(database());
    const savepointId = await insertSavepointOf(database(), maker);
    await endRun(database(), maker);
    const start = {
      strategy: 'FROM_SAVEPOINT',
      start_savepoint_id: savepointId,
      start_job_id: maker.jobId,
      start_location: `file:///savepoints/${savepointId}/savepoint-012345-abcdef`,
      start_triggered_at: at(3),
      start_why: 'asked for by id',
    };
    const next = await insertRun(database(), start, maker);
    const elsewhere = await insertRun(database(), start);
    expect(await lineageOf(next.jobId)).toMatchObject({
      run: 2,
      startedFrom: {
        kind: 'SAVEPOINT',
        location: start.start_location,
        takenAt: at(3).toISOString(),
        why: 'asked for by id',
        savepoint: { id: savepointId },
        checkpoint: null,
        takenByJob: { id: maker.jobId, run: 1 },
      },
    });
    const { savepoint } = await stateward.ask(
      `query($id: ID!) { savepoint(id: $id) { job { id startedFrom { location } successors { edges { node { id } } } } startedJobs { edges { node { id deployment { id } } } } } }`,
      { id: savepointId },
    );
    const both = [elsewhere, next].map(({ jobId }) => ({ node: { id: jobId } }));
    expect(savepoint.job).toMatchObject({ id: maker.jobId, startedFrom: null, successors: { edges: both } });
    expect(savepoint.startedJobs.edges).toMatchObject(both);
  });

  it('leads to a checkpoint of which nothing is left but that a run was started from it', async () => {
    const maker = await insertRun(database());
    await endRun(database(), maker);
    const next = await insertRun(
      database(),
      {
        strategy: 'FROM_CHECKPOINT',
        start_job_id: maker.jobId,
        start_checkpoint_id: 77,
        start_location: 's3://c/0123/chk-77',
        start_triggered_at: at(7),
      },
      maker,
    );
    expect((await lineageOf(next.jobId)).startedFrom).toMatchObject({
      kind: 'CHECKPOINT',
      savepoint: null,
      checkpoint: {
        id: `${maker.jobId}:77`,
        triggeredAt: at(7).toISOString(),
        startedJobs: { edges: [{ node: { id: next.jobId } }] },
      },
      takenByJob: { id: maker.jobId },
    });
    expect((await lineageOf(maker.jobId)).startedFrom).toBeNull();
  });
});

describe('the state of a deployment, followed', () => {
  const FOLLOW = `subscription($id: ID!) { deploymentState(deploymentId: $id) { deployment { state }
    overview { failedInARow lastCompletedCheckpoint { id restorable { obstacle } } } } }`;
  const changed = (run: Run) =>
    database().rows(`select pg_notify('stateward', $1)`, [`checkpoints:${run.deploymentId}`]);
  const complete = async (run: Run, id: number) => {
    await database().changed('update job_checkpoints set last_completed_id = $2, looked_at = now() where job_id = $1', [
      run.jobId,
      id,
    ]);
    await changed(run);
  };
  const idOf = (data: Data) => data.deploymentState.overview.lastCompletedCheckpoint?.id;

  it('comes now and at each change, at most twice a second, and ends when nobody listens', async () => {
    const run = await insertRun(database());
    await insertAccount(database(), run, told(1));
    const { wakeups } = stateward.services;
    const listening = wakeups.watchers;
    const times: number[] = [];
    const following = stateward.subscribe(FOLLOW, { id: run.deploymentId }, (data) => {
      times.push(performance.now());
      return idOf(data) === `${run.jobId}:60`;
    });
    await waitFor(() => times.length, { what: 'the first overview' });
    for (let id = 2; id <= 60; id += 1) await complete(run, id);
    const seen = await following;
    expect(idOf(seen[0])).toBe(`${run.jobId}:1`);
    expect(seen.length).toBeLessThanOrEqual(2 + ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 450);
    await waitFor(() => wakeups.watchers === listening, { what: 'the followers to be gone' });
  });

  it('says nothing when a look has seen nothing new', async () => {
    const run = await insertRun(database());
    await insertAccount(database(), run, told(1));
    const { wakeups } = stateward.services;
    const ending = new AbortController();
    const counted = counting();
    const following = followOverview({ database: counted.sql as Database, wakeups }, run.deploymentId, ending.signal);
    const idOfNext = async () => ((await following.next()).value as StateOverview).lastCompletedCheckpoint?.id;
    expect(await idOfNext()).toBe(`${run.jobId}:1`);
    const next = idOfNext();
    await database().changed('update job_checkpoints set looked_at = now() where job_id = $1', [run.jobId]);
    await changed(run);
    await waitFor(() => counted.statements() > 1, { what: 'the overview to be read again' });
    await complete(run, 2);
    expect(await next).toBe(`${run.jobId}:2`);
    ending.abort();
    expect((await following.next()).done).toBe(true);
  });

  it('is read anew each time, also what lies behind its fields', async () => {
    const run = await insertRun(database());
    await insertAccount(database(), run, told(1));
    let deliveries = 0;
    const following = stateward.subscribe(FOLLOW, { id: run.deploymentId }, (data) => {
      deliveries += 1;
      return data.deploymentState.deployment.state === 'FAILED';
    });
    await waitFor(() => deliveries, { what: 'the first overview' });
    await endRun(database(), run);
    await database().changed(`update deployment set state = 'FAILED', state_since = now() where id = $1`, [
      run.deploymentId,
    ]);
    await changed(run);
    const seen = await following;
    expect(seen.at(-1).deploymentState.overview.lastCompletedCheckpoint.restorable).toEqual({
      obstacle: 'NOT_RETAINED',
    });
  });

  it('is refused for a deployment that there is none of', async () => {
    for (const id of [randomUUID(), 'nonsense'])
      await expect(stateward.subscribe(FOLLOW, { id })).rejects.toMatchObject([
        { extensions: { code: 'BAD_USER_INPUT' } },
      ]);
  });
});
