import { describe, expect, it } from '@jest/globals';
import { dirname, relative } from 'node:path';
import type { HeldState, ReadMetadata, RestoreTarget } from '../../../src/compatibility/compatibility.types.js';
import { judgeCompatibility } from '../../../src/compatibility/judge-compatibility.js';
import { operatorIdOf } from '../../../src/flink/operator-id.js';
import { realMetadata, SNAPSHOTS } from '../../support/metadata-files.js';
import { PLAN_WITHOUT_UIDS } from '../../support/plan-without-uids.js';
import { JOB_CHANGES, parallel, without } from './job-changes.js';
import { heldIn, heldOf, operator, planned, sameProgram } from './snapshots.js';

describe('a job that changes', () => {
  it.each(JOB_CHANGES)('$name ($of): $mapping', async ({ of, known, to, mapping, says, saysNot = [], notChecked }) => {
    const held = await heldIn(of, known);
    const same = sameProgram(held);
    const verdict = judgeCompatibility(held, { ...same, ...to?.(same) });
    const said = verdict.findings.map(({ code, operator, stateBytes }): [string, string | null, number] => [
      code,
      operator?.id ?? null,
      stateBytes,
    ]);
    expect([verdict.mapping, verdict.findings.map(({ message }) => message)]).toEqual([mapping, expect.anything()]);
    for (const [code, id, bytes] of says ?? [])
      expect(said).toContainEqual([code, id, Number.isNaN(bytes) ? expect.any(Number) : bytes]);
    // Flink 1.20 writes no uids, whatever the case.
    if (says?.length === 0) expect(said.filter(([code]) => code !== 'UIDS_NOT_WRITTEN')).toEqual([]);
    for (const code of saysNot) expect(said.map(([one]) => one)).not.toContain(code);
    if (notChecked) expect(verdict.notChecked).toEqual(notChecked);
    for (const finding of verdict.findings) expect(finding.severity === 'BLOCKER' ? finding.remedy : '').not.toBeNull();
  });
});

describe('a real snapshot', () => {
  it.each(realMetadata())(
    'goes back into the program that made it, by the plan of that: $name',
    async ({ path, facts }) => {
      const held = await heldIn(relative(SNAPSHOTS, dirname(path)));
      const plan = { operators: facts.operators.map((one) => planned({ name: null, ...one })) };
      const { mapping, notChecked, kept, stateBytes } = judgeCompatibility(held, { ...sameProgram(held), plan });
      expect([mapping, notChecked]).toEqual(['FULLY_COMPATIBLE', []]);
      expect(kept.reduce((sum, one) => sum + one.stateBytes, 0)).toBe(stateBytes);
    },
  );
});

describe('the verdict', () => {
  const target = (
    held: HeldState & { metadata: { read: ReadMetadata } },
    change: Partial<RestoreTarget>,
  ): RestoreTarget => ({
    ...sameProgram(held),
    sameCode: false,
    sameProgram: false,
    ...change,
  });

  it('is INCOMPATIBLE with a state that is gone, or files of which are, and UNKNOWN with one that cannot be read', () => {
    const held = heldOf([operator('a')]);
    const same = sameProgram(held);
    const of = (change: Partial<HeldState>) => judgeCompatibility({ ...held, ...change }, same);
    const unread = of({ metadata: { unreadable: 'why' } });
    const gone = of({ metadata: { unreadable: 'why', gone: true } });
    const damaged = of({ damagedFiles: 2 });
    expect([unread, gone, damaged].map(({ mapping }) => mapping)).toEqual(['UNKNOWN', 'INCOMPATIBLE', 'INCOMPATIBLE']);
    expect([unread, gone, damaged].map(({ findings: [first] }) => [first?.code, first?.severity])).toEqual([
      ['NO_METADATA', 'WARNING'],
      ['NO_METADATA', 'BLOCKER'],
      ['FILES_DAMAGED', 'BLOCKER'],
    ]);
    expect(of({ damagedFiles: 0 }).findings).toEqual([]);
  });

  it('names what keeps its state, and how much there is', async () => {
    const held = await heldIn('2.3.0/finished-operator');
    const { kept, stateBytes } = judgeCompatibility(held, sameProgram(held));
    expect(kept.map(({ operator: { name, uid }, stateBytes: bytes }) => [name, uid, bytes])).toEqual(
      expect.arrayContaining([
        ['counter', 'counter', 3528],
        ['rules', 'rules', 2750],
        ['Source: numbers', 'source', 546],
      ]),
    );
    expect([kept.length, stateBytes]).toEqual([3, 3528 + 2750 + 546]);
  });

  it('is UNKNOWN without metadata, and says why; what the recorded version tells still counts', () => {
    const held: HeldState = { ...heldOf([]), metadata: { unreadable: 'no storage sees it.' } };
    const plan = { operators: [planned(operator('a'))] };
    const rest = { ...sameProgram(heldOf([])), sameCode: false, sameProgram: false, plan };
    const unread = judgeCompatibility(held, rest);
    expect(unread).toMatchObject({ mapping: 'UNKNOWN', kept: [], stateBytes: null });
    expect(unread.findings).toMatchObject([
      { code: 'NO_METADATA', message: expect.stringContaining('no storage sees it.') },
    ]);
    expect(unread.notChecked).toEqual(['OPERATORS', 'MAX_PARALLELISM', 'STATE_BACKEND', 'STATE_TYPES']);
    expect(judgeCompatibility(held, { ...rest, flinkVersion: '2.0.0' }).mapping).toBe('INCOMPATIBLE');
  });

  it('names the operator of the same name as the one that was given another uid', () => {
    const held = heldOf([operator('counter', { name: 'Count orders' })]);
    const plan = { operators: [planned(operator('other', { name: 'Count orders' }))] };
    const [first] = judgeCompatibility(held, target(held, { plan })).findings;
    expect(first).toMatchObject({
      code: 'STATE_WITHOUT_OPERATOR',
      remedy: expect.stringContaining('uid "counter"; Count orders'),
    });
  });

  it('does not call a start impossible because of an operator whose id chaining may change', () => {
    const held = heldOf([operator('kept'), operator('x', { id: '0'.repeat(32), uid: null, name: 'no uid' })]);
    const plan = { operators: [planned(operator('kept')), planned(operator('y', { name: 'no uid' }))] };
    for (const allowNonRestoredState of [false, true]) {
      const verdict = judgeCompatibility(held, target(held, { plan, allowNonRestoredState }));
      expect(verdict.mapping).toBe('UNKNOWN');
      expect(verdict.notChecked).toContain('OPERATORS');
      expect(verdict.findings[0]).toMatchObject({
        code: 'OPERATOR_NOT_TOLD',
        stateBytes: 1000,
        remedy: expect.stringContaining('setUidHash'),
      });
    }
  });

  it('trusts the program that made the state over ids of which it does not know whether they have uids', async () => {
    const held = await heldIn('1.20.5/canonical-hashmap');
    const same = sameProgram(held);
    const plan = without(same, 'counter');
    expect(judgeCompatibility(held, { ...same, plan }).mapping).toBe('UNKNOWN');
    expect(judgeCompatibility(held, { ...same, plan, sameProgram: false }).mapping).toBe('INCOMPATIBLE');
  });

  describe('of ids that come from the graph', () => {
    const none = { operator: 0, keyed: 0, channel: 0 };
    /** A snapshot of the program of the plan, with state in `co`. */
    const graph = (change: Partial<ReadMetadata>, named: boolean) =>
      heldOf(
        PLAN_WITHOUT_UIDS.map(({ id, name }) =>
          operator(name, { id, uid: null, name: named ? name : null, ...(name !== 'co' && { stateBytes: none }) }),
        ),
        change,
      );
    const swapped = PLAN_WITHOUT_UIDS.map((one) => (one.name === 'co' ? { ...one, name: 'other' } : one));

    it.each([
      { version: 6, plan: PLAN_WITHOUT_UIDS, mapping: 'FULLY_COMPATIBLE', code: 'UID_NOT_SET' },
      { version: 6, plan: swapped, mapping: 'UNKNOWN', code: 'OPERATOR_NOT_TOLD' },
      // No names are written there: nobody can tell whether it is the same operator.
      { version: 4, plan: PLAN_WITHOUT_UIDS, mapping: 'UNKNOWN', code: 'OPERATOR_NOT_TOLD' },
    ])(
      'is $mapping with another program where version $version names it or not',
      ({ version, plan, mapping, code }) => {
        const held = graph({ version }, version === 6);
        const { kept, ...verdict } = judgeCompatibility(held, target(held, { plan: { operators: plan } }));
        expect(verdict.mapping).toBe(mapping);
        expect(verdict.notChecked.includes('OPERATORS')).toBe(mapping === 'UNKNOWN');
        expect(verdict.findings.map((one) => one.code)).toContain(code);
        expect(kept).toHaveLength(mapping === 'UNKNOWN' ? 0 : 1);
        const same = judgeCompatibility(held, { ...sameProgram(held), plan: { operators: plan } });
        expect([same.mapping, same.notChecked]).toEqual(['FULLY_COMPATIBLE', []]);
        expect(same.findings.map((one) => one.code)).toContain('UID_NOT_SET');
      },
    );

    it('does not take a name for proof that many have', () => {
      const held = graph({}, true);
      const plan = PLAN_WITHOUT_UIDS.map((one) => (one.name === 'm1' ? { ...one, name: 'co' } : one));
      expect(judgeCompatibility(held, target(held, { plan: { operators: plan } })).mapping).toBe('UNKNOWN');
    });

    it('calls no start from a state of 1.20 impossible while an operator without a uid may have its id when it runs', () => {
      const held = heldOf([operator('a', { uid: null, name: null })], { version: 4 });
      const judge = (operators: RestoreTarget['plan']) => judgeCompatibility(held, target(held, { plan: operators }));
      expect(judge({ operators: PLAN_WITHOUT_UIDS }).mapping).toBe('UNKNOWN');
      expect(judge({ operators: PLAN_WITHOUT_UIDS.slice(0, 1) }).mapping).toBe('INCOMPATIBLE');
    });
  });

  it('warns of an operator that maps and has no uid, or an id that is not that of its uid', () => {
    const held = heldOf([
      operator('a', { uid: null }),
      operator('b', { uid: 'other' }),
      operator('c'),
      operator('d', { uid: null, stateBytes: { operator: 0, keyed: 0, channel: 0 } }),
    ]);
    const verdict = judgeCompatibility(held, sameProgram(held));
    expect(verdict.mapping).toBe('FULLY_COMPATIBLE');
    expect(verdict.findings.map(({ code, operator: one }) => [code, one?.name])).toEqual([
      ['UID_NOT_SET', 'a'],
      ['UID_NOT_SET', 'b'],
    ]);
  });

  it('counts a state that is registered and empty, and that of a coordinator, as Flink does', () => {
    const none = { operator: 0, keyed: 0, channel: 0 };
    const registered = operator('r', { stateBytes: none, operatorStates: new Map([['list', 'SPLIT']]) });
    const coordinated = operator('c', { stateBytes: none, coordinatorBytes: 16 });
    const held = heldOf([registered, coordinated, operator('n', { stateBytes: none })]);
    const { findings } = judgeCompatibility(held, target(held, { plan: { operators: [] } }));
    expect(findings.map(({ code, stateBytes }) => [code, stateBytes])).toEqual([
      ['STATE_WITHOUT_OPERATOR', 0],
      ['STATE_WITHOUT_OPERATOR', 16],
    ]);
  });

  it('lets an operator be that cannot be parallel, whose max parallelism Flink sets itself', () => {
    const held = heldOf([operator('all', { parallelism: 1, maxParallelism: 1 }), operator('a')]);
    expect(judgeCompatibility(held, target(held, { maxParallelism: 128 })).mapping).toBe('FULLY_COMPATIBLE');
  });

  it('says that Flink refuses a running operator before one that has finished in part', () => {
    const held = heldOf([operator('before'), operator('partly', { finishedSubtasks: [1] })]);
    const [before, partly] = sameProgram(held).plan.operators.map((one) => ({ ...one, inputs: [] as string[] }));
    const plan = { operators: [before!, { ...partly!, inputs: [before!.id] }] };
    expect(judgeCompatibility(held, target(held, { plan })).findings).toMatchObject([
      { code: 'UNFINISHED_BEFORE_FINISHED', operator: { uid: 'partly' }, message: expect.stringContaining('in part') },
    ]);
    const both = heldOf([operator('before', { finishedSubtasks: [1] }), operator('partly', { finishedSubtasks: [1] })]);
    expect(judgeCompatibility(both, target(both, { plan })).mapping).toBe('FULLY_COMPATIBLE');
  });

  it('takes a canonical savepoint for canonical, also where RocksDB keeps its timers on the heap', () => {
    const held = heldOf([operator('a')], { backends: ['CANONICAL', 'HEAP'] });
    expect(judgeCompatibility(held, target(held, { stateBackend: 'ROCKSDB' })).findings).toEqual([]);
  });

  it('believes the record over handles that RocksDB writes too in full checkpoints', () => {
    const properties = { kind: 'CHECKPOINT', format: null, drained: false } as const;
    const held = { ...heldOf([operator('a')], { backends: ['HEAP'], properties }), stateBackend: 'ROCKSDB' };
    expect(judgeCompatibility(held, target(held, { stateBackend: 'ROCKSDB' })).findings).toEqual([]);
    expect(judgeCompatibility(held, target(held, { stateBackend: 'HASHMAP' })).findings).toMatchObject([
      { code: 'OTHER_STATE_BACKEND', stateBytes: 1000, remedy: expect.stringContaining('Start with ROCKSDB') },
    ]);
  });

  it('lists what speaks against a start in the order in which Flink looks', async () => {
    const held = await heldIn('2.3.0/native-rocksdb');
    const same = sameProgram(held);
    const plan = { operators: parallel(same, 200).operators.filter(({ id }) => id !== operatorIdOf('source')) };
    const { findings } = judgeCompatibility(held, { ...same, plan, flinkVersion: '1.20.5', stateBackend: 'HASHMAP' });
    const codes = findings.filter(({ severity }) => severity === 'BLOCKER').map(({ code }) => code);
    expect([...new Set(codes)]).toEqual([
      'METADATA_TOO_NEW',
      'STATE_WITHOUT_OPERATOR',
      'PARALLELISM_ABOVE_MAX',
      'OTHER_STATE_BACKEND',
    ]);
  });

  it('is there in 20 ms for 1,000 operators', () => {
    const operators = Array.from({ length: 1000 }, (_, index) => operator(`operator-with-a-usual-uid-${index}`));
    const held = heldOf(operators);
    const plan = { operators: operators.slice(500).map(planned) };
    const durations = Array.from({ length: 9 }, () => {
      const startedAt = performance.now();
      expect(judgeCompatibility(held, target(held, { plan })).findings).toHaveLength(500);
      return performance.now() - startedAt;
    });
    expect(Math.min(...durations)).toBeLessThan(20);
  });
});
