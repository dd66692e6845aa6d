import { describe, expect, it } from '@jest/globals';
import { findViolations } from '../fault/checker.js';
import type { JobRow, RunRecord, StopRow } from '../fault/record.js';

const ROOT = 'file:///flink/savepoints';
const PLACE = 'file:/flink/savepoints/d1/s1/1/savepoint-aaaaaa';
const LEFT = 'file:/flink/checkpoints/f2/chk-7';

const asked = { input: {}, refusals: [], bugs: [], tries: 1, askedAt: 1_000, answeredAt: 2_000 };
const rest = { failure_code: null, look_at: null, claimed_until: null, ended_at: 3_000 };

const run = (number: number, state: string, strategy: string): JobRow => ({
  ...{ id: `j${number}`, deployment_id: 'd1', run: number, flink_job_id: `f${number}`, state, strategy, submission: 1 },
  ...{ ...rest, end_read: state === 'CANCELLED' },
});
const stop = (number: number, mode: string): StopRow => ({
  ...{ id: `x${number}`, deployment_id: 'd1', job_id: `j${number}`, mode, state: 'COMPLETED', outcome: 'STOPPED' },
  ...rest,
});

const told: [type: string, of: { job_id: string } | { savepoint_id: string } | { stop_id: string }][] = [
  ...[1, 2, 3].flatMap((number): typeof told =>
    ['START_REQUESTED', 'JOB_SUBMITTED', 'JOB_STARTED'].map((type) => [type, { job_id: `j${number}` }]),
  ),
  ...[1, 2].flatMap((number): typeof told => [
    ['STOP_REQUESTED', { stop_id: `x${number}` }],
    ['STOP_COMPLETED', { stop_id: `x${number}` }],
    ['JOB_ENDED', { job_id: `j${number}` }],
  ]),
  ['SAVEPOINT_COMPLETED', { savepoint_id: 's1' }],
  ['SAVEPOINT_DETAILS', { savepoint_id: 's1' }],
];

/** Run 1 was stopped with a savepoint, run 2 went on from it and was stopped without one, run 3 went on from what that had left. */
const record = (): RunRecord => ({
  flink: {
    savepointsMade: [{ jobId: 'f1', triggerId: 't1', location: PLACE, targetDirectory: `${ROOT}/d1/s1/1` }],
    triggers: [{ jobId: 'f1', triggerId: 't1', stops: true }],
    cancels: ['f2', 'f2'],
    runs: [
      { jobId: 'f1', savepointPath: null },
      { jobId: 'f2', savepointPath: PLACE },
      { jobId: 'f3', savepointPath: LEFT },
    ],
    jobs: [
      { id: 'f1', name: 'job 1', state: 'FINISHED', alive: false },
      { id: 'f2', name: 'job 1', state: 'CANCELED', alive: false },
      { id: 'f3', name: 'job 1', state: 'RUNNING', alive: true },
    ],
    jarIds: [],
    disposed: [],
  },
  stored: [PLACE],
  checkpointsStored: [LEFT, 'file:/flink/checkpoints/f3/chk-9'],
  database: {
    savepoints: [
      {
        ...{ id: 's1', deployment_id: 'd1', job_id: 'j1', stop_id: 'x1', state: 'COMPLETED', location: PLACE },
        ...{ schedule_id: null, attempt: 1, in_flight: false, details: 'REPORTED', data: 'PRESENT' },
        ...rest,
      },
    ],
    attempts: [
      {
        ...{ savepoint_id: 's1', number: 1, trigger_id: 't1', directory: 'd1/s1/1', root: ROOT, sends: 1 },
        ...{ ended: true, outcome: 'COMPLETED' },
      },
    ],
    jobs: [run(1, 'CANCELLED', 'NONE'), run(2, 'CANCELLED', 'LATEST_STATE'), run(3, 'RUNNING', 'LATEST_STATE')],
    stops: [stop(1, 'WITH_SAVEPOINT'), stop(2, 'WITHOUT_SAVEPOINT')],
    slots: [],
    deletions: [],
    retained: [{ job_id: 'j2', location: LEFT }],
    deployments: [{ id: 'd1', name: 'job 1', state: 'RUNNING', last_event: told.length, current_job_id: 'j3' }],
    events: told.map(([type, of], index) => ({
      ...{ deployment_id: 'd1', number: index + 1, type, savepoint_id: null, job_id: null, stop_id: null, ...of },
    })),
    keys: ['j1', 'x1', 'j2', 'x2', 'j3'].map((id) => ({ key: `of ${id}`, object_id: id })),
  },
  client: {
    asked: (['j1', 'x1', 'j2', 'x2', 'j3'] as const).map((id) => ({
      ...{ kind: id.startsWith('x') ? 'STOP' : 'START', deploymentId: 'd1', key: `of ${id}`, ids: [id], ...asked },
    })),
    slots: [],
    received: told.map((_, index) => ({ deploymentId: 'd1', number: index + 1, missedBefore: false })),
  },
  tolerated: { jarsLeft: 0, flinkRestarted: false, submissionLost: false },
});

type Plant = (parts: { flink: RunRecord['flink']; database: RunRecord['database']; all: RunRecord }) => unknown;

describe('the checker of the fault suite, of stops', () => {
  it('finds nothing where the four sides agree', () => {
    expect(findViolations(record())).toEqual([]);
  });

  it.each<[string, Plant, RegExp]>([
    [
      'one that has not ended',
      ({ database }) => (database.stops[0]!.state = 'IN_PROGRESS'),
      /^I1 stop x1: has not ended/,
    ],
    ['one that failed', ({ database }) => (database.stops[1]!.state = 'FAILED'), /^I1 stop x2: FAILED/],
    ['one whose job went on', ({ database }) => (database.stops[1]!.outcome = 'RESTARTED'), /^I1 stop x2: .*RESTARTED/],
    ['one that is lost', ({ database }) => database.stops.splice(1), /^I1 request of x2: .*does not hold/],
    ['one that nobody asked for', ({ database }) => database.keys.splice(1, 1), /^I2 stop x1: no request/],
    ['two of one run', ({ database }) => (database.stops[1]!.job_id = 'j1'), /^I2 run j1: 2 stops/],
    [
      'a run that it did not end',
      ({ database }) => (database.jobs[0]!.state = 'RUNNING'),
      /^I1 stop x1: its run is RUNNING/,
    ],
    ['a job that runs on', ({ flink }) => (flink.jobs[1]!.state = 'RUNNING'), /^I1 stop x2: .*job f2 RUNNING/],
    [
      'a job that was cancelled instead',
      ({ flink }) => (flink.jobs[0]!.state = 'CANCELED'),
      /^I1 stop x1: .*f1 CANCELED/,
    ],
    [
      'a savepoint made twice',
      ({ flink }) => flink.savepointsMade.push(flink.savepointsMade[0]!),
      /^I2 stop x1: Flink made 2/,
    ],
    ['a savepoint that was not made', ({ flink }) => flink.savepointsMade.splice(0), /^I2 stop x1: Flink made 0/],
    [
      'a savepoint that was sent twice',
      ({ flink }) => flink.triggers.push({ jobId: 'f1', triggerId: 't2', stops: true }),
      /^I2 stop x1: 2 trigger ids/,
    ],
    [
      'a savepoint of one without',
      ({ flink }) => flink.triggers.push({ jobId: 'f2', triggerId: 't2', stops: true }),
      /^I2 Flink was told to stop job f2/,
    ],
    [
      'a cancel of one with a savepoint',
      ({ flink }) => flink.cancels.push('f1'),
      /^I2 Flink was told to cancel job f1/,
    ],
    ['a job that nobody stopped', ({ flink }) => (flink.jobs[2]!.alive = false), /^I1 job f3 .*no stop/],
    ['a next run from elsewhere', ({ flink }) => (flink.runs[1]!.savepointPath = LEFT), /^I1 stop x1: the next run/],
    ['a next run without state', ({ flink }) => (flink.runs[2]!.savepointPath = null), /^I1 stop x2: .*from nothing/],
    ['a checkpoint that is not known', ({ database }) => database.retained.splice(0), /^I1 stop x2: .*left nothing/],
    ['a checkpoint that is gone', ({ all }) => all.checkpointsStored.splice(0, 1), /^I1 stop x2: .*and nothing lies/],
    ['an end that was not read', ({ database }) => (database.jobs[1]!.end_read = false), /^I5 stop x2: .*not read/],
    ['a claim that is held', ({ database }) => (database.stops[0]!.claimed_until = 'x'), /^I5 stop x1: .*claim/],
    ['a row that is due', ({ database }) => (database.stops[0]!.look_at = 'x'), /^I5 stop x1: .*due/],
    [
      'an end that was told twice',
      ({ database }) => database.events.push({ ...database.events[10]!, deployment_id: null, number: null }),
      /^I1 stop x1: 2 events STOP_COMPLETED/,
    ],
    [
      'an end that was not told',
      ({ database }) => (database.events[11]!.type = 'X'),
      /^I1 stop x1: 0 events JOB_ENDED/,
    ],
  ])('finds %s', (_what, plant, expected) => {
    const planted = record();
    plant({ flink: planted.flink, database: planted.database, all: planted });
    expect(findViolations(planted)).toContainEqual(expect.stringMatching(expected));
  });
});
