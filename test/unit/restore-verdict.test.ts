import { describe, expect, it } from '@jest/globals';
import { JobState } from '../../src/job/job.entity.js';
import { restoreSeen, statisticsLagMs } from '../../src/job/restore-seen.js';
import { SnapshotKind } from '../../src/job/snapshot-kind.js';
import type { RestorePoint, RunFacts } from '../../src/run/restore-choice.js';
import { findingsOf, findingsOfNone, span } from '../../src/run/restore-verdict.js';
import type { Maker } from '../../src/run/restore.store.js';
import { DataState } from '../../src/savepoint/savepoint.enums.js';

const T = Date.parse('2026-11-01T00:00:00Z');
const point: RestorePoint = {
  kind: SnapshotKind.SAVEPOINT,
  savepointId: 'savepoint',
  jobId: 'job',
  flinkCheckpointId: 7,
  triggeredAt: T,
  location: 'file:/s/savepoint',
  storage: null,
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
};
const maker: Maker = {
  jobId: 'job',
  run: 3,
  state: JobState.CANCELLED,
  endedAt: T + 1_000,
  deploymentId: 'deployment',
  deploymentName: 'orders',
  artifactId: 'jar',
  entryClass: null,
  programArguments: [],
  parallelism: 1,
  flinkConfiguration: {},
  origin: 'STARTED',
  clockOffsetMs: 0,
  deploymentRuns: false,
};
const target = {
  deploymentId: 'deployment',
  artifactId: 'jar',
  allowNonRestoredState: false,
};
const around = { maker, runsPassedOver: [], newerState: [], unusable: [], uncertain: null };

const codes = (of: Partial<RestorePoint>, to: Partial<typeof target> = {}, beside: object = {}) =>
  findingsOf({ ...point, ...of }, { ...target, ...to }, { ...around, ...beside }).map(
    ({ code, severity }) => `${code} ${severity}`,
  );

describe('what a restore plan finds', () => {
  it('is nothing where nothing speaks against it', () => expect(codes({})).toEqual([]));

  it('is that the run which made the state still runs, or went on after it', () => {
    expect(codes({}, {}, { maker: { ...maker, state: JobState.RUNNING, endedAt: null } })).toEqual([
      'MAKER_STILL_RUNS WARNING',
    ]);
    expect(codes({}, {}, { maker: { ...maker, endedAt: T + 60_000 } })).toEqual(['JOB_WENT_ON WARNING']);
    expect(codes({}, { deploymentId: 'another' })).toEqual(['ANOTHER_DEPLOYMENT INFO']);
    expect(codes({}, { deploymentId: 'another' }, { maker: { ...maker, deploymentRuns: true } })).toEqual([
      'ANOTHER_DEPLOYMENT INFO',
      'MAKER_STILL_RUNS WARNING',
    ]);
  });

  it('is what the person should know of the state itself', () => {
    expect(
      codes({ drained: true, stopFailedAfter: true, data: DataState.NOT_CHECKED }, { allowNonRestoredState: true }),
    ).toEqual([
      'DRAINED WARNING',
      'STOP_FAILED_AFTER WARNING',
      'DATA_NOT_CHECKED INFO',
      'NON_RESTORED_STATE_ALLOWED WARNING',
    ]);
  });

  it('is what was passed over', () => {
    const never = { run: 5, failureCode: null, state: JobState.FAILED } as RunFacts;
    const beside = { runsPassedOver: [never], newerState: [{ ...point, location: 'file:/s/newer' }] };
    expect(codes({}, {}, beside)).toEqual(['RUNS_PASSED_OVER INFO', 'NEWER_STATE_PASSED_OVER WARNING']);
  });

  it('is newer state that is not whole, each with what is wrong, and how much further back the start goes', () => {
    const gone = { ...point, location: 'file:/s/gone', triggeredAt: T + 3 * 3_600_000, data: DataState.MISSING };
    const broken = { ...point, location: 'file:/s/broken', triggeredAt: T + 60_000, data: DataState.DAMAGED };
    const [finding, ...others] = findingsOf(point, target, { ...around, unusable: [gone, broken] });
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ code: 'UNUSABLE_STATE_PASSED_OVER', severity: 'WARNING' });
    expect(finding?.message).toContain(
      'file:/s/gone of 2026-11-01T03:00:00.000Z is MISSING, file:/s/broken of 2026-11-01T00:01:00.000Z is DAMAGED',
    );
    expect(finding?.message).toContain('3 h 0 min further back');
    const [unknown] = findingsOf({ ...point, triggeredAt: null }, target, { ...around, unusable: [gone] });
    expect(unknown?.message).toContain('is not known');
    const many = Array.from({ length: 25 }, (_, at) => ({ ...gone, location: `file:/s/${at}` }));
    expect(findingsOf(point, target, { ...around, unusable: many })[0]?.message).toContain('and 5 more');
  });

  it('by NONE is the state that is left behind', () => {
    expect(findingsOfNone({ kind: 'NOTHING', why: '' })).toEqual([]);
    const run = { run: 2 } as RunFacts;
    expect(findingsOfNone({ kind: 'HAD_FINISHED', run, points: [point] })).toMatchObject([
      { code: 'STARTS_EMPTY', message: expect.stringContaining('Run 2 has left file:/s/savepoint') },
    ]);
  });
});

describe('the chosen state', () => {
  const chosen = { location: 'file:/s/savepoint', checkpointId: 7 };
  const restored = { id: 7, restoredAt: T, isSavepoint: true, location: 'file:///s/savepoint/_metadata' };
  it.each([
    ['no state was chosen', null, null, 'TAKEN'],
    ['nothing is shown yet', chosen, null, 'PENDING'],
    ['it is shown, in another spelling', chosen, restored, 'TAKEN'],
    ['another one is shown', chosen, { ...restored, location: 'file:/s/other' }, 'NOT_TAKEN'],
    [
      'a checkpoint of its own after a recovery is shown',
      chosen,
      { ...restored, isSavepoint: false, id: 8, location: 'file:/c/chk-8' },
      'TAKEN',
    ],
    [
      'an older checkpoint is shown',
      chosen,
      { ...restored, isSavepoint: false, id: 6, location: 'file:/c/chk-6' },
      'NOT_TAKEN',
    ],
  ] as const)('counts as restored or not when %s', (_, of, shown, expected) =>
    expect(restoreSeen(of, shown)).toBe(expected),
  );

  it.each([
    [{}, 4_000],
    [{ 'web.refresh-interval': '500' }, 1_500],
    [{ 'web.refresh-interval': '10 s', 'rest.cache.checkpoint-statistics.timeout': '2 s' }, 3_000],
  ])('with %j may show up %i ms late', (configuration, expected) =>
    expect(statisticsLagMs(configuration)).toBe(expected),
  );
});

it('tells a span of time as a person does', () => {
  expect([90_000, 600_000, 3 * 3_600_000 + 300_000, 50 * 3_600_000].map(span)).toEqual([
    '90 s',
    '10 min',
    '3 h 5 min',
    '2 days 2 h',
  ]);
});
