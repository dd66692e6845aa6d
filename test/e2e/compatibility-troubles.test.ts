import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { FileStorageReader } from '../../src/storage/file-storage-reader.js';
import { askToCheck, checked, checkOf, giveState, hurriedCheck, planCalls } from '../support/check-scenario.js';
import type { Data } from '../support/graphql-client.js';
import { createSavepoint, endOfSavepoint, type Scenario, uploadJob } from '../support/scenario.js';
import { deploymentOn } from '../support/savepoint-scenario.js';
import { eventTypesOf, jarRemoved } from '../support/start-scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';
import { waitFor } from '../support/wait-for.js';

const PLAN = { method: 'POST', path: /\/plan$/ };

let stateward: Stateward;
let flink: FakeFlink;
let proxy: TcpProxy;
let scenario: Scenario;
let input: { deploymentId: string; savepointId: string };

async function open(checkLimits: object = {}, env: Record<string, string> = {}): Promise<void> {
  stateward = await startStateward({ checkLimits: { lostReplyMs: 200, ...checkLimits }, env });
}

/** A running deployment, and a savepoint of it with state in its counter. */
async function begin(): Promise<void> {
  flink = await startFakeFlink();
  proxy = await startTcpProxy(flink.url);
  scenario = await deploymentOn(stateward, proxy);
  const { id } = await createSavepoint(stateward, scenario.deploymentId);
  const { location } = await endOfSavepoint(stateward, id);
  await giveState(location, ['counter']);
  input = { deploymentId: scenario.deploymentId, savepointId: id };
}

async function end(): Promise<void> {
  await proxy.stop();
  await flink.stop();
}

const failed = async (more: object = {}): Promise<Data> => {
  const check = await checked(stateward, { ...input, ...more });
  expect(check).toMatchObject({ state: 'FAILED', verdict: null, waitingFor: null });
  return check.failure;
};

describe('a program that makes no job', () => {
  beforeAll(() => open({ planMs: 2_500 }, { STATEWARD_SECRET_BROKER: 'hunter2-secret' }));
  afterAll(() => stateward.stop());
  beforeEach(begin);
  afterEach(end);

  it.each([
    ['throws', 'plan-main-throws', /on purpose/],
    ['wants arguments', 'plan-needs-arguments', /argument/i],
    ['calls no execute()', 'plan-no-job', /env\.execute\(\)/],
    ['has no main class', 'plan-no-main-class', /Main-Class/],
    ['calls System.exit where that is intercepted', 'plan-system-exit-intercepted', /UserSystemExitException/],
  ])('since it %s fails the check with the root cause in one line', async (_, fixture, cause) => {
    flink.failNext(PLAN, { fixture });
    const failure = await failed();
    expect(failure.code).toBe('PROGRAM_FAILED');
    expect(failure.rootCause).toMatch(cause);
    expect(failure.rootCause).not.toMatch(/\n|^\s*at /);
    expect(failure.message).toContain(failure.rootCause.replace(/\.$/, ''));
    expect(planCalls(flink)).toHaveLength(1);
    await jarRemoved(flink);
    expect((await eventTypesOf(stateward, scenario.deploymentId)).at(-1)).toBe('COMPATIBILITY_CHECK_FAILED');
    expect((await checked(stateward, input)).verdict.mapping).toBe('FULLY_COMPATIBLE');
  });

  it('for minutes is waited for, shown, and given up', async () => {
    flink.knobs.mainDurationMs = 60_000;
    const { id } = await askToCheck(stateward, input);
    await waitFor(async () => /main\(\): for [12] s/.test((await checkOf(stateward, id)).waitingFor ?? ''), {
      what: 'the time that main() has taken to be shown',
    });
    expect(await checkOf(stateward, id)).toMatchObject({ state: 'IN_PROGRESS' });
    const check = await checkOf(stateward, id, 20_000);
    expect(check.failure).toMatchObject({ code: 'PLAN_TIMED_OUT', rootCause: null });
    expect(planCalls(flink)).toHaveLength(1);
    await jarRemoved(flink);
  });

  it('and tells of a secret that it was given does not tell us', async () => {
    const body = { errors: ['Internal server error.', 'java.lang.IllegalStateException: no broker hunter2-secret'] };
    flink.failNext(PLAN, { status: 500, body });
    const failure = await failed({ programArguments: ['--broker', '${secret:BROKER}'] });
    expect(failure.rootCause).toContain('IllegalStateException: no broker ${secret:BROKER}');
    expect(planCalls(flink)[0]?.body).toMatchObject({ programArgsList: ['--broker', 'hunter2-secret'] });
    const rows = await stateward.services.database.rows('select c::text from compatibility_check c');
    expect(JSON.stringify(rows)).not.toContain('hunter2-secret');
  });

  it('for want of a secret, or of its jar, is not run at all', async () => {
    expect(await failed({ programArguments: ['${secret:NOWHERE}'] })).toMatchObject({
      code: 'SECRET_MISSING',
      message: expect.stringContaining('STATEWARD_SECRET_NOWHERE'),
    });
    const artifactId = await uploadJob(stateward);
    const { database, config } = stateward.services;
    const artifact = await database.row<{ sha256: string }>('select sha256 from artifact where id = $1', [artifactId]);
    await rm(join(config.artifactFolder, `${artifact?.sha256}.jar`));
    expect(await failed({ artifactId })).toMatchObject({ code: 'ARTIFACT_MISSING' });
    expect(planCalls(flink)).toEqual([]);
  });

  it('since the cluster does not take its jar', async () => {
    flink.failNext({ method: 'POST', path: /^\/jars\/upload/ }, { fixture: 'jar-upload-refused-not-jar' });
    expect(await failed()).toMatchObject({ code: 'JAR_REFUSED', rootCause: expect.stringContaining('Only Jar files') });
    expect(planCalls(flink)).toEqual([]);
  });

  it.each([401, 403, 405])('since its plan is not let through (HTTP %i) is told at once', async (status) => {
    flink.failNext({ ...PLAN, times: 99 }, { status, body: { errors: ['Forbidden'] } });
    expect(await failed()).toMatchObject({
      code: 'PLAN_REFUSED',
      rootCause: 'Forbidden',
      message: expect.stringMatching(new RegExp(`HTTP ${status}: Forbidden.*/plan`)),
    });
    expect(planCalls(flink)).toHaveLength(1);
    await jarRemoved(flink);
  });

  it('but two is planned by its first', async () => {
    flink.failNext(PLAN, { fixture: 'plan-two-executes' });
    const { verdict } = await checked(stateward, input);
    expect(verdict).toMatchObject({ mapping: 'FULLY_COMPATIBLE', planSource: 'ASKED' });
    const kept = verdict.kept.map(({ operator }: Data) => operator.name);
    expect(kept).toEqual(['counter']); // nothing is said of the second
  });
});

describe('a plan whose answer is lost', () => {
  beforeAll(() => open());
  afterAll(() => stateward.stop());
  beforeEach(begin);
  afterEach(end);

  it('is asked for again, since it leaves nothing but its jar', async () => {
    flink.failNext(PLAN, 'LOSE_REPLY');
    const check = await checked(stateward, input);
    expect(check.verdict).toMatchObject({ mapping: 'FULLY_COMPATIBLE', notChecked: [] });
    expect(planCalls(flink)).toHaveLength(2);
    expect(flink.requests.filter(({ path }) => path === '/jars/upload')).toHaveLength(2); // of the job, and of the check
    await jarRemoved(flink);
  });

  it('is asked for three times at most', async () => {
    flink.failNext({ ...PLAN, times: 9 }, 'LOSE_REPLY');
    expect(await failed()).toMatchObject({ code: 'PLAN_LOST' });
    expect(planCalls(flink)).toHaveLength(3);
    await jarRemoved(flink);
  });

  it('is never asked for in another process than the first: main() may have ended that one', async () => {
    flink.knobs.mainDurationMs = 60_000;
    const { id } = await askToCheck(stateward, input);
    await waitFor(() => planCalls(flink).length === 1, { what: 'the plan call' });
    await flink.restart({ keepJobs: true, downMs: 300 });
    const check = await hurriedCheck(stateward, id);
    expect(check.failure).toMatchObject({
      code: 'MAIN_ENDED_JOBMANAGER',
      message: expect.stringContaining('cluster.intercept-user-system-exit'),
    });
    expect(planCalls(flink)).toHaveLength(1);
  });

  it('of a JobManager that does not tell its process is not asked for again', async () => {
    await end();
    flink = await startFakeFlink({ processMark: false });
    proxy = await startTcpProxy(flink.url);
    scenario = await deploymentOn(stateward, proxy);
    const { id } = await createSavepoint(stateward, scenario.deploymentId);
    await endOfSavepoint(stateward, id);
    input = { deploymentId: scenario.deploymentId, savepointId: id };
    flink.failNext(PLAN, 'LOSE_REPLY');
    expect(await failed()).toMatchObject({ code: 'PLAN_LOST', message: expect.stringContaining('web.tmpdir') });
    expect(planCalls(flink)).toHaveLength(1);
  });

  it('with the reply of its upload leaves no jar behind', async () => {
    flink.failNext({ method: 'POST', path: /^\/jars\/upload/ }, 'LOSE_REPLY');
    expect((await checked(stateward, input)).state).toBe('COMPLETED');
    await jarRemoved(flink);
  });

  it('by a cluster without a leader is asked for when there is one', async () => {
    flink.failNext({ ...PLAN, times: 2 }, 'NO_LEADER');
    expect((await checked(stateward, input)).verdict.mapping).toBe('FULLY_COMPATIBLE');
    await jarRemoved(flink);
  });
});

describe('a cluster that does not answer', () => {
  beforeAll(() => open({ clusterMs: 4_000 }));
  afterAll(() => stateward.stop());
  beforeEach(begin);
  afterEach(end);

  it('is waited for, with what is known of it, and the check goes on when it answers', async () => {
    proxy.cut();
    const { id } = await askToCheck(stateward, input);
    await waitFor(async () => /^the cluster: /.test((await checkOf(stateward, id)).waitingFor ?? ''), {
      what: 'the cluster to be waited for',
    });
    proxy.mend();
    expect((await hurriedCheck(stateward, id)).verdict.mapping).toBe('FULLY_COMPATIBLE');
  });

  it.each([404, 429, 503])('to a plan but with "not now" (HTTP %i) is not asked for ever', async (status) => {
    flink.failNext({ ...PLAN, times: 999 }, { status, body: { errors: ['Later.'] } });
    const { id } = await askToCheck(stateward, input);
    const since = () =>
      stateward.services.database.row<{ at: string }>(
        'select trouble_since::text as at from compatibility_check where id = $1 and trouble_since is not null',
        [id],
      );
    const first = await waitFor(since, { what: 'the trouble to be noted' });
    await waitFor(() => planCalls(flink).length >= 3, { what: 'further plan calls', timeoutMs: 20_000 });
    expect(await since()).toEqual(first);
    const { failure } = await checkOf(stateward, id, 30_000);
    expect(failure).toMatchObject({
      code: 'CLUSTER_NOT_AVAILABLE',
      message: expect.stringContaining(`HTTP ${status}`),
    });
    await jarRemoved(flink);
  });

  it('is not waited for for ever', async () => {
    proxy.cut();
    const { id } = await askToCheck(stateward, input);
    const { database } = stateward.services;
    await waitFor(
      () =>
        database.changed(
          `update compatibility_check set trouble_since = now() - interval '5 s' where id = $1 and trouble_since is not null`,
          [id],
        ),
      { what: 'the trouble to be noted' },
    );
    expect((await hurriedCheck(stateward, id)).failure).toMatchObject({ code: 'CLUSTER_NOT_AVAILABLE' });
    proxy.mend();
  });
});

describe('a storage that does not answer', () => {
  beforeAll(() => open({ lookMs: 1_500 }));
  afterAll(() => stateward.stop());
  beforeEach(begin);
  afterEach(async () => {
    jest.restoreAllMocks();
    await end();
  });

  it('is let go of in time, and the verdict says so', async () => {
    const hung = jest.spyOn(FileStorageReader.prototype, 'read').mockReturnValue(new Promise(() => {}));
    await stateward.services.database.changed('delete from snapshot_contents');
    const { verdict } = await checked(stateward, input);
    expect(hung).toHaveBeenCalled();
    expect(verdict).toMatchObject({ mapping: 'UNKNOWN', metadataReadAt: null });
    expect(verdict.findings[0]).toMatchObject({
      code: 'NO_METADATA',
      severity: 'WARNING',
      message: expect.stringContaining('could not all be looked for within 2 s'),
    });
  });
});

describe('with STATEWARD_PLAN_JARS=false', () => {
  beforeAll(() => open({}, { STATEWARD_PLAN_JARS: 'false' }));
  afterAll(() => stateward.stop());
  beforeEach(begin);
  afterEach(end);

  it('no main() is run: what is known without is told, and what is remembered counts', async () => {
    const { verdict } = await checked(stateward, { ...input, fresh: true });
    expect(verdict).toMatchObject({
      mapping: 'UNKNOWN',
      planSource: null,
      plannedAt: null,
      notChecked: ['OPERATORS', 'MAX_PARALLELISM'],
    });
    expect(verdict.findings[0]).toMatchObject({
      code: 'NO_PLAN',
      message: expect.stringContaining('STATEWARD_PLAN_JARS'),
    });
    expect(verdict.stateBytes).toBeGreaterThan(0);
    expect(flink.requests.some(({ path }) => path.endsWith('/plan'))).toBe(false);
  });
});
