import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { JobFailureCode, JobState } from '../../src/job/job.entity.js';
import { SnapshotKind } from '../../src/job/snapshot-kind.js';
import { StartStrategy } from '../../src/job/start-strategy.js';
import { needsEnd } from '../../src/run/await-end-read.js';
import {
  chooseLatestSavepoint,
  chooseLatestState,
  type RestorePoint,
  type RunFacts,
  uncertaintyOf,
} from '../../src/run/restore-choice.js';
import { DataState } from '../../src/savepoint/savepoint.enums.js';

const T = Date.parse('2026-11-01T00:00:00Z');

function point(name: string, minute: number | null, more: Partial<RestorePoint> = {}): RestorePoint {
  return {
    kind: SnapshotKind.SAVEPOINT,
    savepointId: name,
    jobId: 'job',
    flinkCheckpointId: minute,
    triggeredAt: minute === null ? null : T + minute * 60_000,
    location: `file:/s/${name}`,
    storage: { id: 'storage', path: name },
    clusterId: 'cluster',
    locatedAt: T,
    bytes: 1,
    drained: false,
    stopFailedAfter: false,
    ofStop: false,
    data: DataState.PRESENT,
    format: 'CANONICAL',
    stateBackend: 'HASHMAP',
    flinkVersion: '2.3.0',
    ...more,
  };
}
const checkpoint = (name: string, minute: number, more: Partial<RestorePoint> = {}) =>
  point(name, minute, { kind: SnapshotKind.CHECKPOINT, savepointId: null, format: 'NATIVE', ...more });
const foreign = (name: string, minute: number) => point(name, minute, { savepointId: null });

function run(number: number, points: RestorePoint[], more: Partial<RunFacts> = {}): RunFacts {
  return {
    id: `run-${number}`,
    run: number,
    state: JobState.CANCELLED,
    failureCode: null,
    tookHold: true,
    drained: false,
    endedAt: T + 100 * 60_000,
    lookedAt: T + 100 * 60_000,
    checkpointIntervalMs: 60_000,
    endReadFrom: 'STATISTICS',
    unsettledAt: null,
    points,
    start: null,
    restored: null,
    ...more,
  };
}

const located = (choice: ReturnType<typeof chooseLatestState>) =>
  choice.kind === 'CHOSEN' ? choice.point.location.replace('file:/s/', '') : choice.kind;

describe('LATEST_STATE', () => {
  it('takes the newest by trigger time, whatever it is and whoever made it', () => {
    expect(located(chooseLatestState([run(1, [point('a', 5), checkpoint('b', 9), foreign('c', 7)])]))).toBe('b');
    expect(located(chooseLatestState([run(1, [point('a', 5), checkpoint('b', 4), foreign('c', 7)])]))).toBe('c');
  });

  it.each([
    ['one whose data are missing', { data: DataState.MISSING }],
    ['a damaged one', { data: DataState.DAMAGED }],
  ])('does not take %s', (_, more) => {
    expect(located(chooseLatestState([run(1, [point('old', 1), point('new', 9, more)])]))).toBe('old');
  });

  it('names newer ones that it would have taken were they whole, and no others', () => {
    const choice = chooseLatestState([
      run(1, [
        point('older', 1, { data: DataState.MISSING }),
        point('whole', 5),
        checkpoint('gone', 7, { data: DataState.MISSING }),
        point('broken', 9, { data: DataState.DAMAGED }),
      ]),
    ]);
    expect(choice).toMatchObject({ unusable: [{ location: 'file:/s/broken' }, { location: 'file:/s/gone' }] });
    const afterStop = [
      point('stop', 5, { stopFailedAfter: true }),
      checkpoint('later', 6, { data: DataState.MISSING }),
      checkpoint('earlier', 4),
    ];
    expect(chooseLatestState([run(1, afterStop)])).toMatchObject({ point: { savepointId: 'stop' }, unusable: [] });
    const lostStop = afterStop.map((one) => (one.stopFailedAfter ? { ...one, data: DataState.MISSING } : one));
    expect(chooseLatestState([run(1, lostStop)])).toMatchObject({
      point: { location: 'file:/s/earlier' },
      unusable: [{ location: 'file:/s/stop' }],
    });
  });

  it('names what is not whole where it takes what the run was started from, or finds nothing', () => {
    const left = [checkpoint('gone', 7, { data: DataState.MISSING })];
    const start = point('start', 1);
    expect(chooseLatestState([run(1, left, { start })])).toMatchObject({
      point: start,
      unusable: left,
      why: expect.stringContaining('nothing that is whole'),
    });
    expect(chooseLatestState([run(1, left)])).toMatchObject({
      kind: 'NOTHING',
      why: expect.stringMatching(/file:\/s\/gone of 2026-11-01T00:07:00.000Z is MISSING/),
    });
  });

  it('passes over runs that never took hold, and names them', () => {
    const choice = chooseLatestState([
      run(3, [point('never', 99)], {
        tookHold: false,
        state: JobState.FAILED,
        failureCode: JobFailureCode.RESTORE_NOT_TAKEN,
      }),
      run(2, [checkpoint('kept', 9)]),
      run(1, [point('older', 1)]),
    ]);
    expect(located(choice)).toBe('kept');
    expect(choice).toMatchObject({ runsPassedOver: [{ run: 3 }] });
  });

  it('takes what the last run was started from when that run left nothing, and nothing older', () => {
    const imported = point('imported', null);
    expect(located(chooseLatestState([run(2, [], { start: imported }), run(1, [point('older', 1)])]))).toBe('imported');
    expect(located(chooseLatestState([run(2, [], { start: null }), run(1, [point('older', 1)])]))).toBe('NOTHING');
    const gone = { ...imported, data: DataState.MISSING };
    expect(chooseLatestState([run(2, [], { start: gone }), run(1, [point('older', 1)])])).toMatchObject({
      kind: 'NOTHING',
      why: expect.stringContaining('MISSING'),
    });
  });

  it('takes nothing later than the savepoint of a stop that failed afterwards', () => {
    const points = [point('stop', 5, { stopFailedAfter: true }), checkpoint('later', 6), checkpoint('earlier', 4)];
    expect(located(chooseLatestState([run(1, points)]))).toBe('stop');
  });

  it.each([
    ['finished by itself', { state: JobState.FINISHED }],
    ['was drained', { drained: true }],
    ['left a drained savepoint', { points: [point('a', 5, { drained: true })] }],
  ])('asks for the state by name when the last run %s', (_, more) => {
    const choice = chooseLatestState([run(2, [point('a', 5)], more), run(1, [point('older', 1)])]);
    expect(choice).toMatchObject({ kind: 'HAD_FINISHED', run: { run: 2 }, points: [{ savepointId: 'a' }] });
  });

  it('says why there is nothing', () => {
    expect(chooseLatestState([])).toMatchObject({ kind: 'NOTHING', why: 'it has not been started yet' });
    const failed = run(1, [], {
      tookHold: false,
      state: JobState.FAILED,
      failureCode: JobFailureCode.SUBMISSION_REFUSED,
    });
    expect(chooseLatestState([failed])).toMatchObject({ why: expect.stringContaining('run 1: SUBMISSION_REFUSED') });
  });

  it('never takes a point that it must not, whatever the runs are', () => {
    const anyPoint = fc.record({
      minute: fc.integer({ min: 0, max: 50 }),
      drained: fc.boolean(),
      stopFailedAfter: fc.boolean(),
      data: fc.constantFrom(...Object.values(DataState)),
      ours: fc.boolean(),
    });
    const anyRun = fc.record({ tookHold: fc.boolean(), points: fc.array(anyPoint, { maxLength: 6 }) });
    fc.assert(
      fc.property(fc.array(anyRun, { maxLength: 5 }), (runs) => {
        const facts = runs.map(({ tookHold, points }, index) =>
          run(
            runs.length - index,
            points.map(({ minute, ours, ...more }, place) =>
              point(`${index}-${place}`, minute, { ...more, ...(ours ? {} : { savepointId: null }) }),
            ),
            { tookHold },
          ),
        );
        const choice = chooseLatestState(facts);
        const last = facts.find((fact) => fact.tookHold);
        if (choice.kind !== 'CHOSEN') return;
        expect(choice.run).toBe(last);
        expect(choice.point.drained || ['MISSING', 'DAMAGED'].includes(choice.point.data)).toBe(false);
        const usable = choice.run.points.filter((one) => !one.drained && !['MISSING', 'DAMAGED'].includes(one.data));
        const newer = usable.filter((one) => (one.triggeredAt ?? 0) > (choice.point.triggeredAt ?? 0));
        // Only what lies behind a stop that failed after its savepoint may be newer, be that savepoint whole or not.
        const stops = choice.run.points.filter((one) => one.stopFailedAfter).map((one) => one.triggeredAt ?? 0);
        for (const one of newer) expect(Math.min(...stops)).toBeLessThanOrEqual(one.triggeredAt ?? 0);
      }),
    );
  });
});

describe('LATEST_SAVEPOINT', () => {
  it('goes back run by run to the newest savepoint of ours, and names newer state that it passes over', () => {
    const choice = chooseLatestSavepoint([
      run(3, [checkpoint('retained', 30), foreign('of others', 31)]),
      run(2, [point('b', 20), point('a', 19), checkpoint('c', 21)]),
      run(1, [point('older', 1)]),
    ]);
    expect(located(choice)).toBe('b');
    expect(choice).toMatchObject({
      newerState: [{ location: 'file:/s/of others' }, { location: 'file:/s/retained' }, { location: 'file:/s/c' }],
    });
  });

  it('names newer savepoints of ours that are not whole, of newer runs too, and no checkpoints', () => {
    const runs = [
      run(3, [point('gone', 30, { data: DataState.MISSING }), checkpoint('retained', 31, { data: DataState.MISSING })]),
      run(2, [point('b', 20), point('broken', 21, { data: DataState.DAMAGED })]),
    ];
    expect(chooseLatestSavepoint(runs)).toMatchObject({
      point: { savepointId: 'b' },
      unusable: [{ savepointId: 'gone' }, { savepointId: 'broken' }],
    });
    expect(chooseLatestSavepoint(runs.slice(0, 1))).toMatchObject({
      kind: 'NOTHING',
      why: expect.stringContaining('file:/s/gone'),
    });
  });

  it('finds nothing where there are only checkpoints', () => {
    expect(located(chooseLatestSavepoint([run(1, [checkpoint('c', 21)])]))).toBe('NOTHING');
  });

  it('asks for the state by name when the last run that took hold had finished', () => {
    const runs = [run(2, [], { tookHold: false }), run(1, [point('a', 1)], { state: JobState.FINISHED })];
    expect(chooseLatestSavepoint(runs)).toMatchObject({ kind: 'HAD_FINISHED', run: { run: 1 } });
  });
});

describe('what is recorded of a run', () => {
  it('reaches to its end when its directory was listed, or Flink told after the end', () => {
    expect(uncertaintyOf(run(1, [], { endReadFrom: 'STATISTICS' }))).toBeNull();
    expect(uncertaintyOf(run(1, [], { endReadFrom: 'STORAGE', failureCode: JobFailureCode.JOB_LOST }))).toBeNull();
  });

  it.each([
    JobFailureCode.JOB_LOST,
    JobFailureCode.END_UNKNOWN,
    JobFailureCode.DECLARED_LOST,
    JobFailureCode.CLUSTER_REPLACED,
  ])('may not reach to its end after %s', (failureCode) => {
    const facts = run(1, [], { failureCode, endReadFrom: 'RECORD', lookedAt: T });
    expect(uncertaintyOf(facts)).toMatchObject({ unseenFrom: T, unseenTo: facts.endedAt });
  });

  it('may not reach to its end when the last look was more than two checkpoint intervals before it', () => {
    const endedAt = T + 600_000;
    const seen = (beforeMs: number) =>
      uncertaintyOf(
        run(1, [], { endReadFrom: 'RECORD', endedAt, lookedAt: endedAt - beforeMs, checkpointIntervalMs: 60_000 }),
      );
    expect(seen(120_000)).toBeNull();
    expect(seen(120_001)).not.toBeNull();
    expect(uncertaintyOf(run(1, [], { endReadFrom: 'RECORD', lookedAt: null, checkpointIntervalMs: null }))).toBeNull();
  });

  it('reaches to its end when a stop of ours ended it, and not when that stop failed behind its savepoint', () => {
    const ended = (more: Partial<RestorePoint>) =>
      run(1, [point('stop', 9, { ofStop: true, ...more })], { endReadFrom: null });
    expect(uncertaintyOf(ended({}))).toBeNull();
    expect(uncertaintyOf(ended({ stopFailedAfter: true }))).not.toBeNull();
  });

  it('is not whole while a savepoint newer than the choice is under way', () => {
    const under = run(2, [point('older', 5)], { unsettledAt: T + 6 * 60_000 });
    expect(chooseLatestState([under])).toMatchObject({ uncertain: { why: expect.stringContaining('under way') } });
    expect(chooseLatestSavepoint([under])).toMatchObject({ uncertain: { run: { run: 2 } } });
    const behind = run(2, [point('newer', 7)], { unsettledAt: T + 6 * 60_000 });
    expect(chooseLatestState([behind])).toMatchObject({ uncertain: null });
  });

  it('is being read until it was', () => {
    expect(uncertaintyOf(run(1, [], { endReadFrom: null }))).toMatchObject({
      why: expect.stringContaining('being read'),
    });
  });
});

describe('what the last run retained', () => {
  it.each([
    [StartStrategy.LATEST_STATE, null, true],
    [StartStrategy.FROM_CHECKPOINT, null, true],
    [StartStrategy.FROM_LOCATION, 's3://bucket/c/chk-7/_metadata', true],
    [StartStrategy.FROM_LOCATION, 's3://bucket/s/savepoint-chk-7', false],
    [StartStrategy.FROM_SAVEPOINT, null, false],
    [StartStrategy.NONE, null, false],
  ])('matters to %s of %s: %s', (strategy, location, expected) =>
    expect(needsEnd({ strategy, location })).toBe(expected),
  );
});
