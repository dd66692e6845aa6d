import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { wake } from '../../src/db/claims.js';
import { type FakeFlink, type FakeFlinkOptions, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { hang } from '../support/hanging-storage.js';
import { createSavepoint, endOfSavepoint } from '../support/scenario.js';
import { acknowledged, deploymentOn, hurryTo, savepointIn, secondLookAt } from '../support/savepoint-scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { acceptedStop, stopOf } from '../support/stop-scenario.js';
import { askToStart, jobIn, jobOf, runCalls } from '../support/start-scenario.js';
import { waitFor } from '../support/wait-for.js';

let stateward: Stateward;
let flink: FakeFlink;
beforeAll(async () => {
  stateward = await startStateward();
});
afterAll(() => stateward.stop());
afterEach(() => flink.stop());

/** A running deployment on a Flink of its own, with a completed checkpoint. */
async function running(options: FakeFlinkOptions = {}) {
  flink = await startFakeFlink(options);
  const scenario = await deploymentOn(stateward, flink);
  flink.job(scenario.flinkJobId).completeCheckpoint();
  return scenario;
}

const changed = (text: string, values: unknown[]) => stateward.services.database.changed(text, values);
const cancels = () => flink.requests.filter(({ method }) => method === 'PATCH');

/** A stop whose savepoint Flink has taken and will not end by itself. */
async function stopUnderWay(deploymentId: string) {
  const { id: stopId } = await acceptedStop(stateward, deploymentId);
  const { id: savepointId } = await waitFor(async () => (await stopOf(stateward, stopId, 0)).savepoint, {
    what: 'its savepoint',
  });
  await acknowledged(stateward, savepointId);
  return { stopId: stopId as string, savepointId: savepointId as string };
}

/** Lets the 30 s have passed in which a job that was stopped should have ended. */
async function longAfter(stopId: string, savepointId: string): Promise<void> {
  await changed(`update savepoint set state_since = now() - interval '31 s' where id = $1`, [savepointId]);
  await wake(stateward.services.database, 'stop', stopId);
}

async function declareLost(deploymentId: string, clusterId: string): Promise<void> {
  const { database } = stateward.services;
  await waitFor(
    async () => {
      await wake(database, 'cluster', clusterId);
      return database.row(`select 1 from cluster where id = $1 and state = 'UNREACHABLE'`, [clusterId]);
    },
    { what: 'the cluster to be UNREACHABLE' },
  );
  await changed(`update cluster set state_since = now() - interval '6 min' where id = $1`, [clusterId]);
  const { declareJobLost } = await stateward.ask(
    `mutation($id: ID!) { declareJobLost(input: { deploymentId: $id, iHaveChecked: true, reason: "fire" }) { __typename ... on UserError { message } } }`,
    { id: deploymentId },
  );
  expect(declareJobLost).toEqual({ __typename: 'Job' });
}

describe('a stop without a savepoint', () => {
  it('that would lose state ends with what would remain, however sure the record is of that, and the job runs on', async () => {
    flink = await startFakeFlink();
    const { deploymentId, jobId, flinkJobId } = await deploymentOn(stateward, flink);
    await waitFor(
      () =>
        stateward.services.database.row('select 1 from job_checkpoints where job_id = $1 and looked_at is not null', [
          jobId,
        ]),
      { what: 'a look at its checkpoints' },
    );
    const { location } = await endOfSavepoint(stateward, (await createSavepoint(stateward, deploymentId)).id);
    const { id } = await acceptedStop(stateward, deploymentId, { mode: 'WITHOUT_SAVEPOINT' });
    const { failure, ...stop } = await stopOf(stateward, id);
    expect(stop).toMatchObject({ state: 'FAILED', outcome: 'STILL_RUNNING', job: { state: 'RUNNING' } });
    expect(failure.code).toBe('STATE_WOULD_BE_LOST');
    expect(failure.message).toContain('it has not completed a checkpoint. What would remain is savepoint');
    expect(failure.message).toContain(location);
    expect([flink.job(flinkJobId).state, cancels()]).toEqual(['RUNNING', []]);
  });

  it('waits until the first checkpoint is shown by statistics that lag', async () => {
    const { deploymentId } = await running({ statisticsCacheMs: 3_000 });
    const { id } = await acceptedStop(stateward, deploymentId, { mode: 'WITHOUT_SAVEPOINT' });
    expect(await stopOf(stateward, id)).toMatchObject({ state: 'COMPLETED', outcome: 'STOPPED' });
  });

  it('of a start that fails ends at once, and says that the start has failed', async () => {
    const { deploymentId, flinkJobId, jobId } = await running();
    flink.job(flinkJobId).setState('FINISHED');
    await jobIn(stateward, jobId, 'FINISHED');
    flink.knobs.mainDurationMs = 1_000;
    const started = await askToStart(stateward, deploymentId, { programArguments: ['--main-throws'] });
    await waitFor(() => runCalls(flink).length === 2, { what: 'its run call' });
    const { id } = await acceptedStop(stateward, deploymentId, { mode: 'WITHOUT_SAVEPOINT' });
    const notDue = `update stop set look_at = now() + interval '1 h' where id = $1 and claimed_until is null and waiting_for like 'its submission%'`;
    await waitFor(() => changed(notDue, [id]), { what: 'the stop to wait' });
    expect(await stopOf(stateward, id)).toMatchObject({
      state: 'FAILED',
      outcome: 'JOB_FAILED',
      failure: { code: 'JOB_ENDED', message: expect.stringContaining('The start failed') },
      deployment: { state: 'FAILED', currentStop: null },
    });
    expect(await jobOf(stateward, started.id)).toMatchObject({ state: 'FAILED', failureCode: 'SUBMISSION_REFUSED' });
    expect(cancels()).toEqual([]);
  });
});

describe('a cancel by onFailure that was lost', () => {
  it('is sent again only if the newest checkpoint is still young enough', async () => {
    const { deploymentId, flinkJobId } = await running();
    flink.savepointsFailWith('savepoint-poll-failed-unwritable', { afterMs: 0 });
    flink.failNext({ method: 'PATCH', path: /mode=cancel/ }, 'DROP_BEFORE');
    const { id } = await acceptedStop(stateward, deploymentId, {
      onFailure: { action: 'CANCEL_IF_CHECKPOINT_YOUNGER_THAN', checkpointYoungerThanMs: 3_600_000 },
    });
    await waitFor(async () => (await stopOf(stateward, id, 0)).cancelSentAt, { what: 'the first cancel' });
    await changed('update stop set cancel_if_younger_ms = 1 where id = $1', [id]);
    expect(await stopOf(stateward, id)).toMatchObject({
      state: 'FAILED',
      outcome: 'STILL_RUNNING',
      failure: {
        code: 'SAVEPOINT_FAILED',
        message: expect.stringMatching(/was not sent again: its newest checkpoint/),
      },
      deployment: { state: 'RUNNING' },
    });
    expect([flink.job(flinkJobId).state, cancels().length]).toEqual(['RUNNING', 1]);
  });

  it('is sent again where it is', async () => {
    const { deploymentId, flinkJobId } = await running();
    flink.savepointsFailWith('savepoint-poll-failed-unwritable', { afterMs: 0 });
    flink.failNext({ method: 'PATCH', path: /mode=cancel/ }, 'DROP_BEFORE');
    const { id } = await acceptedStop(stateward, deploymentId, {
      onFailure: { action: 'CANCEL_IF_CHECKPOINT_YOUNGER_THAN', checkpointYoungerThanMs: 3_600_000 },
    });
    expect(await stopOf(stateward, id)).toMatchObject({ state: 'FAILED', outcome: 'CANCELLED_INSTEAD' });
    expect([flink.job(flinkJobId).state, cancels().length]).toEqual(['CANCELED', 2]);
  });
});

describe('the savepoint of a stop that failed afterwards, found when its trigger id was forgotten', () => {
  const endings = [
    ['stop-poll-stopping-failed', 'FAILED', 'JOB_FAILED'],
    ['stop-poll-cancelled-while-stopping', 'CANCELLED', 'CANCELLED_INSTEAD'],
  ] as const;
  const marked = (outcome: string) => ({
    state: 'FAILED',
    outcome,
    failure: { code: 'STOP_FAILED_AFTER' },
    savepoint: { state: 'COMPLETED', stopFailedAfter: true, location: flink.savepointsMade[0]?.location },
  });

  it.each(endings)('is marked, by %s, when the job is seen to have ended %s', async (fixture, _, outcome) => {
    const { deploymentId, flinkJobId } = await running();
    flink.knobs.savepointDurationMs = Infinity;
    flink.savepointsFailWith(fixture);
    const { stopId } = await stopUnderWay(deploymentId);
    flink.finishSavepoints(flinkJobId);
    flink.forgetOperations();
    expect(await stopOf(stateward, stopId)).toMatchObject(marked(outcome));
  });

  it.each(endings)('is marked, by %s, although the job was seen to end %s before', async (fixture, end, outcome) => {
    const { deploymentId, flinkJobId, jobId } = await running();
    flink.knobs.savepointDurationMs = Infinity;
    flink.savepointsFailWith(fixture);
    const { stopId, savepointId } = await stopUnderWay(deploymentId);
    const takenAway = `update savepoint set claim = claim + 1, claimed_until = now() + interval '1 h', look_at = now() + interval '1 h' where id = $1`;
    await changed(takenAway, [savepointId]);
    flink.finishSavepoints(flinkJobId);
    flink.forgetOperations();
    await jobIn(stateward, jobId, end);
    expect((await stopOf(stateward, stopId, 0)).savepoint).toMatchObject({
      state: 'IN_PROGRESS',
      stopFailedAfter: false,
    });
    await changed('update savepoint set claimed_until = null where id = $1', [savepointId]);
    await hurryTo(stateward, savepointId, 'COMPLETED');
    expect(await stopOf(stateward, stopId)).toMatchObject(marked(outcome));
  });

  it('is not marked where Flink ended the job by it', async () => {
    const { deploymentId, flinkJobId } = await running();
    flink.knobs.savepointDurationMs = Infinity;
    const { stopId } = await stopUnderWay(deploymentId);
    flink.finishSavepoints(flinkJobId);
    flink.forgetOperations();
    expect(await stopOf(stateward, stopId)).toMatchObject({
      state: 'COMPLETED',
      outcome: 'STOPPED',
      savepoint: { state: 'COMPLETED', stopFailedAfter: false },
    });
  });

  it('is waited for where only a storage that is slow can show it', async () => {
    const { deploymentId, flinkJobId } = await running({ scheduler: 'adaptive' });
    flink.knobs.closeDurationMs = Infinity;
    const { stopId, savepointId } = await stopUnderWay(deploymentId);
    await waitFor(() => flink.savepointsMade.length === 1, { what: 'the savepoint to be whole' });
    flink.failNext({ method: 'GET', path: /\/checkpoints$/, times: 1_000 }, { fixture: 'job-unknown' });
    const storage = hang(`${flink.folder}/savepoints`);
    try {
      await fetch(`${flink.url}/jobs/${flinkJobId}?mode=cancel`, { method: 'PATCH' });
      await waitFor(() => storage.turnedAway > 0, { what: 'a look to be turned away' });
      await secondLookAt(stateward, savepointId); // however long it is looked for
      const before = storage.turnedAway;
      await waitFor(() => storage.turnedAway >= before + 2, { what: 'two more to be' });
    } finally {
      storage.answer();
    }
    await savepointIn(stateward, savepointId, 'COMPLETED');
    expect(await stopOf(stateward, stopId)).toMatchObject(marked('CANCELLED_INSTEAD'));
  });

  async function givenUp() {
    const scenario = await running();
    flink.knobs.savepointDurationMs = Infinity;
    flink.knobs.writesFiles = false;
    flink.savepointsFailWith('stop-poll-stopping-failed');
    const { stopId, savepointId } = await stopUnderWay(scenario.deploymentId);
    await stateward.ask(
      `mutation($id: ID!) { abandonSavepoint(input: { savepointId: $id }) { __typename ... on UserError { message } } }`,
      { id: savepointId },
    );
    await stopOf(stateward, stopId);
    return { ...scenario, stopId, savepointId };
  }

  it('is marked, and found in the history of the job, when it was given up before', async () => {
    const { flinkJobId, jobId, stopId, savepointId } = await givenUp();
    flink.finishSavepoints(flinkJobId);
    flink.forgetOperations();
    await jobIn(stateward, jobId, 'FAILED');
    // Long enough that no call can be on its way.
    await changed(`update savepoint_attempt set last_sent_at = now() - interval '1 min' where savepoint_id = $1`, [
      savepointId,
    ]);
    await hurryTo(stateward, savepointId, 'COMPLETED');
    expect((await stopOf(stateward, stopId, 0)).savepoint).toMatchObject({ stopFailedAfter: true });
  });

  it('is marked, and found by what the trigger id still tells, when it was given up before', async () => {
    const { flinkJobId, stopId, savepointId } = await givenUp();
    flink.failNext({ method: 'GET', path: /\/checkpoints$/, times: 1_000 }, 'NO_LEADER');
    flink.finishSavepoints(flinkJobId);
    await hurryTo(stateward, savepointId, 'COMPLETED');
    expect((await stopOf(stateward, stopId, 0)).savepoint).toMatchObject({ stopFailedAfter: true });
  });
});

describe('a stop whose savepoint is whole, and whose job goes on', () => {
  async function recovered() {
    const scenario = await running();
    flink.knobs.closeDurationMs = Infinity;
    const { stopId, savepointId } = await stopUnderWay(scenario.deploymentId);
    await waitFor(() => flink.savepointsMade.length === 1, { what: 'the savepoint to be whole' });
    await flink.restart({ keepJobs: true });
    await savepointIn(stateward, savepointId, 'COMPLETED');
    return { ...scenario, stopId, savepointId };
  }

  it('because a new JobManager has recovered it, says JOB_RUNS_ON, and the savepoint is no end of anything', async () => {
    const { flinkJobId, jobId, stopId, savepointId } = await recovered();
    await longAfter(stopId, savepointId);
    expect(await stopOf(stateward, stopId)).toMatchObject({
      state: 'FAILED',
      outcome: 'STILL_RUNNING',
      failure: { code: 'JOB_RUNS_ON', message: expect.stringContaining(flink.savepointsMade[0]?.location ?? '?') },
      deployment: { state: 'RUNNING', currentStop: null },
    });
    flink.job(flinkJobId).setState('FAILED');
    await jobIn(stateward, jobId, 'FAILED');
    expect((await stopOf(stateward, stopId, 0)).savepoint).toMatchObject({ stopFailedAfter: false });
  });

  it('because a new JobManager has recovered it, and then fails, does not say that nothing later counts', async () => {
    const { flinkJobId, stopId } = await recovered();
    flink.job(flinkJobId).setState('FAILED');
    expect(await stopOf(stateward, stopId)).toMatchObject({
      state: 'FAILED',
      outcome: 'JOB_FAILED',
      failure: { code: 'JOB_ENDED', message: expect.stringContaining('another JobManager went on with the job') },
      savepoint: { state: 'COMPLETED', stopFailedAfter: false },
    });
  });

  it('because its tasks do not end, tells so and waits, until a cancel ends it', async () => {
    const { deploymentId, flinkJobId } = await running();
    flink.knobs.closeDurationMs = Infinity;
    const { stopId, savepointId } = await stopUnderWay(deploymentId);
    await waitFor(() => flink.savepointsMade.length === 1, { what: 'the savepoint to be whole' });
    flink.forgetOperations();
    await savepointIn(stateward, savepointId, 'COMPLETED');
    await longAfter(stopId, savepointId);
    await waitFor(async () => /tasks have not ended/.test((await stopOf(stateward, stopId, 0)).waitingFor ?? ''), {
      what: 'the stop to tell what it waits for',
    });
    const { id } = await acceptedStop(stateward, deploymentId, { mode: 'WITHOUT_SAVEPOINT' });
    expect(await stopOf(stateward, id)).toMatchObject({ state: 'COMPLETED', outcome: 'STOPPED' });
    expect(flink.job(flinkJobId).state).toBe('CANCELED');
    expect(await stopOf(stateward, stopId)).toMatchObject({
      failure: { code: 'SUPERSEDED' },
      savepoint: { state: 'COMPLETED', stopFailedAfter: true },
    });
  });
});

describe('a run that is declared lost', () => {
  it('leaves no savepoint waiting for a cluster that is gone', async () => {
    const { deploymentId, clusterId } = await running();
    flink.knobs.savepointDurationMs = Infinity;
    const { id } = await createSavepoint(stateward, deploymentId);
    await acknowledged(stateward, id);
    await flink.stop();
    await declareLost(deploymentId, clusterId);
    await secondLookAt(stateward, id);
    const { failure } = await hurryTo(stateward, id, 'FAILED');
    expect(failure.code).toBe('RESULT_LOST');
    expect(failure.message).toMatch(/ended unseen \(DECLARED_LOST\), and cluster \d+ does not answer/);
  });

  it('has its savepoint found in the storage, without the cluster', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fake-flink-'));
    try {
      const { deploymentId, clusterId } = await running({ folder });
      flink.knobs.closeDurationMs = Infinity;
      const { stopId, savepointId } = await stopUnderWay(deploymentId);
      await waitFor(() => flink.savepointsMade.length === 1, { what: 'the savepoint to be whole' });
      await flink.stop();
      await declareLost(deploymentId, clusterId);
      expect(await hurryTo(stateward, savepointId, 'COMPLETED')).toMatchObject({
        location: flink.savepointsMade[0]?.location,
      });
      expect((await stopOf(stateward, stopId)).savepoint).toMatchObject({ stopFailedAfter: true });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe('a stop that Stateward fails to follow', () => {
  it('is given up as NOT_FOLLOWED after many errors of its own', async () => {
    const { deploymentId, flinkJobId } = await running();
    flink.knobs.savepointDurationMs = Infinity;
    const { id: savepointId } = await createSavepoint(stateward, deploymentId);
    await acknowledged(stateward, savepointId);
    const { id } = await acceptedStop(stateward, deploymentId);
    await changed('update stop set format = null where id = $1', [id]); // a step that cannot succeed
    flink.finishSavepoints(flinkJobId);
    await waitFor(
      async () => {
        await changed(`update stop set failures = 19 where id = $1 and state in ('WAITING', 'IN_PROGRESS')`, [id]);
        await wake(stateward.services.database, 'stop', id);
        return (await stopOf(stateward, id, 0)).state === 'FAILED';
      },
      { what: 'the stop to be given up' },
    );
    expect(await stopOf(stateward, id)).toMatchObject({
      outcome: null,
      failure: { code: 'NOT_FOLLOWED', message: expect.stringContaining('has lost its cluster, run or format') },
      deployment: { state: 'RUNNING' },
    });
    expect([flink.job(flinkJobId).state, cancels()]).toEqual(['RUNNING', []]);
  });
});
