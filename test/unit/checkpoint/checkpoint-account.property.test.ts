import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { CheckpointAccount, Gap } from '../../../src/checkpoint/account.types.js';
import { carryOn } from '../../../src/checkpoint/checkpoint-account.js';
import type { SnapshotStatus } from '../../../src/flink/flink.types.js';
import { CourseOfAJob, type Step } from './course-of-a-job.js';

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.boolean().map((savepoint): Step => ({ do: 'TRIGGER', savepoint })) },
  { weight: 6, arbitrary: fc.nat(5).map((which): Step => ({ do: 'COMPLETE', which })) },
  { weight: 2, arbitrary: fc.nat(5).map((which): Step => ({ do: 'FAIL', which })) },
  { weight: 1, arbitrary: fc.boolean().map((takesId): Step => ({ do: 'NO_ENTRY', takesId })) },
  { weight: 1, arbitrary: fc.constant<Step>({ do: 'RECOVER' }) },
  { weight: 1, arbitrary: fc.constant<Step>({ do: 'TAKE_OVER' }) },
  { weight: 4, arbitrary: fc.constant<Step>({ do: 'LOOK' }) },
);
const courses = fc.record({
  steps: fc.array(step, { maxLength: 120 }),
  historySize: fc.integer({ min: 1, max: 5 }),
  showsMark: fc.boolean(),
});

/** What a collector would have written after those steps. */
class Watched {
  account: CheckpointAccount | null = null;
  readonly rows = new Map<number, SnapshotStatus>();
  readonly gaps: Gap[] = [];
  /** As they were before the last look. */
  earlier: Gap[] = [];
  looks = 0;

  constructor(
    readonly job: CourseOfAJob,
    private readonly showsMark: boolean,
  ) {}

  /** It was pushed out of the list in progress, and others are in progress unseen: a later look tells. */
  readonly waitsFor = (id: number): boolean => this.account?.pending.some((pending) => pending.id === id) ?? false;

  look(): Gap[] {
    const { job } = this;
    const seen = {
      statistics: job.answer(),
      processMark: this.showsMark ? `process ${job.process}` : null,
      now: job.now,
      historySize: job.historySize,
      staleMs: 0,
    };
    const { account, entries, vanished, gaps } = carryOn(this.account, seen, {
      startedAt: job.startedAt,
      startCheckpointId: 0,
    });
    for (const { id, status } of entries) this.rows.set(id, status);
    for (const { id, fate } of vanished) {
      if (fate === 'FAILED') this.rows.set(id, 'FAILED');
      else this.rows.delete(id);
    }
    this.account = account;
    this.earlier = [...this.gaps];
    this.gaps.push(...gaps);
    this.looks += 1;
    return gaps;
  }
}

function run(
  { steps, historySize, showsMark }: { steps: Step[]; historySize: number; showsMark: boolean },
  atLook: (watched: Watched, gaps: Gap[]) => void,
): Watched {
  const watched = new Watched(new CourseOfAJob(historySize), showsMark);
  for (const one of [...steps, { do: 'LOOK' } as const]) {
    if (one.do !== 'LOOK') watched.job.take(one);
    else atLook(watched, watched.look());
  }
  return watched;
}

type Course = Parameters<typeof run>[0];
/** Where the cluster hides its process, one that took over before anything was listed cannot be told. */
const seenFromTheStart = (course: Course): Course => ({
  ...course,
  steps: [{ do: 'LOOK' }, ...course.steps],
  showsMark: true,
});
const withoutTakeOver = (course: Course): Course => ({
  ...course,
  steps: course.steps.filter(({ do: what }) => what !== 'TAKE_OVER'),
});
const within = (gap: Gap, moment: number) => gap.from <= moment && moment <= gap.to;

describe('the account of a run, for any course of the job and any moments of looking', () => {
  it('has every checkpoint recorded as it ended, or within a gap that is shown', () => {
    fc.assert(
      fc.property(courses, (course) => {
        const { job, rows, gaps, waitsFor } = run(seenFromTheStart(course), () => undefined);
        for (const { id, triggeredAt, status, lost } of job.truth.values()) {
          const asItEnded = rows.get(id) === status && !(lost && status === 'IN_PROGRESS');
          if (!asItEnded && !waitsFor(id))
            expect({ id, shown: gaps.some((gap) => within(gap, triggeredAt)) }).toEqual({ id, shown: true });
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('has it so for a run that is first looked at later, as long as its process stays', () => {
    fc.assert(
      fc.property(courses, (course) => {
        const { job, rows, gaps, waitsFor } = run(withoutTakeOver(course), () => undefined);
        for (const { id, triggeredAt, status } of job.truth.values())
          if (rows.get(id) !== status && !waitsFor(id))
            expect({ id, shown: gaps.some((gap) => within(gap, triggeredAt)) }).toEqual({ id, shown: true });
      }),
      { numRuns: 1_000 },
    );
  });

  it('never says of a checkpoint that it ended otherwise', () => {
    fc.assert(
      fc.property(courses, (course) => {
        const { job, rows } = run(course, () => undefined);
        for (const [id, status] of rows) {
          const truth = job.truth.get(id);
          if (status === 'IN_PROGRESS' || (status === 'FAILED' && truth?.lost)) continue;
          expect({ id, status }).toEqual({ id, status: truth?.status });
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('shows no gap under one process where nothing is missing', () => {
    fc.assert(
      fc.property(courses, (course) => {
        run(course, ({ job, rows, earlier }, gaps) => {
          for (const gap of gaps.filter(({ reason }) => reason !== 'JOBMANAGER_CHANGED')) {
            const unrecorded = [...job.truth.values()].some(
              ({ id, triggeredAt, status }) => within(gap, triggeredAt) && rows.get(id) !== status,
            );
            // Pushed out of the list before it was ever seen, and back as the newest of its kind.
            const late = [...job.truth.values()].some(
              ({ id, triggeredAt }) => rows.has(id) && earlier.some((before) => within(before, triggeredAt)),
            );
            // An id that is missing where the list does not reach back cannot be told from a missed failure.
            const unexplained =
              gap.reason === 'ID_MISSING' && job.idsWithoutEntry.some((moment) => within(gap, moment));
            expect({ gap, justified: unrecorded || unexplained || late }).toEqual({ gap, justified: true });
          }
        });
      }),
      { numRuns: 2_000 },
    );
  });

  it('shows a gap of another process only when there was one', () => {
    fc.assert(
      fc.property(courses, (course) => {
        let process = 1;
        run(course, ({ job, looks }, gaps) => {
          const changed = job.process !== process && (looks > 1 || job.truth.size > 0);
          process = job.process;
          if (gaps.some(({ reason }) => reason === 'JOBMANAGER_CHANGED')) expect(changed).toBe(true);
        });
      }),
      { numRuns: 1_000 },
    );
  });

  it('shows no gap at all when it is looked after every step and the process stays', () => {
    fc.assert(
      fc.property(courses, ({ steps, historySize, showsMark }) => {
        const often = steps
          .filter(({ do: what }) => what !== 'TAKE_OVER')
          .flatMap((one): Step[] => [one, { do: 'LOOK' }])
          // no more in progress at once than the list holds, else they are pushed out of it unseen
          .map((one) => (one.do === 'TRIGGER' ? { ...one, savepoint: false } : one));
        const watched = new Watched(new CourseOfAJob(historySize), showsMark);
        watched.look();
        let running = 0;
        for (const one of often) {
          if (one.do === 'TRIGGER' && running >= 1) continue;
          if (one.do === 'LOOK') watched.look();
          else watched.job.take(one);
          running = watched.job.answer().counts.inProgress;
        }
        expect(watched.gaps).toEqual([]);
        for (const { id, status } of watched.job.truth.values()) expect(watched.rows.get(id)).toBe(status);
      }),
      { numRuns: 1_000 },
    );
  });

  it('counts as missing what Flink has completed and nobody recorded', () => {
    fc.assert(
      fc.property(courses, (course) => {
        const { account, gaps } = run(withoutTakeOver(course), () => undefined);
        const missing = gaps
          .filter(({ reason }) => reason === 'COUNTED_MORE')
          .reduce((sum, gap) => sum + (gap.missing ?? 0), 0);
        expect(missing).toBe((account?.toldCompleted ?? 0) - (account?.recordedCompleted ?? 0));
      }),
      { numRuns: 1_000 },
    );
  });

  it('learns nothing from the same answer twice', () => {
    fc.assert(
      fc.property(courses, (course) => {
        const watched = run(course, () => undefined);
        const { account, rows, gaps } = watched;
        const before = { account: structuredClone(account), rows: [...rows], gaps: [...gaps] };
        watched.look();
        expect({ account: watched.account, rows: [...watched.rows], gaps: watched.gaps }).toEqual(before);
      }),
      { numRuns: 500 },
    );
  });
});
