import { describe, expect, it } from '@jest/globals';
import { generatedIdsIn } from '../../../src/flink/generated-ids.js';
import { operatorIdOf } from '../../../src/flink/operator-id.js';
import { PLAN_WITHOUT_UIDS } from '../../support/plan-without-uids.js';

describe('ids that Flink has made itself', () => {
  const namesIn = (plan: typeof PLAN_WITHOUT_UIDS) => {
    const generated = generatedIdsIn(plan);
    return plan.filter(({ id }) => generated.has(id)).map(({ name }) => name);
  };

  it('are told from that of a uid, with none, one, two and three operators before them', () => {
    expect(operatorIdOf('s3')).toBe(PLAN_WITHOUT_UIDS[0]?.id);
    expect(namesIn(PLAN_WITHOUT_UIDS)).toEqual(PLAN_WITHOUT_UIDS.slice(1).map(({ name }) => name));
  });

  it('are those alone that hang on the graph: with uids there are none', () => {
    const withUids = PLAN_WITHOUT_UIDS.map((one) => ({
      ...one,
      id: operatorIdOf(one.name),
      inputs: one.inputs.map((id) => operatorIdOf(PLAN_WITHOUT_UIDS.find((other) => other.id === id)?.name ?? '')),
    }));
    expect(namesIn(withUids)).toEqual([]);
  });

  it('come with the order of the inputs', () => {
    const turned = PLAN_WITHOUT_UIDS.map((one) =>
      one.name === 'co' ? { ...one, inputs: one.inputs.toReversed() } : one,
    );
    expect(namesIn(turned)).not.toContain('co');
    expect(namesIn(turned)).toHaveLength(PLAN_WITHOUT_UIDS.length - 2);
  });

  it('are not looked for in vain where a plan is empty', () => {
    expect(generatedIdsIn([]).size).toBe(0);
  });
});
