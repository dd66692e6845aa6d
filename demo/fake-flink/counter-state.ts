import { operatorIdOf } from '../../src/flink/operator-id.js';
import type { FlinkVersion } from './captured-replies.js';
import type { ProgramTraits } from './job-checkpoints.js';
import { type HeldByOperators, int, METADATA_VERSION, utf } from './snapshot-files.js';

const STATE_FILE = 'counters';
const STATE = Buffer.alloc(4_096, 'count');
const PARALLELISM = 4;
const NOTHING = Buffer.from([0]);

/** What the simulated job holds: the counts of its counter, canonical, in a file beside `_metadata`; the others hold nothing. */
export const counterState =
  (version: FlinkVersion) =>
  ({ counterUid }: ProgramTraits): HeldByOperators => ({
    operators: [
      operator(version, 'source', 'Source: numbers', []),
      operator(version, counterUid, 'counter', [subtask(keyGroupsIn(STATE_FILE, STATE.length))]),
      operator(version, 'mapper', 'mapper', []),
      operator(version, 'sink', 'sink: Writer', []),
    ],
    files: { [STATE_FILE]: STATE },
  });

function operator(version: FlinkVersion, uid: string, name: string, subtasks: Buffer[]): Buffer {
  const named = METADATA_VERSION[version] >= 5 ? [utf(name), utf(uid)] : [];
  const id = Buffer.from(operatorIdOf(uid), 'hex');
  return Buffer.concat([...named, id, int(PARALLELISM), int(128), NOTHING, int(subtasks.length), ...subtasks]);
}

/** The first one, with keyed state: none of operators, none that is raw, no channels. */
const subtask = (keyed: Buffer): Buffer => Buffer.concat([int(0), int(0), int(0), keyed, NOTHING, int(0), int(0)]);

/** Of the first two key groups; 7: in the canonical form, 6: a file by its name alone. */
const keyGroupsIn = (file: string, size: number): Buffer =>
  Buffer.concat([Buffer.from([7]), int(0), int(2), long(0), long(8), Buffer.from([6]), utf(file), long(size)]);

function long(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes;
}
