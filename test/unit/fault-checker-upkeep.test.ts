import { describe, expect, it } from '@jest/globals';
import { findViolations } from '../fault/checker.js';
import type { RunRecord } from '../fault/record.js';

const ROOT = 'file:///flink/savepoints';
const place = (id: string) => `file:/flink/savepoints/d1/${id}/1/savepoint-${id}`;
const SLOTS = { s1: 1_000, s2: 2_000 } as const;
const ids = ['s1', 's2'] as const;
const told = [
  ...['SAVEPOINT_REQUESTED', 'SAVEPOINT_COMPLETED', 'SAVEPOINT_DETAILS'].map((type) => [type, 's1']),
  ...['SAVEPOINT_REQUESTED', 'SAVEPOINT_COMPLETED', 'SAVEPOINT_DETAILS'].map((type) => [type, 's2']),
  ...['DELETION_REQUESTED', 'SAVEPOINT_DELETED'].map((type) => [type, 's1']),
] as const;

/** Two slots have come, each has fired a savepoint, and the first of these was deleted by a policy that keeps one. */
const record = (): RunRecord => ({
  flink: {
    savepointsMade: ids.map((id) => ({
      ...{ jobId: 'f1', triggerId: `t${id}`, location: place(id), targetDirectory: `${ROOT}/d1/${id}/1` },
    })),
    triggers: ids.map((id) => ({ jobId: 'f1', triggerId: `t${id}`, stops: false })),
    cancels: [],
    runs: [],
    jobs: [{ id: 'f1', name: 'job 1', state: 'RUNNING', alive: true }],
    jarIds: [],
    disposed: [place('s1')],
  },
  stored: [place('s2')],
  checkpointsStored: [],
  database: {
    savepoints: ids.map((id) => ({
      ...{ id, deployment_id: 'd1', job_id: 'j1', stop_id: null, schedule_id: 'c1', location: place(id), attempt: 1 },
      ...{ state: id === 's1' ? 'DELETED' : 'COMPLETED', in_flight: false, failure_code: null, details: 'REPORTED' },
      ...{ data: 'PRESENT', look_at: null, claimed_until: null, ended_at: 3_000 },
    })),
    attempts: ids.map((id) => ({
      ...{ savepoint_id: id, number: 1, trigger_id: `t${id}`, directory: `d1/${id}/1`, root: ROOT, sends: 1 },
      ...{ ended: true, outcome: 'COMPLETED' },
    })),
    jobs: [],
    stops: [],
    slots: ids.map((id) => ({
      ...{ schedule_id: 'c1', slot_at: SLOTS[id], count: 1, outcome: 'FIRED', reason: null, savepoint_id: id },
    })),
    deletions: [{ id: 's1', state: 'DONE', look_at: null, claimed_until: null, asked_at: 3_000, ended_at: 4_000 }],
    retained: [],
    deployments: [{ id: 'd1', name: 'job 1', state: 'RUNNING', last_event: told.length, current_job_id: 'j1' }],
    events: told.map(([type = '', savepointId = ''], index) => ({
      ...{ deployment_id: 'd1', number: index + 1, type, savepoint_id: savepointId, job_id: 'j1', stop_id: null },
    })),
    keys: [],
  },
  client: {
    asked: [],
    slots: ids.map((id) => ({ scheduleId: 'c1', slotAt: SLOTS[id] })),
    received: told.map((_, index) => ({ deploymentId: 'd1', number: index + 1, missedBefore: false })),
  },
  tolerated: { jarsLeft: 0, flinkRestarted: false, submissionLost: false },
});

type Plant = (parts: { flink: RunRecord['flink']; database: RunRecord['database']; all: RunRecord }) => unknown;

describe('the checker of the fault suite, of slots and deletions', () => {
  it('finds nothing where the four sides agree', () => {
    expect(findViolations(record())).toEqual([]);
  });

  it.each<[string, Plant, RegExp]>([
    ['a slot without a line', ({ database }) => database.slots.splice(0, 1), /^I1 slot .*: has 0 lines/],
    ['a slot that was skipped', ({ database }) => Object.assign(database.slots[1]!, { outcome: 'SKIPPED', reason: 'MISSED' }), /^I1 slot .*SKIPPED \(MISSED\)/],
    ['a slot that fired what is not its own', ({ database }) => (database.slots[1]!.savepoint_id = 'other'), /^I1 slot .*: its savepoint other/],
    ['a slot that nobody let come', ({ database }) => database.slots.push({ ...database.slots[0]!, slot_at: 9_000 }), /^I2 3 slots were decided, and 2/],
    ['a savepoint that two slots have fired', ({ database }) => database.slots.push({ ...database.slots[0]!, slot_at: 9_000 }), /^I2 savepoint s1: 2 slots/],
    ['a deletion that has not ended', ({ database }) => (database.deletions[0]!.state = 'DISPOSING'), /^I1 deletion s1: has not ended/],
    ['a deletion that is claimed', ({ database }) => (database.deletions[0]!.claimed_until = 'later'), /^I5 deletion s1: a claim/],
    ['a deletion that is due', ({ database }) => (database.deletions[0]!.look_at = 'later'), /^I5 deletion s1: ended, and is due/],
    ['deleted data that lie there', ({ all }) => all.stored.push(place('s1')), /^I1 deletion s1: .*lies in the storage/],
    ['two disposals that took effect', ({ flink }) => flink.disposed.push(place('s1')), /^I2 deletion s1: .*2 times/],
    ['a disposal of what is kept', ({ flink }) => flink.disposed.push(place('s2')), /^I2 Flink has disposed of .*s2/],
    ['a deletion that is told twice', ({ database }) => database.events.push({ ...database.events.at(-1)! }), /^I1 deletion s1: 2 events SAVEPOINT_DELETED/],
    ['one that is kept beside the newest', ({ database }) => (database.savepoints[0]!.state = 'COMPLETED'), /^I1 schedule c1: 2 of its savepoints/],
  ])('finds %s', (_what, plant, expected) => {
    const all = record();
    plant({ flink: all.flink, database: all.database, all });
    expect(findViolations(all)).toContainEqual(expect.stringMatching(expected));
  }); // prettier-ignore
});
