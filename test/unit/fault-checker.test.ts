import { describe, expect, it } from '@jest/globals';
import { findViolations } from '../fault/checker.js';
import type { RunRecord } from '../fault/record.js';

const ROOT = 'file:///flink/savepoints';
const PLACE = 'file:/flink/savepoints/d1/s1/1/savepoint-aaaaaa';

/** One savepoint that was asked for twice with one key and made once; one start that runs. */
function record(): RunRecord {
  const asked = { input: {}, refusals: [], bugs: [], tries: 2, askedAt: 1_000, answeredAt: 2_000 };
  return {
    flink: {
      savepointsMade: [{ jobId: 'f1', triggerId: 't1', location: PLACE, targetDirectory: `${ROOT}/d1/s1/1` }],
      triggers: [{ jobId: 'f1', triggerId: 't1', stops: false }],
      cancels: [],
      runs: [{ jobId: 'f2', savepointPath: null }],
      jobs: [
        { id: 'f1', name: 'job 1', state: 'RUNNING', alive: true },
        { id: 'f2', name: 'job 2', state: 'RUNNING', alive: true },
      ],
      jarIds: [],
      disposed: [],
    },
    stored: [PLACE],
    checkpointsStored: [],
    database: {
      savepoints: [
        {
          ...{ id: 's1', deployment_id: 'd1', job_id: 'j1', state: 'COMPLETED', location: PLACE, attempt: 1 },
          ...{ in_flight: false, failure_code: null, details: 'REPORTED', data: 'PRESENT', look_at: null },
          ...{ claimed_until: null, ended_at: 3_000, stop_id: null, schedule_id: null },
        },
      ],
      attempts: [
        {
          ...{ savepoint_id: 's1', number: 1, trigger_id: 't1', directory: 'd1/s1/1', root: ROOT, sends: 1 },
          ...{ ended: true, outcome: 'COMPLETED' },
        },
      ],
      jobs: [
        {
          ...{ id: 'j2', deployment_id: 'd2', flink_job_id: 'f2', state: 'RUNNING', submission: 1, failure_code: null },
          ...{ look_at: null, claimed_until: null, ended_at: 3_000, run: 1, strategy: 'NONE', end_read: false },
        },
      ],
      stops: [],
      slots: [],
      deletions: [],
      retained: [],
      deployments: [
        { id: 'd1', name: 'job 1', state: 'RUNNING', last_event: 3, current_job_id: 'j1' },
        { id: 'd2', name: 'job 2', state: 'RUNNING', last_event: 3, current_job_id: 'j2' },
      ],
      events: [
        ...['SAVEPOINT_REQUESTED', 'SAVEPOINT_COMPLETED', 'SAVEPOINT_DETAILS'].map((type, index) => ({
          ...{ deployment_id: 'd1', number: index + 1, type, savepoint_id: 's1', job_id: 'j1', stop_id: null },
        })),
        ...['START_REQUESTED', 'JOB_SUBMITTED', 'JOB_STARTED'].map((type, index) => ({
          ...{ deployment_id: 'd2', number: index + 1, type, savepoint_id: null, job_id: 'j2', stop_id: null },
        })),
      ],
      keys: [
        { key: 'k1', object_id: 's1' },
        { key: 'k2', object_id: 'j2' },
      ],
    },
    client: {
      asked: [
        { kind: 'SAVEPOINT', deploymentId: 'd1', key: 'k1', ids: ['s1'], ...asked },
        { kind: 'START', deploymentId: 'd2', key: 'k2', ids: ['j2'], ...asked },
      ],
      slots: [],
      received: ['d1', 'd2'].flatMap((deploymentId) =>
        [1, 2, 3].map((number) => ({ deploymentId, number, missedBefore: false })),
      ),
    },
    tolerated: { jarsLeft: 0, flinkRestarted: false, submissionLost: false },
  };
}

type Row<T> = T extends (infer R)[] ? R : never;
const first = <T extends unknown[]>(rows: T): Row<T> => rows[0] as Row<T>;

const fail =
  (code: string) =>
  ({ database }: RunRecord): void => {
    Object.assign(first(database.savepoints), { state: 'FAILED', failure_code: code, location: null, details: null });
    Object.assign(database.events[1]!, { type: 'SAVEPOINT_FAILED' });
  };

const makeAgain = (flink: RunRecord['flink'], location: string) =>
  flink.savepointsMade.push({ ...first(flink.savepointsMade), location });

const anotherAttempt =
  (triggerId: string) =>
  ({ database, flink }: RunRecord): void => {
    database.attempts.push({ ...first(database.attempts), number: 2, directory: 'd1/s1/2', trigger_id: triggerId });
    flink.triggers.push({ jobId: 'f1', triggerId, stops: false });
  };

const tellAgain = (database: RunRecord['database'], at: number) =>
  database.events.push({ ...database.events[at]!, deployment_id: null, number: null });

describe('the checker of the fault suite', () => {
  it('finds nothing where the four sides agree', () => {
    expect(findViolations(record())).toEqual([]);
  });

  it.each<[string, (record: RunRecord) => unknown, RegExp]>([
    [
      'a request that was never answered',
      ({ client }) => (first(client.asked).answeredAt = null),
      /^I1 .*never answered/,
    ],
    [
      'an answer that a client cannot act on',
      ({ client }) => first(client.asked).bugs.push('X'),
      /^I1 .*answered with X/,
    ],
    ['a request that was declined', ({ client }) => first(client.asked).ids.splice(0), /^I1 .*declined/],
    ['two answers to one request', ({ client }) => first(client.asked).ids.push('s2'), /^I2 .*s1 and s2/],
    ['an answer that is not stored', ({ database }) => database.savepoints.splice(0), /^I1 .*does not hold/],
    ['a savepoint that nobody asked for', ({ database }) => database.keys.shift(), /^I2 savepoint s1: no request/],
    [
      'a savepoint that has not ended',
      ({ database }) => (first(database.savepoints).state = 'IN_PROGRESS'),
      /^I1 .*not ended/,
    ],
    ['a COMPLETED one that Flink did not make', ({ flink }) => flink.savepointsMade.splice(0), /^I1 .*did not make/],
    ['a COMPLETED one that is not stored', ({ stored }) => stored.splice(0), /^I1 .*not in the storage/],
    ['a FAILED one that was made', fail('STORAGE_ERROR'), /^I1 .*and Flink made/],
    ['a result lost without a restart', fail('RESULT_LOST'), /^I1 .*loses a result/],
    ['a savepoint made twice', ({ flink }) => makeAgain(flink, `${PLACE}b`), /^I2 .*made it 2 times/],
    ['a savepoint made where nobody asked', ({ flink }) => makeAgain(flink, 'file:/elsewhere/s'), /^I2 .*no attempt/],
    ['a trigger that no attempt has', ({ flink }) => (first(flink.triggers).triggerId = 't9'), /^I2 trigger t9/],
    [
      'a send that was not written down',
      ({ flink }) => flink.triggers.push(first(flink.triggers)),
      /^I2 .*reached Flink 2/,
    ],
    ['two attempts that reached Flink', anotherAttempt('t2'), /^I2 .*2 of its attempts/],
    ['two attempts of one trigger id', anotherAttempt('t1'), /^I2 .*one trigger id/],
    ['a claim that is still held', ({ database }) => (first(database.savepoints).claimed_until = 'x'), /^I5 .*claim/],
    ['a budget that is still used', ({ database }) => (first(database.savepoints).in_flight = true), /^I5 .*budget/],
    ['a row that is still due', ({ database }) => (first(database.savepoints).look_at = 'x'), /^I5 .*due/],
    ['an attempt that has not ended', ({ database }) => (first(database.attempts).ended = false), /^I5 .*attempt 1/],
    ['an end that was told twice', ({ database }) => tellAgain(database, 1), /^I1 .*2 events SAVEPOINT_COMPLETED/],
    ['details that were told twice', ({ database }) => tellAgain(database, 2), /^I1 .*2 events SAVEPOINT_DETAILS/],
    [
      'an end that was not told',
      ({ database }) => (database.events[1]!.type = 'X'),
      /^I1 .*0 events SAVEPOINT_COMPLETED/,
    ],
    ['a start that does not run', ({ flink }) => (flink.jobs[1]!.alive = false), /^I1 start j2: .*runs no job/],
    ['a start that was run twice', ({ flink }) => flink.runs.push(flink.runs[0]!), /^I2 start j2: .*2 times/],
    [
      'two jobs of one deployment',
      ({ flink }) => flink.jobs.push({ id: 'f3', name: 'job 2', state: 'RUNNING', alive: true }),
      /^I2 .*2 jobs/,
    ],
    [
      'a start that failed and runs',
      ({ database }) => (first(database.jobs).state = 'FAILED'),
      /^I1 start j2: FAILED, and/,
    ],
    ['a jar that was left', ({ flink }) => flink.jarIds.push('x.jar'), /^I5 1 uploaded jars/],
    ['an event number that is missing', ({ database }) => (database.events[1]!.number = 4), /^I6 .*1, 3, 4/],
    ['an event that a follower did not get', ({ client }) => client.received.splice(1, 1), /^I6 .*got events 1, 3/],
    [
      'an event that a follower got twice',
      ({ client }) => client.received.push(client.received[2]!),
      /^I6 .*1, 2, 3, 3/,
    ],
    ['a gap that a follower was told of', ({ client }) => (first(client.received).missedBefore = true), /^I6 .*gone/],
  ])('finds %s', (_what, plant, expected) => {
    const planted = record();
    plant(planted);
    expect(findViolations(planted)).toContainEqual(expect.stringMatching(expected));
  });

  it('lets pass what a restart of the JobManager may lose', () => {
    const planted = record();
    fail('RESULT_LOST')(planted);
    planted.flink.savepointsMade = [];
    planted.stored = [];
    planted.tolerated.flinkRestarted = true;
    first(planted.database.attempts).outcome = 'RESULT_LOST';
    expect(findViolations(planted)).toEqual([]);
  });
});
