import type { CompatibilityCode, CompatibilityVerdict } from '../../src/compatibility/compatibility.types.js';
import type { NotChecked } from '../../src/compatibility/verdict.js';
import { operatorIdOf } from '../../src/flink/operator-id.js';
import type { Outcome, Program, SnapshotKind } from './changing-job.js';

/** The jobs as they were, by what is special about them. */
export const OLD_PROGRAMS = {
  plain: { arguments: [], parallelism: 2, configuration: {} },
  rocks: { arguments: [], parallelism: 2, configuration: { 'state.backend.type': 'rocksdb' } },
  bare: { arguments: ['--no-uids'], parallelism: 1, configuration: {} },
  loose: { arguments: ['--no-uids', '--no-chaining'], parallelism: 1, configuration: {} },
} satisfies Record<string, Program>;

export type OldProgram = keyof typeof OLD_PROGRAMS;
export type SnapshotName = `${OldProgram} ${SnapshotKind}`;

/** What is taken of each, in this order; a checkpoint is what the job leaves behind, and so the last. */
export const SNAPSHOTS_OF: Record<OldProgram, SnapshotKind[]> = {
  plain: ['CANONICAL', 'NATIVE', 'CHECKPOINT'],
  rocks: ['CANONICAL', 'NATIVE', 'CHECKPOINT'],
  bare: ['CANONICAL'],
  loose: ['CANONICAL'],
};

export interface JobChange {
  /** For readers: what changes. */
  name: string;
  of: SnapshotName;
  /** In place of what the old program had. */
  to?: Partial<Program>;
  allowNonRestoredState?: true;
  /** One of its files is taken away. */
  damaged?: true;
  mapping: CompatibilityVerdict['mapping'];
  notChecked: NotChecked[];
  /** Codes that must be among what is said. */
  says?: `${CompatibilityCode}`[];
  flink: { is: 'REFUSED' | 'FAILED'; message: RegExp } | Extract<Outcome, { is: 'RUNNING' }>;
  /** The one of `notChecked` that the outcome hangs on, where it is not what the mapping says. */
  hangsOn?: NotChecked;
  /** What is otherwise with states of Flink 1.20, which name no uids. */
  of120?: Partial<Pick<JobChange, 'mapping' | 'notChecked' | 'says'>>;
}

const kept = { source: 'KEPT', counter: 'KEPT', second: 'KEPT' } as const;
const OTHER_PROGRAM: NotChecked[] = ['MAX_PARALLELISM', 'STATE_TYPES'];

export const JOB_CHANGES: JobChange[] = [
  {
    name: 'Nothing: the same artifact and settings',
    of: 'plain CANONICAL',
    mapping: 'FULLY_COMPATIBLE',
    notChecked: [],
    flink: { is: 'RUNNING', state: kept },
  },
  {
    name: 'Nothing, from a NATIVE savepoint of RocksDB',
    of: 'rocks NATIVE',
    mapping: 'FULLY_COMPATIBLE',
    notChecked: [],
    flink: { is: 'RUNNING', state: kept },
  },
  {
    name: 'Nothing, from a retained checkpoint (HASHMAP)',
    of: 'plain CHECKPOINT',
    mapping: 'FULLY_COMPATIBLE',
    notChecked: [],
    flink: { is: 'RUNNING', state: kept },
  },
  {
    name: 'Nothing, from a retained incremental checkpoint (RocksDB)',
    of: 'rocks CHECKPOINT',
    mapping: 'FULLY_COMPATIBLE',
    notChecked: [],
    says: ['INCREMENTAL_CHECKPOINT'],
    flink: { is: 'RUNNING', state: kept },
  },
  {
    name: 'Other code in an operator, uids kept',
    of: 'plain CANONICAL',
    to: { arguments: ['--counter-step', '2'] },
    mapping: 'FULLY_COMPATIBLE',
    notChecked: OTHER_PROGRAM,
    flink: { is: 'RUNNING', state: kept },
  },
  {
    name: 'The uid of an operator with state',
    of: 'plain CANONICAL',
    to: { arguments: ['--counter-uid', 'counter-2'] },
    mapping: 'INCOMPATIBLE',
    notChecked: OTHER_PROGRAM,
    says: ['STATE_WITHOUT_OPERATOR', 'STARTS_EMPTY'],
    flink: { is: 'REFUSED', message: new RegExp(`Cannot map .* state for operator ${operatorIdOf('counter')}`) },
  },
  {
    name: 'The uid of an operator with state, with allowNonRestoredState',
    of: 'plain CANONICAL',
    to: { arguments: ['--counter-uid', 'counter-2'] },
    allowNonRestoredState: true,
    mapping: 'PARTIALLY_COMPATIBLE',
    notChecked: OTHER_PROGRAM,
    says: ['STATE_DROPPED', 'STARTS_EMPTY'],
    flink: { is: 'RUNNING', state: { ...kept, counter: 'LOST' } },
  },
  {
    name: 'An operator with state more',
    of: 'plain CANONICAL',
    to: { arguments: ['--with-third'] },
    mapping: 'FULLY_COMPATIBLE',
    notChecked: OTHER_PROGRAM,
    says: ['STARTS_EMPTY'],
    flink: { is: 'RUNNING', state: { ...kept, third: 'LOST' } },
  },
  {
    name: 'An operator with state less',
    of: 'plain CANONICAL',
    to: { arguments: ['--without-second'] },
    mapping: 'INCOMPATIBLE',
    notChecked: OTHER_PROGRAM,
    says: ['STATE_WITHOUT_OPERATOR'],
    flink: { is: 'REFUSED', message: new RegExp(`Cannot map .* state for operator ${operatorIdOf('second')}`) },
  },
  {
    name: 'An operator with state less, with allowNonRestoredState',
    of: 'rocks CANONICAL',
    to: { arguments: ['--without-second'] },
    allowNonRestoredState: true,
    mapping: 'PARTIALLY_COMPATIBLE',
    notChecked: OTHER_PROGRAM,
    says: ['STATE_DROPPED'],
    flink: { is: 'RUNNING', state: { source: 'KEPT', counter: 'KEPT' } },
  },
  {
    name: 'An operator without state less',
    of: 'plain CANONICAL',
    to: { arguments: ['--without-mapper'] },
    mapping: 'FULLY_COMPATIBLE',
    notChecked: OTHER_PROGRAM,
    flink: { is: 'RUNNING', state: kept },
  },
  {
    name: 'An operator with state more, without uids',
    of: 'bare CANONICAL',
    to: { arguments: ['--no-uids', '--with-third'] },
    mapping: 'UNKNOWN',
    notChecked: ['OPERATORS', ...OTHER_PROGRAM],
    says: ['OPERATOR_NOT_TOLD'],
    flink: { is: 'REFUSED', message: /Cannot map .* state for operator/ },
  },
  {
    name: 'Chaining, off in the program',
    of: 'plain CANONICAL',
    to: { arguments: ['--no-chaining'] },
    mapping: 'FULLY_COMPATIBLE',
    notChecked: OTHER_PROGRAM,
    flink: { is: 'RUNNING', state: kept },
  },
  {
    name: 'Two operators with state change places, with uids',
    of: 'plain CANONICAL',
    to: { arguments: ['--second-first'] },
    mapping: 'FULLY_COMPATIBLE',
    notChecked: OTHER_PROGRAM,
    flink: { is: 'RUNNING', state: kept },
  },
  {
    name: 'Two operators with state change places, without uids',
    of: 'bare CANONICAL',
    to: { arguments: ['--no-uids', '--second-first'] },
    mapping: 'UNKNOWN',
    notChecked: ['OPERATORS', ...OTHER_PROGRAM],
    says: ['OPERATOR_NOT_TOLD'],
    flink: { is: 'RUNNING', state: { source: 'KEPT', counter: 'OF_ANOTHER', second: 'OF_ANOTHER' } },
  },
  {
    name: 'Two operators with state change places, without uids and with chaining off in the program',
    of: 'loose CANONICAL',
    to: { arguments: ['--no-uids', '--no-chaining', '--second-first'] },
    mapping: 'UNKNOWN',
    notChecked: ['OPERATORS', ...OTHER_PROGRAM],
    says: ['OPERATOR_NOT_TOLD'],
    flink: { is: 'RUNNING', state: { source: 'KEPT', counter: 'OF_ANOTHER', second: 'OF_ANOTHER' } },
  },
  {
    name: 'Nothing, without uids',
    of: 'bare CANONICAL',
    mapping: 'UNKNOWN',
    notChecked: ['OPERATORS'],
    says: ['OPERATOR_NOT_TOLD'],
    flink: { is: 'RUNNING', state: kept },
  },
  {
    name: 'Nothing, without uids and with chaining off in the program',
    of: 'loose CANONICAL',
    mapping: 'FULLY_COMPATIBLE',
    notChecked: [],
    says: ['UID_NOT_SET'],
    flink: { is: 'RUNNING', state: kept },
  },
  {
    name: 'Other code in an operator, without uids',
    of: 'bare CANONICAL',
    to: { arguments: ['--no-uids', '--counter-step', '2'] },
    mapping: 'UNKNOWN',
    notChecked: ['OPERATORS', ...OTHER_PROGRAM],
    says: ['OPERATOR_NOT_TOLD'],
    flink: { is: 'RUNNING', state: kept },
  },
  {
    name: 'Uids for operators that had none',
    of: 'bare CANONICAL',
    to: { arguments: [] },
    mapping: 'UNKNOWN',
    notChecked: ['OPERATORS', ...OTHER_PROGRAM],
    says: ['OPERATOR_NOT_TOLD'],
    flink: { is: 'REFUSED', message: /Cannot map .* state for operator/ },
    of120: { mapping: 'INCOMPATIBLE', notChecked: OTHER_PROGRAM, says: ['STATE_WITHOUT_OPERATOR'] },
  },
  {
    name: 'The uid of an operator, with setUidHash for the old one',
    of: 'plain CANONICAL',
    to: { arguments: ['--counter-uid', 'counter-2', '--counter-uid-hash', operatorIdOf('counter')] },
    mapping: 'UNKNOWN',
    notChecked: ['OPERATORS', ...OTHER_PROGRAM],
    says: ['OPERATOR_NOT_TOLD'],
    flink: { is: 'RUNNING', state: kept },
  },
  {
    name: 'The parallelism, from 2 to 3',
    of: 'plain NATIVE',
    to: { parallelism: 3 },
    mapping: 'FULLY_COMPATIBLE',
    notChecked: [],
    flink: { is: 'RUNNING', state: kept },
  },
  {
    name: 'The parallelism, from 2 to 1',
    of: 'rocks CANONICAL',
    to: { parallelism: 1 },
    mapping: 'FULLY_COMPATIBLE',
    notChecked: [],
    flink: { is: 'RUNNING', state: kept },
  },
  {
    name: 'The parallelism, above the max parallelism of the state (128)',
    of: 'plain CANONICAL',
    to: { parallelism: 129 },
    mapping: 'INCOMPATIBLE',
    notChecked: [],
    says: ['PARALLELISM_ABOVE_MAX'],
    flink: { is: 'REFUSED', message: /maximum parallelism .* is lower than the configured parallelism/ },
  },
  {
    name: 'The max parallelism, by a setting',
    of: 'plain CANONICAL',
    to: { configuration: { 'pipeline.max-parallelism': '256' } },
    mapping: 'INCOMPATIBLE',
    notChecked: ['STATE_TYPES'],
    says: ['MAX_PARALLELISM_CHANGED'],
    flink: { is: 'REFUSED', message: /Max parallelism mismatch/ },
  },
  {
    name: 'The max parallelism, by the program',
    of: 'plain CANONICAL',
    to: { arguments: ['--max-parallelism', '256'] },
    mapping: 'FULLY_COMPATIBLE',
    notChecked: OTHER_PROGRAM,
    flink: { is: 'REFUSED', message: /Max parallelism mismatch/ },
    hangsOn: 'MAX_PARALLELISM',
  },
  {
    name: 'HASHMAP to RocksDB, from a CANONICAL savepoint',
    of: 'plain CANONICAL',
    to: { configuration: { 'state.backend.type': 'rocksdb' } },
    mapping: 'FULLY_COMPATIBLE',
    notChecked: OTHER_PROGRAM,
    flink: { is: 'RUNNING', state: kept },
  },
  {
    name: 'RocksDB to HASHMAP, from a CANONICAL savepoint',
    of: 'rocks CANONICAL',
    to: { configuration: {} },
    mapping: 'FULLY_COMPATIBLE',
    notChecked: OTHER_PROGRAM,
    flink: { is: 'RUNNING', state: kept },
  },
  {
    name: 'HASHMAP to RocksDB, from a NATIVE savepoint',
    of: 'plain NATIVE',
    to: { configuration: { 'state.backend.type': 'rocksdb' } },
    mapping: 'INCOMPATIBLE',
    notChecked: OTHER_PROGRAM,
    says: ['OTHER_STATE_BACKEND'],
    flink: { is: 'FAILED', message: /EOFException|ArrayIndexOutOfBounds|StreamOperatorStateContext/ },
  },
  {
    name: 'RocksDB to HASHMAP, from a NATIVE savepoint',
    of: 'rocks NATIVE',
    to: { configuration: {} },
    mapping: 'INCOMPATIBLE',
    notChecked: OTHER_PROGRAM,
    says: ['OTHER_STATE_BACKEND'],
    flink: { is: 'FAILED', message: /Unexpected state handle type/ },
  },
  {
    name: 'HASHMAP to RocksDB, from a retained checkpoint',
    of: 'plain CHECKPOINT',
    to: { configuration: { 'state.backend.type': 'rocksdb' } },
    mapping: 'INCOMPATIBLE',
    notChecked: OTHER_PROGRAM,
    says: ['OTHER_STATE_BACKEND'],
    flink: { is: 'FAILED', message: /EOFException|ArrayIndexOutOfBounds|StreamOperatorStateContext/ },
  },
  {
    name: 'The type of a state, from Long to String',
    of: 'plain CANONICAL',
    to: { arguments: ['--text-counts'] },
    mapping: 'FULLY_COMPATIBLE',
    notChecked: OTHER_PROGRAM,
    flink: { is: 'FAILED', message: /must not be incompatible with the old state serializer/ },
    hangsOn: 'STATE_TYPES',
  },
  {
    name: 'The name of a state',
    of: 'plain CANONICAL',
    to: { arguments: ['--counter-state', 'total'] },
    mapping: 'FULLY_COMPATIBLE',
    notChecked: OTHER_PROGRAM,
    flink: { is: 'RUNNING', state: { ...kept, counter: 'LOST' } },
    hangsOn: 'STATE_TYPES',
  },
  {
    name: 'A file of the snapshot is gone',
    of: 'rocks NATIVE',
    damaged: true,
    mapping: 'INCOMPATIBLE',
    notChecked: [],
    says: ['FILES_DAMAGED'],
    flink: { is: 'FAILED', message: /FileNotFoundException|does not exist|No such file/ },
  },
];

/** Of one version of Flink to another; the jar is compiled for each. */
export interface VersionChange extends JobChange {
  made: '1.20.5' | '2.3.0';
}

export const VERSION_CHANGES: VersionChange[] = [
  {
    name: 'Flink 1.20.5 to 2.3.0, from a CANONICAL savepoint',
    made: '1.20.5',
    of: 'plain CANONICAL',
    mapping: 'FULLY_COMPATIBLE',
    notChecked: OTHER_PROGRAM,
    says: ['MAJOR_VERSION_CHANGE'],
    flink: { is: 'RUNNING', state: kept },
  },
  {
    name: 'Flink 1.20.5 to 2.3.0, from a NATIVE savepoint of RocksDB',
    made: '1.20.5',
    of: 'rocks NATIVE',
    mapping: 'FULLY_COMPATIBLE',
    notChecked: OTHER_PROGRAM,
    says: ['MAJOR_VERSION_CHANGE'],
    flink: { is: 'RUNNING', state: kept },
  },
  {
    name: 'Flink 1.20.5 to 2.3.0, without uids',
    made: '1.20.5',
    of: 'bare CANONICAL',
    mapping: 'UNKNOWN',
    notChecked: ['OPERATORS', ...OTHER_PROGRAM],
    says: ['MAJOR_VERSION_CHANGE', 'OPERATOR_NOT_TOLD'],
    flink: { is: 'RUNNING', state: kept },
  },
  {
    name: 'Flink 2.3.0 to 1.20.5',
    made: '2.3.0',
    of: 'plain CANONICAL',
    mapping: 'INCOMPATIBLE',
    notChecked: OTHER_PROGRAM,
    says: ['METADATA_TOO_NEW'],
    flink: { is: 'REFUSED', message: /Unrecognized checkpoint version number: 6/ },
  },
];
