import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type FakeFlink, startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import type { Fault } from '../../demo/fake-flink/faults.js';
import type { Data } from '../support/graphql-client.js';
import { hang } from '../support/hanging-storage.js';
import { createSavepoint, endOfSavepoint } from '../support/scenario.js';
import {
  acknowledged,
  anotherDeployment,
  deploymentOn,
  eventsOf,
  hurryTo,
  savepointIn,
  savepointNow,
  secondLookAt,
} from '../support/savepoint-scenario.js';
import { startStateward, type Stateward } from '../support/stateward.js';
import { startTcpProxy } from '../support/tcp-proxy.js';
import { waitFor } from '../support/wait-for.js';

const TRIGGER = { method: 'POST', path: /\/savepoints$/ };
const POLL = { method: 'GET', path: /\/savepoints\/[0-9a-f]{32}$/ };

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

/** Makes sure that Flink made one savepoint, and was sent one trigger id, `sends` times. */
function expectOneSavepoint(ended: Data, sends: number): void {
  expect(ended).toMatchObject({ state: 'COMPLETED', failure: null });
  expect(flink.savepointsMade.map(({ location }) => location)).toEqual([ended.location]);
  const triggers = flink.triggersReceived();
  expect(triggers).toEqual(Array.from({ length: sends }, () => triggers[0]));
  expect(ended.attempts).toMatchObject([{ number: 1, triggerId: triggers[0], sends, outcome: 'COMPLETED' }]);
}

async function abandon(savepointId: string): Promise<Data> {
  const { abandonSavepoint } = await stateward.ask(
    `mutation($id: ID!) { abandonSavepoint(input: { savepointId: $id, reason: "no longer needed" }) {
       __typename ... on Savepoint { id state failure { code message } } ... on SavepointHasEnded { savepointState } ... on UserError { code message } } }`,
    { id: savepointId },
  );
  return abandonSavepoint;
}

describe('a trigger that Flink declines', () => {
  const page = '<html><head><title>404 Not Found</title></head><body>nginx</body></html>';
  const refusals: [string, Fault, RegExp, string][] = [
    ['500 with a stack trace', { status: 500, body: { errors: ['Internal server error.', 'java.lang.Error: out of luck\n\tat a.B.c(B.java:1)'] } }, /HTTP 500.*out of luck/, 'FLINK_ERROR'],
    ['503 while there is no leader', 'NO_LEADER', /HTTP 503.*leader election/, 'FLINK_ERROR'],
    ['404 of a proxy', { status: 404, body: page, contentType: 'text/html' }, /HTTP 404.*HTML page \("404 Not Found"\)/, 'FLINK_ERROR'],
    ['404 of Flink', { fixture: 'job-unknown' }, /HTTP 404.*Could not find Flink job/, 'JOB_ENDED'],
  ]; // prettier-ignore

  it.each(refusals)('with %s is sent again with the same trigger id', async (_name, fault) => {
    const { deploymentId } = await deploymentOn(stateward, flink);
    flink.failNext({ ...TRIGGER, times: 2 }, fault);
    const { id } = await createSavepoint(stateward, deploymentId);
    await hurryTo(stateward, id, 'COMPLETED');
    expectOneSavepoint(await endOfSavepoint(stateward, id), 3);
  });

  it.each(refusals)('with %s again and again ends in one line that says why', async (_name, fault, said, code) => {
    const { deploymentId } = await deploymentOn(stateward, flink);
    flink.failNext({ ...TRIGGER, times: 1e6 }, fault);
    const { id } = await createSavepoint(stateward, deploymentId);
    const { failure, attempts } = await hurryTo(stateward, id, 'FAILED');
    expect(failure.code).toBe(code);
    expect(failure.message).toMatch(said);
    expect(failure.message).not.toContain('\n');
    expect(attempts).toMatchObject([{ sends: 5, outcome: code }]);
    expect(new Set(flink.triggersReceived())).toEqual(new Set([attempts[0].triggerId]));
    // The next one finds the way free.
    expect(await createSavepoint(stateward, deploymentId)).toMatchObject({ __typename: 'Savepoint' });
  });

  it('with 400 ends at once', async () => {
    const { deploymentId } = await deploymentOn(stateward, flink);
    flink.failNext(TRIGGER, { status: 400, body: { errors: ['Bad request, could not parse parameters.'] } });
    const { id } = await createSavepoint(stateward, deploymentId);
    const { failure } = await savepointIn(stateward, id, 'FAILED');
    expect(failure).toMatchObject({ code: 'FLINK_ERROR' });
    expect(failure.message).toContain('HTTP 400');
    expect(flink.triggersReceived()).toHaveLength(1);
  });
});

describe('a connection that is lost', () => {
  it('before Flink took the trigger costs a second send of the same trigger id', async () => {
    const { deploymentId } = await deploymentOn(stateward, flink);
    flink.failNext(TRIGGER, 'DROP_BEFORE');
    const { id } = await createSavepoint(stateward, deploymentId);
    expectOneSavepoint(await endOfSavepoint(stateward, id), 2);
  });

  it('after Flink took the trigger costs nothing', async () => {
    const { deploymentId } = await deploymentOn(stateward, flink);
    flink.failNext(TRIGGER, 'LOSE_REPLY');
    const { id } = await createSavepoint(stateward, deploymentId);
    expectOneSavepoint(await endOfSavepoint(stateward, id), 1);
  });

  it.each(['LOSE_REPLY', 'GARBAGE', 'HTML', 'NO_LEADER', 'HANG'] as const)(
    'or an answer that says nothing (%s) while Flink is asked for the end changes nothing',
    async (fault) => {
      const { deploymentId } = await deploymentOn(stateward, flink);
      flink.failNext(POLL, fault);
      const { id } = await createSavepoint(stateward, deploymentId);
      expectOneSavepoint(await endOfSavepoint(stateward, id), 1);
    },
  );

  it('is never answered by a second send where the JobManager shows no process mark', async () => {
    const unmarked = await startFakeFlink({ processMark: false });
    try {
      const { deploymentId } = await deploymentOn(stateward, unmarked);
      unmarked.failNext(TRIGGER, 'DROP_BEFORE');
      const { id } = await createSavepoint(stateward, deploymentId);
      await secondLookAt(stateward, id);
      const lost = await hurryTo(stateward, id, 'FAILED');
      expect(lost.failure.code).toBe('RESULT_LOST');
      expect(unmarked.triggersReceived()).toHaveLength(1);
      expect(unmarked.savepointsMade).toEqual([]);

      unmarked.failNext(TRIGGER, 'LOSE_REPLY');
      const next = await createSavepoint(stateward, deploymentId);
      expect(await endOfSavepoint(stateward, next.id)).toMatchObject({ state: 'COMPLETED' });
      expect(unmarked.triggersReceived()).toHaveLength(2);
    } finally {
      await unmarked.stop();
    }
  });

  it('is never answered by a second send where Flink forgets finished ones within 90 s', async () => {
    const forgetful = await startFakeFlink({ asyncStoreDurationMs: 80_000 });
    try {
      const { deploymentId } = await deploymentOn(stateward, forgetful);
      forgetful.failNext(TRIGGER, 'DROP_BEFORE');
      const { id } = await createSavepoint(stateward, deploymentId);
      await secondLookAt(stateward, id);
      expect((await hurryTo(stateward, id, 'FAILED')).failure.code).toBe('RESULT_LOST');
      expect(forgetful.triggersReceived()).toHaveLength(1);
    } finally {
      await forgetful.stop();
    }
  });

  it('for a while, with the whole cluster, changes no state', async () => {
    const proxy = await startTcpProxy(flink.url);
    try {
      const { deploymentId, clusterId, flinkJobId } = await deploymentOn(stateward, proxy);
      flink.knobs.savepointDurationMs = Infinity;
      const { id } = await createSavepoint(stateward, deploymentId);
      await acknowledged(stateward, id);
      proxy.cut();
      flink.finishSavepoints(flinkJobId);
      await waitFor(
        async () =>
          (await stateward.ask(`query($id: ID!) { cluster(id: $id) { state } }`, { id: clusterId })).cluster.state ===
          'UNREACHABLE',
        { what: 'the cluster to be UNREACHABLE' },
      );
      expect(await savepointNow(stateward, id)).toMatchObject({ state: 'IN_PROGRESS', failure: null });
      const { deployment } = await stateward.ask(`query($id: ID!) { deployment(id: $id) { state } }`, {
        id: deploymentId,
      });
      expect(deployment.state).toBe('RUNNING');
      proxy.mend();
      expectOneSavepoint(await endOfSavepoint(stateward, id), 1);
    } finally {
      await proxy.stop();
    }
  });
});

describe('a savepoint that fails in Flink', () => {
  it.each([
    ['cancelled', 'ABORTED', /When the deployment is RUNNING again, ask again.*Checkpoint Coordinator is suspending/],
    ['taskmanager-lost', 'ABORTED', /TaskManager was lost.*Checkpoint Coordinator is suspending/],
    ['job-ended', 'JOB_ENDED', /Start the deployment, then ask again.*Could not find Flink job/],
    ['unknown-job', 'JOB_ENDED', /Start the deployment, then ask again.*Could not find Flink job/],
    ['job-initializing-adaptive', 'TASKS_NOT_RUNNING', /Wait until the deployment is RUNNING and ask again/],
    ['restarting-adaptive', 'TASKS_NOT_RUNNING', /Wait until the deployment is RUNNING and ask again/],
    ['restarting', 'TASKS_NOT_RUNNING', /Wait until the deployment is RUNNING.*Not all required tasks/],
    ['tasks-initializing', 'TASKS_NOT_RUNNING', /Wait until the deployment is RUNNING.*Not all required tasks/],
    ['unknown-scheme', 'STORAGE_ERROR', /JobManager and TaskManagers may write there/],
    ['unwritable', 'STORAGE_ERROR', /may write there.*Failed to create savepoint directory/],
  ])('as in the reply %s says %s, what to do, and the root cause', async (reply, code, message) => {
    const { deploymentId } = await deploymentOn(stateward, flink);
    flink.savepointsFailWith(`savepoint-poll-failed-${reply}`);
    const { id } = await createSavepoint(stateward, deploymentId);
    const { failure, failureText, attempts } = await savepointIn(stateward, id, 'FAILED');
    expect(failure).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(failure.message).toContain(failure.rootCause);
    expect(failure.message).not.toContain('\n');
    expect(failureText).toMatch(/\n\s+at /);
    expect(attempts).toMatchObject([{ sends: 1, outcome: code }]);
    expect((await eventsOf(stateward, id)).at(-1)).toBe('SAVEPOINT_FAILED');
  });

  it('because it took too long names the timeout, the time that passed, and who has not acknowledged', async () => {
    const { deploymentId } = await deploymentOn(stateward, flink, { deployment: { parallelism: 2 } });
    flink.knobs.savepointDurationMs = Infinity;
    flink.savepointsFailWith('savepoint-poll-failed-timeout', { afterMs: 1_500 });
    const { id } = await createSavepoint(stateward, deploymentId);
    const { failure } = await savepointIn(stateward, id, 'FAILED');
    expect(failure.code).toBe('EXPIRED');
    expect(failure.message).toContain('the checkpoint timeout of 600 s');
    expect(failure.message).toMatch(/elapsed: [1-9](\.\d)? s/);
    expect(failure.message).toMatch(
      /Not acknowledged: Source: numbers \d of 2 \(subtasks [\d, ]+\); counter -> mapper -> sink: Writer \d of 2/,
    );
    expect(failure.message).toContain('execution.checkpointing.timeout');
    expect(failure.message).toContain('Checkpoint expired before completing');
  });

  it('while it still waited for its turn, since the job has ended, is JOB_ENDED and was never sent', async () => {
    const first = await deploymentOn(stateward, flink, { cluster: { savepointBudget: 1 } });
    const other = await anotherDeployment(stateward, first.clusterId, first.artifactId);
    flink.knobs.savepointDurationMs = Infinity;
    const running = await createSavepoint(stateward, first.deploymentId);
    const waiting = await createSavepoint(stateward, other.deploymentId);
    expect(waiting.state).toBe('PENDING');
    flink.job(other.flinkJobId).setState('FINISHED');
    const ended = await savepointIn(stateward, waiting.id, 'FAILED');
    expect(ended.failure).toMatchObject({ code: 'JOB_ENDED', message: expect.stringContaining('FINISHED') });
    expect(ended.attempts).toEqual([]);
    flink.finishSavepoints(first.flinkJobId);
    expect(await endOfSavepoint(stateward, running.id)).toMatchObject({ state: 'COMPLETED' });
    expect(flink.triggersReceived()).toHaveLength(1);
  });
});

describe('where a savepoint lies', () => {
  it('is recorded as Flink says it, also where nobody asked for it', async () => {
    const { deploymentId } = await deploymentOn(stateward, flink);
    const location = 'file:/elsewhere/savepoint-abc';
    flink.failNext(POLL, { status: 200, body: { status: { id: 'COMPLETED' }, operation: { location } } });
    const { id } = await createSavepoint(stateward, deploymentId);
    expect(await savepointIn(stateward, id, 'COMPLETED')).toMatchObject({ location });
    expect(await eventsOf(stateward, id)).toContain('UNEXPECTED_LOCATION');
  });

  it('proves which folder the storage is, and is missed when its data are not there', async () => {
    const { deploymentId, clusterId } = await deploymentOn(stateward, flink);
    const access = async () => {
      const { cluster } = await stateward.ask(`query($id: ID!) { cluster(id: $id) { savepointStorage { access } } }`, {
        id: clusterId,
      });
      return cluster.savepointStorage.access;
    };
    expect(await access()).toBe('UNPROVEN');
    const seen = await createSavepoint(stateward, deploymentId);
    expect(await endOfSavepoint(stateward, seen.id)).toMatchObject({ data: 'PRESENT' });
    expect(await access()).toBe('PROVEN');

    flink.knobs.writesFiles = false;
    const unseen = await createSavepoint(stateward, deploymentId);
    expect(await endOfSavepoint(stateward, unseen.id)).toMatchObject({ state: 'COMPLETED', data: 'MISSING' });
    expect(await eventsOf(stateward, unseen.id)).toContain('SAVEPOINT_DATA_MISSING');
  });
});

describe('the data of a savepoint in a storage that is slow', () => {
  it('are looked for until it answers, which proves it; what Flink has told is known before, and told once', async () => {
    const { deploymentId } = await deploymentOn(stateward, flink);
    const storage = hang(`${flink.folder}/savepoints`);
    let id: string;
    try {
      ({ id } = await createSavepoint(stateward, deploymentId));
      await waitFor(async () => (await savepointNow(stateward, id)).detailsState === 'REPORTED', {
        what: 'what Flink tells',
      });
      await waitFor(() => storage.turnedAway >= 2, { what: 'two looks to be turned away' });
      expect(await savepointNow(stateward, id)).toMatchObject({ data: 'NOT_CHECKED' });
      flink.failNext({ method: 'GET', path: /\/checkpoints$/, times: 1_000 }, { fixture: 'job-unknown' });
    } finally {
      storage.answer();
    }
    await waitFor(async () => (await savepointNow(stateward, id)).data === 'PRESENT', { what: 'its data to be seen' });
    const events = await eventsOf(stateward, id);
    expect(events.filter((type) => type === 'SAVEPOINT_DETAILS')).toHaveLength(1);
    expect(await savepointNow(stateward, id)).toMatchObject({ detailsState: 'REPORTED' });
  });
});

describe('abandoning a savepoint', () => {
  it('that is in progress ends it, counts until Flink is done, and it is COMPLETED when Flink finishes it', async () => {
    const first = await deploymentOn(stateward, flink, { cluster: { savepointBudget: 1 } });
    const other = await anotherDeployment(stateward, first.clusterId, first.artifactId);
    flink.knobs.savepointDurationMs = Infinity;
    const { id } = await createSavepoint(stateward, first.deploymentId);
    await acknowledged(stateward, id);
    const abandoned = await abandon(id);
    expect(abandoned).toMatchObject({ state: 'FAILED', failure: { code: 'ABANDONED' } });
    expect(abandoned.failure.message).toContain('no longer needed');

    const next = await createSavepoint(stateward, other.deploymentId);
    expect(next.state).toBe('PENDING');
    flink.knobs.savepointDurationMs = 0;
    flink.finishSavepoints(first.flinkJobId);
    expect(await hurryTo(stateward, id, 'COMPLETED')).toMatchObject({ failure: null });
    expect(await endOfSavepoint(stateward, next.id)).toMatchObject({ state: 'COMPLETED' });
    expect(flink.savepointsMade.map(({ jobId }) => jobId)).toEqual([first.flinkJobId, other.flinkJobId]);
    expect(await abandon(id)).toMatchObject({ code: 'SAVEPOINT_HAS_ENDED', savepointState: 'COMPLETED' });
  });

  it('that still waits ends it before Flink is asked', async () => {
    const first = await deploymentOn(stateward, flink, { cluster: { savepointBudget: 1 } });
    const other = await anotherDeployment(stateward, first.clusterId, first.artifactId);
    flink.knobs.savepointDurationMs = Infinity;
    const running = await createSavepoint(stateward, first.deploymentId);
    const waiting = await createSavepoint(stateward, other.deploymentId);
    const abandoned = await abandon(waiting.id);
    expect(abandoned).toMatchObject({ state: 'FAILED', failure: { code: 'ABANDONED' } });
    expect(abandoned.failure.message).toContain('Flink was not asked');
    await waitFor(() => flink.triggersReceived().length > 0, { what: 'the trigger' });
    flink.finishSavepoints(first.flinkJobId);
    await endOfSavepoint(stateward, running.id);
    expect(await savepointNow(stateward, waiting.id)).toMatchObject({ state: 'FAILED' });
    expect(flink.triggersReceived()).toHaveLength(1);
  });
});
