import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { SavepointFacts } from '../../../src/deletion/protection.js';
import type { RetentionPolicy } from '../../../src/retention/retention-choice.js';
import { CourseOfSavepoints, type Step, type Who } from './course-of-savepoints.js';
import { HOUR } from './facts.js';

const which = fc.nat(11);
const source = fc.option(which);
const who = fc.constantFrom<Who>('OURS', 'OTHER');
const mostlyOurs = fc.constantFrom<Who>('OURS', 'OURS', 'OTHER');
const policies: fc.Arbitrary<RetentionPolicy> = fc
  .record({
    maxCount: fc.option(fc.integer({ min: 1, max: 4 })),
    maxAgeMs: fc.option(fc.integer({ min: 1, max: 60 }).map((hours) => hours * HOUR)),
    includeStop: fc.boolean(),
    whileStopped: fc.constantFrom('DEFER', 'CLEAN'),
  })
  .filter(({ maxCount, maxAgeMs }) => maxCount !== null || maxAgeMs !== null);

const weighted: [number, fc.Arbitrary<Step>][] = [
  [3, fc.record({ do: fc.constant('START'), who, from: source, checkpointing: fc.boolean(), adopted: fc.boolean() })],
  [3, fc.record({ do: fc.constant('TAKE_HOLD'), who: mostlyOurs })],
  [3, fc.record({ do: fc.constant('CHECKPOINT'), who: mostlyOurs })],
  [2, fc.record({ do: fc.constant('SHOW_SOURCE'), who: mostlyOurs })],
  [1, fc.record({ do: fc.constant('END'), who, retains: fc.boolean() })],
  [8, fc.constant({ do: 'SAVEPOINT', origin: 'SCHEDULED', told: true, late: 0 })],
  [
    2,
    fc.record({
      do: fc.constant('SAVEPOINT'),
      origin: fc.constantFrom('SCHEDULED', 'MANUAL'),
      told: fc.boolean(),
      late: fc.integer({ min: 0, max: 40 }),
    }),
  ],
  [1, fc.record({ do: fc.constant('STOP'), drain: fc.boolean() })],
  [1, fc.record({ do: fc.constant('IMPORT'), beside: source })],
  [1, fc.record({ do: fc.constant('DATA'), which, data: fc.constantFrom('PRESENT', 'MISSING', 'DAMAGED') })],
  [1, fc.record({ do: fc.constant('PIN'), which, pinned: fc.boolean() })],
  [1, fc.record({ do: fc.constant('HOLD'), which, hours: fc.integer({ min: 1, max: 80 }) })],
  [1, fc.record({ do: fc.constant('POLICY'), policy: policies })],
  [1, fc.record({ do: fc.constant('SEEN'), seen: fc.boolean() })],
  [3, fc.record({ do: fc.constant('WAIT'), hours: fc.integer({ min: 1, max: 30 }) })],
  [4, fc.constant({ do: 'SWEEP' })],
];
const step = fc.oneof(...weighted.map(([weight, arbitrary]) => ({ weight, arbitrary })));
const running: Step[] = [
  { do: 'START', who: 'OURS', from: null, checkpointing: true, adopted: false },
  { do: 'TAKE_HOLD', who: 'OURS' },
  { do: 'CHECKPOINT', who: 'OURS' },
];
const histories = fc.record({ policy: policies, steps: fc.array(step, { minLength: 10, maxLength: 60, size: 'max' }) });

/** Why something was kept, or that it went: over all histories, so that no rule is left untried. */
const reached = new Map<string, number>();
const note = (what: string) => reached.set(what, (reached.get(what) ?? 0) + 1);

function sweep(course: CourseOfSavepoints): void {
  const { savepoints } = course;
  const choice = course.choose();
  const going = choice.delete.map(({ id }) => id);
  const should = course.due().filter((one) => !course.isProtected(one));
  const waits = course.cleaningWaits();
  const touched = savepoints.filter(course.isTouched).length;
  for (const { why } of choice.keep) note(why);
  if (going.length > 0) note('GONE');

  // What expires at a time is gone with a sweep at that time, when nothing else happens.
  const timed = waits ? [] : choice.keep.filter(({ expiresAt }) => expiresAt !== null);
  const first = timed.reduce((least, { expiresAt }) => Math.min(least, expiresAt ?? Infinity), Infinity);
  const soon = timed.filter(({ expiresAt }) => expiresAt === first).map(({ id }) => id);
  const then = soon.length > 0 ? course.choose(first).delete.map(({ id }) => id) : [];

  const before = [course.latestState('OURS'), course.latestState('OTHER')];
  course.delete(going);
  expect({
    waits: choice.deferred !== null,
    going: [...going].sort(),
    would: choice.keep.flatMap(({ id, why }) => (why === 'CLEANING_WAITS' ? [id] : [])).sort(),
    told: [...going, ...choice.keep.map(({ id }) => id)].sort(),
    mayTouch: choice.mayTouch,
    large: choice.large,
    inTheFuture: first > course.now,
    then: soon.filter((id) => then.includes(id)),
    latestStates: [course.latestState('OURS'), course.latestState('OTHER')],
    hasGoodOne: course.savepoints.some(course.isGood),
  }).toEqual({
    waits,
    going: waits ? [] : idsOf(should),
    would: waits ? idsOf(should) : [],
    told: idsOf(savepoints),
    mayTouch: touched,
    large: going.length >= 5 && going.length > touched / 2,
    inTheFuture: true,
    then: soon,
    latestStates: before,
    hasGoodOne: savepoints.some(course.isGood),
  });
}

const idsOf = (savepoints: readonly SavepointFacts[]) => savepoints.map(({ id }) => id).sort();

/** Nothing needs the savepoints that there are any more, and what the policy waits for has come. */
function letGo(course: CourseOfSavepoints): void {
  const unpinned = course.savepoints.map((_, place): Step => ({ do: 'PIN', which: place, pinned: false }));
  const anew = (['OURS', 'OTHER'] as const).flatMap((one): Step[] => [
    { do: 'END', who: one, retains: false },
    { do: 'START', who: one, from: null, checkpointing: true, adopted: false },
    { do: 'TAKE_HOLD', who: one },
    { do: 'CHECKPOINT', who: one },
  ]);
  const newer = Array.from({ length: course.policy.maxCount ?? 1 }, (): Step => ({
    do: 'SAVEPOINT',
    origin: 'SCHEDULED',
    told: true,
    late: 0,
  }));
  const steps: Step[] = [
    { do: 'SEEN', seen: true },
    { do: 'END_IMPORTS' },
    ...unpinned,
    ...anew,
    { do: 'WAIT', hours: 100 },
    ...newer,
  ];
  for (const one of steps) if (one.do !== 'SWEEP') course.take(one);
}

it('deletes nothing that is protected, and at last everything else, whatever the history', () => {
  fc.assert(
    fc.property(histories, ({ policy, steps }) => {
      const course = new CourseOfSavepoints(policy);
      for (const one of [...running, ...steps]) {
        if (one.do === 'SWEEP') sweep(course);
        else course.take(one);
      }
      sweep(course);
      const old = course.savepoints.map(({ id }) => id);
      letGo(course);
      sweep(course);
      const left = course.savepoints.filter((one) => old.includes(one.id) && course.isTouched(one));
      expect(left).toEqual([]);
    }),
    { numRuns: 10_000 },
  );
  expect([...reached.keys()].sort()).toEqual(
    [
      'CLEANING_WAITS',
      'GONE',
      'HELD',
      'LATEST_STATE',
      'NEWEST_GOOD',
      'ORIGIN',
      'PINNED',
      'SHARED_DATA',
      'SOURCE_OF_LIVE_RUN',
      'START_UNDER_WAY',
      'WITHIN_POLICY',
    ].sort(),
  );
});
