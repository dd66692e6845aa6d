import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Data } from '../support/graphql-client.js';
import { killPoints } from '../support/kill-points.js';
import { whyNoRealFlink } from '../support/real-flink.js';
import { sceneOnRealFlink } from '../support/real-scene.js';
import { createDeployment, createSavepoint, endOfSavepoint, startDeployment } from '../support/scenario.js';
import { waitFor } from '../support/wait-for.js';
import { startWorkerProcess, type WorkerProcess } from '../support/worker-process.js';

const TAKEN_OVER_WITHIN_MS = 15_000;
const ROUNDS = 3;
const reason = await whyNoRealFlink();

describe('on a real Flink 2.3.0', () => {
  if (reason !== null) {
    it.skip(`savepoints survive kills of the worker (skipped: ${reason})`, () => undefined);
    return;
  }

  const configuration = { 'web.checkpoints.history': '100' };
  const scene = sceneOnRealFlink({ slots: 16, configuration, proxied: true, worker: false });
  let worker: WorkerProcess;
  let names = 0;
  beforeAll(async () => void (worker = await newWorker()));
  afterAll(async () => {
    worker?.signal('SIGKILL');
    await worker?.ended;
  });

  const newWorker = () => startWorkerProcess(scene.stateward.databaseUrl, scene.stateward.services.config.dataFolder);

  interface Counter {
    deploymentId: string;
    flinkJobId: string;
  }
  async function runningCounter(slowSnapshotMs: number): Promise<Counter> {
    const programArguments = ['--slow-snapshot-ms', String(slowSnapshotMs), '--checkpoint-interval-ms', '3600000'];
    const { stateward, clusterId, artifactId } = scene;
    const deploymentId = await createDeployment(stateward, clusterId, artifactId, `counter ${++names}`, {
      programArguments,
      parallelism: 2,
    });
    return { deploymentId, ...(await startDeployment(stateward, deploymentId)) };
  }

  /** The end of a savepoint, held against Flink's own record and against the disk. */
  async function expectOneTrueEnd(ended: Data, flinkJobId: string): Promise<void> {
    const client = scene.stateward.services.flinkClients.at(scene.real.flink.url);
    expect(ended).toMatchObject({ state: 'COMPLETED', failure: null });
    const directory = join(scene.real.flink.savepointFolder, ended.attempts[0].directory);
    const made = await readdir(directory);
    expect(made).toHaveLength(1);
    expect(await readdir(join(directory, made[0] ?? ''))).toContain('_metadata');
    expect(ended.location).toBe(`file:${join(directory, made[0] ?? '')}`);
    // The statistics lag up to 3 s behind.
    const inFlink = await waitFor(
      async () => {
        const statistics = await client.checkpoints(flinkJobId);
        const ours = statistics?.history.filter(({ location }) => location?.startsWith(`file:${directory}/`));
        return ours && ours.length > 0 && ours;
      },
      { what: 'Flink to show the savepoint' },
    );
    expect(inFlink.map(({ location }) => location)).toEqual([ended.location]);
  }

  it('a savepoint shows its progress and ends with its location, size, duration and data', async () => {
    const { deploymentId, flinkJobId } = await runningCounter(2_500);
    const { id } = await createSavepoint(scene.stateward, deploymentId, { description: 'with progress' });
    const seen = await scene.stateward.subscribe(
      `subscription($id: ID!) { savepointProgress(id: $id) { savepoint { state progress { acknowledgedSubtasks totalSubtasks } } } }`,
      { id },
    );
    const acknowledged = seen.map(
      (data) => data.savepointProgress.savepoint.progress?.acknowledgedSubtasks as number | undefined,
    );
    expect(new Set(acknowledged.filter((count) => typeof count === 'number')).size).toBeGreaterThanOrEqual(1);
    const ended = await endOfSavepoint(scene.stateward, id);
    expect(ended).toMatchObject({ detailsState: 'REPORTED', data: 'PRESENT' });
    expect(ended.sizeBytes).toBeGreaterThan(0);
    expect(ended.durationMs).toBeGreaterThan(2_000);
    await expectOneTrueEnd(ended, flinkJobId);
  }, 60_000);

  const points = Object.entries(killPoints);
  it(`a worker killed ${ROUNDS} times at once ${points.map(([point]) => point).join(', ')}: each savepoint is made once, within 15 s`, async () => {
    const counters = await Promise.all(points.map(() => runningCounter(0)));
    for (let round = 1; round <= ROUNDS; round++) {
      const reached = await Promise.all(
        points.map(async ([point, reach], at) => {
          const counter = counters[at] as Counter;
          return { point, counter, ...(await reach(scene.stateward, scene.proxy, counter)) };
        }),
      );
      worker.signal('SIGKILL');
      const killedAt = Date.now();
      await worker.ended;
      await Promise.all(reached.map(({ letGo }) => letGo()));
      worker = await newWorker();
      for (const { point, counter, id } of reached) {
        const ended = await endOfSavepoint(scene.stateward, id, 40_000);
        const { savepoint } = await scene.stateward.ask(`query($id: ID!) { savepoint(id: $id) { completedAt } }`, {
          id,
        });
        const tookMs = Date.parse(savepoint.completedAt) - killedAt;
        expect({ round, point, tookMs, inTime: tookMs < TAKEN_OVER_WITHIN_MS }).toMatchObject({ inTime: true });
        expect(new Set(ended.attempts.map((attempt: Data) => attempt.triggerId)).size).toBe(1);
        await expectOneTrueEnd(ended, counter.flinkJobId);
      }
    }
  }, 240_000);
});
