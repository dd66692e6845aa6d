import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cacheMs, lookPauseMs, troublePauseMs } from '../../../src/checkpoint/look-pace.js';
import { ourSavepointAt } from '../../../src/checkpoint/our-savepoint.js';
import { checkpointDirectory, isGoneFromFlink, retainedByStatistics } from '../../../src/checkpoint/retained-at-end.js';
import { entryOf } from './course-of-a-job.js';

const pace = { historySize: 10, intervalMs: 10_000, spacingMs: null, staleMs: 3_000, followed: 1 };

describe('the pause between two looks at a job', () => {
  it('lets two looks fit into the time that an entry stays in the list, whatever else is asked for', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000 }),
        fc.integer({ min: 100, max: 600_000 }),
        fc.option(fc.integer({ min: 100, max: 600_000 })),
        fc.integer({ min: 2_000, max: 10_000 }),
        fc.integer({ min: 1, max: 100_000 }),
        (historySize, intervalMs, spacingMs, staleMs, followed) => {
          const pause = lookPauseMs({ historySize, intervalMs, spacingMs, staleMs, followed });
          const every = Math.min(intervalMs, spacingMs ?? Infinity);
          expect(pause).toBeLessThanOrEqual(Math.max(staleMs + 50, (historySize * every - staleMs) / 2));
          expect(pause).toBeLessThanOrEqual(30_000);
          expect(pause).toBeGreaterThan(staleMs); // sooner than the cache has passed nothing new is told
        },
      ),
    );
  });

  it('is short for few jobs and grows with their number, within what loses nothing', () => {
    expect(lookPauseMs(pace)).toBeCloseTo(3_333, 0);
    expect(lookPauseMs({ ...pace, followed: 1_000 })).toBe(10_000);
    expect(lookPauseMs({ ...pace, followed: 10_000 })).toBe(30_000);
    expect(lookPauseMs({ ...pace, intervalMs: 1_000, followed: 10_000 })).toBe(3_500);
  });

  it('is long for a job without an interval, until somebody triggers checkpoints of it', () => {
    expect(lookPauseMs({ ...pace, intervalMs: null })).toBe(30_000);
    expect(lookPauseMs({ ...pace, intervalMs: null, spacingMs: 1_000 })).toBe(3_500);
  });

  it('follows the cache of the cluster, but not below 2 s', () => {
    expect(cacheMs({})).toBe(3_000);
    expect(cacheMs({ 'web.refresh-interval': '5 s' })).toBe(5_000);
    expect(cacheMs({ 'web.refresh-interval': '5 s', 'rest.cache.checkpoint-statistics.timeout': '4000' })).toBe(4_000);
    expect(cacheMs({ 'web.refresh-interval': '100 ms' })).toBe(2_000);
  });

  it('grows while a cluster does not answer, to half a minute', () => {
    expect([1, 2, 3, 20].map(troublePauseMs)).toEqual([1_000, 2_000, 4_000, 30_000]);
  });
});

describe('a savepoint in the history of a job', () => {
  const deployment = '0b9c4a52-7c5b-4c8e-9a51-000000000001';
  const savepoint = '0b9c4a52-7c5b-4c8e-9a51-000000000002';

  it('is ours by the directory of its attempt', () => {
    const location = `s3://bucket/savepoints/${deployment}/${savepoint}/2/savepoint-abc-123`;
    expect(ourSavepointAt(location, deployment)).toBe(savepoint);
  });

  it('is not by any other path, nor by that of another deployment', () => {
    for (const location of [
      null,
      'file:/s/savepoint-abc',
      `file:/s/${deployment}/${savepoint}/savepoint-abc`,
      `file:/s/${savepoint}/${savepoint}/1/savepoint-abc`,
      `file:/s/${deployment}/${savepoint}/1/savepoint-abc/deeper`,
    ])
      expect(ourSavepointAt(location, deployment)).toBeNull();
  });
});

describe('what an ended run has left by the statistics', () => {
  const keeps = { retainedOnCancellation: true, retainedOnFailure: true };
  const entry = (id: number, part = {}) => entryOf({ id, status: 'COMPLETED', location: `file:/c/chk-${id}`, ...part });
  const told = {
    counts: { restored: 0, total: 4, inProgress: 0, completed: 3, failed: 1 },
    latest: { completed: entry(3), savepoint: null, failed: null, restored: null },
    history: [
      entryOf({ id: 4, status: 'FAILED' }),
      entry(3),
      entry(2, { discarded: true }),
      entry(1, { isSavepoint: true }),
    ],
  };
  const left = (...args: [Parameters<typeof retainedByStatistics>[1], Parameters<typeof retainedByStatistics>[2]]) =>
    retainedByStatistics(told, ...args).map(({ id }) => id);

  it('is what was completed and not discarded', () => {
    expect(left('CANCELLED', keeps)).toEqual([1, 3]);
    expect(left('FAILED', keeps)).toEqual([1, 3]);
  });

  it('is a savepoint alone where the policy keeps no checkpoint', () => {
    expect(left('FINISHED', keeps)).toEqual([1]);
    expect(left('CANCELLED', { ...keeps, retainedOnCancellation: false })).toEqual([1]);
    expect(left('FAILED', { ...keeps, retainedOnCancellation: false })).toEqual([1, 3]);
    expect(left('FAILED', { retainedOnCancellation: false, retainedOnFailure: false })).toEqual([1]);
  });

  it('follows Flink where the policy was never read', () => {
    expect(left('CANCELLED', { retainedOnCancellation: null, retainedOnFailure: null })).toEqual([1, 3]);
  });

  it('is asked of nobody when the run went with its JobManager', () => {
    expect(['JOB_LOST', 'DECLARED_LOST', 'FLINK_FAILED', null].map(isGoneFromFlink)).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});

describe('the directory of a run', () => {
  it("is below its own configuration's root, else below the cluster's", () => {
    expect(checkpointDirectory('abc', {}, {}, 'file:/c')).toBe('file:/c/abc');
    expect(checkpointDirectory('abc', { 'execution.checkpointing.dir': 's3://own' }, {}, 'file:/c')).toBe(
      's3://own/abc',
    );
  });

  it('is not known without a root, or where all jobs share one', () => {
    expect(checkpointDirectory('abc', {}, {}, null)).toBeNull();
    expect(checkpointDirectory('abc', {}, { 'execution.checkpointing.create-subdir': 'false' }, 'file:/c')).toBeNull();
  });
});
