import type { PlannedOperator } from '../../src/flink/flink.types.js';

/** As Flink 1.20.5 and 2.3.0 have planned one program without chaining: the source s3 alone has a uid. `co` has two inputs, and `u` is of a union. */
const OPERATORS: readonly [name: string, id: string, inputs: string[]][] = [
  ['Source: s3', '959e6cf856eb97c3f1c8ab86199b0f8b', []],
  ['Source: s2', 'feca28aff5a3958840bee985ee7de4d3', []],
  ['Source: s1', 'bc764cd8ddf7a0cff126f51c16239658', []],
  ['m2', '0ce5a3d5245a8fc303aa7f34d82ae94f', ['Source: s1']],
  ['m1', '3b33161f86e1c8a7b9c0ab508a63177a', ['Source: s1']],
  ['co', 'defcb9e1f233817fae16bad32c5af410', ['m1', 'Source: s2']],
  ['u', '6f69011412f54521f5e93149b941c6aa', ['co', 'm2', 'Source: s3']],
  ['v', '9baa2b63dab3bf5bdea7b83a7f12b079', ['u']],
  ['sink2: Writer', 'e465132aca232a23f8d4e3db92e67bd3', ['v']],
  ['sink: Writer', '28581f225cd8e67a2cce8982f5abcff0', ['u']],
];

const idOf = (name: string) => OPERATORS.find(([one]) => one === name)?.[1] ?? '';

export const PLAN_WITHOUT_UIDS: readonly PlannedOperator[] = OPERATORS.map(([name, id, inputs]) => ({
  id,
  name,
  parallelism: 1,
  inputs: inputs.map(idOf),
}));
