import { describe, expect, it } from '@jest/globals';
import { compareRestored, differencesInWords } from '../../../src/compatibility/compare-restored.js';
import { uidsSet } from '../../../src/compatibility/uids-set.js';
import type { SnapshotOperator } from '../../../src/flink/metadata/metadata.types.js';
import { operatorIdOf } from '../../../src/flink/operator-id.js';
import { heldIn, heldOf, operator, planned } from './snapshots.js';

const NONE = { operator: 0, keyed: 0, channel: 0 };
const of = (...operators: SnapshotOperator[]) => heldOf(operators).metadata.read;
const stateless = (uid: string) => operator(uid, { stateBytes: NONE });
const ids = (some: readonly { id: string }[] | null) => (some ?? []).map(({ id }) => id);
const id = operatorIdOf;

describe('what a run holds beside what it was started from', () => {
  it('is the same where every operator with state is there, whether its state has grown or shrunk', () => {
    const source = of(operator('counter'), stateless('mapper'));
    const own = of(operator('counter', { stateBytes: { ...NONE, keyed: 5 } }), stateless('mapper'));
    const differences = compareRestored(source, own, true, null);
    expect(differences).toEqual({
      startedEmpty: [],
      dropped: [],
      underAnotherId: [],
      emptied: [],
      notPlanned: null,
    });
    expect(differencesInWords(differences)).toBeNull();
  });

  it('names both operators of a changed uid, where state may be dropped', () => {
    const differences = compareRestored(of(operator('counter')), of(operator('counter-2')), true, null);
    expect(ids(differences.dropped)).toEqual([id('counter')]);
    expect(ids(differences.startedEmpty)).toEqual([id('counter-2')]);
    expect(differencesInWords(differences)).toBe(
      `1 operator started empty: operator counter-2 (${id('counter-2')}), 1000 bytes; ` +
        `the state of 1 operator, 1000 bytes, was not taken: operator counter (${id('counter')}), 1000 bytes`,
    );
  });

  it('says the same of a run that somebody else started, whose leave to drop is not known', () => {
    const differences = compareRestored(of(operator('counter')), of(operator('counter-2')), null, null);
    expect(ids(differences.dropped)).toEqual([id('counter')]);
  });

  it('calls nothing lost where nothing might be dropped: setUidHash gave it to another id', () => {
    const moved = operator('counter-2', { name: 'counter' });
    const differences = compareRestored(of(operator('counter')), of(moved), false, null);
    expect(differences).toMatchObject({ startedEmpty: [], dropped: [] });
    expect(ids(differences.underAnotherId)).toEqual([id('counter')]);
    expect(differencesInWords(differences)).toBeNull();
  });

  it('tells a new operator from one that took over what is gone, by their names', () => {
    const own = of(operator('counter-2', { name: 'counter' }), operator('new'));
    const differences = compareRestored(of(operator('counter')), own, false, null);
    expect(ids(differences.startedEmpty)).toEqual([id('new')]);
  });

  it('says of none that it has started empty where it cannot be told which took over', () => {
    const nameless = (uid: string) => operator(uid, { name: null, uid: null });
    const own = of(nameless('counter-2'), nameless('new'));
    const differences = compareRestored(of(nameless('counter')), own, false, null);
    expect(differences.startedEmpty).toEqual([]);
    expect(ids(differences.underAnotherId)).toEqual([id('counter')]);
  });

  it('does not speak of operators without state, which may come and go', () => {
    const differences = compareRestored(
      of(operator('counter'), stateless('old')),
      of(operator('counter'), stateless('new')),
      true,
      null,
    );
    expect(differencesInWords(differences)).toBeNull();
    expect(differences.emptied).toEqual([]);
  });

  it('counts a state that is registered and empty, as Flink does', () => {
    const registered = operator('list', { stateBytes: NONE, operatorStates: new Map([['topics', 'SPLIT']]) });
    expect(ids(compareRestored(of(registered), of(), true, null).dropped)).toEqual([id('list')]);
  });

  it('tells of an operator that has nothing left beside the differences, not as one', () => {
    const differences = compareRestored(of(operator('window')), of(stateless('window')), true, null);
    expect(ids(differences.emptied)).toEqual([id('window')]);
    expect(differencesInWords(differences)).toBeNull();
  });

  it('names what the plan has not got, of operators whose id is that of a uid', () => {
    const graphMade = operator('x', { id: 'a'.repeat(32), uid: null });
    const own = of(operator('counter'), operator('by-setting'), graphMade);
    const differences = compareRestored(own, own, true, [planned(operator('counter'))]);
    expect(ids(differences.notPlanned)).toEqual([id('by-setting')]);
  });

  it.each(['2.3.0/canonical-hashmap', '2.3.0/canonical-rocksdb', '1.20.5/canonical-rocksdb'])(
    'finds no difference of the real snapshot %s to itself',
    async (path) => {
      const { metadata } = await heldIn(path);
      expect(differencesInWords(compareRestored(metadata.read, metadata.read, true, null))).toBeNull();
    },
  );
});

describe('the uids of the operators with state', () => {
  const graphMade = (name: string, keyed: number) =>
    operator(name, { id: name.repeat(32), uid: null, stateBytes: { ...NONE, keyed } });

  it('are missing where ids come from the graph, the most state first', () => {
    const report = uidsSet(of(operator('counter'), graphMade('a', 1), graphMade('b', 2), graphMade('c', 0)), null);
    expect(report).toMatchObject({ state: 'SOME_NOT_SET' });
    expect(report.operators.map(({ name, stateBytes }) => [name, stateBytes])).toEqual([
      ['b', 2],
      ['a', 1],
    ]);
    expect(report.why).toContain('setUidHash');
  });

  it('are all set where every operator with state has one', () => {
    expect(uidsSet(of(operator('counter'), graphMade('c', 0)), null)).toEqual({
      state: 'ALL_SET',
      why: null,
      operators: [],
    });
  });

  it('cannot be told of a snapshot of 1.20, which writes none', async () => {
    const { metadata } = await heldIn('1.20.5/canonical-rocksdb');
    expect(uidsSet(metadata.read, null)).toMatchObject({ state: 'NOT_TOLD', operators: [] });
  });

  it('are told of a snapshot of 1.20 by the plan of its program', async () => {
    const { metadata } = await heldIn('1.20.5/canonical-rocksdb');
    const plan = metadata.read.operators.map((one) => planned({ ...one, name: 'planned' }));
    expect(uidsSet(metadata.read, plan)).toEqual({ state: 'ALL_SET', why: null, operators: [] });
    const [largest] = [...metadata.read.operators].sort((a, b) => b.stateBytes.keyed - a.stateBytes.keyed);
    const chained = plan.filter(({ id: one }) => one !== largest?.id);
    expect(uidsSet(metadata.read, chained)).toMatchObject({ state: 'SOME_NOT_SET', operators: [{ id: largest?.id }] });
  });

  it('are all set in the real snapshot of a job that sets them', async () => {
    const { metadata } = await heldIn('2.3.0/canonical-rocksdb');
    expect(uidsSet(metadata.read, null)).toMatchObject({ state: 'ALL_SET' });
  });
});
