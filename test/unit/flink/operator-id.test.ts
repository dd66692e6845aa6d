import { describe, expect, it } from '@jest/globals';
import { operatorIdOf } from '../../../src/flink/operator-id.js';
import { realMetadata } from '../../support/metadata-files.js';

describe('the operator id of a uid', () => {
  // Of snapshots that Flink's own tests restore from, and one that is shorter than half a block.
  it.each([
    ['CheckpointingSource1', '69f32d314b97c6f7f9ed7873983167f2'],
    ['CheckpointingKeyedStateFlatMap1', 'd5c8b168c6cbfe8c507a10f88b325243'],
    ['CheckpointingTimelyStatefulOperator2', '41e91aae0bee218c44306cf7d21940ad'],
    ['a', '897859f6655555855a890e51483ab5e6'],
  ])('is of %s %s', (uid, id) => {
    expect(operatorIdOf(uid)).toBe(id);
  });

  it.each(realMetadata())('is the one in the real snapshot $name', ({ facts }) => {
    const declared = facts.operators.filter(({ uid }) => uid !== null);
    expect(declared.length).toBeGreaterThan(0);
    expect(declared.map(({ uid }) => operatorIdOf(uid ?? ''))).toEqual(declared.map(({ id }) => id));
  });

  it('differs for each spelling, and at every length around that of a block', () => {
    expect(operatorIdOf('zähler')).not.toBe(operatorIdOf('zähler'.normalize('NFD')));
    const ids = Array.from({ length: 40 }, (_, length) => operatorIdOf('x'.repeat(length)));
    expect(new Set(ids).size).toBe(40);
    expect(ids.filter((id) => /^[0-9a-f]{32}$/.test(id))).toHaveLength(40);
  });
});
