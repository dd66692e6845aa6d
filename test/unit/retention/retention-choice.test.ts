import { describe, expect, it } from '@jest/globals';
import { type DeploymentFacts, protectionsOf, type SavepointFacts } from '../../../src/deletion/protection.js';
import {
  chooseRetention,
  type RetentionPolicy,
  type RetentionQuestion,
} from '../../../src/retention/retention-choice.js';
import { HOUR, imported, latestState, runFrom, savepoint, T } from './facts.js';

const NOW = T + 100 * HOUR;

interface More extends Partial<Omit<DeploymentFacts, 'savepoints'>>, Partial<RetentionQuestion['deployment']> {
  now?: number;
}

function choose(policy: Partial<RetentionPolicy>, savepoints: readonly SavepointFacts[], more: More = {}) {
  const { runsFrom = [], latestStates = [], now = NOW, ...deployment } = more;
  return chooseRetention({
    policy: { maxCount: null, maxAgeMs: null, includeStop: false, whileStopped: 'DEFER', ...policy },
    savepoints,
    protections: protectionsOf({ savepoints, runsFrom, latestStates }, now),
    now,
    deployment: { stopped: false, unseen: false, firstCheckpointSinceStart: true, ...deployment },
  });
}

const gone = (...question: Parameters<typeof choose>) => choose(...question).delete.map(({ id }) => id);
const kept = (id: string, ...question: Parameters<typeof choose>) =>
  choose(...question).keep.find((line) => line.id === id);

/** s90 … s99: triggered so many hours after T. */
const hourly = (from: number, to: number, more: Partial<SavepointFacts> = {}) =>
  Array.from({ length: to - from + 1 }, (_, place) => savepoint(`s${from + place}`, from + place, more));

describe('the two rules (RT-1)', () => {
  it('keep the newest ones up to maxCount', () => {
    expect(gone({ maxCount: 3 }, hourly(90, 95))).toEqual(['s92', 's91', 's90']);
    expect(gone({ maxCount: 1 }, hourly(90, 92))).toEqual(['s91', 's90']);
    expect(gone({ maxCount: 6 }, hourly(90, 95))).toEqual([]);
  });

  it('keep what is younger than maxAge, to the millisecond', () => {
    const savepoints = [
      savepoint('old', 90),
      savepoint('young', 90, { triggeredAt: T + 90 * HOUR + 1 }),
      savepoint('new', 99),
    ];
    expect(gone({ maxAgeMs: 10 * HOUR }, savepoints)).toEqual(['old']);
  });

  it('are each enough', () => {
    const policy = { maxCount: 3, maxAgeMs: 8 * HOUR };
    const { delete: going } = choose(policy, [savepoint('s1', 1), ...hourly(90, 95)]);
    expect(going.map(({ id, rules }) => [id, rules])).toEqual([
      ['s92', ['MAX_COUNT', 'MAX_AGE']],
      ['s91', ['MAX_COUNT', 'MAX_AGE']],
      ['s90', ['MAX_COUNT', 'MAX_AGE']],
      ['s1', ['MAX_COUNT', 'MAX_AGE']],
    ]);
    expect(choose({ maxCount: 2, maxAgeMs: 99 * HOUR }, hourly(90, 92)).delete).toMatchObject([
      { id: 's90', rules: ['MAX_COUNT'] },
    ]);
    expect(choose({ maxCount: 9, maxAgeMs: 9 * HOUR }, hourly(90, 92)).delete).toMatchObject([
      { id: 's91', rules: ['MAX_AGE'] },
      { id: 's90', rules: ['MAX_AGE'] },
    ]);
  });

  it('say why, in words', () => {
    const { delete: going } = choose({ maxCount: 1, maxAgeMs: 6 * HOUR }, hourly(93, 95));
    expect(going.map(({ message }) => message)).toEqual([
      'There is 1 newer one, and the policy keeps 1. It is 6 h old, and the policy keeps it for 6 h.',
      'There are 2 newer ones, and the policy keeps 1. It is 7 h old, and the policy keeps it for 6 h.',
    ]);
  });

  it('take the time of completion for one whose trigger time is not known', () => {
    const unknown = savepoint('unknown', null, { completedAt: T + 91 * HOUR });
    expect(gone({ maxAgeMs: 9 * HOUR }, [unknown, savepoint('s99', 99)])).toEqual(['unknown']);
    expect(gone({ maxAgeMs: 9 * HOUR }, [unknown, savepoint('s99', 99)], { now: NOW - 1 })).toEqual([]);
    expect(gone({ maxCount: 2 }, [savepoint('s90', 90), unknown, savepoint('s92', 92)])).toEqual(['s90']);
  });

  it('tell two of one time apart in the same way every time', () => {
    const same = ['a', 'b', 'c', 'd'].map((id) => savepoint(id, 90));
    expect(gone({ maxCount: 2 }, same)).toEqual(gone({ maxCount: 2 }, [...same].reverse()));
  });
});

describe('what a policy touches (RT-2)', () => {
  const mixed = [
    savepoint('manual', 1, { origin: 'MANUAL' }),
    imported('imported', 2),
    savepoint('stop', 3, { origin: 'STOP' }),
    savepoint('scheduled', 4),
    savepoint('newest', 99),
  ];

  it('is what schedules made, and what stops made where it says so', () => {
    expect(gone({ maxAgeMs: HOUR }, mixed)).toEqual(['scheduled']);
    expect(gone({ maxAgeMs: HOUR, includeStop: true }, mixed)).toEqual(['scheduled', 'stop']);
    expect(choose({ maxAgeMs: HOUR }, mixed).mayTouch).toBe(2);
    expect(choose({ maxAgeMs: HOUR, includeStop: true }, mixed).mayTouch).toBe(3);
  });

  it('is said of the others, which never expire', () => {
    const others = choose({ maxAgeMs: HOUR }, mixed).keep.filter(({ why }) => why === 'ORIGIN');
    expect(others.map(({ id, message, expiresAt, expiresWhen }) => [id, message, expiresAt, expiresWhen])).toEqual([
      ['stop', 'It was made by a stop, and the policy leaves those alone (includeStop: false).', null, null],
      ['imported', 'It was imported: no policy deletes it.', null, null],
      ['manual', 'A person asked for it: no policy deletes it.', null, null],
    ]);
  });

  it('counts only what it touches', () => {
    const manual = hourly(96, 99, { origin: 'MANUAL' });
    const stops = [savepoint('stop', 95, { origin: 'STOP' })];
    const scheduled = hourly(90, 91);
    expect(gone({ maxCount: 2 }, [...manual, ...stops, ...scheduled])).toEqual([]);
    expect(gone({ maxCount: 2, includeStop: true }, [...manual, ...stops, ...scheduled])).toEqual(['s90']);
  });

  it.each(['PENDING', 'IN_PROGRESS', 'FAILED', 'DELETING', 'DELETED', 'DELETION_FAILED'] as const)(
    'is nothing that is %s, which is not counted either',
    (state) => {
      const savepoints = [
        savepoint('a', 1),
        savepoint('b', 98),
        savepoint('c', 99, { state }),
        savepoint('d', 2, { state }),
      ];
      const choice = choose({ maxCount: 2, maxAgeMs: 200 * HOUR }, savepoints);
      expect(choice).toMatchObject({ delete: [], keep: [{ id: 'b' }, { id: 'a' }], mayTouch: 2 });
    },
  );

  it('does not count what has lost its data, which would push out one that can be restored from', () => {
    const lost = [savepoint('m', 98, { data: 'MISSING' }), savepoint('d', 99, { data: 'DAMAGED' })];
    expect(gone({ maxCount: 2 }, [...lost, ...hourly(90, 92)])).toEqual(['s90']);
    expect(gone({ maxCount: 2 }, [savepoint('m', 80, { data: 'MISSING' }), ...hourly(90, 91)])).toEqual(['m']);
    expect(gone({ maxAgeMs: 5 * HOUR }, [savepoint('m', 80, { data: 'MISSING' }), ...hourly(98, 99)])).toEqual(['m']);
  });
});

describe('what Stateward deletes nothing of (RT-7)', () => {
  it('stays, said so only where it would go, and takes its place in the count all the same', () => {
    const notDeletable = new Map([
      ['s90', 'its files lie elsewhere'],
      ['s93', 'its files lie elsewhere'],
    ]);
    const question = { savepoints: hourly(90, 93), protections: new Map(), now: T + 100 * HOUR, notDeletable };
    const deployment = { stopped: false, unseen: false, firstCheckpointSinceStart: true };
    const policy = { maxCount: 2, maxAgeMs: null, includeStop: false, whileStopped: 'DEFER' as const };
    const { delete: going, keep } = chooseRetention({ ...question, policy, deployment });
    expect(going.map(({ id }) => id)).toEqual(['s91']);
    expect(keep.map(({ id, why }) => [id, why])).toEqual([
      ['s93', 'WITHIN_POLICY'],
      ['s92', 'WITHIN_POLICY'],
      ['s90', 'NOT_DELETABLE'],
    ]);
    expect(keep[2]?.message).toBe('Stateward deletes nothing there: its files lie elsewhere.');
  });
});

describe('what is protected (RT-3)', () => {
  const old = hourly(10, 12);
  const all = [...old, savepoint('s99', 99)];
  const policy = { maxAgeMs: 10 * HOUR };

  it('stays, beside those that go', () => {
    expect(gone(policy, all)).toEqual(['s12', 's11', 's10']);
    expect(gone(policy, all, { runsFrom: [runFrom('s11')] })).toEqual(['s12', 's10']);
    expect(gone(policy, all, { runsFrom: [runFrom('s11', { ownCheckpointCompleted: true })] })).toHaveLength(3);
    expect(gone(policy, all, { runsFrom: [runFrom('s11', { starting: true })] })).toEqual(['s12', 's10']);
    expect(gone(policy, all, { latestStates: [latestState('s10')] })).toEqual(['s12', 's11']);
    expect(gone(policy, [...all, savepoint('pin', 5, { pinned: true })])).toEqual(['s12', 's11', 's10']);
  });

  it('is the newest one at any age; a drained or lost newer one does not stand in for it', () => {
    expect(gone(policy, old)).toEqual(['s11', 's10']);
    expect(gone(policy, [...old, savepoint('d', 13, { drained: true })])).toEqual(['d', 's11', 's10']);
    expect(gone(policy, [...old, savepoint('m', 13, { data: 'MISSING' })])).toEqual(['m', 's11', 's10']);
    expect(gone({ maxCount: 1 }, [...old, savepoint('d', 13, { drained: true })])).toEqual(['s11', 's10']);
    expect(gone(policy, [...old, savepoint('manual', 13, { origin: 'MANUAL' })])).toEqual(['s12', 's11', 's10']);
  });

  it('stands beside the count where it is in use, pinned or held, and inside it as the newest', () => {
    const ten = hourly(90, 95);
    const last = ['s92', 's91', 's90'];
    expect(gone({ maxCount: 3 }, ten)).toEqual(last);
    expect(gone({ maxCount: 3 }, ten, { runsFrom: [runFrom('s94')] })).toEqual(['s91', 's90']);
    expect(gone({ maxCount: 3 }, ten, { runsFrom: [runFrom('s94', { starting: true })] })).toEqual(['s91', 's90']);
    expect(gone({ maxCount: 3 }, ten, { latestStates: [latestState('s95')] })).toEqual(['s91', 's90']);
    const changed = (id: string, more: Partial<SavepointFacts>) =>
      ten.map((one) => (one.id === id ? { ...one, ...more } : one));
    expect(gone({ maxCount: 3 }, changed('s93', { pinned: true }))).toEqual(['s91', 's90']);
    expect(gone({ maxCount: 3 }, changed('s93', { heldUntil: NOW + 1 }))).toEqual(['s91', 's90']);
    expect(gone({ maxCount: 3 }, changed('s90', { pinned: true }))).toEqual(['s92', 's91']);
  });

  it('tells why it stays and what would end that, and then what the policy says', () => {
    expect(kept('s99', { maxCount: 3, maxAgeMs: 10 * HOUR }, all)).toEqual({
      id: 's99',
      why: 'NEWEST_GOOD',
      message: "It is the newest savepoint of the deployment's own runs that can be restored from.",
      expiresAt: null,
      expiresWhen:
        'when a newer one that can be restored from has completed, and 3 newer ones have completed or 2026-11-05T13:00:00.000Z has come',
    });
    const used = { runsFrom: [runFrom('s10')] };
    expect(kept('s10', policy, [savepoint('s10', 10, { pinned: true }), savepoint('s99', 99)], used)).toMatchObject({
      why: 'SOURCE_OF_LIVE_RUN',
      message: expect.stringMatching(/run 4 of deployment "other".* It is pinned\.$/),
      expiresAt: null,
      expiresWhen:
        'when run 4 of deployment "other" has completed a checkpoint or has ended, and it has been unpinned (updateSavepoint, pinned: false)',
    });
  });
});

describe('when each will expire (RT-5)', () => {
  const at = (hour: number) => T + hour * HOUR;
  const three = hourly(97, 99);

  it.each<[string, Partial<RetentionPolicy>, number | null, string | null]>([
    ['by age', { maxAgeMs: 10 * HOUR }, at(107), null],
    ['by count', { maxCount: 5 }, null, 'when 3 newer ones have completed'],
    ['by count, soon', { maxCount: 3 }, null, 'when 1 newer one has completed'],
    ['by both', { maxCount: 4, maxAgeMs: 10 * HOUR }, at(107), 'or earlier, when 2 newer ones have completed'],
  ])('is told %s', (_, policy, expiresAt, expiresWhen) => {
    expect(kept('s97', policy, three)).toEqual({
      id: 's97',
      why: 'WITHIN_POLICY',
      message: 'The policy keeps it for now.',
      expiresAt,
      expiresWhen,
    });
  });

  it.each<[string, Partial<RetentionPolicy>, number, number | null]>([
    ['when its hold ends, where a rule says so already', { maxAgeMs: 2 * HOUR }, 150, at(150)],
    ['when its hold ends, where the count says so already', { maxCount: 1 }, 150, at(150)],
    ['when its hold ends, where it comes of age before', { maxAgeMs: 10 * HOUR }, 150, at(150)],
    ['at its age, where that comes later', { maxAgeMs: 60 * HOUR }, 150, at(157)],
    ['at no time that is known, where only newer ones can push it out', { maxCount: 3 }, 150, null],
  ])('is, of one that is only held, %s', (_, policy, heldUntil, expiresAt) => {
    const held = savepoint('s97', 97, { heldUntil: at(heldUntil), holdReason: 'audit' });
    const all = [held, ...hourly(98, 99)];
    expect(kept('s97', policy, all)).toMatchObject({ why: 'HELD', expiresAt });
    if (expiresAt === null) return;
    expect(gone(policy, all, { now: expiresAt - 1 })).not.toContain('s97');
    expect(gone(policy, all, { now: expiresAt })).toContain('s97');
  });

  it('is no time for one that is pinned as well as held', () => {
    const held = savepoint('s97', 97, { heldUntil: at(150), pinned: true });
    expect(kept('s97', { maxAgeMs: HOUR }, [held, ...hourly(98, 99)])).toMatchObject({
      why: 'PINNED',
      expiresAt: null,
    });
  });
});

describe('cleaning that waits (RT-4)', () => {
  const all = hourly(90, 92);
  const policy = { maxCount: 1 };

  it.each<[string, More, 'DEFER' | 'CLEAN', string | null]>([
    ['runs', {}, 'DEFER', null],
    ['is stopped', { stopped: true }, 'DEFER', 'STOPPED'],
    ['is stopped and has not been seen', { stopped: true, unseen: true }, 'DEFER', 'STOPPED'],
    ['has not been seen', { unseen: true }, 'DEFER', 'UNSEEN'],
    ['has completed no checkpoint since its start', { firstCheckpointSinceStart: false }, 'DEFER', 'NO_CHECKPOINT_YET'],
    ['runs', {}, 'CLEAN', null],
    ['is stopped', { stopped: true, firstCheckpointSinceStart: false }, 'CLEAN', null],
    ['has not been seen', { unseen: true }, 'CLEAN', 'UNSEEN'],
    ['is stopped and has not been seen', { stopped: true, unseen: true }, 'CLEAN', 'UNSEEN'],
    ['has completed no checkpoint since its start', { firstCheckpointSinceStart: false }, 'CLEAN', null],
  ])('while the deployment %s: %j, %s → %s', (_, deployment, whileStopped, reason) => {
    const choice = choose({ ...policy, whileStopped }, all, deployment);
    expect(choice.deferred?.reason ?? null).toBe(reason);
    expect(choice.delete).toHaveLength(reason === null ? 2 : 0);
  });

  it('says what would go, and when', () => {
    const choice = choose({ maxCount: 1, maxAgeMs: 9 * HOUR }, all, { stopped: true });
    expect(choice).toMatchObject({ delete: [], freedBytes: 0, ofUnknownSize: 0, mayTouch: 3, large: false });
    expect(choice.keep.slice(1)).toEqual([
      {
        id: 's91',
        why: 'CLEANING_WAITS',
        message:
          'Cleaning waits: the deployment is stopped (whileStopped: DEFER). Then it goes, by maxCount and maxAge.',
        expiresAt: null,
        expiresWhen: 'when its next start has completed a checkpoint',
      },
      expect.objectContaining({ id: 's90', why: 'CLEANING_WAITS' }),
    ]);
  });

  it('is said of what will expire only later, too', () => {
    const deployment = { stopped: true };
    expect(kept('s91', { maxCount: 3, maxAgeMs: 20 * HOUR }, all, deployment)).toMatchObject({
      why: 'WITHIN_POLICY',
      expiresAt: T + 111 * HOUR,
      expiresWhen: 'or earlier, when 2 newer ones have completed; not before its next start has completed a checkpoint',
    });
    const held = [savepoint('h', 1, { heldUntil: NOW + HOUR }), ...all];
    expect(kept('h', { maxAgeMs: HOUR }, held, deployment)).toMatchObject({
      why: 'HELD',
      expiresAt: null,
      expiresWhen: expect.stringMatching(/^when its hold is over .*, and its next start has completed a checkpoint$/),
    });
  });

  it('cleans while stopped within what is protected', () => {
    const more = { stopped: true, latestStates: [latestState('s90')] };
    expect(gone({ ...policy, whileStopped: 'CLEAN' }, all, more)).toEqual(['s91']);
  });
});

describe('what a pass comes to', () => {
  it('counts the bytes, and those whose size is not known', () => {
    const savepoints = [savepoint('a', 1, { sizeBytes: 5 }), savepoint('b', 2, { sizeBytes: null }), ...hourly(98, 99)];
    expect(choose({ maxAgeMs: 2 * HOUR }, savepoints)).toMatchObject({ freedBytes: 105, ofUnknownSize: 1 });
  });

  it.each([
    [4, 0, false],
    [5, 4, true],
    [5, 5, false],
    [6, 5, true],
  ])(
    'is large when it deletes more than half, from 5 on (RT-10): %i of those and %i others → %s',
    (going, others, large) => {
      const savepoints = [
        ...hourly(1, going),
        ...hourly(90, 90 + others - 1, { pinned: true }),
        savepoint('manual', 99, { origin: 'MANUAL' }),
      ];
      const choice = choose({ maxAgeMs: HOUR }, savepoints);
      expect(choice).toMatchObject({ mayTouch: going + others, large });
      expect(choice.delete).toHaveLength(going);
    },
  );

  it('is chosen among 100,000 at once', () => {
    const many = Array.from({ length: 100_000 }, (_, index) =>
      savepoint(`s${index}`, (index * 7_919) % 100_000, { pinned: index % 10 === 0, sizeBytes: index }),
    );
    const times = [1, 2, 3].map(() => {
      const startedAt = performance.now();
      const choice = choose({ maxCount: 50_000, maxAgeMs: 90_000 * HOUR }, many, { now: T + 100_000 * HOUR });
      expect(choice.delete.length + choice.keep.length).toBe(100_000);
      return performance.now() - startedAt;
    });
    expect(Math.min(...times)).toBeLessThan(1_000);
  });
});
