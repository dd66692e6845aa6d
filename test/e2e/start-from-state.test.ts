import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import { wake } from '../../src/db/claims.js';
import type { Data } from '../support/graphql-client.js';
import { createSavepoint, endOfSavepoint, type Scenario } from '../support/scenario.js';
import { anotherDeployment, deploymentOn } from '../support/savepoint-scenario.js';
import { askToStart, eventTypesOf, jobIn, jobOf, runCalls } from '../support/start-scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { heldByCounter } from '../support/held-state.js';
import { waitFor } from '../support/wait-for.js';

let stateward: Stateward;
let flink: FakeFlink;
let folder: string;
let scenario: Scenario;
beforeAll(async () => {
  stateward = await startStateward();
});
afterAll(() => stateward.stop());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stateward-start-'));
  flink = await startFakeFlink({ folder });
  scenario = await deploymentOn(stateward, flink);
});
afterEach(async () => {
  await flink.stop();
  await rm(folder, { recursive: true, force: true });
});

async function savepointOf(deploymentId: string, more: object = {}): Promise<Data> {
  const { id } = await createSavepoint(stateward, deploymentId, more);
  const savepoint = await endOfSavepoint(stateward, id);
  expect(savepoint).toMatchObject({ state: 'COMPLETED' });
  return savepoint;
}

/** Ends the current run from outside, as a person in Flink's own console would. */
async function cancelled({ jobId, flinkJobId }: Pick<Scenario, 'jobId' | 'flinkJobId'> = scenario): Promise<void> {
  flink.job(flinkJobId).setState('CANCELED');
  await jobIn(stateward, jobId, 'CANCELLED');
}

const plan = async (deploymentId: string, start: object): Promise<Data> => {
  const { restorePlan } = await stateward.ask(
    `query($id: ID!, $start: StartInput!) { restorePlan(deploymentId: $id, start: $start) { __typename
       ... on RestorePlan { state { kind location takenAt ageMs sizeBytes why savepoint { id } takenBy { id run } }
         findings { code severity message } mapping notChecked diff { setting today run } asOf }
       ... on UserError { code message } } }`,
    { id: deploymentId, start },
  );
  return restorePlan;
};

/** Started, with every task running. */
async function started(deploymentId: string, start: object): Promise<Data> {
  const asked = await askToStart(stateward, deploymentId, start);
  expect(asked).toMatchObject({ __typename: 'Job' });
  const job = await jobOf(stateward, asked.id, 20_000);
  expect(job).toMatchObject({ state: 'RUNNING' });
  return job;
}

const lastRun = () => runCalls(flink).at(-1)?.body as Record<string, unknown>;

describe('a start from a savepoint', () => {
  it('gives Flink its place, claims nothing, and has started when Flink shows it as restored', async () => {
    const savepoint = await savepointOf(scenario.deploymentId);
    await cancelled();
    const job = await started(scenario.deploymentId, { strategy: 'FROM_SAVEPOINT', savepointId: savepoint.id });
    expect(lastRun()).toMatchObject({
      savepointPath: savepoint.location,
      claimMode: 'NO_CLAIM',
      allowNonRestoredState: false,
    });
    const row = await stateward.services.database.row(
      'select start_location, restored_location, restored_checkpoint_id, took_hold_at is not null as held from job where id = $1',
      [job.id],
    );
    expect(row).toMatchObject({
      start_location: savepoint.location,
      restored_location: savepoint.location,
      held: true,
    });
    expect(await eventTypesOf(stateward, scenario.deploymentId)).toContain('JOB_STARTED');
  });

  it('is planned as it is done, and the plan asks no cluster', async () => {
    const savepoint = await savepointOf(scenario.deploymentId);
    await cancelled();
    await flink.stop(); // a plan speaks of what is recorded
    const planned = await plan(scenario.deploymentId, { strategy: 'FROM_SAVEPOINT', savepointId: savepoint.id });
    expect(planned).toMatchObject({
      __typename: 'RestorePlan',
      state: {
        kind: 'SAVEPOINT',
        location: savepoint.location,
        savepoint: { id: savepoint.id },
        takenBy: { id: scenario.jobId, run: 1 },
      },
      mapping: 'UNKNOWN',
      notChecked: ['OPERATORS', 'MAX_PARALLELISM'],
      diff: [],
    });
    expect(planned.state.ageMs).toBeGreaterThanOrEqual(0);
    expect(Date.parse(planned.asOf)).not.toBeNaN();
  });

  it('of another deployment warns when that one still runs', async () => {
    const savepoint = await savepointOf(scenario.deploymentId);
    const other = await anotherDeployment(stateward, scenario.clusterId, scenario.artifactId);
    await cancelled(other);
    const planned = await plan(other.deploymentId, { strategy: 'FROM_SAVEPOINT', savepointId: savepoint.id });
    expect(planned.findings.map(({ code }: Data) => code)).toEqual(['MAKER_STILL_RUNS', 'ANOTHER_DEPLOYMENT']);
    await started(other.deploymentId, { strategy: 'FROM_SAVEPOINT', savepointId: savepoint.id });
    expect(lastRun()).toMatchObject({ savepointPath: savepoint.location });
  });

  it('with the code that made it undoes a bad release, and the deployment stays as it is', async () => {
    const { database } = stateward.services;
    const savepoint = await savepointOf(scenario.deploymentId);
    await cancelled();
    await database.changed(`update deployment set program_arguments = '{--bad}', parallelism = 7 where id = $1`, [
      scenario.deploymentId,
    ]);
    const start = { strategy: 'FROM_SAVEPOINT', savepointId: savepoint.id, code: 'AS_TAKEN' };
    const planned = await plan(scenario.deploymentId, start);
    expect(planned.diff).toEqual([
      { setting: 'programArguments', today: '["--bad"]', run: '[]' },
      { setting: 'parallelism', today: '7', run: null },
    ]);
    expect(await started(scenario.deploymentId, start)).toMatchObject({ programArguments: [], parallelism: null });
    expect(await database.row('select parallelism from deployment where id = $1', [scenario.deploymentId])).toEqual({
      parallelism: 7,
    });
  });
});

describe('a start is declined', () => {
  const declined = async (start: object): Promise<Data> => {
    const [answer, planned] = [
      await askToStart(stateward, scenario.deploymentId, start),
      await plan(scenario.deploymentId, start),
    ];
    expect({ code: planned.code, message: planned.message }).toEqual({ code: answer.code, message: answer.message });
    expect(runCalls(flink)).toHaveLength(1);
    return answer;
  };

  it('while the deployment runs', async () => {
    expect(await declined({ strategy: 'LATEST_STATE' })).toMatchObject({ code: 'DEPLOYMENT_NOT_STOPPED' });
  });

  it('when there is no state, and never becomes an empty start', async () => {
    flink.job(scenario.flinkJobId).setState('CANCELED');
    await jobIn(stateward, scenario.jobId, 'CANCELLED');
    expect(await declined({ strategy: 'LATEST_SAVEPOINT' })).toMatchObject({ code: 'NO_RESTORABLE_STATE' });
  });

  it.each([
    ['an unknown savepoint', { strategy: 'FROM_SAVEPOINT', savepointId: randomUUID() }, 'NOT_FOUND'],
    ['an id that is none', { strategy: 'FROM_SAVEPOINT', savepointId: 'x' }, 'INVALID_INPUT'],
    ['a strategy without its field', { strategy: 'FROM_SAVEPOINT' }, 'INVALID_INPUT'],
    ['a checkpoint id that is none', { strategy: 'FROM_CHECKPOINT', checkpointId: 'chk-5' }, 'INVALID_INPUT'],
    ['an unknown checkpoint', { strategy: 'FROM_CHECKPOINT', checkpointId: `${randomUUID()}:5` }, 'NOT_FOUND'],
    ['an empty location', { strategy: 'FROM_LOCATION', location: ' ' }, 'INVALID_INPUT'],
    ['a location with ..', { strategy: 'FROM_LOCATION', location: 'file:/a/../etc' }, 'INVALID_INPUT'],
    ['a location outside', { strategy: 'FROM_LOCATION', location: 'file:/etc/passwd' }, 'OUTSIDE_STORAGES'],
  ])('for %s', async (_, start, code) => {
    await cancelled();
    expect(await declined(start)).toMatchObject({ code });
  });

  it('from a savepoint that has failed, or whose data are gone', async () => {
    const { database } = stateward.services;
    flink.savepointsFailWith('savepoint-poll-failed-unwritable');
    const { id } = await createSavepoint(stateward, scenario.deploymentId);
    expect(await endOfSavepoint(stateward, id)).toMatchObject({ state: 'FAILED' });
    const missing = await savepointOf(scenario.deploymentId);
    await database.changed(`update savepoint set data = 'MISSING' where id = $1`, [missing.id]);
    await cancelled();
    for (const savepointId of [id, missing.id])
      expect(await declined({ strategy: 'FROM_SAVEPOINT', savepointId })).toMatchObject({
        code: 'SNAPSHOT_NOT_RESTORABLE',
      });
  });

  it('from a native savepoint for another state backend, unless it is to be tried', async () => {
    flink.knobs.held = () => heldByCounter({ counterUid: 'counter', backend: 'HASHMAP' });
    const savepoint = await savepointOf(scenario.deploymentId, { format: 'NATIVE' });
    await cancelled();
    const flinkConfiguration = [{ key: 'state.backend.type', value: 'rocksdb' }];
    const start = { strategy: 'FROM_SAVEPOINT', savepointId: savepoint.id, flinkConfiguration };
    expect(await declined(start)).toMatchObject({ code: 'RESTORE_INCOMPATIBLE' });
    expect(await askToStart(stateward, scenario.deploymentId, { ...start, ignoreFindings: true })).toMatchObject({
      __typename: 'Job',
    });
  });

  it('when newer state may exist than is recorded, unless what is known is accepted', async () => {
    const { database } = stateward.services;
    const savepoint = await savepointOf(scenario.deploymentId);
    await cancelled();
    await waitFor(() => database.row('select 1 from job where id = $1 and end_read_at is not null', [scenario.jobId]), {
      what: 'the end to be read',
      timeoutMs: 20_000,
    });
    await database.changed(
      `update job set state = 'FAILED', failure_code = 'JOB_LOST', failure_message = '', end_read_from = 'RECORD' where id = $1`,
      [scenario.jobId],
    );
    const refused = await declined({ strategy: 'LATEST_STATE' });
    expect(refused).toMatchObject({ code: 'LATEST_STATE_UNCERTAIN' });
    expect(refused.message).toContain(savepoint.location);
    await started(scenario.deploymentId, { strategy: 'LATEST_STATE', acceptKnownState: true });
    expect(lastRun()).toMatchObject({ savepointPath: savepoint.location });
  });

  it('from state that its cluster does not reach', async () => {
    const savepoint = await savepointOf(scenario.deploymentId);
    const elsewhere = await startFakeFlink();
    try {
      const other = await deploymentOn(stateward, elsewhere);
      elsewhere.job(other.flinkJobId).setState('CANCELED');
      await jobIn(stateward, other.jobId, 'CANCELLED');
      const start = { strategy: 'FROM_SAVEPOINT', savepointId: savepoint.id };
      expect(await askToStart(stateward, other.deploymentId, start)).toMatchObject({ code: 'STATE_NOT_REACHABLE' });
    } finally {
      await elsewhere.stop();
    }
  });

  it('with the code of a state of which no run is known', async () => {
    const savepoint = await savepointOf(scenario.deploymentId);
    await cancelled();
    const location = savepoint.location.replace(/savepoint-[^/]*$/, 'savepoint-of-somebody');
    expect(await declined({ strategy: 'FROM_LOCATION', location, code: 'AS_TAKEN' })).toMatchObject({
      code: 'CODE_NOT_KNOWN',
    });
  });

  it('on a cluster that takes no jars', async () => {
    await cancelled();
    await stateward.services.database.changed('update cluster set accepts_jars = false where id = $1', [
      scenario.clusterId,
    ]);
    expect(await askToStart(stateward, scenario.deploymentId)).toMatchObject({ code: 'CLUSTER_TAKES_NO_JARS' });
  });

  it('while Flink runs another job of the deployment, unless it is allowed', async () => {
    await cancelled();
    const { name } = flink.job(scenario.flinkJobId);
    const stranger = flink.addJob({ name, state: 'RUNNING' });
    await waitFor(
      async () => {
        await wake(stateward.services.database, 'cluster', scenario.clusterId);
        return stateward.services.database.row('select 1 from foreign_job where flink_job_id = $1', [stranger]);
      },
      { what: 'the other job to be seen' },
    );
    expect(await askToStart(stateward, scenario.deploymentId)).toMatchObject({ code: 'ANOTHER_RUN_IS_LIVE' });
    await started(scenario.deploymentId, { strategy: 'NONE', allowSecondRun: true });
  });
});

describe('a restore that goes wrong', () => {
  it('fails with the root cause of Flink in one line, and the deployment can be started again', async () => {
    const savepoint = await savepointOf(scenario.deploymentId);
    await cancelled();
    flink.restoresFailWith('run-restore-missing-operator');
    const start = { strategy: 'FROM_SAVEPOINT', savepointId: savepoint.id };
    const asked = await askToStart(stateward, scenario.deploymentId, start);
    const failed = await jobOf(stateward, asked.id, 20_000, 'ENDED');
    expect(failed).toMatchObject({
      state: 'FAILED',
      failureCode: 'SUBMISSION_REFUSED',
      deployment: { state: 'FAILED' },
    });
    expect(failed.failureRootCause).toMatch(/IllegalStateException|allowNonRestoredState/);
    expect(failed.failureRootCause).not.toContain('\n');
    expect(failed.failureText).toContain('Caused by');
    await started(scenario.deploymentId, { ...start, allowNonRestoredState: true });
  });

  it.each([
    ['nothing', 'NOTHING' as const],
    ['something else', { id: 99, location: 'file:/elsewhere/savepoint-1' }],
  ])('is cancelled at once when Flink has restored %s', async (_, restores) => {
    const savepoint = await savepointOf(scenario.deploymentId);
    await cancelled();
    flink.knobs.restores = restores;
    const asked = await askToStart(stateward, scenario.deploymentId, {
      strategy: 'FROM_SAVEPOINT',
      savepointId: savepoint.id,
    });
    const job = await jobOf(stateward, asked.id, 30_000, 'ENDED');
    expect(job).toMatchObject({ state: 'FAILED', failureCode: 'RESTORE_NOT_TAKEN', startedAt: null });
    await waitFor(() => flink.job(job.flinkJobId).state === 'CANCELED', { what: 'the job to be cancelled' });
  });

  it('by the adaptive scheduler shows its cause although no exception tells of it', async () => {
    await flink.stop();
    flink = await startFakeFlink({ folder, scheduler: 'adaptive' });
    scenario = await deploymentOn(stateward, flink);
    const savepoint = await savepointOf(scenario.deploymentId);
    await cancelled();
    flink.restoresFailWith('run-restore-missing-operator');
    const asked = await askToStart(stateward, scenario.deploymentId, {
      strategy: 'FROM_SAVEPOINT',
      savepointId: savepoint.id,
    });
    const failed = await jobOf(stateward, asked.id, 20_000, 'ENDED');
    expect(failed).toMatchObject({ state: 'FAILED', failureCode: 'FLINK_FAILED' });
    expect(failed.failureRootCause).toMatch(/allowNonRestoredState|mapped/i);
  });
});

describe('LATEST_STATE', () => {
  it('takes the retained checkpoint when that is newer than the savepoint, and says why', async () => {
    const savepoint = await savepointOf(scenario.deploymentId);
    const checkpoint = flink.job(scenario.flinkJobId).completeCheckpoint();
    await cancelled();
    const start = { strategy: 'LATEST_STATE' };
    const job = await started(scenario.deploymentId, start);
    expect(lastRun().savepointPath).toBe(checkpoint);
    expect(lastRun().savepointPath).not.toBe(savepoint.location);
    const row = await stateward.services.database.row('select start_why from job where id = $1', [job.id]);
    expect(row).toMatchObject({ start_why: expect.stringContaining('run 1') });
  });

  it('tells of newer state that is not whole, and how much further back it goes', async () => {
    const savepoint = await savepointOf(scenario.deploymentId);
    const checkpoint = flink.job(scenario.flinkJobId).completeCheckpoint();
    await cancelled();
    const { database } = stateward.services;
    await waitFor(() => database.row('select 1 from retained_checkpoint where job_id = $1', [scenario.jobId]), {
      what: 'the end to be read',
      timeoutMs: 20_000,
    });
    await database.changed(`update retained_checkpoint set data = 'MISSING' where job_id = $1`, [scenario.jobId]);
    const planned = await plan(scenario.deploymentId, { strategy: 'LATEST_STATE' });
    expect(planned.state.location).toBe(savepoint.location);
    expect(planned.findings[0]).toMatchObject({ code: 'UNUSABLE_STATE_PASSED_OVER', severity: 'WARNING' });
    expect(planned.findings[0].message).toMatch(new RegExp(`${checkpoint}.*MISSING.*\\d s further back`));
  });

  it('takes what the last run was started from when it left nothing of its own', async () => {
    const savepoint = await savepointOf(scenario.deploymentId);
    await cancelled();
    const second = await started(scenario.deploymentId, { strategy: 'FROM_SAVEPOINT', savepointId: savepoint.id });
    await cancelled({ jobId: second.id, flinkJobId: second.flinkJobId });
    await started(scenario.deploymentId, { strategy: 'LATEST_STATE' });
    expect(lastRun()).toMatchObject({ savepointPath: savepoint.location });
  });

  it('asks for the state by name when the job had finished by itself', async () => {
    const savepoint = await savepointOf(scenario.deploymentId);
    flink.job(scenario.flinkJobId).setState('FINISHED');
    await jobIn(stateward, scenario.jobId, 'FINISHED');
    expect(await askToStart(stateward, scenario.deploymentId, { strategy: 'LATEST_STATE' })).toMatchObject({
      code: 'JOB_HAD_FINISHED',
    });
    await started(scenario.deploymentId, { strategy: 'FROM_SAVEPOINT', savepointId: savepoint.id });
  });
});
