/** `_metadata` files of any size, as Flink 2.x writes them (version 6), piece by piece: they need not fit into memory. */

const MAGIC = 0x4960672d;
const VERSION = 6;
const KEY_GROUPS = 128;

export interface MadeMetadata {
  operators: number;
  /** Subtasks of each. */
  subtasks: number;
  /** Files that the state of one subtask points to, in other folders. 0: its state lies in `_metadata` itself. */
  files: number;
}

/** Hex id and uid of an operator. */
export const operatorOf = (index: number) => ({
  id: index.toString(16).padStart(32, '0'),
  uid: `operator-${index}`,
});

export function* madeMetadata({ operators, subtasks, files }: MadeMetadata): Generator<Buffer> {
  yield Buffer.concat([i32(MAGIC), i32(VERSION), i64(7), i32(0), i32(operators)]);
  for (let index = 0; index < operators; index++) {
    const { id, uid } = operatorOf(index);
    yield Buffer.concat([
      ...[utf(uid), utf(uid), Buffer.from(id, 'hex'), i32(subtasks), i32(KEY_GROUPS), i8(0), i32(subtasks)],
    ]);
    for (let at = 0; at < subtasks; at++) yield subtask(index, at, files);
  }
  yield properties();
}

/** Without operator state, raw state and records in flight. */
function subtask(operator: number, index: number, files: number): Buffer {
  const keyed = files === 0 ? inline() : incremental(operator, index, files);
  return Buffer.concat([i32(index), i32(0), i32(0), keyed, i8(0), i32(0), i32(0)]);
}

/** Key groups of a canonical savepoint, in the file itself. */
function inline(): Buffer {
  const stream = Buffer.concat([i8(1), utf('state'), i32(64), Buffer.alloc(64)]);
  return Buffer.concat([i8(7), i32(0), i32(2), i64(0), i64(32), stream]);
}

/** As RocksDB's incremental checkpoints are. */
function incremental(operator: number, index: number, files: number): Buffer {
  const folder = 'file:/flink/checkpoints/0123456789abcdef0123456789abcdef/shared';
  const absolute = (name: string) => Buffer.concat([i8(2), i64(64 << 20), utf(`${folder}/${name}`)]);
  const shared = Array.from({ length: files }, (_, file) =>
    Buffer.concat([utf(`${String(file).padStart(6, '0')}.sst`), absolute(`${operator}-${index}-${file}`)]),
  );
  return Buffer.concat([
    ...[i8(11), i64(7), utf('0f8fad5b-d9cb-469f-a165-70867728950e'), i32(0), i32(KEY_GROUPS), i64(64 << 20)],
    ...[absolute(`${operator}-${index}-meta`), i32(files), ...shared, i32(0), utf('handle')],
  ]);
}

/** What of Java's object stream is looked at. */
const properties = () =>
  Buffer.concat([
    Buffer.from([0xac, 0xed, 0, 5]),
    ...['org.apache.flink.runtime.checkpoint.SavepointType', 'CANONICAL', 'NONE'].map(utf),
  ]);

const i8 = (value: number) => Buffer.from([value]);
function i32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
function i64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes;
}
function utf(text: string): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(Buffer.byteLength(text));
  return Buffer.concat([length, Buffer.from(text)]);
}
