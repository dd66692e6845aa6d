import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { wake } from '../../src/db/claims.js';
import { type FakeFlink, type FakeFlinkOptions, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { createSavepoint, endOfSavepoint } from '../support/scenario.js';
import { acknowledged, deploymentOn, savepointIn } from '../support/savepoint-scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { acceptedStop, askToStop, eventsOfStop, stopOf } from '../support/stop-scenario.js';
import { askToStart, eventTypesOf, jobIn, jobOf } from '../support/start-scenario.js';
import { waitFor } from '../support/wait-for.js';

let stateward: Stateward;
let flink: FakeFlink;
beforeAll(async () => {
  stateward = await startStateward();
});
afterAll(() => stateward.stop());
afterEach(() => flink.stop());

/** A running deployment on a Flink of its own. */
async function running(options: FakeFlinkOptions = {}, deployment: object = {}) {
  flink = await startFakeFlink(options);
  return deploymentOn(stateward, flink, { deployment });
}

const cancels = () => flink.requests.filter(({ method }) => method === 'PATCH');
const deploymentState = async (id: string): Promise<string> =>
  (await stateward.ask(`query($id: ID!) { deployment(id: $id) { state } }`, { id })).deployment.state;
const stateIs = (id: string, state: string) =>
  waitFor(async () => (await deploymentState(id)) === state, { what: `the deployment to be ${state}` });

/** An abandoned savepoint that Flink may still be at: it counts against the budget. */
const inFlight = (deploymentId: string) =>
  stateward.services.database.changed(
    `insert into savepoint (id, deployment_id, job_id, cluster_id, origin, state, format, actor, in_flight, failure_code, failed_at)
     select $1, d.id, d.current_job_id, d.cluster_id, 'MANUAL', 'FAILED', 'CANONICAL', 'test', true, 'ABANDONED', now() from deployment d where d.id = $2`,
    [randomUUID(), deploymentId],
  );

describe('a stop with a savepoint', () => {
  it('is durable and STOPPING at once, and has ended when Flink has ended the job with its savepoint', async () => {
    const { deploymentId, jobId, flinkJobId } = await running();
    flink.knobs.savepointDurationMs = Infinity;
    const stop = await acceptedStop(stateward, deploymentId, { description: 'release 7' });
    expect(stop).toMatchObject({ state: 'IN_PROGRESS', outcome: null, job: { state: 'STOPPING' } });
    expect(stop.deployment).toMatchObject({ state: 'STOPPING', currentStop: { id: stop.id } });
    const refused = await createSavepoint(stateward, deploymentId);
    expect(refused).toMatchObject({ code: 'DEPLOYMENT_NOT_RUNNING', message: expect.stringContaining('STOPPING') });
    const { id } = await waitFor(async () => (await stopOf(stateward, stop.id, 0)).savepoint, {
      what: 'its savepoint',
    });
    await acknowledged(stateward, id);
    flink.finishSavepoints(flinkJobId);
    expect(await stopOf(stateward, stop.id)).toMatchObject({
      state: 'COMPLETED',
      outcome: 'STOPPED',
      failure: null,
      waitingFor: null,
      savepoint: { origin: 'STOP', state: 'COMPLETED', drained: false, location: flink.savepointsMade[0]?.location },
      job: { state: 'CANCELLED' },
      deployment: { state: 'CANCELLED', currentStop: null },
    });
    expect(await jobOf(stateward, jobId)).toMatchObject({ state: 'CANCELLED' });
    expect(await eventsOfStop(stateward, stop.id)).toEqual([
      'STOP_REQUESTED',
      'SAVEPOINT_IN_PROGRESS',
      'STOP_COMPLETED',
    ]);
    expect(cancels()).toEqual([]);
  });

  it('passes the budget of the cluster', async () => {
    flink = await startFakeFlink();
    const { deploymentId, flinkJobId } = await deploymentOn(stateward, flink, { cluster: { savepointBudget: 1 } });
    await inFlight(deploymentId);
    const { id } = await acceptedStop(stateward, deploymentId);
    expect(await stopOf(stateward, id)).toMatchObject({ state: 'COMPLETED', outcome: 'STOPPED' });
    expect(flink.job(flinkJobId).state).toBe('FINISHED');
  });

  it('and drain needs final: true, and marks its savepoint', async () => {
    const { deploymentId } = await running();
    expect(await askToStop(stateward, deploymentId, { mode: 'WITH_DRAIN' })).toMatchObject({ code: 'DRAIN_IS_FINAL' });
    const { id } = await acceptedStop(stateward, deploymentId, { mode: 'WITH_DRAIN', final: true });
    expect(await stopOf(stateward, id)).toMatchObject({ outcome: 'STOPPED', savepoint: { drained: true } });
    const sent = flink.requests.find(({ path }) => path.endsWith('/stop'));
    expect(sent?.body).toMatchObject({ drain: true });
  });

  it('answers with the same stop under the same idempotency key', async () => {
    const { deploymentId } = await running();
    const idempotencyKey = randomUUID();
    const first = await acceptedStop(stateward, deploymentId, { idempotencyKey });
    expect((await acceptedStop(stateward, deploymentId, { idempotencyKey })).id).toBe(first.id);
    await stopOf(stateward, first.id);
  });

  it('at the same time as another is refused with the id of the first', async () => {
    const { deploymentId, flinkJobId } = await running();
    flink.knobs.savepointDurationMs = Infinity;
    const answers = await Promise.all([1, 2, 3].map(() => askToStop(stateward, deploymentId)));
    const [accepted] = answers.filter(({ __typename }) => __typename === 'Stop');
    const refused = answers.filter(({ code }) => code === 'STOP_IN_PROGRESS');
    expect(refused.map(({ stopId }) => stopId)).toEqual([accepted?.id, accepted?.id]);
    await waitFor(() => flink.triggersReceived().length === 1, { what: 'the stop to arrive' });
    flink.finishSavepoints(flinkJobId);
    expect(await stopOf(stateward, accepted?.id)).toMatchObject({ outcome: 'STOPPED' });
  });
});

describe('a stop with a savepoint that fails', () => {
  it('before it has begun leaves the job as it was', async () => {
    const { deploymentId, flinkJobId, jobId } = await running();
    flink.savepointsFailWith('savepoint-poll-failed-unwritable', { afterMs: 0 });
    const { id } = await acceptedStop(stateward, deploymentId);
    const stop = await stopOf(stateward, id);
    expect(stop).toMatchObject({
      state: 'FAILED',
      outcome: 'STILL_RUNNING',
      failure: { code: 'SAVEPOINT_FAILED', message: expect.stringContaining('The job runs on as before.') },
      savepoint: { state: 'FAILED', failure: { code: 'STORAGE_ERROR' } },
    });
    expect(flink.job(flinkJobId).state).toBe('RUNNING');
    expect(await jobOf(stateward, jobId)).toMatchObject({ state: 'RUNNING', deployment: { state: 'RUNNING' } });
    expect(await createSavepoint(stateward, deploymentId)).toMatchObject({ __typename: 'Savepoint' });
  });

  it('over a lost TaskManager says that Flink has restarted the job', async () => {
    const { deploymentId, flinkJobId } = await running();
    flink.job(flinkJobId).completeCheckpoint();
    flink.savepointsFailWith('stop-poll-failed-taskmanager-lost', { afterMs: 0 });
    const { id } = await acceptedStop(stateward, deploymentId);
    expect(await stopOf(stateward, id)).toMatchObject({
      state: 'FAILED',
      outcome: 'RESTARTED',
      savepoint: { failure: { code: 'ABORTED' } },
    });
    await stateIs(deploymentId, 'RUNNING');
    expect(cancels()).toEqual([]);
  });

  it('where no restart is left says that the job has failed', async () => {
    const { deploymentId } = await running();
    flink.knobs.restarts = false;
    flink.savepointsFailWith('stop-poll-failed-taskmanager-lost', { afterMs: 0 });
    const { id } = await acceptedStop(stateward, deploymentId);
    expect(await stopOf(stateward, id)).toMatchObject({
      state: 'FAILED',
      outcome: 'JOB_FAILED',
      failure: { code: 'JOB_ENDED' },
      job: { state: 'FAILED' },
    });
  });

  it('after it is whole keeps the savepoint, marked', async () => {
    const { deploymentId } = await running();
    flink.savepointsFailWith('stop-poll-stopping-failed');
    const { id } = await acceptedStop(stateward, deploymentId);
    expect(await stopOf(stateward, id)).toMatchObject({
      state: 'FAILED',
      outcome: 'JOB_FAILED',
      failure: { code: 'STOP_FAILED_AFTER' },
      savepoint: { state: 'COMPLETED', stopFailedAfter: true, location: flink.savepointsMade[0]?.location },
      deployment: { state: 'FAILED' },
    });
  });

  it.each([
    ['young enough', 3_600_000, 'CANCELLED_INSTEAD', 'CANCELLED'],
    ['too old', 1, 'STILL_RUNNING', 'RUNNING'],
  ])(
    'is followed by a cancel only if asked to, and a checkpoint is there that is %s',
    async (_, ms, outcome, state) => {
      const { deploymentId, flinkJobId } = await running();
      flink.job(flinkJobId).completeCheckpoint();
      flink.savepointsFailWith('savepoint-poll-failed-unwritable', { afterMs: 0 });
      const { id } = await acceptedStop(stateward, deploymentId, {
        onFailure: { action: 'CANCEL_IF_CHECKPOINT_YOUNGER_THAN', checkpointYoungerThanMs: ms },
      });
      expect(await stopOf(stateward, id)).toMatchObject({
        state: 'FAILED',
        outcome,
        failure: { code: 'SAVEPOINT_FAILED' },
        deployment: { state },
      });
    },
  );

  it('by being given up ends the stop, and the job runs on', async () => {
    const { deploymentId, flinkJobId } = await running();
    flink.knobs.savepointDurationMs = Infinity;
    const stop = await acceptedStop(stateward, deploymentId);
    const { id } = await waitFor(async () => (await stopOf(stateward, stop.id, 0)).savepoint, {
      what: 'its savepoint',
    });
    await acknowledged(stateward, id);
    await stateward.ask(
      `mutation($id: ID!) { abandonSavepoint(input: { savepointId: $id }) { __typename ... on UserError { message } } }`,
      { id },
    );
    expect(await stopOf(stateward, stop.id)).toMatchObject({
      state: 'FAILED',
      outcome: 'STILL_RUNNING',
      failure: { code: 'SAVEPOINT_FAILED' },
      savepoint: { failure: { code: 'ABANDONED' } },
    });
    flink.finishSavepoints(flinkJobId); // Flink stops it all the same: seen for what it is
    await stateIs(deploymentId, 'CANCELLED');
    expect(await savepointIn(stateward, id, 'COMPLETED')).toMatchObject({
      location: flink.savepointsMade[0]?.location,
    });
  });
});

describe('a stop without a savepoint', () => {
  it('cancels the job whose newest checkpoint outlives it', async () => {
    const { deploymentId, flinkJobId } = await running();
    flink.job(flinkJobId).completeCheckpoint();
    const { id } = await acceptedStop(stateward, deploymentId, { mode: 'WITHOUT_SAVEPOINT' });
    expect(await stopOf(stateward, id)).toMatchObject({
      state: 'COMPLETED',
      outcome: 'STOPPED',
      savepoint: null,
      job: { state: 'CANCELLED' },
    });
    expect(cancels()).toHaveLength(1);
  });

  it('is refused where it would lose state, and the job runs on; acceptStateLoss goes on', async () => {
    const key = 'execution.checkpointing.externalized-checkpoint-retention';
    const flinkConfiguration = [{ key, value: 'DELETE_ON_CANCELLATION' }];
    const { deploymentId, flinkJobId, jobId } = await running({}, { flinkConfiguration });
    flink.job(flinkJobId).completeCheckpoint();
    // as the looks at its checkpoints record it
    await stateward.services.database.changed(
      `insert into job_checkpoints (job_id, deployment_id, looked_at, last_completed_id, last_completed_triggered_at) values ($1, $2, now(), 1, now())
       on conflict (job_id) do update set looked_at = now(), last_completed_id = 1, last_completed_triggered_at = now()`,
      [jobId, deploymentId],
    );
    const { location } = await endOfSavepoint(stateward, (await createSavepoint(stateward, deploymentId)).id);
    expect(await askToStop(stateward, deploymentId, { mode: 'WITHOUT_SAVEPOINT' })).toMatchObject({
      code: 'STATE_WOULD_BE_LOST',
      message: expect.stringContaining('Flink deletes its checkpoints when it is cancelled'),
      remainingLocation: location,
      remainingAgeMs: expect.any(Number),
    });
    expect(await deploymentState(deploymentId)).toBe('RUNNING');
    expect([flink.job(flinkJobId).state, cancels()]).toEqual(['RUNNING', []]);
    const { id } = await acceptedStop(stateward, deploymentId, { mode: 'WITHOUT_SAVEPOINT', acceptStateLoss: true });
    expect(await stopOf(stateward, id)).toMatchObject({ outcome: 'STOPPED' });
  });

  it('sees right before the cancel that no checkpoint has completed, and lets the job run on', async () => {
    const { deploymentId, flinkJobId } = await running();
    const { id } = await acceptedStop(stateward, deploymentId, { mode: 'WITHOUT_SAVEPOINT' });
    expect(await stopOf(stateward, id)).toMatchObject({
      state: 'FAILED',
      outcome: 'STILL_RUNNING',
      failure: {
        code: 'STATE_WOULD_BE_LOST',
        message: expect.stringContaining('it has not completed a checkpoint. Nothing would remain.'),
      },
    });
    await stateIs(deploymentId, 'RUNNING');
    expect([flink.job(flinkJobId).state, cancels()]).toEqual(['RUNNING', []]);
  });

  it('ends a job that Flink keeps restarting, for which a savepoint is refused with that way out', async () => {
    const { deploymentId, flinkJobId } = await running();
    flink.job(flinkJobId).completeCheckpoint();
    flink.job(flinkJobId).setState('RESTARTING');
    await stateIs(deploymentId, 'RESTARTING');
    expect(await askToStop(stateward, deploymentId)).toMatchObject({
      code: 'DEPLOYMENT_NOT_RUNNING',
      deploymentState: 'RESTARTING',
      message: expect.stringContaining('WITHOUT_SAVEPOINT'),
    });
    const { id } = await acceptedStop(stateward, deploymentId, { mode: 'WITHOUT_SAVEPOINT' });
    expect(await stopOf(stateward, id)).toMatchObject({ outcome: 'STOPPED', job: { state: 'CANCELLED' } });
  });

  it('takes the place of a stop that hangs, whose savepoint is kept if it was whole', async () => {
    const { deploymentId, flinkJobId } = await running({ scheduler: 'adaptive' });
    flink.job(flinkJobId).completeCheckpoint();
    flink.knobs.closeDurationMs = Infinity;
    const hanging = await acceptedStop(stateward, deploymentId);
    await waitFor(() => flink.savepointsMade.length === 1, { what: 'the savepoint of the stop' });
    const { id } = await acceptedStop(stateward, deploymentId, { mode: 'WITHOUT_SAVEPOINT' });
    expect(await stopOf(stateward, hanging.id)).toMatchObject({
      state: 'FAILED',
      outcome: 'CANCELLED_INSTEAD',
      failure: { code: 'SUPERSEDED' },
    });
    expect(await stopOf(stateward, id)).toMatchObject({ state: 'COMPLETED', outcome: 'STOPPED' });
    const { savepoint } = await stopOf(stateward, hanging.id);
    await savepointIn(stateward, savepoint.id, 'COMPLETED');
    expect((await stopOf(stateward, hanging.id)).savepoint).toMatchObject({ stopFailedAfter: true });
  });

  it('in STARTING gives the submission up, or cancels the job that it brings', async () => {
    const { deploymentId, flinkJobId, jobId } = await running();
    flink.job(flinkJobId).setState('FINISHED');
    await jobIn(stateward, jobId, 'FINISHED');
    flink.knobs.mainDurationMs = 1_500;
    const started = await askToStart(stateward, deploymentId);
    await waitFor(() => flink.requests.filter(({ path }) => path.endsWith('/run')).length === 2, {
      what: 'its run call',
    });
    const { id } = await acceptedStop(stateward, deploymentId, { mode: 'WITHOUT_SAVEPOINT' });
    expect(await stopOf(stateward, id)).toMatchObject({ state: 'COMPLETED', outcome: 'STOPPED' });
    expect(await jobOf(stateward, started.id)).toMatchObject({
      state: 'CANCELLED',
      deployment: { state: 'CANCELLED' },
    });
    expect(flink.job(started.flinkJobId).state).toBe('CANCELED');
  });

  it('of a stopped deployment is refused', async () => {
    const { deploymentId, flinkJobId, jobId } = await running();
    flink.job(flinkJobId).setState('FINISHED');
    await jobIn(stateward, jobId, 'FINISHED');
    expect(await askToStop(stateward, deploymentId, { mode: 'WITHOUT_SAVEPOINT' })).toMatchObject({
      code: 'DEPLOYMENT_NOT_RUNNING',
      deploymentState: 'FINISHED',
      message: expect.stringContaining('There is nothing to stop.'),
    });
  });
});

describe('a stop while a savepoint is in progress', () => {
  async function withSavepoint() {
    const scenario = await running();
    flink.knobs.savepointDurationMs = Infinity;
    const { id: savepointId } = await createSavepoint(stateward, scenario.deploymentId);
    await acknowledged(stateward, savepointId);
    return { ...scenario, savepointId: savepointId as string };
  }

  it('waits for its end, and goes on by itself', async () => {
    const { deploymentId, flinkJobId, savepointId } = await withSavepoint();
    const stop = await acceptedStop(stateward, deploymentId);
    expect(stop).toMatchObject({
      state: 'WAITING',
      waitingFor: expect.stringContaining(savepointId),
      waitsForSavepoint: { id: savepointId },
    });
    flink.knobs.savepointDurationMs = 0;
    flink.finishSavepoints(flinkJobId);
    expect(await stopOf(stateward, stop.id)).toMatchObject({ state: 'COMPLETED', outcome: 'STOPPED' });
    await savepointIn(stateward, savepointId, 'COMPLETED');
    expect(flink.savepointsMade).toHaveLength(2);
    expect(await eventTypesOf(stateward, deploymentId)).toContain('STOP_WAITS');
  });

  it('with ABORT does not wait, and the savepoint says by what it was ended', async () => {
    const { deploymentId, savepointId } = await withSavepoint();
    flink.knobs.savepointDurationMs = 0;
    const { id } = await acceptedStop(stateward, deploymentId, { whenSavepointRuns: 'ABORT' });
    expect(await stopOf(stateward, id)).toMatchObject({ outcome: 'STOPPED' });
    expect(await savepointIn(stateward, savepointId, 'FAILED')).toMatchObject({ failure: { code: 'ABORTED_BY_STOP' } });
  });

  it('withdraws one that still waits for its turn', async () => {
    flink = await startFakeFlink();
    const { deploymentId } = await deploymentOn(stateward, flink, { cluster: { savepointBudget: 1 } });
    await inFlight(deploymentId);
    const { id: savepointId, state } = await createSavepoint(stateward, deploymentId);
    expect(state).toBe('PENDING');
    const { id } = await acceptedStop(stateward, deploymentId);
    expect(await savepointIn(stateward, savepointId, 'FAILED')).toMatchObject({
      failure: { code: 'WITHDRAWN_BY_STOP' },
    });
    expect(await stopOf(stateward, id)).toMatchObject({ outcome: 'STOPPED' });
  });
});

describe('a stop while the cluster does not answer', () => {
  it('is accepted, and goes on when the cluster is back', async () => {
    const { deploymentId, flinkJobId } = await running();
    const back = flink.restart({ keepJobs: true, downMs: 1_500 });
    const { id } = await acceptedStop(stateward, deploymentId);
    await back;
    expect(await stopOf(stateward, id, 30_000)).toMatchObject({ state: 'COMPLETED', outcome: 'STOPPED' });
    expect(flink.job(flinkJobId).state).toBe('FINISHED');
    expect(flink.savepointsMade).toHaveLength(1);
  });

  it('without a savepoint cancels the job when the cluster is back', async () => {
    const { deploymentId, flinkJobId } = await running();
    flink.job(flinkJobId).completeCheckpoint();
    const back = flink.restart({ keepJobs: true, downMs: 1_500 });
    const { id } = await acceptedStop(stateward, deploymentId, {
      mode: 'WITHOUT_SAVEPOINT',
    });
    await back;
    expect(await stopOf(stateward, id, 30_000)).toMatchObject({ state: 'COMPLETED', outcome: 'STOPPED' });
    expect(flink.job(flinkJobId).state).toBe('CANCELED');
  });
});

describe('a stop is refused', () => {
  it('where the cluster has no place for savepoints, by a code that is not about the job', async () => {
    const { deploymentId } = await running({ savepointRoot: null });
    expect(await askToStop(stateward, deploymentId)).toMatchObject({ code: 'NO_SAVEPOINT_ROOT' });
    expect(await deploymentState(deploymentId)).toBe('RUNNING');
  });

  it('with a format that the state backend cannot write', async () => {
    const { deploymentId, jobId } = await running();
    await stateward.services.database.changed(`update job set state_backend = 'FORST' where id = $1`, [jobId]);
    expect(await askToStop(stateward, deploymentId, { format: 'CANONICAL' })).toMatchObject({
      code: 'FORMAT_NOT_SUPPORTED',
    });
  });

  it('on a cluster that is another one than was registered', async () => {
    const { deploymentId, clusterId } = await running();
    flink.changeRoots({ savepointRoot: `file://${flink.folder}/elsewhere` });
    await waitFor(
      async () => {
        await wake(stateward.services.database, 'cluster', clusterId);
        await stateward.services.database.changed(
          `update cluster set facts_read_at = now() - interval '1 day' where id = $1`,
          [clusterId],
        );
        const { cluster } = await stateward.ask(`query($id: ID!) { cluster(id: $id) { state } }`, { id: clusterId });
        return cluster.state === 'CHANGED';
      },
      { what: 'the cluster to be CHANGED' },
    );
    for (const mode of ['WITH_SAVEPOINT', 'WITHOUT_SAVEPOINT']) {
      const answer = await askToStop(stateward, deploymentId, { mode, acceptStateLoss: true });
      expect(answer).toMatchObject({ code: 'CLUSTER_CHANGED' });
    }
  });

  it('for a deployment that is not there, and for input that cannot be meant', async () => {
    const { deploymentId } = await running();
    expect(await askToStop(stateward, randomUUID())).toMatchObject({ code: 'NOT_FOUND', field: 'deploymentId' });
    const answer = await askToStop(stateward, deploymentId, { mode: 'WITHOUT_SAVEPOINT', format: 'NATIVE' });
    expect(answer).toMatchObject({ code: 'INVALID_INPUT', field: 'format' });
  });
});

describe('a cancel that hangs', () => {
  it('is told, repeated, and listed with the stops of its deployment', async () => {
    const { deploymentId, flinkJobId } = await running();
    flink.job(flinkJobId).completeCheckpoint();
    flink.knobs.cancelDurationMs = Infinity;
    const { id } = await acceptedStop(stateward, deploymentId, { mode: 'WITHOUT_SAVEPOINT' });
    await waitFor(async () => /CANCELLING/.test((await stopOf(stateward, id, 0)).waitingFor ?? ''), {
      what: 'the stop to tell what it waits for',
    });
    expect(await askToStop(stateward, deploymentId, { mode: 'WITHOUT_SAVEPOINT' })).toMatchObject({
      code: 'STOP_IN_PROGRESS',
      stopId: id,
    });
    await stateward.services.database.changed(
      `update stop set cancel_sent_at = now() - interval '31 s' where id = $1`,
      [id],
    );
    await wake(stateward.services.database, 'stop', id);
    await waitFor(() => cancels().length === 2, { what: 'the second cancel' });
    flink.job(flinkJobId).setState('CANCELED');
    expect(await stopOf(stateward, id)).toMatchObject({ state: 'COMPLETED', outcome: 'STOPPED' });
    const { deployment } = await stateward.ask(
      `query($id: ID!) { deployment(id: $id) { currentStop { id } stops(first: 10) { edges { node { id } } } } }`,
      { id: deploymentId },
    );
    expect(deployment).toEqual({ currentStop: null, stops: { edges: [{ node: { id } }] } });
  });

  it('ends as FAILED when a person declares the job lost', async () => {
    const { deploymentId, clusterId } = await running();
    const { database } = stateward.services;
    flink.knobs.savepointDurationMs = Infinity;
    const { id } = await acceptedStop(stateward, deploymentId);
    await waitFor(() => flink.triggersReceived().length === 1, { what: 'the stop to arrive' });
    await flink.stop();
    await waitFor(
      async () => {
        await wake(database, 'cluster', clusterId);
        return database.row(`select 1 from cluster where id = $1 and state = 'UNREACHABLE'`, [clusterId]);
      },
      { what: 'the cluster to be UNREACHABLE' },
    );
    await database.changed(`update cluster set state_since = now() - interval '6 min' where id = $1`, [clusterId]);
    await stateward.ask(
      `mutation($id: ID!) { declareJobLost(input: { deploymentId: $id, iHaveChecked: true, reason: "power cut" }) { __typename ... on UserError { message } } }`,
      { id: deploymentId },
    );
    expect(await stopOf(stateward, id)).toMatchObject({
      state: 'FAILED',
      outcome: 'JOB_FAILED',
      failure: { code: 'JOB_ENDED', message: expect.stringContaining('is still looked for') },
    });
  });
});
