/**
 * Writes `_metadata` files as Flink's serializers of versions 2 to 6 do, piece by piece, for what no real snapshot here holds: old
 * versions, handles that Flink reads and no longer writes, and damage.
 */

export const i8 = (value: number): Buffer => Buffer.from([value & 0xff]);
export function i32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
export function i64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes;
}
/** Java's modified UTF-8. */
export function utf(text: string): Buffer {
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit > 0 && unit < 0x80) bytes.push(unit);
    else if (unit < 0x800) bytes.push(0xc0 | (unit >> 6), 0x80 | (unit & 0x3f));
    else bytes.push(0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f));
  }
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, Buffer.from(bytes)]);
}
export const bytes = (data: Buffer): Buffer => Buffer.concat([i32(data.length), data]);
export const list = (...items: Buffer[]): Buffer => Buffer.concat([i32(items.length), ...items]);
export const all = (...parts: Buffer[]): Buffer => Buffer.concat(parts);

/** Handles of streams. */
export const none = i8(0);
export const inline = (data: string) => all(i8(1), utf('name'), bytes(Buffer.from(data)));
export const absolute = (location: string, size: number) => all(i8(2), i64(size), utf(location));
export const relative = (name: string, size: number) => all(i8(6), utf(name), i64(size));
export const segment = (location: string, from: number, size: number) =>
  all(i8(15), i64(from), i64(size), i32(1), utf(location), utf('logical'));
const groups = (count: number) => all(i32(0), list(...Array.from({ length: count }, (_, n) => i64(n))));
export const grouped = (stream: Buffer) => all(i8(3), groups(2), stream);

/** Handles of keyed state. */
export const pair = (name: string, stream: Buffer) => all(utf(name), stream);
export const keyGroups = (type: 3 | 7 | 12, stream: Buffer) =>
  all(i8(type), groups(2), stream, ...(type === 12 ? [utf('handle')] : []));
export const incremental = (type: 5 | 11, meta: Buffer, shared: Buffer[], own: Buffer[]) =>
  all(
    i8(type),
    i64(7),
    utf('backend'),
    i32(0),
    i32(128),
    ...(type === 11 ? [i64(1)] : []),
    meta,
    list(...shared),
    list(...own),
    ...(type === 11 ? [utf('handle')] : []),
  );
export const changelog = (type: 8 | 14, base: Buffer[], delta: Buffer[]) =>
  all(
    i8(type),
    i32(0),
    i32(128),
    i64(1),
    list(...base),
    list(...delta),
    i64(3),
    ...(type === 14 ? [i64(7)] : []),
    utf('handle'),
  );
export const changesInMemory = (...data: string[]) =>
  all(
    i8(9),
    i32(0),
    i32(128),
    i64(1),
    i64(2),
    list(...data.map((one) => all(i32(-1), bytes(Buffer.from(one))))),
    utf('h'),
  );
export const changesInFiles = (type: 10 | 13, ...streams: Buffer[]) =>
  all(
    i8(type),
    i32(0),
    i32(128),
    list(...streams.map((one) => all(i64(0), one))),
    i64(1),
    i64(1),
    utf('h'),
    ...(type === 13 ? [utf('fs')] : []),
  );

/** Handles of operator state. */
export const operatorState = (states: Record<string, 0 | 1 | 2 | number>, stream: Buffer) =>
  all(i8(4), list(...Object.entries(states).map(([name, mode]) => all(utf(name), i8(mode), list(i64(0))))), stream);

/** Handles of channels; `typed` from version 6 on. */
export const channel = (size: number, stream: Buffer, typed?: 1 | 2) =>
  all(...(typed ? [i8(typed)] : []), i32(0), i32(1), i32(2), list(i64(0)), i64(size), stream);
export const mergedChannel = (type: 3 | 4, size: number, stream: Buffer) =>
  all(i8(type), i32(0), i64(size), stream, bytes(i32(0)));

export interface WrittenSubtask {
  index: number;
  operator?: Buffer;
  rawOperator?: Buffer;
  keyed?: Buffer;
  rawKeyed?: Buffer;
  input?: Buffer[];
  output?: Buffer[];
}

export function subtask(version: number, written: WrittenSubtask): Buffer {
  const { index, operator, rawOperator, keyed = none, rawKeyed = none, input = [], output = [] } = written;
  const optional = (state: Buffer | undefined) => (state ? all(i32(1), state) : i32(0));
  return all(
    i32(index),
    ...(version === 2 ? [i64(0), i32(0)] : []),
    optional(operator),
    optional(rawOperator),
    keyed,
    rawKeyed,
    ...(version === 2 ? [] : [list(...input), list(...output)]),
  );
}

export const finished = (index: number): Buffer => i32(-index - 1);

export interface WrittenOperator {
  id?: string;
  name?: string;
  uid?: string;
  parallelism?: number;
  maxParallelism?: number;
  coordinator?: Buffer;
  /** Written by {@link subtask} or {@link finished}; null: the operator had fully finished. */
  subtasks?: Buffer[] | null;
}

export function operator(version: number, written: WrittenOperator = {}): Buffer {
  const {
    id = '0'.repeat(32),
    name = '',
    uid = '',
    parallelism = 1,
    maxParallelism = 128,
    coordinator = none,
  } = written;
  const { subtasks = [] } = written;
  return all(
    ...(version >= 5 ? [utf(name), utf(uid)] : []),
    Buffer.from(id, 'hex'),
    i32(parallelism),
    i32(maxParallelism),
    version === 2 ? i32(1) : coordinator,
    ...(subtasks === null ? [i32(-1)] : [list(...subtasks)]),
  );
}

export const masterState = (name: string, data: string): Buffer => {
  const content = all(i32(1), utf(name), Buffer.from(data));
  return all(i32(0xc96b1696 | 0), bytes(content));
};

export const MAGIC = 0x4960672d;

/** A whole file; `properties` as Java would write them, from version 4 on. */
export function metadata(
  version: number,
  operators: Buffer[],
  {
    properties,
    masterStates = [],
    checkpointId = 7,
  }: { properties?: Buffer; masterStates?: Buffer[]; checkpointId?: number } = {},
): Buffer {
  return all(
    i32(MAGIC),
    i32(version),
    i64(checkpointId),
    list(...masterStates),
    list(...operators),
    ...(version >= 4 ? [properties ?? savepointProperties('CANONICAL')] : []),
  );
}

/** What of Java's object stream the reader looks at. */
export const savepointProperties = (format: string, action = 'NONE'): Buffer =>
  all(
    Buffer.from([0xac, 0xed, 0, 5]),
    utf('org.apache.flink.runtime.checkpoint.SavepointType'),
    utf(format),
    utf(action),
  );

export const checkpointProperties = (): Buffer =>
  all(
    Buffer.from([0xac, 0xed, 0, 5]),
    utf('org.apache.flink.runtime.checkpoint.CheckpointType'),
    utf('FORWARD_BACKWARD'),
  );
