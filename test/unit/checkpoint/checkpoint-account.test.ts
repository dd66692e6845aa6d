import { describe, expect, it } from '@jest/globals';
import type { CheckpointAccount } from '../../../src/checkpoint/account.types.js';
import { carryOn, failedBeyondEntries } from '../../../src/checkpoint/checkpoint-account.js';
import type { CheckpointStatistics, SnapshotEntry } from '../../../src/flink/flink.types.js';
import { entryOf } from './course-of-a-job.js';

const run = { startedAt: 500, startCheckpointId: 0 };
const completed = (id: number, part: Partial<SnapshotEntry> = {}) => entryOf({ id, status: 'COMPLETED', ...part });
const failed = (id: number) => entryOf({ id, status: 'FAILED', failureMessage: 'expired', failedAt: id * 1_000 + 5 });
const pending = (id: number) => entryOf({ id });

function statistics(
  history: SnapshotEntry[],
  counts: Partial<CheckpointStatistics['counts']> = {},
  latest: Partial<CheckpointStatistics['latest']> = {},
): CheckpointStatistics {
  const of = (status: string) => history.filter((entry) => entry.status === status).length;
  const all = { completed: of('COMPLETED'), failed: of('FAILED'), inProgress: of('IN_PROGRESS'), ...counts };
  return {
    counts: { restored: 0, total: all.completed + all.failed + all.inProgress, ...all },
    latest: { completed: null, savepoint: null, failed: null, restored: null, ...latest },
    history: [...history].reverse(),
  };
}

const look = (
  before: CheckpointAccount | null,
  told: CheckpointStatistics,
  {
    mark = 'a',
    now = 100_000,
    historySize = 3,
    facts = run as { startedAt: number; startCheckpointId: number | null },
  } = {},
) => carryOn(before, { statistics: told, processMark: mark, now, historySize, staleMs: 3_000 }, facts);

const after = (...histories: SnapshotEntry[][]): CheckpointAccount => {
  const account = histories.reduce<CheckpointAccount | null>(
    (before, history) => look(before, statistics(history)).account,
    null,
  );
  if (!account) throw new Error('there was no look');
  return account;
};

describe('the first look at a run', () => {
  it('shows no gap when everything since its start is still in the list', () => {
    expect(look(null, statistics([])).gaps).toEqual([]);
    expect(look(null, statistics([completed(1), completed(2), completed(3)])).gaps).toEqual([]);
  });

  it('shows one from its start to the oldest in the list when something had left it', () => {
    const { gaps } = look(null, statistics([completed(8), completed(9), completed(10)], { completed: 10 }));
    expect(gaps).toEqual([{ from: 500, to: 8_000, missing: 7, reason: 'COUNTED_MORE' }]);
  });

  it('counts from the id of what the run was started from', () => {
    const told = statistics([completed(41), completed(42), completed(43)]);
    expect(look(null, told, { facts: { startedAt: 500, startCheckpointId: 40 } }).gaps).toEqual([]);
    expect(look(null, told, { facts: { startedAt: 500, startCheckpointId: null } }).gaps).toEqual([]);
  });

  it('shows what ran before another process took the job over', () => {
    const restored = { id: 7, restoredAt: 7_500, isSavepoint: false, location: 'file:/c/chk-7' };
    const { gaps } = look(null, statistics([completed(8)], {}, { restored }));
    expect(gaps).toEqual([{ from: 500, to: 7_500, missing: null, reason: 'JOBMANAGER_CHANGED' }]);
  });
});

describe('a later look', () => {
  it('shows no gap while the list reaches back to what was known', () => {
    const { gaps, account } = look(after([completed(1)]), statistics([completed(1), completed(2), completed(3)]));
    expect(gaps).toEqual([]);
    expect(account).toMatchObject({ newestId: 3, recordedCompleted: 3, toldCompleted: 3 });
  });

  it('shows how many completed ones are missing, between the last known and the oldest in the list', () => {
    const { gaps } = look(
      after([completed(1)]),
      statistics([completed(6), completed(7), completed(8)], { completed: 8 }),
    );
    expect(gaps).toEqual([{ from: 1_000, to: 6_000, missing: 4, reason: 'COUNTED_MORE' }]);
  });

  it('shows missing ids that the count of completed ones does not tell of', () => {
    const told = statistics([completed(4), completed(5), completed(6)], { completed: 4, failed: 2 });
    expect(look(after([completed(1)]), told).gaps).toEqual([
      { from: 1_000, to: 4_000, missing: null, reason: 'ID_MISSING' },
    ]);
  });

  it('takes no hole within the list, or next to it, for a gap: those attempts never got an entry', () => {
    const before = after([completed(1)]);
    const within = look(before, statistics([completed(1), completed(3), completed(5)], { failed: 2, total: 5 }));
    expect(within.gaps).toEqual([]);
    expect(failedBeyondEntries(within.account)).toBe(2);
    const noted = look(before, statistics([completed(1)], { failed: 1, total: 2 })).account;
    const nextTo = look(noted, statistics([completed(3), completed(4), completed(5)], { completed: 4, failed: 1 }));
    expect(nextTo.gaps).toEqual([]);
  });

  it('finds a slow savepoint by its own name when checkpoints have pushed it out of the list', () => {
    const before = after([pending(1), completed(2)]);
    const savepoint = completed(1, { isSavepoint: true });
    const still = look(before, statistics([completed(3), completed(4), completed(5)], { completed: 4, inProgress: 1 }));
    expect(still).toMatchObject({ gaps: [], vanished: [], account: { pending: [{ id: 1 }] } });
    const done = look(
      still.account,
      statistics([completed(4), completed(5), completed(6)], { completed: 6 }, { savepoint }),
    );
    expect(done.gaps).toEqual([]);
    expect(done.entries.map(({ id }) => id)).toContain(1);
    expect(done.account).toMatchObject({ pending: [], recordedCompleted: 6 });
  });

  it('says of one that left the list in progress that it failed when only failures are unaccounted for', () => {
    const told = statistics([completed(2), completed(3), completed(4)], { failed: 1 });
    const { vanished, gaps, account } = look(after([pending(1)]), told);
    expect(vanished).toEqual([{ id: 1, triggeredAt: 1_000, fate: 'FAILED' }]);
    expect(gaps).toEqual([]);
    expect(failedBeyondEntries(account)).toBe(0);
  });

  it('shows it as a gap when it may have completed', () => {
    const told = statistics([completed(2), completed(3), completed(4)], { completed: 4 });
    const { vanished, gaps } = look(after([pending(1)]), told);
    expect(vanished).toMatchObject([{ id: 1, fate: 'UNSEEN' }]);
    expect(gaps).toMatchObject([{ from: 1_000, missing: 1, reason: 'COUNTED_MORE' }]);
  });

  it('is ignored when it is older than what is known', () => {
    const before = after([completed(1), completed(2)]);
    expect(look(before, statistics([completed(1)]))).toMatchObject({ account: before, entries: [], gaps: [] });
  });
});

describe('another process', () => {
  const before = look(null, statistics([completed(1), failed(2)], { failed: 3 }), { now: 50_000 }).account;

  it('is a gap from the last moment that is known whole to its first own entry', () => {
    const { gaps, account } = look(before, statistics([completed(60)]), { mark: 'b' });
    expect(gaps).toEqual([{ from: 47_000, to: 60_000, missing: null, reason: 'JOBMANAGER_CHANGED' }]);
    expect(account).toMatchObject({ processMark: 'b', toldCompleted: 1, recordedCompleted: 1, newestId: 60 });
  });

  it('is told by counts that fell, where the mark is not shown or is the same', () => {
    const { gaps } = look(before, statistics([]), { mark: 'a' });
    expect(gaps).toMatchObject([{ reason: 'JOBMANAGER_CHANGED' }]);
  });

  it('keeps the number of failed attempts that the one before never listed', () => {
    expect(failedBeyondEntries(before)).toBe(2);
    const { account } = look(before, statistics([failed(60)], { failed: 2 }), { mark: 'b' });
    expect(failedBeyondEntries(account)).toBe(3);
  });

  it('is none where the list still holds what was known: another address of the same one has answered', () => {
    const { gaps, account } = look(before, statistics([completed(1), failed(2), completed(3)], { failed: 3 }), {
      mark: 'b',
    });
    expect(gaps).toEqual([]);
    expect(account).toMatchObject({ recordedCompleted: 2 });
  });
});

describe('what makes an event', () => {
  const newsOf = (before: CheckpointAccount | null, history: SnapshotEntry[]) =>
    look(before, statistics(history), { historySize: 10 }).news.map(({ what, entry }) => `${what} ${entry.id}`);

  it('is the first completed checkpoint of a run, once, and no savepoint', () => {
    expect(newsOf(null, [completed(1, { isSavepoint: true }), completed(2), completed(3)])).toEqual([
      'FIRST_COMPLETED 2',
    ]);
    expect(newsOf(after([completed(1)]), [completed(1), completed(2)])).toEqual([]);
  });

  it('is a failed one after good ones, once for all that follow, and the next good one', () => {
    const before = after([completed(1)]);
    expect(newsOf(before, [completed(1), failed(2), failed(3)])).toEqual(['FAILED 2']);
    expect(newsOf(before, [completed(1), failed(2), failed(3), completed(4)])).toEqual(['FAILED 2', 'RECOVERED 4']);
  });

  it('is no failure before anything has completed', () => {
    expect(newsOf(null, [failed(1), failed(2)])).toEqual([]);
    expect(newsOf(null, [failed(1), completed(2)])).toEqual(['FIRST_COMPLETED 2']);
  });
});
