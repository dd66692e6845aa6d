import { readdir } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import type { RealScene } from './real-scene.js';
import { createDeployment, startDeployment } from './scenario.js';
import { acceptedStop, askToStop, stopOf } from './stop-scenario.js';
import { waitFor } from './wait-for.js';

/** Stops end as Flink ends them: with and without a savepoint, declined, timed out, and failed. */
export function describeStops(scene: RealScene): void {
  describe('stops', () => {
    let names = 0;

    async function runningCounter(programArguments: string[], settings: Record<string, string> = {}) {
      const deploymentId = await createDeployment(
        scene.stateward,
        scene.clusterId,
        scene.artifactId,
        `stopped counter ${++names}`,
        {
          programArguments,
          parallelism: 1,
          flinkConfiguration: Object.entries(settings).map(([key, value]) => ({ key, value })),
        },
      );
      return { deploymentId, ...(await startDeployment(scene.stateward, deploymentId)) };
    }

    const stateOf = async (id: string): Promise<string> =>
      (await scene.stateward.ask('query($id: ID!) { deployment(id: $id) { state } }', { id })).deployment.state;

    it.concurrent.each([
      ['WITH_SAVEPOINT', false],
      ['WITH_DRAIN', true],
    ])(
      'a stop %s leaves a whole savepoint and a CANCELLED deployment',
      async (mode, drained) => {
        const { deploymentId } = await runningCounter(['--checkpoint-interval-ms', '3600000']);
        const { id } = await acceptedStop(scene.stateward, deploymentId, { mode, final: drained });
        const stop = await stopOf(scene.stateward, id, 60_000);
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

    it.concurrent(
      'a cancel before the first checkpoint is not sent, and the job runs on',
      async () => {
        // 2.3.0 begins the first one at once, whatever the interval: this one takes its time.
        const slow = ['--checkpoint-interval-ms', '36000000', '--slow-snapshot-ms', '60000'];
        const { deploymentId, flinkJobId } = await runningCounter(slow);
        const answer = await askToStop(scene.stateward, deploymentId, { mode: 'WITHOUT_SAVEPOINT' });
        const code = answer.code ?? (await stopOf(scene.stateward, answer.id, 60_000)).failure?.code;
        expect(code).toBe('STATE_WOULD_BE_LOST');
        await waitFor(async () => (await stateOf(deploymentId)) === 'RUNNING', { what: 'the job to run on' });
        expect(await scene.stateward.services.flinkClients.at(scene.real.flink.url).jobStatus(flinkJobId)).toBe(
          'RUNNING',
        );
      },
      90_000,
    );

    it.concurrent(
      'a cancel after a checkpoint that outlives it is taken',
      async () => {
        const { deploymentId, flinkJobId } = await runningCounter(['--checkpoint-interval-ms', '1000'], {
          'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
        });
        const flink = scene.stateward.services.flinkClients.at(scene.real.flink.url);
        await waitFor(async () => ((await flink.checkpoints(flinkJobId))?.counts.completed ?? 0) > 0, {
          what: 'a checkpoint',
          timeoutMs: 30_000,
        });
        const stop = await waitFor(
          async () => {
            const answer = await askToStop(scene.stateward, deploymentId, { mode: 'WITHOUT_SAVEPOINT' });
            return answer.__typename === 'Stop' && answer;
          },
          { what: 'the checkpoint to be recorded', timeoutMs: 30_000 },
        );
        expect(await stopOf(scene.stateward, stop.id, 60_000)).toMatchObject({
          state: 'COMPLETED',
          outcome: 'STOPPED',
        });
        expect(await flink.jobStatus(flinkJobId)).toBe('CANCELED');
      },
      120_000,
    );

    it.concurrent(
      'a stop that takes longer than the checkpoint timeout says that Flink has restarted the job',
      async () => {
        const slow = ['--checkpoint-interval-ms', '3600000', '--slow-snapshot-ms', '20000'];
        const { deploymentId } = await runningCounter(slow, {
          'execution.checkpointing.timeout': '2 s',
          // The job's own first checkpoint takes too long as well, and must not be what restarts it.
          'execution.checkpointing.tolerable-failed-checkpoints': '100',
        });
        const { id } = await acceptedStop(scene.stateward, deploymentId);
        expect(await stopOf(scene.stateward, id, 60_000)).toMatchObject({
          state: 'FAILED',
          outcome: 'RESTARTED',
          savepoint: { state: 'FAILED', failure: { code: 'EXPIRED' } },
        });
        await waitFor(async () => (await stateOf(deploymentId)) === 'RUNNING', {
          what: 'the job to run again',
          timeoutMs: 40_000,
        });
      },
      120_000,
    );

    it.concurrent(
      'a stop whose job fails while it closes keeps its savepoint, marked',
      async () => {
        const { deploymentId } = await runningCounter(['--checkpoint-interval-ms', '3600000', '--fail-on-close']);
        const { id } = await acceptedStop(scene.stateward, deploymentId);
        expect(await stopOf(scene.stateward, id, 60_000)).toMatchObject({
          state: 'FAILED',
          outcome: 'JOB_FAILED',
          failure: { code: 'STOP_FAILED_AFTER' },
          savepoint: { state: 'COMPLETED', stopFailedAfter: true },
          deployment: { state: 'FAILED' },
        });
      },
      90_000,
    );
  });
}
