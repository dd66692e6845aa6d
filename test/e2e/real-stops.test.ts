import { readdir, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { REAL_FLINK_START_MS, type RealFlink, startRealFlink, whyNoRealFlink } from '../support/real-flink.js';
import { createDeployment, registerCluster, startDeployment } from '../support/scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { acceptedStop, askToStop, stopOf } from '../support/stop-scenario.js';
import { waitFor } from '../support/wait-for.js';

const reason = await whyNoRealFlink();

describe('on a real Flink 2.3.0', () => {
  if (reason !== null) {
    it.skip(`stops end as Flink ends them (skipped: ${reason})`, () => undefined);
    return;
  }

  let real: RealFlink;
  let stateward: Stateward;
  let clusterId: string;
  let artifactId: string;
  let names = 0;
  beforeAll(async () => {
    real = await startRealFlink({ slots: 16 });
    stateward = await startStateward();
    clusterId = await registerCluster(stateward, real.flink.url);
    const { body } = await stateward.upload('counter.jar', await readFile(real.jars.StatefulCounter ?? ''));
    artifactId = body.artifact?.id ?? '';
  }, REAL_FLINK_START_MS);
  afterAll(async () => {
    await stateward?.stop();
    await real?.stop();
  }, 60_000);

  async function runningCounter(programArguments: string[], settings: Record<string, string> = {}) {
    const deploymentId = await createDeployment(stateward, clusterId, artifactId, `counter ${++names}`, {
      programArguments,
      parallelism: 1,
      flinkConfiguration: Object.entries(settings).map(([key, value]) => ({ key, value })),
    });
    return { deploymentId, ...(await startDeployment(stateward, deploymentId)) };
  }

  const stateOf = async (id: string): Promise<string> =>
    (await stateward.ask('query($id: ID!) { deployment(id: $id) { state } }', { id })).deployment.state;

  it.each([
    ['WITH_SAVEPOINT', false],
    ['WITH_DRAIN', true],
  ])(
    'a stop %s leaves a whole savepoint and a CANCELLED deployment',
    async (mode, drained) => {
      const { deploymentId } = await runningCounter(['--checkpoint-interval-ms', '3600000']);
      const { id } = await acceptedStop(stateward, deploymentId, { mode, final: drained });
      const stop = await stopOf(stateward, id, 60_000);
      expect(stop).toMatchObject({
        state: 'COMPLETED',
        outcome: 'STOPPED',
        savepoint: { origin: 'STOP', state: 'COMPLETED', drained, stopFailedAfter: false },
        deployment: { state: 'CANCELLED' },
      });
      expect(await readdir(stop.savepoint.location.replace(/^file:/, ''))).toContain('_metadata');
    },
    90_000,
  );

  it('a cancel before the first checkpoint is not sent, and the job runs on', async () => {
    // 2.3.0 begins the first one at once, whatever the interval: this one takes its time.
    const slow = ['--checkpoint-interval-ms', '36000000', '--slow-snapshot-ms', '60000'];
    const { deploymentId, flinkJobId } = await runningCounter(slow);
    const answer = await askToStop(stateward, deploymentId, { mode: 'WITHOUT_SAVEPOINT' });
    const code = answer.code ?? (await stopOf(stateward, answer.id, 60_000)).failure?.code;
    expect(code).toBe('STATE_WOULD_BE_LOST');
    await waitFor(async () => (await stateOf(deploymentId)) === 'RUNNING', { what: 'the job to run on' });
    expect(await stateward.services.flinkClients.at(real.flink.url).jobStatus(flinkJobId)).toBe('RUNNING');
  }, 90_000);

  it('a cancel after a checkpoint that outlives it is taken', async () => {
    const { deploymentId, flinkJobId } = await runningCounter(['--checkpoint-interval-ms', '1000'], {
      'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
    });
    const flink = stateward.services.flinkClients.at(real.flink.url);
    await waitFor(async () => ((await flink.checkpoints(flinkJobId))?.counts.completed ?? 0) > 0, {
      what: 'a checkpoint',
      timeoutMs: 30_000,
    });
    const stop = await waitFor(
      async () => {
        const answer = await askToStop(stateward, deploymentId, { mode: 'WITHOUT_SAVEPOINT' });
        return answer.__typename === 'Stop' && answer;
      },
      { what: 'the checkpoint to be recorded', timeoutMs: 30_000 },
    );
    expect(await stopOf(stateward, stop.id, 60_000)).toMatchObject({ state: 'COMPLETED', outcome: 'STOPPED' });
    expect(await flink.jobStatus(flinkJobId)).toBe('CANCELED');
  }, 120_000);

  it('a stop that takes longer than the checkpoint timeout says that Flink has restarted the job', async () => {
    const slow = ['--checkpoint-interval-ms', '3600000', '--slow-snapshot-ms', '20000'];
    const { deploymentId } = await runningCounter(slow, { 'execution.checkpointing.timeout': '2 s' });
    const { id } = await acceptedStop(stateward, deploymentId);
    expect(await stopOf(stateward, id, 60_000)).toMatchObject({
      state: 'FAILED',
      outcome: 'RESTARTED',
      savepoint: { state: 'FAILED', failure: { code: 'EXPIRED' } },
    });
    await waitFor(async () => (await stateOf(deploymentId)) === 'RUNNING', {
      what: 'the job to run again',
      timeoutMs: 40_000,
    });
  }, 120_000);

  it('a stop whose job fails while it closes keeps its savepoint, marked', async () => {
    const { deploymentId } = await runningCounter(['--checkpoint-interval-ms', '3600000', '--fail-on-close']);
    const { id } = await acceptedStop(stateward, deploymentId);
    expect(await stopOf(stateward, id, 60_000)).toMatchObject({
      state: 'FAILED',
      outcome: 'JOB_FAILED',
      failure: { code: 'STOP_FAILED_AFTER' },
      savepoint: { state: 'COMPLETED', stopFailedAfter: true },
      deployment: { state: 'FAILED' },
    });
  }, 90_000);
});
