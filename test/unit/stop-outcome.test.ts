import { describe, expect, it } from '@jest/globals';
import { JobState } from '../../src/job/job.entity.js';
import { checkStop } from '../../src/run/check-stop.js';
import { outcomeOfEndedJob, outcomeOfFailedSavepoint } from '../../src/run/stop-outcome.js';
import { OnFailureAction, StopMode } from '../../src/run/stop.enums.js';
import { SavepointFailureCode, SavepointState } from '../../src/savepoint/savepoint.enums.js';
import { expectedRestMs } from '../../src/savepoint/expectations.js';
import { SavepointFormat } from '../../src/deployment/savepoint-format.js';

const { RUNNING, RESTARTING, CANCELLED, FINISHED, FAILED } = JobState;
const { WITH_SAVEPOINT, WITH_DRAIN, WITHOUT_SAVEPOINT } = StopMode;

describe('a stop whose savepoint failed', () => {
  const failed = {
    code: SavepointFailureCode.STORAGE_ERROR,
    jobState: RUNNING,
    restoredSince: false,
    failedForMs: 5_000,
  };

  it.each([
    ['STILL_RUNNING', {}],
    ['NOT_YET', { failedForMs: 100 }],
    ['STILL_RUNNING', { failedForMs: 0, code: SavepointFailureCode.TASKS_NOT_RUNNING }],
    ['RESTARTED', { failedForMs: 0, restoredSince: true }],
    ['RESTARTED', { failedForMs: 0, jobState: RESTARTING }],
  ])('has come to %s', (outcome, more) => {
    expect(outcomeOfFailedSavepoint({ ...failed, ...more })).toBe(outcome);
  });
});

describe('a stop whose job has ended', () => {
  const whole = { completed: true, stopFailedAfter: false };
  const none = { completed: false, stopFailedAfter: false };
  const failedAfter = { completed: true, stopFailedAfter: true };

  it.each([
    [WITH_SAVEPOINT, CANCELLED, whole, false, 'COMPLETED', 'STOPPED', null],
    [WITH_DRAIN, FINISHED, whole, false, 'COMPLETED', 'STOPPED', null],
    [WITH_SAVEPOINT, FAILED, whole, false, 'FAILED', 'JOB_FAILED', 'JOB_ENDED'],
    [WITH_SAVEPOINT, FAILED, failedAfter, false, 'FAILED', 'JOB_FAILED', 'STOP_FAILED_AFTER'],
    [WITH_SAVEPOINT, CANCELLED, failedAfter, false, 'FAILED', 'CANCELLED_INSTEAD', 'STOP_FAILED_AFTER'],
    [WITH_SAVEPOINT, FAILED, none, false, 'FAILED', 'JOB_FAILED', 'JOB_ENDED'],
    [WITH_SAVEPOINT, CANCELLED, none, true, 'FAILED', 'CANCELLED_INSTEAD', 'SAVEPOINT_FAILED'],
    [WITH_SAVEPOINT, FINISHED, null, false, 'FAILED', 'STOPPED', 'JOB_ENDED'],
    [WITHOUT_SAVEPOINT, CANCELLED, null, true, 'COMPLETED', 'STOPPED', null],
    [WITHOUT_SAVEPOINT, FINISHED, null, true, 'COMPLETED', 'STOPPED', null],
    [WITHOUT_SAVEPOINT, FAILED, null, true, 'FAILED', 'JOB_FAILED', 'JOB_ENDED'],
  ] as const)('%s, job %s, savepoint %j, cancelled %s: %s, %s, %s', (mode, jobState, savepoint, cancelSent, ...end) => {
    const { state, outcome, code } = outcomeOfEndedJob({ mode, jobState, savepoint, cancelSent });
    expect([state, outcome, code]).toEqual(end);
  });
});

describe('what cannot be meant by a stop', () => {
  const input = { mode: WITH_SAVEPOINT, format: null, description: null, final: false, onFailure: null };
  const young = { action: OnFailureAction.CANCEL_IF_CHECKPOINT_YOUNGER_THAN, checkpointYoungerThanMs: 60_000 };

  it.each([
    ['INVALID_INPUT', { description: 'x'.repeat(501) }],
    ['INVALID_INPUT', { mode: WITHOUT_SAVEPOINT, format: SavepointFormat.NATIVE }],
    ['INVALID_INPUT', { mode: WITHOUT_SAVEPOINT, onFailure: young }],
    ['INVALID_INPUT', { onFailure: { ...young, checkpointYoungerThanMs: null } }],
    ['INVALID_INPUT', { onFailure: { ...young, checkpointYoungerThanMs: 0 } }],
    ['INVALID_INPUT', { onFailure: { ...young, action: OnFailureAction.LEAVE } }],
    ['DRAIN_IS_FINAL', { mode: WITH_DRAIN }],
    [undefined, { mode: WITH_DRAIN, final: true }],
    [undefined, { onFailure: young }],
    [undefined, { onFailure: { action: OnFailureAction.LEAVE } }],
  ])('is refused as %s', (code, more) => {
    expect(checkStop({ ...input, ...more })?.code).toBe(code);
  });
});

describe('the expected rest of a savepoint', () => {
  const since = new Date(1_000_000);
  const savepoint = { state: SavepointState.IN_PROGRESS, stateSince: since, expectedDurationMs: 10_000 };

  it('is what the earlier ones took, less what has passed, and never below 0', () => {
    expect(expectedRestMs(savepoint, new Date(1_004_000))).toBe(6_000);
    expect(expectedRestMs(savepoint, new Date(1_020_000))).toBe(0);
  });

  it('is null where nothing is expected, or where it has ended', () => {
    expect(expectedRestMs({ ...savepoint, expectedDurationMs: null }, since)).toBeNull();
    expect(expectedRestMs({ ...savepoint, state: SavepointState.COMPLETED }, since)).toBeNull();
  });
});
