import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { wake } from '../../src/db/claims.js';
import { clusterBecomes } from '../support/cluster-scenario.js';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import type { Data } from '../support/graphql-client.js';
import { createDeployment, registerCluster, uploadJob } from '../support/scenario.js';
import { askToStart, eventTypesOf, jarRemoved, jobOf, runCalls } from '../support/start-scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { waitFor } from '../support/wait-for.js';

let stateward: Stateward;
let flink: FakeFlink;
let clusterId: string;
beforeAll(async () => {
  stateward = await startStateward();
});
afterAll(() => stateward.stop());
beforeEach(async () => {
  flink = await startFakeFlink();
  clusterId = await registerCluster(stateward, flink.url, randomUUID());
});
afterEach(() => flink.stop());

const newDeployment = async (more: object = {}) =>
  createDeployment(stateward, clusterId, await uploadJob(stateward), randomUUID(), more);

const start = (deploymentId: string, more: object = {}, idempotencyKey?: string): Promise<Data> =>
  askToStart(stateward, deploymentId, more, idempotencyKey);

describe('a submission that Flink declines', () => {
  it('fails the run with the root cause in one line, and the deployment can be started again', async () => {
    flink.failNext({ method: 'POST', path: /\/run$/ }, { fixture: 'run-main-throws' });
    const deploymentId = await newDeployment();
    const { id } = await start(deploymentId);
    const job = await jobOf(stateward, id, 20_000);
    expect(job).toMatchObject({
      state: 'FAILED',
      failureCode: 'SUBMISSION_REFUSED',
      waitingFor: null,
      deployment: { state: 'FAILED' },
    });
    expect(job.failureRootCause).not.toMatch(/\n|^\s*at |RestHandlerException/);
    expect(job.failureMessage).toContain('HTTP 400');
    expect(job.failureMessage).toContain(job.failureRootCause);
    expect(job.failureText).toContain('RestHandlerException');
    expect(Date.parse(job.endedAt)).not.toBeNaN();
    await jarRemoved(flink);

    const again = await start(deploymentId);
    expect(again).toMatchObject({ run: 2 });
    expect(await jobOf(stateward, again.id, 20_000)).toMatchObject({ state: 'RUNNING' });
    expect(flink.jobIds).toEqual([again.flinkJobId]);
    expect(await eventTypesOf(stateward, deploymentId)).toEqual([
      'DEPLOYMENT_CREATED',
      'START_REQUESTED',
      'JOB_FAILED',
      'START_REQUESTED',
      'JOB_SUBMITTED',
      'JOB_STARTED',
    ]);
  });

  it('although the job runs, as with a second execute() in main(), does not fail the run', async () => {
    flink.failNext({ method: 'POST', path: /\/run$/ }, { fixture: 'run-two-executes' });
    flink.knobs.latencyMs = 200; // the job is there before the submission arrives
    const { id, flinkJobId } = await start(await newDeployment());
    flink.addJob({ jobId: flinkJobId });
    flink.knobs.latencyMs = 0;
    expect(await jobOf(stateward, id, 20_000)).toMatchObject({ state: 'RUNNING', flinkJobId, failureCode: null });
    expect(flink.jobIds).toEqual([flinkJobId]);
    expect(runCalls(flink)).toHaveLength(1);
  });

  it('already at the upload of the jar fails the run too', async () => {
    flink.failNext({ method: 'POST', path: /^\/jars\/upload/ }, { fixture: 'jar-upload-refused-not-jar' });
    const { id } = await start(await newDeployment());
    expect(await jobOf(stateward, id, 20_000)).toMatchObject({ state: 'FAILED', failureCode: 'SUBMISSION_REFUSED' });
    expect(runCalls(flink)).toEqual([]);
  });
});

describe('a submission that is disturbed', () => {
  it('whose reply is lost is adopted by its id, not sent again', async () => {
    flink.failNext({ method: 'POST', path: /\/run$/ }, 'LOSE_REPLY');
    const deploymentId = await newDeployment();
    const { id, flinkJobId } = await start(deploymentId);
    expect(await jobOf(stateward, id, 20_000)).toMatchObject({ state: 'RUNNING', flinkJobId });
    expect(flink.jobIds).toEqual([flinkJobId]);
    expect(runCalls(flink)).toHaveLength(1);
    expect(await eventTypesOf(stateward, deploymentId)).toEqual([
      'DEPLOYMENT_CREATED',
      'START_REQUESTED',
      'JOB_SUBMITTED',
      'JOB_STARTED',
    ]);
  });

  it('whose reply is lost is adopted although the first look for it finds no leader', async () => {
    flink.failNext({ method: 'POST', path: /\/run$/ }, 'LOSE_REPLY');
    flink.failNext({ method: 'GET', path: /^\/jobs\/[0-9a-f]{32}$/ }, 'NO_LEADER');
    const { id, flinkJobId } = await start(await newDeployment());
    expect(await jobOf(stateward, id, 20_000)).toMatchObject({ state: 'RUNNING', flinkJobId });
    expect(flink.jobIds).toEqual([flinkJobId]);
  });

  it('whose connection broke before Flink saw it is never sent again to the same JobManager: after 10 min the start has failed', async () => {
    flink.failNext({ method: 'POST', path: /\/run$/ }, 'DROP_BEFORE');
    const deploymentId = await newDeployment();
    const { id, flinkJobId } = await start(deploymentId);
    await waitFor(async () => /got no answer/.test((await jobOf(stateward, id)).waitingFor ?? ''), {
      what: 'the job to be looked for',
    });
    const { database } = stateward.services;
    await database.changed(`update job set run_sent_at = run_sent_at - interval '10 min' where id = $1`, [id]);
    const job = await waitFor(
      async () => {
        await wake(database, 'job', id);
        const found = await jobOf(stateward, id);
        return found.state === 'FAILED' && found;
      },
      { what: 'the start to fail', timeoutMs: 20_000 },
    );
    expect(job).toMatchObject({ failureCode: 'SUBMISSION_LOST' });
    expect(job.failureMessage).toContain(flinkJobId);
    expect(runCalls(flink)).toHaveLength(1);
    await jarRemoved(flink);
    const again = await jobOf(stateward, (await start(deploymentId)).id, 30_000);
    expect(again.state).toBe('RUNNING');
  });

  it("that a proxy answers in Flink's place may have arrived: it is looked for, not sent again", async () => {
    const page = { status: 503, body: '<html>upstream connect error</html>', contentType: 'text/html' };
    flink.failNext({ method: 'POST', path: /\/run$/ }, page);
    const { id } = await start(await newDeployment());
    await waitFor(async () => /got no answer/.test((await jobOf(stateward, id)).waitingFor ?? ''), {
      what: 'the job to be looked for',
    });
    expect(runCalls(flink)).toHaveLength(1);
  });

  it('that finds no leader is sent again when there is one', async () => {
    flink.failNext({ method: 'POST', path: /\/run$/, times: 2 }, 'NO_LEADER');
    const { id } = await start(await newDeployment());
    const job = await jobOf(stateward, id, 30_000);
    expect(job).toMatchObject({ state: 'RUNNING', failureCode: null });
    expect(flink.jobIds).toEqual([job.flinkJobId]);
    await jarRemoved(flink);
  });

  it('whose main() takes longer than any short call is waited for', async () => {
    flink.knobs.mainDurationMs = 7_000;
    const { id, flinkJobId } = await start(await newDeployment());
    await waitFor(async () => /main\(\)/.test((await jobOf(stateward, id)).waitingFor ?? ''), {
      what: 'main() to be named',
    });
    expect(await jobOf(stateward, id, 30_000)).toMatchObject({ state: 'RUNNING', flinkJobId });
    expect(runCalls(flink)).toHaveLength(1);
  });

  it('is made anew when the JobManager that ran main() is restarted', async () => {
    flink.knobs.mainDurationMs = 30_000;
    const { id, flinkJobId } = await start(await newDeployment());
    await waitFor(() => runCalls(flink).length === 1, { what: 'the run call' });
    flink.knobs.mainDurationMs = 0;
    await flink.restart();
    const job = await jobOf(stateward, id, 30_000);
    expect(job).toMatchObject({ state: 'RUNNING' });
    expect(job.flinkJobId).not.toBe(flinkJobId);
    expect(flink.jobIds).toEqual([job.flinkJobId]);
    expect(runCalls(flink)).toHaveLength(2);
  });

  it('goes on with its job when the JobManager is restarted right after it, and recovers it', async () => {
    flink.knobs.startDelayMs = 1_000;
    const { id, flinkJobId } = await start(await newDeployment());
    await waitFor(() => flink.jobIds.length === 1, { what: 'the job' });
    await flink.restart({ keepJobs: true });
    expect(await jobOf(stateward, id, 30_000)).toMatchObject({ state: 'RUNNING', flinkJobId });
    expect(flink.jobIds).toEqual([flinkJobId]);
  });

  it('is lost when the JobManager is restarted right after it and does not know the job', async () => {
    flink.knobs.startDelayMs = 60_000;
    const { id } = await start(await newDeployment());
    await waitFor(async () => (await jobOf(stateward, id)).state === 'INITIALIZING', { what: 'the submission' });
    const before = flink.processMark;
    await flink.restart();
    await clusterBecomes(stateward, clusterId, 'known by its new mark', ({ processMark }) => processMark !== before);
    const { database } = stateward.services;
    const job = await waitFor(
      async () => {
        await database.changed(
          `update job set missing_since = now() - interval '31 s' where id = $1 and missing_answers >= 2`,
          [id],
        );
        await wake(database, 'cluster', clusterId);
        const found = await jobOf(stateward, id);
        return found.state === 'FAILED' && found;
      },
      { what: 'the job to count as lost', timeoutMs: 20_000 },
    );
    expect(job).toMatchObject({ failureCode: 'JOB_LOST', deployment: { state: 'FAILED' } });
    expect(job.failureMessage).toMatch(/last seen \d{4}-/);
  });

  it('fails when the jar is not in the artifact folder, and can be started when it is there again', async () => {
    const artifactId = await uploadJob(stateward);
    const deploymentId = await createDeployment(stateward, clusterId, artifactId, randomUUID());
    const { services } = stateward;
    const artifact = await services.database.row<{ sha256: string }>('select sha256 from artifact where id = $1', [
      artifactId,
    ]);
    await rm(join(services.config.artifactFolder, `${artifact?.sha256}.jar`));
    const { id } = await start(deploymentId);
    const job = await jobOf(stateward, id, 20_000);
    expect(job).toMatchObject({ state: 'FAILED', failureCode: 'ARTIFACT_MISSING', failureRootCause: null });
    expect(job.failureMessage).toContain(artifact?.sha256);
    expect(flink.requests.filter(({ method }) => method === 'POST')).toEqual([]);
    expect(await start(deploymentId)).toMatchObject({ __typename: 'Job', run: 2 });
  });
});
