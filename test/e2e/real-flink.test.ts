import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { FlinkClient } from '../../src/flink/flink-client.js';
import type { Data } from '../support/graphql-client.js';
import { REAL_FLINK_START_MS, type RealFlink, startRealFlink, whyNoRealFlink } from '../support/real-flink.js';
import {
  createDeployment,
  createSavepoint,
  endOfSavepoint,
  registerCluster,
  startDeployment,
} from '../support/scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { type Held, startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';
import { waitFor } from '../support/wait-for.js';
import { startWorkerProcess, type WorkerProcess } from '../support/worker-process.js';

const TAKEN_OVER_WITHIN_MS = 15_000;
const ROUNDS = 3;
const TRIGGER = /^POST \/jobs\/[0-9a-f]{32}\/savepoints /;
const reason = await whyNoRealFlink();

describe('on a real Flink 2.3.0', () => {
  if (reason !== null) {
    it.skip(`savepoints survive kills of the worker and of the JobManager (skipped: ${reason})`, () => undefined);
    return;
  }

  let real: RealFlink;
  let proxy: TcpProxy;
  let stateward: Stateward;
  let client: FlinkClient;
  let worker: WorkerProcess;
  let clusterId: string;
  let artifactId: string;
  let names = 0;
  beforeAll(async () => {
    real = await startRealFlink({ slots: 16, configuration: { 'web.checkpoints.history': '100' } });
    proxy = await startTcpProxy(real.flink.url);
    client = new FlinkClient(real.flink.url);
    stateward = await startStateward({ worker: false });
    worker = await newWorker();
    clusterId = await registerCluster(stateward, proxy.url);
    const { body } = await stateward.upload('counter.jar', await readFile(real.jars.StatefulCounter ?? ''));
    artifactId = body.artifact?.id ?? '';
  }, REAL_FLINK_START_MS);
  afterAll(async () => {
    worker?.signal('SIGKILL');
    await worker?.ended;
    await stateward?.stop();
    await client?.close();
    await proxy?.stop();
    await real?.stop();
  }, 60_000);

  const newWorker = () => startWorkerProcess(stateward.databaseUrl, stateward.services.config.dataFolder);

  async function runningCounter(slowSnapshotMs: number): Promise<{ deploymentId: string; flinkJobId: string }> {
    const programArguments = ['--slow-snapshot-ms', String(slowSnapshotMs), '--checkpoint-interval-ms', '3600000'];
    const deploymentId = await createDeployment(stateward, clusterId, artifactId, `counter ${++names}`, {
      programArguments,
      parallelism: 2,
    });
    return { deploymentId, ...(await startDeployment(stateward, deploymentId)) };
  }

  /** The end of a savepoint, held against Flink's own record and against the disk. */
  async function expectOneTrueEnd(ended: Data, flinkJobId: string): Promise<void> {
    expect(ended).toMatchObject({ state: 'COMPLETED', failure: null });
    const directory = join(real.flink.savepointFolder, ended.attempts[0].directory);
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
    const { id } = await createSavepoint(stateward, deploymentId, { description: 'with progress' });
    const seen = await stateward.subscribe(
      `subscription($id: ID!) { savepointProgress(id: $id) { savepoint { state progress { acknowledgedSubtasks totalSubtasks } } } }`,
      { id },
    );
    const acknowledged = seen.map(
      (data) => data.savepointProgress.savepoint.progress?.acknowledgedSubtasks as number | undefined,
    );
    expect(new Set(acknowledged.filter((count) => typeof count === 'number')).size).toBeGreaterThanOrEqual(1);
    const ended = await endOfSavepoint(stateward, id);
    expect(ended).toMatchObject({ detailsState: 'REPORTED', data: 'PRESENT' });
    expect(ended.sizeBytes).toBeGreaterThan(0);
    expect(ended.durationMs).toBeGreaterThan(2_000);
    await expectOneTrueEnd(ended, flinkJobId);
  }, 60_000);

  type Caught = { held: Held; id: string };
  async function caught(hold: (head: RegExp) => Promise<Held>, deploymentId: string): Promise<Caught> {
    const holding = hold(TRIGGER);
    const { id } = await createSavepoint(stateward, deploymentId);
    return { id, held: await holding };
  }

  /** Brings the worker to the point, and kills it there. Answers the savepoint's id. */
  const killPoints: [string, (deploymentId: string) => Promise<string>][] = [
    [
      'between the note that it is sent and the call',
      async (deploymentId) => {
        const { id, held } = await caught(proxy.holdRequest, deploymentId);
        worker.signal('SIGKILL');
        await held.gone;
        return id;
      },
    ],
    [
      'between the call and its reply',
      async (deploymentId) => {
        const { id } = await caught(proxy.holdReply, deploymentId);
        worker.signal('SIGKILL');
        return id;
      },
    ],
    [
      'between the reply and the commit',
      async (deploymentId) => {
        const { id, held } = await caught(proxy.holdReply, deploymentId);
        const locker = new pg.Client({ connectionString: stateward.databaseUrl });
        await locker.connect();
        try {
          await locker.query('begin');
          await locker.query('select from savepoint where id = $1 for update', [id]);
          held.release();
          await waitFor(
            () =>
              stateward.services.database.row(
                `select 1 from pg_stat_activity where datname = current_database() and application_name = 'stateward worker'
                   and wait_event_type = 'Lock' and query like 'update savepoint%'`,
              ),
            { what: 'the worker to wait with its write' },
          );
          worker.signal('SIGKILL');
          await worker.ended;
          await locker.query('rollback');
        } finally {
          await locker.end();
        }
        return id;
      },
    ],
  ];
  it.each(killPoints)(
    `a worker killed ${ROUNDS} times %s: each savepoint is made once, within 15 s`,
    async (_point, killAt) => {
      const { deploymentId, flinkJobId } = await runningCounter(0);
      for (let round = 0; round < ROUNDS; round++) {
        const id = await killAt(deploymentId);
        const killedAt = Date.now();
        await worker.ended;
        worker = await newWorker();
        const ended = await endOfSavepoint(stateward, id, 40_000);
        const { savepoint } = await stateward.ask(`query($id: ID!) { savepoint(id: $id) { completedAt } }`, { id });
        expect(Date.parse(savepoint.completedAt) - killedAt).toBeLessThan(TAKEN_OVER_WITHIN_MS);
        expect(new Set(ended.attempts.map((attempt: Data) => attempt.triggerId)).size).toBe(1);
        await expectOneTrueEnd(ended, flinkJobId);
      }
    },
    150_000,
  );

  it('a JobManager killed in the middle of a savepoint: RESULT_LOST after two looks, and the job counts as lost', async () => {
    const { deploymentId } = await runningCounter(20_000);
    const { id } = await createSavepoint(stateward, deploymentId);
    await waitFor(
      async () =>
        (await stateward.ask(`query($id: ID!) { savepoint(id: $id) { progress { totalSubtasks } } }`, { id })).savepoint
          .progress?.totalSubtasks,
      {
        what: 'Flink to be at the savepoint',
      },
    );
    await real.flink.killJobManager();
    await real.flink.startJobManager();
    const ended = await waitFor(
      async () => {
        const savepoint = await endOfSavepoint(stateward, id, 5_000);
        return savepoint.state !== 'IN_PROGRESS' && savepoint;
      },
      { timeoutMs: 90_000, what: 'the savepoint to end' },
    );
    expect(ended).toMatchObject({ state: 'FAILED', failure: { code: 'RESULT_LOST' } });
    expect(ended.failure.message).toContain('was restarted');
    const job = await waitFor(
      async () => {
        const { deployment } = await stateward.ask(
          `query($id: ID!) { deployment(id: $id) { state currentJob { failureCode failureMessage } } }`,
          { id: deploymentId },
        );
        return deployment.state === 'FAILED' && deployment.currentJob;
      },
      { timeoutMs: 60_000, what: 'the job to count as lost' },
    );
    expect(job.failureCode).toBe('JOB_LOST');
  }, 240_000);
});
