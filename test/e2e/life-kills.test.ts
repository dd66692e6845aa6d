import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type CheckpointWitness,
  recordedGaps,
  recordedSnapshots,
  witnessCheckpoints,
} from '../support/checkpoint-witness.js';
import { clusterEvents, clusterNow } from '../support/cluster-scenario.js';
import type { Data } from '../support/graphql-client.js';
import { whyNoRealFlink } from '../support/real-flink.js';
import { sceneOnRealFlink } from '../support/real-scene.js';
import { savepointNow } from '../support/savepoint-scenario.js';
import { createDeployment, createSavepoint, endOfSavepoint, startDeployment } from '../support/scenario.js';
import { eventTypesOf } from '../support/start-scenario.js';
import { acceptedStop, stopOf } from '../support/stop-scenario.js';
import { waitFor } from '../support/wait-for.js';

const reason = await whyNoRealFlink();
const HISTORY = 10;
/** Three answers over 30 s, and what a JobManager needs to be back. */
const LOST_WITHIN_MS = 90_000;
/** Restarts of a job come with growing pauses. */
const RUNS_AGAIN_WITHIN_MS = 60_000;

describe('on a real Flink 2.3.0 without high availability', () => {
  if (reason !== null) {
    it.skip(`a deployment outlives its processes and its network (skipped: ${reason})`, () => undefined);
    return;
  }

  const configuration = { 'web.checkpoints.history': String(HISTORY) };
  const scene = sceneOnRealFlink({ slots: 8, configuration, proxied: true });
  const witnesses: CheckpointWitness[] = [];
  afterEach(() => witnesses.splice(0).forEach((witness) => witness.stop()));

  interface Counter {
    deploymentId: string;
    jobId: string;
    flinkJobId: string;
  }
  async function counter(name: string, ...more: string[]): Promise<Counter> {
    const programArguments = ['--checkpoint-interval-ms', '1000', '--parallelism', '1', ...more];
    const { stateward, clusterId, artifactId } = scene;
    const deploymentId = await createDeployment(stateward, clusterId, artifactId, name, { programArguments });
    return { deploymentId, ...(await startDeployment(stateward, deploymentId)) };
  }

  /** One with a checkpoint that is recorded. */
  async function counterWithCheckpoint(name: string, ...more: string[]): Promise<Counter> {
    const started = await counter(name, ...more);
    await recorded(started.jobId, 1);
    return started;
  }

  const lastRecorded = async (jobId: string): Promise<number> => {
    const completed = (await recordedSnapshots(scene.stateward, jobId)).filter(({ state }) => state === 'COMPLETED');
    return completed.at(-1)?.id ?? 0;
  };
  const recorded = (jobId: string, id: number) =>
    waitFor(async () => (await lastRecorded(jobId)) >= id, {
      what: `checkpoint ${id} of ${jobId} to be recorded`,
      timeoutMs: 30_000,
    });

  function witnessOf({ flinkJobId }: Counter): CheckpointWitness {
    const { stateward, real } = scene;
    const witness = witnessCheckpoints(stateward.services.flinkClients.at(real.flink.url), flinkJobId);
    witnesses.push(witness);
    return witness;
  }

  /** Waits until the record has come as far as Flink is now; answers what Flink has shown up to there and is not recorded so. */
  async function unrecorded(jobId: string, { shown, newestCompleted }: CheckpointWitness) {
    const newest = newestCompleted();
    await recorded(jobId, newest);
    const rows = new Map((await recordedSnapshots(scene.stateward, jobId)).map(({ id, state }) => [id, state]));
    return [...shown.values()].filter(({ id, status }) => id <= newest && rows.get(id) !== status);
  }

  async function deploymentNow(id: string): Promise<Data> {
    const { deployment } = await scene.stateward.ask(
      `query($id: ID!) { deployment(id: $id) { state stateSince observedAt
         currentJob { id run state stateSince flinkJobId waitingFor failureCode failureRootCause } } }`,
      { id },
    );
    return deployment;
  }
  const deploymentIn = (id: string, state: string, timeoutMs: number): Promise<Data> =>
    waitFor(
      async () => {
        const deployment = await deploymentNow(id);
        return deployment.state === state && deployment;
      },
      { what: `the deployment to be ${state}`, timeoutMs },
    );

  const cancel = ({ deploymentId }: Counter) =>
    acceptedStop(scene.stateward, deploymentId, { mode: 'WITHOUT_SAVEPOINT' });

  it('a killed TaskManager: the same run is RESTARTING until there is another, and no checkpoint is missed', async () => {
    const { stateward, real } = scene;
    const run = await counterWithCheckpoint('loses its TaskManager');
    const witness = witnessOf(run);
    await real.flink.killTaskManager();
    const { currentJob: restarting } = await deploymentIn(run.deploymentId, 'RESTARTING', 30_000);
    expect(restarting).toMatchObject({ id: run.jobId, state: 'RESTARTING', failureCode: null });
    const refused = await createSavepoint(stateward, run.deploymentId);
    expect(refused).toMatchObject({
      code: 'DEPLOYMENT_NOT_RUNNING',
      message: expect.stringContaining('RESTARTING'),
    });
    const before = Math.max(...witness.shown.keys());
    await real.flink.startTaskManager();
    const { currentJob: again } = await deploymentIn(run.deploymentId, 'RUNNING', RUNS_AGAIN_WITHIN_MS);
    expect(again).toMatchObject({ id: run.jobId, run: 1, flinkJobId: run.flinkJobId, failureRootCause: null });

    await waitFor(() => witness.newestCompleted() > before + 2, {
      what: 'checkpoints of the job that runs again',
      timeoutMs: 30_000,
    });
    expect(await unrecorded(run.jobId, witness)).toEqual([]);
    expect(await recordedGaps(stateward, run.jobId)).toEqual([]);
    // Of Flink's own counts everything that completed is there.
    const account = await stateward.services.database.row(
      'select told_completed = recorded_completed as complete from job_checkpoints where job_id = $1',
      [run.jobId],
    );
    expect(account).toEqual({ complete: true });
    const events = await eventTypesOf(stateward, run.deploymentId);
    expect(events.filter((type) => type.startsWith('JOB_'))).toEqual([
      'JOB_SUBMITTED',
      'JOB_STARTED',
      'JOB_RESTARTING',
      'JOB_RUNNING_AGAIN',
    ]);
    await cancel(run);
  }, 180_000);

  it('a cluster that nobody reaches: nothing changes its state, what is asked for waits, and what was missed is recorded or shown as a gap', async () => {
    const { stateward, real, proxy, clusterId } = scene;
    const [often, seldom, stopped] = await Promise.all([
      counterWithCheckpoint('checkpoints often'),
      counterWithCheckpoint('checkpoints seldom', '--checkpoint-interval-ms', '10000'),
      counterWithCheckpoint('is to be stopped'),
    ]);
    const [witnessOfOften, witnessOfSeldom] = [witnessOf(often), witnessOf(seldom)];
    const untouched = [often, seldom];
    const states = () =>
      Promise.all(
        untouched.map(async ({ deploymentId }) => {
          const { observedAt: _, ...deployment } = await deploymentNow(deploymentId);
          return deployment;
        }),
      );
    const statesBefore = await states();
    const eventsBefore = (await clusterEvents(stateward, clusterId)).length;

    const cutAt = Date.now();
    proxy.cut();
    const becomes = (state: string) =>
      waitFor(
        async () => {
          const cluster = await clusterNow(stateward, clusterId);
          return cluster.state === state && cluster;
        },
        { what: `the cluster to be ${state}`, timeoutMs: 20_000 },
      );
    const silent = await becomes('UNREACHABLE');
    expect(silent.lastError).toContain(proxy.url);
    expect(Date.parse(silent.stateSince)).toBeGreaterThanOrEqual(cutAt);
    const { id: savepointId } = await createSavepoint(stateward, seldom.deploymentId);
    const { id: stopId } = await acceptedStop(stateward, stopped.deploymentId);
    const [lastOfOften, lastOfSeldom] = [await lastRecorded(often.jobId), await lastRecorded(seldom.jobId)];
    await waitFor(
      () =>
        witnessOfSeldom.newestCompleted() >= lastOfSeldom + 2 &&
        witnessOfOften.newestCompleted() > lastOfOften + 2 * HISTORY,
      { what: 'Flink to go on by itself for longer than it remembers', timeoutMs: 60_000 },
    );
    expect(await states()).toEqual(statesBefore);
    for (const { deploymentId } of untouched) {
      const { observedAt } = await deploymentNow(deploymentId);
      expect(Date.parse(observedAt)).toBeLessThanOrEqual(Date.parse(silent.stateSince));
    }
    const still = await clusterNow(stateward, clusterId);
    expect(still).toMatchObject({ state: 'UNREACHABLE', stateSince: silent.stateSince });
    expect(Date.parse(still.lastErrorAt)).toBeGreaterThan(Date.parse(silent.lastErrorAt));
    expect(await savepointNow(stateward, savepointId)).toMatchObject({ state: 'PENDING', attempts: [] });
    const waiting = await stopOf(stateward, stopId, 0);
    expect(waiting).toMatchObject({ outcome: null, job: { state: 'STOPPING' }, deployment: { state: 'STOPPING' } });
    expect(await stateward.services.flinkClients.at(real.flink.url).jobStatus(stopped.flinkJobId)).toBe('RUNNING');

    proxy.mend();
    await becomes('REACHABLE');
    const events = (await clusterEvents(stateward, clusterId)).slice(eventsBefore);
    expect(events.map(({ type }) => type)).toEqual(['CLUSTER_UNREACHABLE', 'CLUSTER_REACHABLE']);
    const savepoint = await endOfSavepoint(stateward, savepointId, 40_000);
    expect(savepoint).toMatchObject({ state: 'COMPLETED', attempts: [{ number: 1, sends: 1 }] });
    expect(await readdir(join(real.flink.savepointFolder, savepoint.attempts[0].directory))).toHaveLength(1);
    expect(await stopOf(stateward, stopId, 60_000)).toMatchObject({
      state: 'COMPLETED',
      outcome: 'STOPPED',
      savepoint: { state: 'COMPLETED', attempts: [{ number: 1 }] },
    });
    expect(await states()).toEqual(statesBefore);

    // All that Flink still had in its list is recorded; what it had pushed out is a gap with its bounds and number.
    expect(await unrecorded(seldom.jobId, witnessOfSeldom)).toEqual([]);
    expect(await recordedGaps(stateward, seldom.jobId)).toEqual([]);
    const missed = await unrecorded(often.jobId, witnessOfOften);
    expect(missed.length).toBeGreaterThan(HISTORY);
    const [gap, ...others] = await recordedGaps(stateward, often.jobId);
    expect(others).toEqual([]);
    expect(gap).toMatchObject({ reason: 'COUNTED_MORE', missing: missed.length });
    const at = missed.map(({ triggeredAt }) => triggeredAt);
    const around = await recordedSnapshots(stateward, often.jobId);
    expect(gap?.from).toBeLessThanOrEqual(Math.min(...at));
    expect(gap?.to).toBeGreaterThanOrEqual(Math.max(...at));
    // ... and no wider than what is recorded on either side.
    expect(around.filter(({ triggeredAt }) => triggeredAt > gap!.from && triggeredAt < gap!.to)).toEqual([]);
    await Promise.all(untouched.map(cancel));
  }, 240_000);

  describe('a killed JobManager', () => {
    let runsOn: Counter;
    let stops: Counter;
    let saves: Counter;
    let stopId: string;
    let savepointId: string;
    beforeAll(async () => {
      const { stateward, real } = scene;
      [runsOn, stops, saves] = await Promise.all([
        counterWithCheckpoint('runs on'),
        counterWithCheckpoint('stops', '--slow-snapshot-ms', '4000'),
        counter('saves', '--slow-snapshot-ms', '20000', '--checkpoint-interval-ms', '3600000'),
      ]);
      ({ id: savepointId } = await createSavepoint(stateward, saves.deploymentId));
      await waitFor(async () => (await savepointNow(stateward, savepointId)).progress?.totalSubtasks, {
        what: 'Flink to be at the savepoint',
      });
      ({ id: stopId } = await acceptedStop(stateward, stops.deploymentId));
      await waitFor(
        () =>
          stateward.services.database.row(
            `select 1 from savepoint s join savepoint_attempt a on a.savepoint_id = s.id where s.stop_id = $1 and a.accepted_at is not null`,
            [stopId],
          ),
        { what: 'the savepoint of the stop to be under way', timeoutMs: 30_000 },
      );
      await real.flink.killJobManager();
      await real.flink.startJobManager();
    }, 120_000);

    async function expectLost({ deploymentId, jobId }: Counter): Promise<void> {
      const { currentJob } = await deploymentIn(deploymentId, 'FAILED', LOST_WITHIN_MS);
      expect(currentJob).toMatchObject({ id: jobId, state: 'FAILED', failureCode: 'JOB_LOST' });
    }

    async function goesOn(deploymentId: string): Promise<Data> {
      await scene.real.flink.waitForSlots();
      const { startDeployment: asked } = await scene.stateward.ask(
        `mutation($input: StartDeploymentInput!) { startDeployment(input: $input) { __typename ... on Job { id } ... on UserError { code message } } }`,
        { input: { deploymentId, start: { strategy: 'LATEST_STATE' } } },
      );
      expect(asked).toMatchObject({ __typename: 'Job' });
      const { job } = await scene.stateward.ask(
        'query($id: ID!) { job(id: $id, waitMs: 60000) { state run failureMessage startedFrom { location } } }',
        { id: asked.id },
      );
      expect(job).toMatchObject({ state: 'RUNNING', run: 2 });
      return job;
    }

    it.concurrent(
      'takes its job with it, and the job goes on from the checkpoint that lies in the storage',
      async () => {
        await expectLost(runsOn);
        const { startedFrom } = await goesOn(runsOn.deploymentId);
        expect(startedFrom.location).toMatch(/\/chk-\d+$/);
      },
      240_000,
    );

    it.concurrent(
      'in the middle of a stop with savepoint: the stop says so, and the state is not lost',
      async () => {
        await expectLost(stops);
        const { stop: ended } = await scene.stateward.ask(
          'query($id: ID!) { stop(id: $id, waitMs: 60000) { state outcome failure { code message } savepoint { state failure { code } } } }',
          { id: stopId },
        );
        expect(ended).toMatchObject({ state: 'FAILED', outcome: 'JOB_FAILED', savepoint: { state: 'FAILED' } });
        expect(ended.failure.message.length).toBeGreaterThan(20);
        await goesOn(stops.deploymentId);
      },
      240_000,
    );

    it.concurrent(
      'in the middle of a savepoint: RESULT_LOST after two looks',
      async () => {
        const ended = await waitFor(
          async () => {
            const savepoint = await endOfSavepoint(scene.stateward, savepointId, 5_000);
            return savepoint.state !== 'IN_PROGRESS' && savepoint;
          },
          { timeoutMs: LOST_WITHIN_MS, what: 'the savepoint to end' },
        );
        expect(ended).toMatchObject({ state: 'FAILED', failure: { code: 'RESULT_LOST' } });
        expect(ended.failure.message).toContain('was restarted');
        await expectLost(saves);
      },
      240_000,
    );
  });
});
