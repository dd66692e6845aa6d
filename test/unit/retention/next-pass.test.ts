import { describe, expect, it } from '@jest/globals';
import type { JudgedRun } from '../../../src/left-behind/judge-left-behind.js';
import { nextPassInMs } from '../../../src/retention/sweep-retention.js';

const now = 1_000_000_000;
const MIN = 60_000;
const run = (other: Partial<JudgedRun>): JudgedRun => ({
  jobId: 'run',
  run: 1,
  checkpoints: 1,
  bytes: 1,
  ofUnknownSize: 0,
  kept: [],
  goesAt: null,
  dueSince: null,
  ...other,
});
const nextIn = ({ keep = [], goes = [] }: { keep?: JudgedRun[]; goes?: JudgedRun[] }) =>
  nextPassInMs({
    now,
    choice: { delete: [], keep: [], deferred: null, freedBytes: 0, ofUnknownSize: 0, mayTouch: 0, large: false },
    leftBehind: { keep, goes, large: false },
  });

describe('the next pass of a policy', () => {
  it('comes within 10 min, or when the next run has come of age', () => {
    expect(nextIn({})).toBe(10 * MIN);
    expect(nextIn({ keep: [run({ goesAt: now + MIN })] })).toBe(MIN);
    expect(nextIn({ keep: [run({ goesAt: now - 1 })] })).toBe(1_000);
  });

  it('comes in 15 s while what is due could not be looked at, for an hour', () => {
    expect(nextIn({ keep: [run({}), run({ dueSince: now - 1 })] })).toBe(15_000);
    expect(nextIn({ keep: [run({ dueSince: now - 60 * MIN + 1 })] })).toBe(15_000);
    expect(nextIn({ keep: [run({ dueSince: now - 60 * MIN })] })).toBe(10 * MIN);
  });

  it('comes in 15 s after one that begins to dispose of something, which may be kept after all', () =>
    expect(nextIn({ goes: [run({ dueSince: now - 1 })] })).toBe(15_000));
});
