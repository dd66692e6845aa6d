import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { wake } from '../../src/db/claims.js';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import type { Data } from '../support/graphql-client.js';
import { createDeployment, registerCluster, uploadJob } from '../support/scenario.js';
import { askToStart, eventTypesOf, jarRemoved, jobIn, jobOf, runCalls } from '../support/start-scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { waitFor } from '../support/wait-for.js';

let stateward: Stateward;
let flink: FakeFlink;
let clusterId: string;
beforeAll(async () => {
  stateward = await startStateward({ env: { STATEWARD_SECRET_BROKER: 'hunter2' } });
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

/** A deployment, started, with every task running. */
async function running(more: object = {}): Promise<Data> {
  const { id } = await start(await newDeployment(more));
  const job = await jobOf(stateward, id, 20_000);
  expect(job).toMatchObject({ state: 'RUNNING' });
  return job;
}

describe('a start', () => {
  it('carries arguments, parallelism and settings to Flink, and removes the jar that it uploaded', async () => {
    const deploymentId = await newDeployment({
      entryClass: 'org.example.Main',
      programArguments: ['--topic', 'a b', ''],
      parallelism: 2,
      flinkConfiguration: [
        { key: 'execution.checkpointing.interval', value: '1 min' },
        { key: 'pipeline.auto-watermark-interval', value: '5 s' },
      ],
    });
    const { name } = await stateward.services.database
      .row<{ name: string }>('select name from deployment where id = $1', [deploymentId])
      .then((row) => row ?? { name: '' });
    const asked = await start(deploymentId, {
      parallelism: 3,
      flinkConfiguration: [{ key: 'execution.checkpointing.interval', value: '2 min' }],
    });
    expect(asked).toMatchObject({
      __typename: 'Job',
      run: 1,
      state: 'SUBMITTING',
      strategy: 'NONE',
      actor: 'local',
      deployment: { id: deploymentId, state: 'STARTING', currentJob: { id: asked.id } },
    });
    expect(asked.flinkJobId).toMatch(/^[0-9a-f]{32}$/);
    const job = await jobOf(stateward, asked.id, 20_000);
    expect(job).toMatchObject({
      state: 'RUNNING',
      flinkJobId: asked.flinkJobId,
      waitingFor: null,
      parallelism: 3,
      stateBackend: 'HASHMAP',
      checkpointIntervalMs: 120_000,
      checkpointTimeoutMs: 600_000,
      failureCode: null,
      failureText: null,
      deployment: { state: 'RUNNING' },
    });
    expect(Date.parse(job.startedAt)).toBeGreaterThanOrEqual(Date.parse(job.submittedAt));
    expect(runCalls(flink).map(({ body }) => body)).toEqual([
      {
        jobId: asked.flinkJobId,
        entryClass: 'org.example.Main',
        programArgsList: ['--topic', 'a b', ''],
        parallelism: 3,
        flinkConfiguration: {
          'pipeline.name': name,
          'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
          'execution.checkpointing.interval': '2 min',
          'pipeline.auto-watermark-interval': '5 s',
        },
      },
    ]);
    await jarRemoved(flink);
    expect(await eventTypesOf(stateward, deploymentId)).toEqual([
      'DEPLOYMENT_CREATED',
      'START_REQUESTED',
      'JOB_SUBMITTED',
      'JOB_STARTED',
    ]);
    expect(job.eventCursor).toBe('1');
  });

  it('gives Flink the secrets that arguments and settings name, and shows and stores none of them', async () => {
    const deploymentId = await newDeployment({
      programArguments: ['--url', 'kafka://user:${secret:BROKER}@host'],
      flinkConfiguration: [{ key: 'pipeline.sink.password', value: '${secret:BROKER}' }],
    });
    const { id } = await start(deploymentId);
    const job = await jobOf(stateward, id, 20_000);
    expect(job).toMatchObject({ state: 'RUNNING', programArguments: ['--url', 'kafka://user:${secret:BROKER}@host'] });
    expect(runCalls(flink).at(-1)?.body).toMatchObject({
      programArgsList: ['--url', 'kafka://user:hunter2@host'],
      flinkConfiguration: { 'pipeline.sink.password': 'hunter2' },
    });
    const stored = await stateward.services.database.row<{ text: string }>(
      'select (select string_agg(j::text, chr(10)) from job j) || (select string_agg(e::text, chr(10)) from event e) as text',
    );
    expect(stored?.text).not.toContain('hunter2');
  });

  it('tells nothing of a secret that main() tells of', async () => {
    const trace = 'java.lang.IllegalStateException: no broker at user:hunter2@host\n\tat X.main(X.java:1)';
    const body = { errors: ['Internal server error.', trace] };
    const told: unknown[] = [];
    const { database } = stateward.services;
    const deploymentId = await newDeployment({ programArguments: ['kafka://user:${secret:BROKER}@host'] });
    flink.failNext({ method: 'POST', path: /\/run$/, times: 2 }, { status: 503, body });
    flink.failNext({ method: 'POST', path: /\/run$/ }, { status: 400, body });
    const { id } = await start(deploymentId);
    const waiting = `select waiting_for from job where id = $1 and waiting_for like 'its next submission%no broker%'`;
    told.push(await waitFor(() => database.row(waiting, [id]), { what: 'it to be put off', timeoutMs: 20_000 }));
    const job = await jobIn(stateward, id, 'FAILED');
    expect(job.failureRootCause).toContain('no broker at user:${secret:BROKER}@host');
    expect(job.failureText).toContain('user:${secret:BROKER}@host');
    for (const table of ['job where id', 'long_text where owner_id', 'event where job_id'])
      told.push(...(await database.rows(`select * from ${table} = $1`, [id])));
    expect(told.length).toBeGreaterThan(3);
    expect(JSON.stringify(told)).not.toContain('hunter2');
  });

  it('submits nothing while a secret is missing, and names it', async () => {
    const { id } = await start(await newDeployment({ programArguments: ['${secret:NOT_THERE}'] }));
    const failed = await jobOf(stateward, id, 20_000, 'ENDED');
    expect(failed).toMatchObject({ state: 'FAILED', failureCode: 'SECRET_MISSING' });
    expect(failed.failureMessage).toContain('STATEWARD_SECRET_NOT_THERE');
    expect(runCalls(flink)).toEqual([]);
  });

  it('leaves settings of the run to the run, and retention to who names it', async () => {
    const key = 'execution.checkpointing.externalized-checkpoint-retention';
    const deploymentId = await newDeployment({
      programArguments: ['a'],
      flinkConfiguration: [{ key, value: 'DELETE_ON_CANCELLATION' }],
    });
    const { id, flinkJobId } = await start(deploymentId, { programArguments: [] });
    await jobOf(stateward, id, 20_000);
    expect(runCalls(flink)[0]?.body).toMatchObject({
      programArgsList: [],
      flinkConfiguration: { [key]: 'DELETE_ON_CANCELLATION' },
    });
    flink.job(flinkJobId).setState('CANCELED');
    await jobIn(stateward, id, 'CANCELLED');
    const again = await start(deploymentId);
    expect(again).toMatchObject({ run: 2, programArguments: ['a'], parallelism: null });
    await jobOf(stateward, again.id, 20_000);
    expect(again.flinkJobId).not.toBe(flinkJobId);
  });

  it('says what it waits for until every task runs', async () => {
    flink.knobs.startDelayMs = 2_500;
    const { id } = await start(await newDeployment({ parallelism: 2 }));
    const restoring = await waitFor(
      async () => {
        const job = await jobOf(stateward, id);
        return /tasks starting or restoring: 4 of 4/.test(job.waitingFor ?? '') && job;
      },
      { what: 'the tasks that it waits for to be named' },
    );
    expect(restoring).toMatchObject({ state: 'INITIALIZING', startedAt: null, deployment: { state: 'STARTING' } });
    expect(await jobOf(stateward, id, 20_000)).toMatchObject({ state: 'RUNNING', waitingFor: null });
  });

  it('waits for slots, and runs when there are some', async () => {
    const first = await running({ parallelism: 6 });
    const { id } = await start(await newDeployment({ parallelism: 4 }));
    await waitFor(async () => /^slots: 8 of 8 .* 2 free/.test((await jobOf(stateward, id)).waitingFor ?? ''), {
      what: 'the slots that it waits for to be named',
    });
    flink.job(first.flinkJobId).setState('CANCELED');
    expect(await jobOf(stateward, id, 20_000)).toMatchObject({ state: 'RUNNING' });
  });
});

describe('a request to start', () => {
  it('is refused while the deployment is not stopped, with its state and since when', async () => {
    const { id, deployment } = await running();
    const refused = await start(deployment.id);
    expect(refused).toMatchObject({ code: 'DEPLOYMENT_NOT_STOPPED', deploymentState: 'RUNNING' });
    expect(refused.message).toContain(`RUNNING since ${refused.since}`);
    expect(await jobOf(stateward, id)).toMatchObject({ state: 'RUNNING' });
    expect(runCalls(flink)).toHaveLength(1);
  });

  it('starts one job when ten come at once', async () => {
    const deploymentId = await newDeployment();
    const answers = await Promise.all(Array.from({ length: 10 }, () => start(deploymentId)));
    const made = answers.filter(({ __typename }) => __typename === 'Job');
    expect(made).toHaveLength(1);
    expect(answers.filter(({ code }) => code === 'DEPLOYMENT_NOT_STOPPED')).toHaveLength(9);
    expect(await jobOf(stateward, made[0].id, 20_000)).toMatchObject({ state: 'RUNNING' });
    expect(flink.jobIds).toEqual([made[0].flinkJobId]);
    expect(runCalls(flink)).toHaveLength(1);
  });

  it('answers with the same run when ten come at once with one idempotency key', async () => {
    const deploymentId = await newDeployment();
    const key = randomUUID();
    const answers = await Promise.all(Array.from({ length: 10 }, () => start(deploymentId, {}, key)));
    expect(answers[0]).toMatchObject({ __typename: 'Job' });
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    await jobOf(stateward, answers[0].id, 20_000);
    expect(flink.jobIds).toEqual([answers[0].flinkJobId]);
    expect(await start(deploymentId, { parallelism: 2 }, key)).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
  });

  it.each([
    [{ strategy: 'LATEST_STATE' }, 'NO_RESTORABLE_STATE'],
    [{ strategy: 'LATEST_SAVEPOINT' }, 'NO_RESTORABLE_STATE'],
    [{ strategy: 'FROM_SAVEPOINT', savepointId: randomUUID() }, 'NOT_FOUND'],
    [{ strategy: 'FROM_CHECKPOINT', checkpointId: `${randomUUID()}:1` }, 'NOT_FOUND'],
    [{ strategy: 'FROM_LOCATION', location: 'a/b' }, 'OUTSIDE_STORAGES'],
  ])('of a new deployment with %j is refused with %s, and starts nothing', async (given, code) => {
    const deploymentId = await newDeployment();
    expect(await start(deploymentId, given)).toMatchObject({ code });
    const { deployment } = await stateward.ask(
      `query($id: ID!) { deployment(id: $id) { state currentJob { id } jobs { edges { cursor } } } }`,
      { id: deploymentId },
    );
    expect(deployment).toEqual({ state: 'CANCELLED', currentJob: null, jobs: { edges: [] } });
    expect(flink.jobIds).toEqual([]);
  });

  it.each([
    [{ savepointId: randomUUID() }, 'start.savepointId'],
    [{ checkpointId: randomUUID() }, 'start.checkpointId'],
    [{ location: 'a' }, 'start.location'],
    [{ strategy: 'LATEST_STATE', savepointId: randomUUID() }, 'start.savepointId'],
    [{ strategy: 'FROM_SAVEPOINT' }, 'start.savepointId'],
    [{ strategy: 'FROM_CHECKPOINT', savepointId: randomUUID() }, 'start.savepointId'],
    [{ strategy: 'FROM_LOCATION' }, 'start.location'],
    [{ parallelism: 0 }, 'start.parallelism'],
    [{ parallelism: 40_000 }, 'start.parallelism'],
    [{ flinkConfiguration: [{ key: 'execution.savepoint.path', value: 'x' }] }, 'start.flinkConfiguration'],
  ])('with %j is refused, naming the field %s', async (given, field) => {
    expect(await start(await newDeployment(), given)).toMatchObject({ code: 'INVALID_INPUT', field });
  });

  it('needs a strategy, a deployment that is known, and an id that is one', async () => {
    const [missing] = await stateward.askWrongly(
      `mutation($id: ID!) { startDeployment(input: { deploymentId: $id, start: {} }) { __typename } }`,
      { id: randomUUID() },
    );
    expect(missing).toMatchObject({ message: expect.stringContaining('strategy') });
    expect(await start(randomUUID())).toMatchObject({ code: 'NOT_FOUND', field: 'deploymentId' });
    const [malformed] = await stateward.askWrongly(
      `mutation { startDeployment(input: { deploymentId: "x", start: { strategy: NONE } }) { __typename } }`,
    );
    expect(malformed).toMatchObject({ extensions: { code: 'BAD_USER_INPUT' } });
  });
});

describe('a run that is observed', () => {
  it('goes RESTARTING and back with the job', async () => {
    const { id, flinkJobId, deployment } = await running();
    flink.job(flinkJobId).setState('RESTARTING');
    expect(await jobIn(stateward, id, 'RESTARTING')).toMatchObject({
      waitingFor: expect.stringContaining('restart'),
      deployment: { state: 'RESTARTING' },
    });
    flink.job(flinkJobId).deploy();
    expect(await jobIn(stateward, id, 'RUNNING')).toMatchObject({ waitingFor: null, deployment: { state: 'RUNNING' } });
    expect((await eventTypesOf(stateward, deployment.id)).slice(-3)).toEqual([
      'JOB_STARTED',
      'JOB_RESTARTING',
      'JOB_RUNNING_AGAIN',
    ]);
  });

  it('that fails says why in one line, with the whole text behind it', async () => {
    const { id, flinkJobId, deployment } = await running();
    flink.job(flinkJobId).setState('FAILED', 'exceptions-job-failed');
    const job = await jobIn(stateward, id, 'FAILED');
    expect(job).toMatchObject({ failureCode: 'FLINK_FAILED', deployment: { state: 'FAILED' } });
    expect(job.failureRootCause).not.toMatch(/\n|^\s*at /);
    expect(job.failureMessage).toContain(job.failureRootCause);
    expect(job.failureText).toContain('\n\tat ');
    const { events } = await stateward.ask(
      `query($id: ID!) { events(first: 1, filter: { deploymentId: $id }) { edges { node { type message jobId } } } }`,
      { id: deployment.id },
    );
    expect(events.edges[0].node).toMatchObject({ type: 'JOB_FAILED', jobId: id });
    expect(events.edges[0].node.message).toContain(job.failureRootCause);
  });

  it.each([
    ['FINISHED', 'FINISHED', /has finished/],
    ['CANCELED', 'CANCELLED', /was cancelled/],
  ] as const)('that is %s behind our back is %s, and can be started again', async (flinkState, state, words) => {
    const { id, flinkJobId, deployment } = await running();
    flink.job(flinkJobId).setState(flinkState);
    const job = await jobIn(stateward, id, state);
    expect(job).toMatchObject({ failureCode: null, waitingFor: null, deployment: { state } });
    expect(Date.parse(job.endedAt)).toBeLessThanOrEqual(Date.now());
    const { events } = await stateward.ask(
      `query($id: ID!) { events(first: 1, filter: { deploymentId: $id }) { edges { node { type message } } } }`,
      { id: deployment.id },
    );
    expect(events.edges[0].node).toMatchObject({ type: 'JOB_ENDED', message: expect.stringMatching(words) });
    expect(await start(deployment.id)).toMatchObject({ run: 2 });
  });

  it('that is being cancelled is STOPPING, and cannot be started meanwhile', async () => {
    const { id, flinkJobId, deployment } = await running();
    flink.job(flinkJobId).setState('CANCELLING');
    await jobIn(stateward, id, 'STOPPING');
    expect(await start(deployment.id)).toMatchObject({
      code: 'DEPLOYMENT_NOT_STOPPED',
      deploymentState: 'STOPPING',
    });
    flink.job(flinkJobId).setState('CANCELED');
    await jobIn(stateward, id, 'CANCELLED');
  });

  it('that fails on its way to its first RUNNING has ended, not started', async () => {
    flink.knobs.startDelayMs = 60_000;
    flink.startsFailWith('exceptions-job-failed', { afterMs: 300 });
    const { id } = await start(await newDeployment());
    expect(await jobOf(stateward, id, 20_000)).toMatchObject({
      state: 'FAILED',
      startedAt: null,
      failureCode: 'FLINK_FAILED',
    });
  });
});

describe('waiting for a run', () => {
  it('ends when it has started, when it has ended, or when the time is up', async () => {
    const { id, flinkJobId } = await running();
    const before = Date.now();
    expect(await jobOf(stateward, id, 20_000, 'STARTED')).toMatchObject({ state: 'RUNNING' });
    expect(await jobOf(stateward, id, 300, 'ENDED')).toMatchObject({ state: 'RUNNING' });
    expect(Date.now() - before).toBeGreaterThanOrEqual(290);
    const end = jobOf(stateward, id, 20_000, 'ENDED');
    flink.job(flinkJobId).setState('FINISHED');
    await wake(stateward.services.database, 'cluster', clusterId);
    expect(await end).toMatchObject({ state: 'FINISHED' });
    expect(Date.now() - before).toBeLessThan(15_000);
  });

  it('is null for one that is not known, and an error for a time that is none', async () => {
    const before = Date.now();
    expect(await jobOf(stateward, randomUUID(), 20_000)).toBeNull();
    expect(Date.now() - before).toBeLessThan(5_000);
    for (const waitMs of [-1, 60_001]) {
      const [error] = await stateward.askWrongly(
        `query($id: ID!, $waitMs: Int) { job(id: $id, waitMs: $waitMs) { id } }`,
        {
          id: randomUUID(),
          waitMs,
        },
      );
      expect(error).toMatchObject({
        message: expect.stringMatching(/^waitMs: /),
        extensions: { code: 'BAD_USER_INPUT' },
      });
    }
  });

  it('leaves nobody waiting when the client has gone', async () => {
    const { wakeups } = stateward.services;
    const { id } = await running();
    const before = wakeups.watchers;
    const gone = new AbortController();
    const asked = fetch(`${stateward.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        query: `query($id: ID!) { job(id: $id, waitMs: 60000, until: ENDED) { id } }`,
        variables: { id },
      }),
      signal: gone.signal,
    });
    await waitFor(() => wakeups.watchers > before, { what: 'the request to wait' });
    gone.abort();
    await expect(asked).rejects.toThrow();
    await waitFor(() => wakeups.watchers === before, { what: 'nobody to wait any more' });
  });
});
