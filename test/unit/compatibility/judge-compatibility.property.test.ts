import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { judgeCompatibility } from '../../../src/compatibility/judge-compatibility.js';
import { bytesOf, holdsState } from '../../../src/compatibility/match-operators.js';
import type { RestoreTarget } from '../../../src/compatibility/compatibility.types.js';
import type { SnapshotOperator } from '../../../src/flink/metadata/metadata.types.js';
import { heldOf, operator, planned, sameProgram } from './snapshots.js';

const bytes = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 1 << 30 }));
const held = fc
  .uniqueArray(
    fc.record({
      uid: fc.string({ minLength: 1, maxLength: 40 }),
      named: fc.constantFrom<'UID' | 'NO_UID'>('UID', 'UID', 'NO_UID'),
      parallelism: fc.integer({ min: 1, max: 128 }),
      coordinatorBytes: bytes,
      stateBytes: fc.record({ operator: bytes, keyed: bytes, channel: bytes }),
    }),
    { selector: ({ uid }) => uid, maxLength: 12 },
  )
  .map((operators) =>
    operators.map(({ uid, named, ...rest }): SnapshotOperator =>
      operator(uid, { ...rest, ...(named === 'NO_UID' && { uid: null }) }),
    ),
  );
const version = fc.constantFrom(4, 6);
/** What a program makes of each operator: keeps it with another parallelism, or has it not. */
const fate = fc.option(fc.integer({ min: 1, max: 200 }), { freq: 4 });
const settings = fc.record<
  Pick<RestoreTarget, 'maxParallelism' | 'allowNonRestoredState' | 'sameCode' | 'sameProgram'>
>({
  maxParallelism: fc.constantFrom<RestoreTarget['maxParallelism']>('NOT_SET', 'NOT_KNOWN', 64, 128, 256),
  allowNonRestoredState: fc.boolean(),
  sameCode: fc.boolean(),
  sameProgram: fc.boolean(),
});
const added = fc.uniqueArray(fc.string({ minLength: 41, maxLength: 50 }), { maxLength: 3 });

const judged = fc
  .record({ operators: held, version, fates: fc.array(fate, { minLength: 12, maxLength: 12 }), settings, added })
  .map(({ operators, version: of, fates, settings: set, added: more }) => {
    const state = heldOf(operators, { version: of });
    const kept = operators.flatMap((one, index) => {
      const parallelism = fates[index];
      return parallelism == null ? [] : [{ ...planned(one), parallelism }];
    });
    const plan = { operators: [...kept, ...more.map((uid) => planned(operator(uid)))] };
    const target: RestoreTarget = { ...sameProgram(state), ...set, sameProgram: set.sameCode && set.sameProgram, plan };
    return { operators, kept, target, verdict: judgeCompatibility(state, target) };
  });

it('is never FULLY_COMPATIBLE where an operator with state has no counterpart', () => {
  fc.assert(
    fc.property(judged, ({ operators, kept, verdict }) => {
      const lost = operators.filter((one) => holdsState(one) && !kept.some(({ id }) => id === one.id));
      if (lost.length > 0) expect(verdict.mapping).not.toBe('FULLY_COMPATIBLE');
      const unclear = ['STATE_WITHOUT_OPERATOR', 'STATE_DROPPED', 'OPERATOR_NOT_TOLD'];
      expect(verdict.findings.filter(({ code }) => unclear.includes(code)).map(({ operator: one }) => one?.id)).toEqual(
        lost.map(({ id }) => id),
      );
    }),
  );
});

it('is FULLY_COMPATIBLE where all ids and bounds agree', () => {
  fc.assert(
    fc.property(held, settings, added, (operators, set, more) => {
      const state = heldOf(operators);
      const same = sameProgram(state);
      const plan = { operators: [...same.plan.operators, ...more.map((uid) => planned(operator(uid)))] };
      const maxParallelism = typeof set.maxParallelism === 'number' ? 128 : set.maxParallelism;
      expect(judgeCompatibility(state, { ...same, ...set, maxParallelism, plan }).mapping).toBe('FULLY_COMPATIBLE');
    }),
  );
});

it('is INCOMPATIBLE exactly where Flink would refuse', () => {
  fc.assert(
    fc.property(judged, ({ operators, kept, target, verdict }) => {
      const refused = operators.some((one) => {
        const found = kept.find(({ id }) => id === one.id);
        if (!found)
          return verdict.findings.some(
            ({ code, operator: of }) => code === 'STATE_WITHOUT_OPERATOR' && of?.id === one.id,
          );
        const isOtherMax = typeof target.maxParallelism === 'number' && target.maxParallelism !== one.maxParallelism;
        return isOtherMax || found.parallelism > one.maxParallelism;
      });
      expect(verdict.mapping === 'INCOMPATIBLE').toBe(refused);
    }),
  );
});

it('accounts for every byte: what is kept, dropped, in the way or not told is all that there is', () => {
  fc.assert(
    fc.property(judged, ({ operators, verdict }) => {
      const unmapped = ['STATE_WITHOUT_OPERATOR', 'STATE_DROPPED', 'OPERATOR_NOT_TOLD'];
      const sum = (list: readonly { stateBytes: number }[]) =>
        list.reduce((all, { stateBytes }) => all + stateBytes, 0);
      const total = operators.reduce((all, one) => all + bytesOf(one), 0);
      expect(verdict.stateBytes).toBe(total);
      expect(sum(verdict.kept) + sum(verdict.findings.filter(({ code }) => unmapped.includes(code)))).toBe(total);
    }),
  );
});

it('has state types among what was not checked unless the program is the same', () => {
  fc.assert(
    fc.property(judged, ({ target, verdict }) => {
      expect(verdict.notChecked.includes('STATE_TYPES')).toBe(!target.sameCode);
    }),
  );
});
