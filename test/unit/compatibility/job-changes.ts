import type { HeldState, RestoreTarget } from '../../../src/compatibility/compatibility.types.js';
import type { PlannedOperator } from '../../../src/flink/flink.types.js';
import { operatorIdOf } from '../../../src/flink/operator-id.js';
import { operator, planned } from './snapshots.js';

const COUNTER = operatorIdOf('counter');
const RULES_SOURCE = operatorIdOf('rules-source');
const RULES = operatorIdOf('rules');
const MAPPER = operatorIdOf('mapper');
/** The jar, or what it is told, has changed. */
const OTHER_CODE = { sameCode: false, sameProgram: false } as const;
type Target = Omit<RestoreTarget, 'plan'> & { plan: { operators: PlannedOperator[] } };

export interface JobChange {
  name: string;
  of: string;
  known?: Partial<HeldState>;
  to?: (target: Target) => Partial<RestoreTarget>;
  mapping: string;
  /** Code, operator and bytes (NaN: any) of what matters; others may stand beside them. Empty: nothing but that 1.20 writes no uids. */
  says?: [code: string, operatorId: string | null, bytes: number][];
  saysNot?: string[];
  notChecked?: string[];
}

export const without = (target: Target, uid: string) => ({
  operators: target.plan.operators.filter(({ id }) => id !== operatorIdOf(uid)),
});
const renamed = (target: Target, from: string, to: string) => ({
  operators: target.plan.operators.map((one) =>
    one.id === operatorIdOf(from) ? { ...one, id: operatorIdOf(to) } : one,
  ),
});
export const parallel = (target: Target, parallelism: number) => ({
  operators: target.plan.operators.map((one) => ({ ...one, parallelism })),
});
const added = (target: Target, name: string, inputs: string[] = []) => ({
  operators: [...target.plan.operators, { ...planned(operator(name)), inputs }],
});

export const JOB_CHANGES: JobChange[] = [
  { name: 'nothing', of: '2.3.0/canonical-hashmap', mapping: 'FULLY_COMPATIBLE', says: [], notChecked: [] },
  {
    name: 'the code, with every uid kept',
    of: '2.3.0/canonical-hashmap',
    to: () => ({ ...OTHER_CODE }),
    mapping: 'FULLY_COMPATIBLE',
    saysNot: ['STARTS_EMPTY', 'UID_NOT_SET', 'STATE_WITHOUT_OPERATOR'],
    notChecked: ['STATE_TYPES'],
  },
  {
    name: 'a uid',
    of: '2.3.0/canonical-rocksdb',
    to: (target) => ({ ...OTHER_CODE, plan: renamed(target, 'counter', 'counter-2') }),
    mapping: 'INCOMPATIBLE',
    says: [
      ['STATE_WITHOUT_OPERATOR', COUNTER, 4948],
      ['STARTS_EMPTY', operatorIdOf('counter-2'), 0],
    ],
    notChecked: ['STATE_TYPES'],
  },
  {
    name: 'a uid, of a state of 1.20 that names none',
    of: '1.20.5/canonical-rocksdb',
    to: (target) => ({ ...OTHER_CODE, plan: renamed(target, 'counter', 'counter-2') }),
    mapping: 'INCOMPATIBLE',
    says: [['STATE_WITHOUT_OPERATOR', COUNTER, 4948]],
  },
  {
    name: 'a uid, where state that finds no operator may be dropped',
    of: '2.3.0/canonical-rocksdb',
    to: (target) => ({
      ...OTHER_CODE,
      plan: renamed(target, 'counter', 'counter-2'),
      allowNonRestoredState: true,
    }),
    mapping: 'PARTIALLY_COMPATIBLE',
    says: [['STATE_DROPPED', COUNTER, 4948]],
    saysNot: ['STATE_WITHOUT_OPERATOR'],
  },
  {
    name: 'an operator more',
    of: '2.3.0/canonical-hashmap',
    to: (target) => ({ ...OTHER_CODE, plan: added(target, 'new') }),
    mapping: 'FULLY_COMPATIBLE',
    says: [['STARTS_EMPTY', operatorIdOf('new'), 0]],
  },
  {
    name: 'an operator with state less',
    of: '2.3.0/broadcast-and-union',
    to: (target) => ({ ...OTHER_CODE, plan: without(target, 'rules') }),
    mapping: 'INCOMPATIBLE',
    says: [['STATE_WITHOUT_OPERATOR', RULES, 16972]],
  },
  {
    name: 'an operator without state less',
    of: '2.3.0/canonical-hashmap',
    to: (target) => ({ ...OTHER_CODE, plan: without(target, 'mapper') }),
    mapping: 'FULLY_COMPATIBLE',
    saysNot: ['STATE_WITHOUT_OPERATOR', 'OPERATOR_NOT_TOLD'],
  },
  {
    name: 'the parallelism, up',
    of: '2.3.0/canonical-hashmap',
    to: (target) => ({ plan: parallel(target, 100) }),
    mapping: 'FULLY_COMPATIBLE',
    says: [],
  },
  {
    name: 'the parallelism, down',
    of: '2.3.0/parallelism-4-max-256',
    to: (target) => ({ plan: parallel(target, 1) }),
    mapping: 'FULLY_COMPATIBLE',
    says: [],
  },
  {
    name: 'the parallelism, to the number of key groups',
    of: '2.3.0/parallelism-4-max-256',
    to: (target) => ({ plan: parallel(target, 256) }),
    mapping: 'FULLY_COMPATIBLE',
  },
  {
    name: 'the parallelism, above the number of key groups',
    of: '2.3.0/canonical-rocksdb',
    to: (target) => ({ plan: parallel(target, 129) }),
    mapping: 'INCOMPATIBLE',
    // Flink looks at every operator, also those without state.
    says: [
      ['PARALLELISM_ABOVE_MAX', COUNTER, 4948],
      ['PARALLELISM_ABOVE_MAX', MAPPER, 0],
    ],
  },
  {
    name: 'the max parallelism',
    of: '2.3.0/canonical-rocksdb',
    to: () => ({ maxParallelism: 256 }),
    mapping: 'INCOMPATIBLE',
    says: [
      ['MAX_PARALLELISM_CHANGED', COUNTER, 4948],
      ['MAX_PARALLELISM_CHANGED', MAPPER, 0],
    ],
  },
  {
    name: 'the max parallelism, to what the state has',
    of: '2.3.0/parallelism-4-max-256',
    to: () => ({ maxParallelism: 256 }),
    mapping: 'FULLY_COMPATIBLE',
    says: [],
  },
  {
    name: 'code that may set the max parallelism',
    of: '2.3.0/canonical-hashmap',
    to: () => ({ maxParallelism: 'NOT_KNOWN', ...OTHER_CODE }),
    mapping: 'FULLY_COMPATIBLE',
    notChecked: ['MAX_PARALLELISM', 'STATE_TYPES'],
  },
  {
    name: 'the state backend, from a canonical savepoint',
    of: '2.3.0/canonical-rocksdb',
    to: () => ({ stateBackend: 'HASHMAP' }),
    mapping: 'FULLY_COMPATIBLE',
    says: [],
  },
  {
    name: 'the state backend, from a native one of RocksDB',
    of: '2.3.0/native-rocksdb',
    to: () => ({ stateBackend: 'HASHMAP' }),
    mapping: 'INCOMPATIBLE',
    says: [['OTHER_STATE_BACKEND', null, NaN]],
  },
  {
    name: 'the state backend, from a native one of the heap',
    of: '1.20.5/native-hashmap',
    to: () => ({ stateBackend: 'ROCKSDB' }),
    mapping: 'INCOMPATIBLE',
    says: [['OTHER_STATE_BACKEND', null, NaN]],
  },
  {
    name: 'nothing, of a native savepoint',
    of: '2.3.0/native-rocksdb-incremental',
    mapping: 'FULLY_COMPATIBLE',
    says: [],
  },
  {
    name: 'RocksDB for ForSt, from a native savepoint',
    of: '2.3.0/native-rocksdb',
    to: () => ({ stateBackend: 'FORST' }),
    mapping: 'FULLY_COMPATIBLE',
    says: [['STATE_BACKEND_NOT_TOLD', null, NaN]],
    notChecked: ['STATE_BACKEND'],
  },
  {
    name: 'to a state backend that is not known, from a native savepoint',
    of: '2.3.0/native-hashmap',
    to: () => ({ stateBackend: null }),
    mapping: 'FULLY_COMPATIBLE',
    says: [['STATE_BACKEND_NOT_TOLD', null, NaN]],
    notChecked: ['STATE_BACKEND'],
  },
  {
    name: 'to RocksDB, from a full checkpoint of which nobody knows the backend',
    of: '2.3.0/checkpoint-full',
    known: { stateBackend: null },
    to: () => ({ stateBackend: 'ROCKSDB' }),
    mapping: 'FULLY_COMPATIBLE',
    says: [['STATE_BACKEND_NOT_TOLD', null, NaN]],
    notChecked: ['STATE_BACKEND'],
  },
  {
    name: 'Flink 1.20 to 2.3',
    of: '1.20.5/canonical-hashmap',
    to: () => ({ flinkVersion: '2.3.0' }),
    mapping: 'FULLY_COMPATIBLE',
    says: [['MAJOR_VERSION_CHANGE', null, NaN]],
  },
  {
    name: 'Flink 2.3 to 1.20',
    of: '2.3.0/canonical-hashmap',
    to: () => ({ flinkVersion: '1.20.5' }),
    mapping: 'INCOMPATIBLE',
    says: [['METADATA_TOO_NEW', null, NaN]],
  },
  {
    name: 'Flink 2.3 to 2.0',
    of: '2.3.0/canonical-hashmap',
    to: () => ({ flinkVersion: '2.0.1' }),
    mapping: 'INCOMPATIBLE',
    says: [['METADATA_TOO_NEW', null, NaN]],
  },
  {
    name: 'Flink 2.3 to 2.1, which reads the same format',
    of: '2.3.0/canonical-hashmap',
    to: () => ({ flinkVersion: '2.1.0' }),
    mapping: 'FULLY_COMPATIBLE',
    says: [['NEWER_FLINK_VERSION', null, NaN]],
  },
  {
    name: 'to Flink 2.3, from a state of which nobody knows the version',
    of: '1.20.5/canonical-hashmap',
    known: { flinkVersion: null },
    to: () => ({ flinkVersion: '2.3.0' }),
    mapping: 'FULLY_COMPATIBLE',
    says: [['MAJOR_VERSION_CHANGE', null, NaN]],
    notChecked: [],
  },
  {
    name: 'to a Flink whose version is not known',
    of: '2.3.0/canonical-hashmap',
    to: () => ({ flinkVersion: null }),
    mapping: 'FULLY_COMPATIBLE',
    notChecked: ['FLINK_VERSION'],
  },
  {
    name: 'nothing, with an operator that has finished',
    of: '2.3.0/finished-operator',
    mapping: 'FULLY_COMPATIBLE',
    says: [['OPERATOR_FINISHED', RULES_SOURCE, 0]],
  },
  {
    name: 'an operator that has finished less',
    of: '2.3.0/finished-operator',
    to: (target) => ({ plan: without(target, 'rules-source') }),
    mapping: 'FULLY_COMPATIBLE',
    saysNot: ['STATE_WITHOUT_OPERATOR', 'OPERATOR_FINISHED'],
  },
  {
    name: 'a new operator before one that has finished',
    of: '2.3.0/finished-operator',
    to: (target) => ({
      ...OTHER_CODE,
      plan: {
        operators: added(target, 'new').operators.map((one) =>
          one.id === RULES_SOURCE ? { ...one, inputs: [operatorIdOf('new')] } : one,
        ),
      },
    }),
    mapping: 'INCOMPATIBLE',
    says: [['UNFINISHED_BEFORE_FINISHED', RULES_SOURCE, 0]],
  },
  {
    name: 'nothing, after a stop with drain',
    of: '2.3.0/savepoint-drained',
    mapping: 'FULLY_COMPATIBLE',
    says: [['DRAINED', null, NaN]],
  },
  {
    name: 'nothing, of an unaligned checkpoint',
    of: '2.3.0/checkpoint-unaligned',
    mapping: 'FULLY_COMPATIBLE',
    saysNot: ['UNALIGNED_CHANGE'],
  },
  {
    name: 'an operator more, from an unaligned checkpoint',
    of: '2.3.0/checkpoint-unaligned',
    to: (target) => ({ plan: added(target, 'new') }),
    mapping: 'FULLY_COMPATIBLE',
    says: [['UNALIGNED_CHANGE', null, NaN]],
  },
  {
    name: 'the minor version, from an unaligned checkpoint',
    of: '1.20.5/checkpoint-unaligned',
    to: () => ({ flinkVersion: '2.0.0' }),
    mapping: 'FULLY_COMPATIBLE',
    says: [['UNALIGNED_CHANGE', null, NaN]],
  },
  {
    name: 'nothing, of an incremental checkpoint',
    of: '2.3.0/checkpoint-incremental/chk-4',
    mapping: 'FULLY_COMPATIBLE',
    says: [['INCREMENTAL_CHECKPOINT', null, NaN]],
  },
  {
    name: 'to a program that has no plan',
    of: '2.3.0/canonical-hashmap',
    to: () => ({ plan: { missing: 'main() throws.' } }),
    mapping: 'UNKNOWN',
    says: [['NO_PLAN', null, 0]],
    notChecked: ['OPERATORS', 'MAX_PARALLELISM'],
  },
  {
    name: 'to a program that has no plan on a Flink that is too old',
    of: '2.3.0/canonical-hashmap',
    to: () => ({ plan: { missing: 'main() throws.' }, flinkVersion: '1.20.5' }),
    mapping: 'INCOMPATIBLE',
  },
];
