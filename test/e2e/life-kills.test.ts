import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import type { Data } from '../support/graphql-client.js';
import { REAL_FLINK_START_MS, type RealFlink, startRealFlink, whyNoRealFlink } from '../support/real-flink.js';
import { createDeployment, registerCluster, startDeployment } from '../support/scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { waitFor } from '../support/wait-for.js';

const reason = await whyNoRealFlink();
/** Three answers over 30 s, and what a JobManager needs to be back. */
const LOST_WITHIN_MS = 90_000;

describe('on a real Flink 2.3.0 without high availability', () => {
  if (reason !== null) {
    it.skip(`a deployment outlives its JobManager (skipped: ${reason})`, () => undefined);
    return;
  }

  let real: RealFlink;
  let stateward: Stateward;
  let clusterId: string;
  let artifactId: string;
  beforeAll(async () => {
    real = await startRealFlink({ slots: 4, configuration: { 'web.checkpoints.history': '10' } });
    stateward = await startStateward();
    clusterId = await registerCluster(stateward, real.flink.url);
    const { body } = await stateward.upload('counter.jar', await readFile(real.jars.StatefulCounter ?? ''));
    artifactId = body.artifact?.id ?? '';
  }, REAL_FLINK_START_MS);
  afterAll(async () => {
    await stateward?.stop();
    await real?.stop();
  }, 60_000);

  async function counter(name: string, ...more: string[]): Promise<{ deploymentId: string; jobId: string }> {
    const programArguments = ['--checkpoint-interval-ms', '1000', '--parallelism', '1', ...more];
    const deploymentId = await createDeployment(stateward, clusterId, artifactId, name, { programArguments });
    const { jobId } = await startDeployment(stateward, deploymentId);
    await waitFor(
      () =>
        stateward.services.database.row(
          'select 1 from job_checkpoints where job_id = $1 and last_completed_id is not null',
          [jobId],
        ),
      { what: 'its first checkpoint to be recorded', timeoutMs: 30_000 },
    );
    return { deploymentId, jobId };
  }

  async function killed(): Promise<void> {
    await real.flink.killJobManager();
    await real.flink.startJobManager();
  }

  async function endOf(jobId: string): Promise<Data> {
    return waitFor(
      async () => {
        const { job } = await stateward.ask(
          'query($id: ID!) { job(id: $id) { state failureCode failureMessage deployment { state } } }',
          { id: jobId },
        );
        return job.state === 'FAILED' && job;
      },
      { what: 'the run to count as lost', timeoutMs: LOST_WITHIN_MS },
    );
  }

  async function goesOn(deploymentId: string): Promise<Data> {
    await real.flink.waitForSlots();
    const { startDeployment: asked } = await stateward.ask(
      `mutation($input: StartDeploymentInput!) { startDeployment(input: $input) { __typename ... on Job { id } ... on UserError { code message } } }`,
      { input: { deploymentId, start: { strategy: 'LATEST_STATE' } } },
    );
    expect(asked).toMatchObject({ __typename: 'Job' });
    const { job } = await stateward.ask(
      'query($id: ID!) { job(id: $id, waitMs: 60000) { state run failureMessage startedFrom { location } } }',
      { id: asked.id },
    );
    expect(job).toMatchObject({ state: 'RUNNING', run: 2 });
    return job;
  }

  const stop = (deploymentId: string, mode: string) =>
    stateward.ask(
      `mutation($input: StopDeploymentInput!) { stopDeployment(input: $input) { __typename ... on Stop { id } ... on UserError { code message } } }`,
      { input: { deploymentId, mode } },
    );

  it('a killed JobManager takes its job with it, and the job goes on from the checkpoint that lies in the storage', async () => {
    const { deploymentId, jobId } = await counter('runs on');
    await killed();
    expect(await endOf(jobId)).toMatchObject({ failureCode: 'JOB_LOST', deployment: { state: 'FAILED' } });
    const { startedFrom } = await goesOn(deploymentId);
    expect(startedFrom.location).toMatch(/\/chk-\d+$/);
    await stop(deploymentId, 'WITHOUT_SAVEPOINT');
  }, 240_000);

  it('a JobManager killed in the middle of a stop with savepoint: the stop says so, and the state is not lost', async () => {
    const { deploymentId, jobId } = await counter('stops', '--slow-snapshot-ms', '4000');
    const { stopDeployment } = await stop(deploymentId, 'WITH_SAVEPOINT');
    await waitFor(
      () =>
        stateward.services.database.row(
          `select 1 from savepoint s join savepoint_attempt a on a.savepoint_id = s.id where s.stop_id = $1 and a.accepted_at is not null`,
          [stopDeployment.id],
        ),
      { what: 'its savepoint to be under way', timeoutMs: 30_000 },
    );
    await killed();
    expect(await endOf(jobId)).toMatchObject({ failureCode: 'JOB_LOST' });
    const { stop: ended } = await stateward.ask(
      'query($id: ID!) { stop(id: $id, waitMs: 60000) { state outcome failure { code message } savepoint { state failure { code } } } }',
      { id: stopDeployment.id },
    );
    expect(ended).toMatchObject({ state: 'FAILED', outcome: 'JOB_FAILED', savepoint: { state: 'FAILED' } });
    expect(ended.failure.message.length).toBeGreaterThan(20);
    await goesOn(deploymentId);
    await stop(deploymentId, 'WITHOUT_SAVEPOINT');
  }, 300_000);
});
