import { isStopped } from '../../src/deployment/deployment-not-stopped.js';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DeploymentState } from '../../src/deployment/deployment.entity.js';
import type { FlinkJobState } from '../../src/flink/flink.types.js';
import { JobState } from '../../src/job/job.entity.js';
import { deploymentStateOf, everyTaskRuns, isLive, jobStateOf, waitingFor } from '../../src/job/job.lifecycle.js';

const running = { TOTAL: 4, RUNNING: 3, FINISHED: 1 };
const flinkStates: FlinkJobState[] = [
  'INITIALIZING',
  'CREATED',
  'RUNNING',
  'FAILING',
  'FAILED',
  'CANCELLING',
  'CANCELED',
  'FINISHED',
  'RESTARTING',
  'SUSPENDED',
  'RECONCILING',
];
const seenJob = fc.record({
  state: fc.constantFrom(...flinkStates),
  tasks: fc
    .record({
      RUNNING: fc.nat(5),
      FINISHED: fc.nat(5),
      SCHEDULED: fc.nat(5),
      INITIALIZING: fc.nat(5),
      FAILED: fc.nat(5),
    })
    .map((tasks) => ({ ...tasks, TOTAL: Object.values(tasks).reduce((sum, count) => sum + count, 0) })),
});

describe('a job of Flink', () => {
  it('counts as running only when every task is RUNNING or FINISHED', () => {
    expect(everyTaskRuns({ state: 'RUNNING', tasks: running })).toBe(true);
    expect(everyTaskRuns({ state: 'RUNNING', tasks: { ...running, TOTAL: 5, INITIALIZING: 1 } })).toBe(false);
    expect(everyTaskRuns({ state: 'RUNNING', tasks: { TOTAL: 0 } })).toBe(false);
    expect(everyTaskRuns({ state: 'RUNNING', tasks: {} })).toBe(false);
    expect(everyTaskRuns({ state: 'RESTARTING', tasks: running })).toBe(false);
  });

  it.each<[FlinkJobState, boolean, JobState]>([
    ['INITIALIZING', false, JobState.INITIALIZING],
    ['CREATED', false, JobState.INITIALIZING],
    ['CREATED', true, JobState.RESTARTING],
    ['INITIALIZING', true, JobState.RESTARTING],
    ['RESTARTING', false, JobState.RESTARTING],
    ['FAILING', true, JobState.RESTARTING],
    ['SUSPENDED', true, JobState.RESTARTING],
    ['RECONCILING', true, JobState.RESTARTING],
    ['CANCELLING', true, JobState.STOPPING],
    ['CANCELLING', false, JobState.STOPPING],
    ['CANCELED', true, JobState.CANCELLED],
    ['FINISHED', false, JobState.FINISHED],
    ['FAILED', false, JobState.FAILED],
  ])('that says %s (started before: %s) is %s', (state, startedBefore, expected) => {
    expect(jobStateOf({ state, tasks: { TOTAL: 4, CREATED: 4 } }, startedBefore)).toBe(expected);
  });

  it('is INITIALIZING while its tasks restore for the first time, and RESTARTING when they do so again', () => {
    const restoring = { state: 'RUNNING', tasks: { TOTAL: 4, RUNNING: 3, INITIALIZING: 1 } } as const;
    expect(jobStateOf(restoring, false)).toBe(JobState.INITIALIZING);
    expect(jobStateOf(restoring, true)).toBe(JobState.RESTARTING);
  });

  it('is never said to run while a task does not, and never to have ended while Flink has not said so', () => {
    fc.assert(
      fc.property(seenJob, fc.boolean(), (seen, startedBefore) => {
        const state = jobStateOf(seen, startedBefore);
        expect(state === JobState.RUNNING).toBe(everyTaskRuns(seen));
        expect(isLive(state)).toBe(!['FINISHED', 'CANCELED', 'FAILED'].includes(seen.state));
        if (state === JobState.INITIALIZING) expect(startedBefore).toBe(false);
      }),
    );
  });
});

describe('a deployment', () => {
  it('is stopped exactly when its run is not live', () => {
    for (const state of Object.values(JobState)) {
      const stopped = isStopped({ state: deploymentStateOf(state) });
      expect({ state, stopped }).toEqual({ state, stopped: !isLive(state) });
    }
  });

  it('is STARTING from the request on until every task runs', () => {
    expect(deploymentStateOf(JobState.SUBMITTING)).toBe(DeploymentState.STARTING);
    expect(deploymentStateOf(JobState.INITIALIZING)).toBe(DeploymentState.STARTING);
    expect(deploymentStateOf(JobState.RUNNING)).toBe(DeploymentState.RUNNING);
  });
});

describe('what a job waits for', () => {
  it.each([
    [{ state: 'CREATED', tasks: {} }, 3, /JobManager/],
    [{ state: 'RESTARTING', tasks: {} }, 3, /restart/],
    [{ state: 'RUNNING', tasks: { TOTAL: 8, SCHEDULED: 5, RUNNING: 3 } }, 3, /^slots: 5 of 8 .*3 free/],
    [{ state: 'RUNNING', tasks: { TOTAL: 8, SCHEDULED: 5, INITIALIZING: 3 } }, null, /^slots: .*unknown number/],
    [{ state: 'RUNNING', tasks: { TOTAL: 40, INITIALIZING: 5, RUNNING: 35 } }, 0, /5 of 40/],
  ] as const)('%j is said in words', (seen, slots, words) => {
    expect(waitingFor(seen, slots)).toMatch(words);
  });

  it('is nothing once every task runs', () => {
    expect(waitingFor({ state: 'RUNNING', tasks: running }, 0)).toBeNull();
  });
});
