import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { SnapshotEntry } from '../../src/flink/flink.types.js';
import { NoProgressReason, SavepointFailureCode, SavepointState } from '../../src/savepoint/savepoint.enums.js';
import { finalStates, mayBeSent, mayStillBeFound, moves, progressOf } from '../../src/savepoint/savepoint.lifecycle.js';
import {
  lookPauseMs,
  progressPauseMs,
  troublePauseMs,
  tryAgainPauseMs,
  turnPauseMs,
} from '../../src/savepoint/look-pause.js';

const sent = { sends: 1, processMark: 'flink-web-a', storedAgoMs: 0 };
const cluster = { processMark: 'flink-web-a', asyncStoreDurationMs: 300_000 };

describe('an attempt at a savepoint', () => {
  it('may always be sent the first time', () => {
    expect(mayBeSent({ ...sent, sends: 0, storedAgoMs: 1e9 }, { processMark: null, asyncStoreDurationMs: 1 })).toBe(
      true,
    );
  });

  it('may be sent again until 60 s before Flink forgets it', () => {
    expect(mayBeSent({ ...sent, storedAgoMs: 239_999 }, cluster)).toBe(true);
    expect(mayBeSent({ ...sent, storedAgoMs: 240_000 }, cluster)).toBe(false);
  });

  it('may be sent again at any time where Flink never forgets (0)', () => {
    expect(mayBeSent({ ...sent, storedAgoMs: 1e9 }, { ...cluster, asyncStoreDurationMs: 0 })).toBe(true);
  });

  it('is not sent twice where Flink forgets within 90 s', () => {
    expect(mayBeSent(sent, { ...cluster, asyncStoreDurationMs: 89_999 })).toBe(false);
    expect(mayBeSent({ ...sent, storedAgoMs: 29_999 }, { ...cluster, asyncStoreDurationMs: 90_000 })).toBe(true);
    expect(mayBeSent({ ...sent, storedAgoMs: 30_000 }, { ...cluster, asyncStoreDurationMs: 90_000 })).toBe(false);
  });

  it('is not sent twice to another process, nor where the process cannot be told', () => {
    expect(mayBeSent(sent, { ...cluster, processMark: 'flink-web-b' })).toBe(false);
    expect(mayBeSent({ ...sent, processMark: null }, cluster)).toBe(false);
    expect(mayBeSent({ ...sent, processMark: null }, { ...cluster, processMark: null })).toBe(false);
    expect(mayBeSent(sent, { ...cluster, processMark: null })).toBe(false);
  });

  it('is only sent twice while Flink must still know the first', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.constantFrom('a', 'b', null),
        fc.constantFrom('a', 'b', null),
        fc.nat(1_000_000),
        fc.nat(1_000_000),
        (sends, stored, now, storedAgoMs, asyncStoreDurationMs) => {
          const may = mayBeSent(
            { sends, processMark: stored, storedAgoMs },
            { processMark: now, asyncStoreDurationMs },
          );
          const known = asyncStoreDurationMs === 0 || storedAgoMs + 60_000 < asyncStoreDurationMs;
          if (may) expect({ known, same: stored !== null && stored === now }).toEqual({ known: true, same: true });
        },
      ),
    );
  });
});

describe('the progress of a savepoint', () => {
  const entry = (part: Partial<SnapshotEntry>): SnapshotEntry => ({
    id: 7,
    isSavepoint: true,
    type: 'SAVEPOINT',
    format: null,
    status: 'IN_PROGRESS',
    triggeredAt: 100_000,
    latestAckAt: null,
    durationMs: null,
    stateBytes: 2_048,
    checkpointedBytes: 1_024,
    subtasks: 8,
    acknowledgedSubtasks: 3,
    location: null,
    failedAt: null,
    failureMessage: null,
    discarded: false,
    ...part,
  });
  const noNumbers = { acknowledgedSubtasks: null, totalSubtasks: null, bytes: null };

  it('is told of the only one in progress that began after our call', () => {
    const others = [
      entry({ status: 'COMPLETED', triggeredAt: 200_000 }),
      entry({ status: 'FAILED' }),
      entry({ isSavepoint: false }),
    ];
    expect(progressOf([...others, entry({})], 100_000)).toEqual({
      acknowledgedSubtasks: 3,
      totalSubtasks: 8,
      bytes: 1_024,
      noProgress: null,
    });
  });

  it('is null with the reason in every other case', () => {
    expect(progressOf([], 0)).toEqual({ ...noNumbers, noProgress: NoProgressReason.NOT_YET_REPORTED });
    expect(progressOf([entry({ isSavepoint: false })], 0)).toMatchObject({
      noProgress: NoProgressReason.NOT_YET_REPORTED,
    });
    expect(progressOf([entry({}), entry({ id: 8 })], 0)).toEqual({
      ...noNumbers,
      noProgress: NoProgressReason.SEVERAL_IN_PROGRESS,
    });
    expect(progressOf([entry({ triggeredAt: 98_499 })], 100_000)).toEqual({
      ...noNumbers,
      noProgress: NoProgressReason.NOT_OURS,
    });
  });

  it('allows 1.5 s by which two clocks may differ', () => {
    expect(progressOf([entry({ triggeredAt: 98_500 })], 100_000)).toMatchObject({ noProgress: null });
  });
});

describe('the life of a savepoint', () => {
  const { PENDING, IN_PROGRESS, COMPLETED, FAILED, DELETED } = SavepointState;

  it('never leads from its end back to work', () => {
    for (const final of finalStates) {
      expect(moves[final]).not.toContain(PENDING);
      expect(moves[final]).not.toContain(IN_PROGRESS);
    }
    expect(moves[DELETED]).toEqual([]);
  });

  it('leads from every state on, or to an end, and only to COMPLETED from work that Flink was asked for', () => {
    for (const [from, to] of Object.entries(moves)) {
      if (to.length === 0) expect(finalStates).toContain(from);
      expect(to).not.toContain(from);
    }
    expect(moves[PENDING]).not.toContain(COMPLETED);
    expect(moves[COMPLETED]).not.toContain(FAILED);
    expect(moves[FAILED]).toEqual([COMPLETED]);
  });

  it('may end well after it counted as failed only where the failure says that nothing is known', () => {
    expect([...mayStillBeFound].sort()).toEqual([SavepointFailureCode.ABANDONED, SavepointFailureCode.RESULT_LOST]);
  });
});

describe('the pause between two looks', () => {
  it('stays between 20 ms and 5 s, whatever was expected and however many are followed', () => {
    fc.assert(
      fc.property(fc.nat(1e8), fc.option(fc.nat(1e8)), fc.nat(1e5), (elapsedMs, expectedMs, followed) => {
        const pause = lookPauseMs(elapsedMs, expectedMs, followed);
        expect(pause).toBeGreaterThanOrEqual(20);
        expect(pause).toBeLessThanOrEqual(5_000);
      }),
    );
  });

  it('is short around the end that is expected, and costs few questions until then', () => {
    let elapsedMs = 0;
    let questions = 0;
    while (elapsedMs < 1_990) {
      elapsedMs += lookPauseMs(elapsedMs, 2_000, 1);
      questions += 1;
    }
    expect(elapsedMs).toBeLessThan(2_030);
    expect(questions).toBeLessThan(30);
  });

  it('keeps the questions of one worker below 2,500 a second, and those about progress below 200', () => {
    fc.assert(
      fc.property(
        fc.nat(1e6),
        fc.option(fc.nat(1e6)),
        fc.integer({ min: 1, max: 12_500 }),
        (elapsedMs, expectedMs, n) => {
          expect((n * 1_000) / lookPauseMs(elapsedMs, expectedMs, n)).toBeLessThanOrEqual(2_500.001);
          expect((n * 1_000) / progressPauseMs(elapsedMs, n)).toBeLessThanOrEqual(200.001);
        },
      ),
    );
  });

  it('grows with every question that got no answer, up to 5 s', () => {
    expect([0, 1, 2, 3, 4, 1_000].map(troublePauseMs)).toEqual([500, 1_000, 2_000, 4_000, 5_000, 5_000]);
  });

  it('of one that waits ends when its time comes, however far that is, and else makes up for whoever was to admit it', () => {
    expect([-1, 0, 0.2, 3_000, 540_000].map((inMs) => turnPauseMs(inMs, true))).toEqual([
      60_000, 60_000, 1, 3_000, 540_000,
    ]);
    expect([turnPauseMs(null, false), turnPauseMs(null, true)]).toEqual([10_000, 60_000]);
  });

  it('doubles before each further try of a scheduled one', () => {
    expect([1, 2, 3, 4].map(tryAgainPauseMs)).toEqual([30_000, 60_000, 120_000, 240_000]);
  });
});
