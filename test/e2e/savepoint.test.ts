import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { request } from 'undici';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { captured } from '../../demo/fake-flink/captured-replies.js';
import type { Data } from '../support/graphql-client.js';
import { createDeployment, createSavepoint, endOfSavepoint, registerCluster, uploadJob } from '../support/scenario.js';
import { anotherDeployment, deploymentOn, eventsOf, savepointIn, savepointNow } from '../support/savepoint-scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { waitFor } from '../support/wait-for.js';

let stateward: Stateward;
let flink: FakeFlink;
beforeAll(async () => {
  stateward = await startStateward();
});
afterAll(() => stateward.stop());
beforeEach(async () => {
  flink = await startFakeFlink();
});
afterEach(() => flink.stop());

const REFUSAL = `__typename ... on Savepoint { id state format } ... on SavepointInProgress { savepointId }
  ... on DeploymentNotRunning { deploymentState since } ... on UserError { code message }`;

async function ask(input: object): Promise<Data> {
  const { createSavepoint: answer } = await stateward.ask(
    `mutation($input: CreateSavepointInput!) { createSavepoint(input: $input) { ${REFUSAL} } }`,
    { input },
  );
  return answer;
}

/** Durations that earlier savepoints of the deployment are said to have had. */
async function remember(deploymentId: string, ids: string[], durationMs: number): Promise<void> {
  const changed = await stateward.services.database.changed(
    'update savepoint set duration_ms = $3 where deployment_id = $1 and id = any($2)',
    [deploymentId, ids, durationMs],
  );
  expect(changed).toBe(ids.length);
}

describe('a savepoint', () => {
  it('goes from request to COMPLETED, with its location, details and data', async () => {
    const { deploymentId } = await deploymentOn(stateward, flink);
    const asked = await createSavepoint(stateward, deploymentId, { description: 'before the upgrade' });
    expect(asked).toMatchObject({ __typename: 'Savepoint', state: 'IN_PROGRESS' });
    const ended = await endOfSavepoint(stateward, asked.id);
    expect(ended).toMatchObject({ state: 'COMPLETED', detailsState: 'REPORTED', data: 'PRESENT', failure: null });
    expect(flink.savepointsMade.map((made) => made.location)).toEqual([ended.location]);
    expect(ended.location).toContain(`/${deploymentId}/${asked.id}/1/savepoint-`);
    expect(await eventsOf(stateward, asked.id)).toEqual([
      'SAVEPOINT_REQUESTED',
      'SAVEPOINT_IN_PROGRESS',
      'SAVEPOINT_COMPLETED',
      'SAVEPOINT_DETAILS',
    ]);
  });

  it('is COMPLETED without details when the statistics of the job never show it', async () => {
    const { deploymentId } = await deploymentOn(stateward, flink);
    flink.failNext({ path: /\/checkpoints$/, times: 1e6 }, { fixture: 'checkpoints-after-jobmanager-restart' });
    const { id } = await createSavepoint(stateward, deploymentId);
    await savepointIn(stateward, id, 'COMPLETED');
    await stateward.services.database.rows(
      `update savepoint set state_since = state_since - interval '21 s' where id = $1 returning 1`,
      [id],
    );
    const ended = await endOfSavepoint(stateward, id);
    expect(ended).toMatchObject({
      state: 'COMPLETED',
      detailsState: 'NEVER_REPORTED',
      sizeBytes: null,
      durationMs: null,
      flinkCheckpointId: null,
    });
  });

  it('is answered at its end, or when the time to wait is up', async () => {
    const { deploymentId, flinkJobId } = await deploymentOn(stateward, flink);
    flink.knobs.savepointDurationMs = Infinity;
    const { id } = await createSavepoint(stateward, deploymentId);
    const before = Date.now();
    expect(await endOfSavepoint(stateward, id, 300)).toMatchObject({ id, state: 'IN_PROGRESS' });
    expect(Date.now() - before).toBeGreaterThanOrEqual(290);

    const end = endOfSavepoint(stateward, id, 20_000);
    await savepointIn(stateward, id, 'IN_PROGRESS');
    flink.finishSavepoints(flinkJobId);
    await waitFor(() => flink.savepointsMade.length === 1, { what: 'Flink to make it' });
    expect(await end).toMatchObject({ id, state: 'COMPLETED' });
    expect(Date.now() - before).toBeLessThan(15_000);
  });
});

describe('a request for a savepoint', () => {
  it('is refused DEPLOYMENT_NOT_RUNNING with the state and since when', async () => {
    const clusterId = await registerCluster(stateward, flink.url, randomUUID());
    const artifactId = await uploadJob(stateward);
    const deploymentId = await createDeployment(stateward, clusterId, artifactId, randomUUID());
    const answer = await ask({ deploymentId });
    expect(answer).toMatchObject({ code: 'DEPLOYMENT_NOT_RUNNING', deploymentState: 'CANCELLED' });
    expect(Date.now() - Date.parse(answer.since)).toBeLessThan(60_000);
    expect(answer.message).toContain(`CANCELLED since ${answer.since}`);
    expect(flink.triggersReceived()).toEqual([]);
  });

  it('is refused while Flink recovers the job', async () => {
    const { deploymentId, flinkJobId } = await deploymentOn(stateward, flink);
    flink.job(flinkJobId).setState('RESTARTING');
    const refused = await waitFor(
      async () => {
        const { deployment } = await stateward.ask(`query($id: ID!) { deployment(id: $id) { state } }`, {
          id: deploymentId,
        });
        return deployment.state === 'RESTARTING' && ask({ deploymentId });
      },
      { what: 'the deployment to be RESTARTING' },
    );
    expect(refused).toMatchObject({ code: 'DEPLOYMENT_NOT_RUNNING', deploymentState: 'RESTARTING' });
  });

  it('is refused while another is under way, with the id of that one', async () => {
    const { deploymentId, flinkJobId } = await deploymentOn(stateward, flink);
    flink.knobs.savepointDurationMs = Infinity;
    const first = await ask({ deploymentId });
    expect(await ask({ deploymentId })).toMatchObject({ code: 'SAVEPOINT_IN_PROGRESS', savepointId: first.id });
    await waitFor(() => flink.triggersReceived().length > 0, { what: 'the trigger' });
    flink.finishSavepoints(flinkJobId);
    await savepointIn(stateward, first.id, 'COMPLETED');
    flink.knobs.savepointDurationMs = 0;
    const next = await ask({ deploymentId });
    expect(next).toMatchObject({ __typename: 'Savepoint' });
    expect(await endOfSavepoint(stateward, next.id)).toMatchObject({ state: 'COMPLETED' });
  });

  it('makes one savepoint when a hundred come at once with one idempotency key', async () => {
    const { deploymentId, flinkJobId } = await deploymentOn(stateward, flink);
    flink.knobs.savepointDurationMs = Infinity;
    const input = { deploymentId, description: 'only one', idempotencyKey: randomUUID() };
    const answers = await Promise.all(Array.from({ length: 100 }, () => ask(input)));
    const [first] = answers;
    expect(first).toMatchObject({ __typename: 'Savepoint', state: 'IN_PROGRESS' });
    expect(answers).toEqual(answers.map(() => first));
    await waitFor(() => flink.triggersReceived().length > 0, { what: 'the trigger' });
    flink.finishSavepoints(flinkJobId);
    expect(await endOfSavepoint(stateward, first.id)).toMatchObject({ state: 'COMPLETED' });
    expect(flink.savepointsMade).toHaveLength(1);
    expect(flink.triggersReceived()).toHaveLength(1);
    expect(await ask({ ...input, description: 'another' })).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
  });

  it('makes one savepoint when a hundred come at once without a key, and the others are told its id', async () => {
    const { deploymentId, flinkJobId } = await deploymentOn(stateward, flink);
    flink.knobs.savepointDurationMs = Infinity;
    const answers = await Promise.all(Array.from({ length: 100 }, () => ask({ deploymentId })));
    const made = answers.filter((answer) => answer.__typename === 'Savepoint');
    expect(made).toHaveLength(1);
    const refused = answers.filter((answer) => answer.code === 'SAVEPOINT_IN_PROGRESS');
    expect(refused.map((answer) => answer.savepointId)).toEqual(Array.from({ length: 99 }, () => made[0].id));
    await waitFor(() => flink.triggersReceived().length > 0, { what: 'the trigger' });
    flink.finishSavepoints(flinkJobId);
    expect(await endOfSavepoint(stateward, made[0].id)).toMatchObject({ state: 'COMPLETED' });
    expect(flink.triggersReceived()).toHaveLength(1);
  });

  it('is refused for a deployment that is not known, and is an error for what is no id', async () => {
    expect(await ask({ deploymentId: randomUUID() })).toMatchObject({ code: 'NOT_FOUND' });
    const [error] = await stateward.askWrongly(
      `mutation { createSavepoint(input: { deploymentId: "none" }) { __typename } }`,
    );
    expect(error).toMatchObject({ extensions: { code: 'BAD_USER_INPUT' } });
    expect(error?.message).toContain('deploymentId');
  });

  it('keeps a description of 500 characters and refuses one of 501', async () => {
    const { deploymentId } = await deploymentOn(stateward, flink);
    expect(await ask({ deploymentId, description: 'x'.repeat(501) })).toMatchObject({ code: 'INVALID_INPUT' });
    const { id } = await ask({ deploymentId, description: 'x'.repeat(500) });
    expect(await savepointNow(stateward, id)).toMatchObject({ description: 'x'.repeat(500) });
    await endOfSavepoint(stateward, id);
  });
});

describe('the format of a savepoint', () => {
  const formatsAsked = () =>
    flink.requests
      .filter(({ method, path }) => method === 'POST' && /\/savepoints$/.test(path))
      .map(({ body }) => (body as { formatType: string }).formatType);

  it('is CANONICAL unless the request or the deployment says otherwise', async () => {
    const { deploymentId, clusterId, artifactId } = await deploymentOn(stateward, flink);
    const native = await anotherDeployment(stateward, clusterId, artifactId, { savepointFormat: 'NATIVE' });
    for (const [input, format] of [
      [{ deploymentId }, 'CANONICAL'],
      [{ deploymentId, format: 'NATIVE' }, 'NATIVE'],
      [{ deploymentId: native.deploymentId }, 'NATIVE'],
      [{ deploymentId: native.deploymentId, format: 'CANONICAL' }, 'CANONICAL'],
    ] as const) {
      const asked = await ask(input);
      expect(asked).toMatchObject({ format });
      expect(await endOfSavepoint(stateward, asked.id)).toMatchObject({ state: 'COMPLETED' });
    }
    expect(formatsAsked()).toEqual(['CANONICAL', 'NATIVE', 'NATIVE', 'CANONICAL']);
  });

  it('is NATIVE on ForSt, which cannot write CANONICAL', async () => {
    const config = captured('2.3.0', 'checkpoints-config').body as object;
    flink.failNext(
      { path: /\/checkpoints\/config$/ },
      { status: 200, body: { ...config, state_backend: 'ForStStateBackend' } },
    );
    const { deploymentId } = await deploymentOn(stateward, flink);
    const refused = await ask({ deploymentId, format: 'CANONICAL' });
    expect(refused).toMatchObject({ code: 'FORMAT_NOT_SUPPORTED' });
    expect(refused.message).toContain('FORST');
    const asked = await ask({ deploymentId });
    expect(asked).toMatchObject({ format: 'NATIVE' });
    await endOfSavepoint(stateward, asked.id);
    expect(formatsAsked()).toEqual(['NATIVE']);
  });
});

describe('the progress of a savepoint', () => {
  it('shows what Flink has acknowledged, and the duration learned from earlier ones', async () => {
    const { deploymentId } = await deploymentOn(stateward, flink, { deployment: { parallelism: 4 } });
    const earlier = await createSavepoint(stateward, deploymentId);
    await endOfSavepoint(stateward, earlier.id);
    await remember(deploymentId, [earlier.id], 3_210);

    flink.knobs.savepointDurationMs = 5_000;
    flink.knobs.savepointSteps = 8;
    const { id } = await createSavepoint(stateward, deploymentId);
    const told = await waitFor(
      async () => {
        const { savepoint } = await stateward.ask(
          `query($id: ID!) { savepoint(id: $id) { progress { acknowledgedSubtasks totalSubtasks bytes elapsedMs expectedDurationMs noProgress } } }`,
          { id },
        );
        return savepoint.progress?.acknowledgedSubtasks > 0 && savepoint.progress;
      },
      { what: 'progress' },
    );
    expect(told).toMatchObject({ totalSubtasks: 8, expectedDurationMs: 3_210, noProgress: null });
    expect(told.bytes).toBeGreaterThan(0);
    const later = await waitFor(
      async () => {
        const { progress } = await savepointNow(stateward, id);
        return progress?.acknowledgedSubtasks > told.acknowledgedSubtasks && progress;
      },
      { what: 'more progress' },
    );
    expect(later.bytes).toBeGreaterThan(told.bytes);
    expect(later.elapsedMs).toBeGreaterThan(told.elapsedMs);
    expect(await endOfSavepoint(stateward, id)).toMatchObject({ state: 'COMPLETED' });
    expect(await savepointNow(stateward, id)).toMatchObject({ progress: null });
  });

  it('has no numbers while somebody else’s savepoint of the job is in progress too', async () => {
    const { deploymentId, flinkJobId } = await deploymentOn(stateward, flink);
    flink.knobs.savepointDurationMs = Infinity;
    const { id } = await createSavepoint(stateward, deploymentId);
    await waitFor(async () => (await savepointNow(stateward, id)).progress?.totalSubtasks, { what: 'numbers' });
    const { statusCode } = await request(`${flink.url}/jobs/${flinkJobId}/savepoints`, { method: 'POST', body: '{}' });
    expect(statusCode).toBe(202);
    const mixed = await waitFor(
      async () => {
        const { progress } = await savepointNow(stateward, id);
        return progress?.noProgress && progress;
      },
      { what: 'the reason for no numbers' },
    );
    expect(mixed).toMatchObject({
      noProgress: 'SEVERAL_IN_PROGRESS',
      acknowledgedSubtasks: null,
      totalSubtasks: null,
      bytes: null,
    });
    flink.finishSavepoints(flinkJobId);
    expect(await endOfSavepoint(stateward, id)).toMatchObject({ state: 'COMPLETED' });
  });

  it('begins with a warning when earlier ones came close to the checkpoint timeout', async () => {
    const { deploymentId } = await deploymentOn(stateward, flink);
    const warned = async () => {
      const { id } = await createSavepoint(stateward, deploymentId);
      await endOfSavepoint(stateward, id);
      const { savepoint } = await stateward.ask(
        `query($id: ID!) { savepoint(id: $id) { warnings { code message } } }`,
        {
          id,
        },
      );
      return { id, warnings: savepoint.warnings };
    };
    const first = await warned();
    expect(first.warnings).toEqual([]);
    await remember(deploymentId, [first.id], 419_000); // the job's timeout is 600 s
    const second = await warned();
    expect(second.warnings).toEqual([]);
    await remember(deploymentId, [second.id], 421_000);
    const [warning] = (await warned()).warnings;
    expect(warning).toMatchObject({ code: 'LIKELY_TO_EXPIRE' });
    expect(warning.message).toMatch(/421 s.*600 s/);
  });
});

describe('the savepoint budget of a cluster', () => {
  it('of one lets three deployments go one after another, in the order of their requests', async () => {
    const first = await deploymentOn(stateward, flink, { cluster: { savepointBudget: 1 } });
    const others = [
      await anotherDeployment(stateward, first.clusterId, first.artifactId),
      await anotherDeployment(stateward, first.clusterId, first.artifactId),
    ];
    flink.knobs.savepointDurationMs = 400;
    const asked: Data[] = [];
    for (const { deploymentId } of [first, ...others]) asked.push(await createSavepoint(stateward, deploymentId));
    expect(asked.map(({ state }) => state)).toEqual(['IN_PROGRESS', 'PENDING', 'PENDING']);
    for (const { id } of asked) expect(await endOfSavepoint(stateward, id)).toMatchObject({ state: 'COMPLETED' });

    const times = [first, ...others].map(({ flinkJobId }) => {
      const [snapshot] = flink.job(flinkJobId).snapshots;
      return { began: snapshot?.triggeredAt ?? 0, ended: snapshot?.progress().latestAckAt ?? 0 };
    });
    for (const [index, { began, ended }] of times.entries()) {
      expect(ended).toBeGreaterThanOrEqual(began + 400);
      if (index === 0) continue;
      const pause = began - (times[index - 1]?.ended ?? Infinity);
      expect(pause).toBeGreaterThanOrEqual(0);
      expect(pause).toBeLessThan(5_000); // the end of one admits the next; one that waits looks by itself every 10 s only
    }
  });

  it('is kept when all requests come at the same moment', async () => {
    const first = await deploymentOn(stateward, flink, { cluster: { savepointBudget: 2 } });
    const others = await Promise.all(
      Array.from({ length: 4 }, () => anotherDeployment(stateward, first.clusterId, first.artifactId)),
    );
    const all = [first, ...others];
    flink.knobs.savepointDurationMs = Infinity;
    const asked = await Promise.all(all.map(({ deploymentId }) => createSavepoint(stateward, deploymentId)));
    expect(asked.map(({ state }) => state).sort()).toEqual([
      'IN_PROGRESS',
      'IN_PROGRESS',
      'PENDING',
      'PENDING',
      'PENDING',
    ]);
    await waitFor(() => flink.triggersReceived().length === 2, { what: 'two triggers' });
    flink.knobs.savepointDurationMs = 0;
    all.forEach(({ flinkJobId }) => flink.finishSavepoints(flinkJobId));
    for (const { id } of asked) expect(await endOfSavepoint(stateward, id)).toMatchObject({ state: 'COMPLETED' });
    expect(new Set(flink.savepointsMade.map(({ jobId }) => jobId)).size).toBe(5);
  });
});
