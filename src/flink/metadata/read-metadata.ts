import { ByteWindow, type Reading } from './byte-window.js';
import { MetadataError } from './metadata-error.js';
import type {
  BackendFamily,
  Distribution,
  FileReference,
  SnapshotMetadata,
  SnapshotOperator,
  SnapshotProperties,
} from './metadata.types.js';
import { type FoundHandles, HandleReader } from './read-handles.js';
import { propertiesIn } from './snapshot-properties.js';

const MAGIC = 0x4960672d;
const MASTER_STATE_MAGIC = 0xc96b1696 | 0;
const OLDEST_VERSION = 2;
/** Of Flink 2.1 to 2.3. */
export const NEWEST_VERSION = 6;
/** Properties are some hundred bytes. */
const LONGEST_PROPERTIES = 64 * 1024;

/**
 * Reads a `_metadata` file, of a savepoint or a checkpoint, while it comes: each file that it points to is told as it is met and not
 * kept. Throws MetadataError for what is no such file, is of another version, ends too soon or cannot be; whatever the source throws
 * goes through. Versions 2 to 6, after Flink's MetadataV2Serializer to MetadataV6Serializer.
 */
export async function readMetadata(
  source: AsyncIterable<Buffer>,
  onFile: (file: FileReference) => void = () => undefined,
): Promise<SnapshotMetadata> {
  const bytes = new ByteWindow();
  const reading = readFile(bytes, onFile);
  let step = reading.next();
  for await (const chunk of source) {
    if (step.done) break;
    bytes.push(chunk);
    step = reading.next();
  }
  if (!step.done) {
    bytes.end();
    step = reading.next();
  }
  if (!step.done) throw new Error('Reading waits for more after the end of the file');
  return step.value;
}

function* readFile(bytes: ByteWindow, onFile: (file: FileReference) => void): Reading<SnapshotMetadata> {
  const handles = new HandleReader(bytes, onFile);
  const version = yield* readHeader(bytes);
  yield* bytes.more(8);
  const checkpointId = bytes.i64();
  if (checkpointId < 0) throw bytes.fault('CORRUPT', `${checkpointId} is no id of a checkpoint`, 8);
  const masterStates: SnapshotMetadata['masterStates'] = [];
  for (let left = yield* handles.count('master states'); left > 0; left -= 1)
    masterStates.push(yield* readMasterState(bytes, handles));
  const operators: SnapshotOperator[] = [];
  for (let left = yield* handles.count('operators'); left > 0; left -= 1)
    operators.push(yield* readOperator(bytes, handles, version));
  const { found } = handles;
  const properties = yield* readProperties(bytes, version, found);
  const { stream, keyed, operator, channel, inlineBytes } = found;
  return {
    version,
    checkpointId,
    masterStates,
    operators,
    properties,
    backends: backendsOf(found),
    handles: { stream, keyed, operator, channel },
    metadataBytes: bytes.offset,
    inlineBytes,
  };
}

/** Answers the version. What is not of this magic is no `_metadata`, however long. */
function* readHeader(bytes: ByteWindow): Reading<number> {
  if (!(yield* bytes.hasMore())) throw bytes.fault('TRUNCATED', 'the file is empty');
  yield* bytes.more(4);
  if (bytes.i32() !== MAGIC)
    throw new MetadataError('NOT_METADATA', 0, 'it does not begin as a _metadata file of Flink does');
  yield* bytes.more(4);
  const version = bytes.i32();
  if (version < OLDEST_VERSION || version > NEWEST_VERSION)
    throw new MetadataError(
      'VERSION_NOT_SUPPORTED',
      4,
      version === 1
        ? 'version 1 (Flink 1.2 and before) is read by no release of today'
        : `version ${version} is not known; versions ${OLDEST_VERSION} to ${NEWEST_VERSION} are, which Flink 1.3 to 2.3 write`,
    );
  return version;
}

function* readMasterState(
  bytes: ByteWindow,
  handles: HandleReader,
): Reading<{ version: number; name: string; bytes: number }> {
  yield* bytes.more(8);
  if (bytes.i32() !== MASTER_STATE_MAGIC) throw bytes.fault('CORRUPT', 'a master state begins otherwise', 4);
  const length = bytes.i32();
  if (length <= 0) throw bytes.fault('CORRUPT', `a master state of ${length} bytes cannot be`, 4);
  const from = bytes.offset;
  yield* bytes.more(4);
  const version = bytes.i32();
  const name = yield* handles.text();
  const left = from + length - bytes.offset;
  if (left < 0) throw bytes.fault('CORRUPT', 'the name of a master state is longer than the whole of it');
  yield* bytes.skip(left);
  return { version, name, bytes: left };
}

function* readOperator(bytes: ByteWindow, handles: HandleReader, version: number): Reading<SnapshotOperator> {
  const name = version >= 5 ? yield* handles.text() : '';
  const uid = version >= 5 ? yield* handles.text() : '';
  yield* bytes.more(24);
  const id = bytes.hex(16);
  const parallelism = bytes.i32();
  const maxParallelism = bytes.i32();
  if (version === 2) yield* bytes.skip(4); // length of a chain, always 1
  const coordinatorBytes = version === 2 ? 0 : yield* handles.stream();
  yield* bytes.more(4);
  const many = bytes.i32();
  if (many < 0 && version === 2) throw bytes.fault('CORRUPT', `there cannot be ${many} subtasks`, 4);
  const operator: SnapshotOperator = {
    id,
    name: name || null,
    uid: uid || null,
    parallelism,
    maxParallelism,
    coordinatorBytes,
    fullyFinished: many < 0,
    subtasks: [],
    finishedSubtasks: [],
    stateBytes: { operator: 0, keyed: 0, channel: 0 },
    operatorStates: new Map(),
  };
  for (let n = 0; n < many; n += 1) yield* readSubtask(bytes, handles, version, operator);
  return operator;
}

function* readSubtask(
  bytes: ByteWindow,
  handles: HandleReader,
  version: number,
  { subtasks, finishedSubtasks, stateBytes, operatorStates }: SnapshotOperator,
): Reading<void> {
  yield* bytes.more(4);
  const index = bytes.i32();
  if (index < 0) {
    if (version === 2) throw bytes.fault('CORRUPT', `${index} is no subtask`, 4);
    finishedSubtasks.push(-index - 1);
    return;
  }
  subtasks.push(index);
  if (version === 2) {
    yield* bytes.skip(8); // an unused duration
    const legacy = yield* handles.count('states of an old kind');
    if (legacy !== 0)
      throw bytes.fault('CORRUPT', 'it holds state of an old kind, which Flink does not read either', 4);
  }
  const onState = (name: string, distribution: Distribution) => operatorStates.set(name, distribution);
  for (let kind = 0; kind < 2; kind += 1) {
    // managed, then raw
    yield* bytes.more(4);
    const flag = bytes.i32();
    if (flag !== 0 && flag !== 1) throw bytes.fault('CORRUPT', `${flag} cannot say whether there is operator state`, 4);
    if (flag === 1) stateBytes.operator += yield* handles.operator(onState);
  }
  stateBytes.keyed += yield* handles.keyed();
  stateBytes.keyed += yield* handles.keyed();
  if (version === 2) return;
  for (const what of ['states of input channels', 'states of output channels']) {
    const many = yield* handles.count(what);
    for (let n = 0; n < many; n += 1) stateBytes.channel += yield* handles.channel(version >= 6);
  }
}

function* readProperties(bytes: ByteWindow, version: number, { keyed }: FoundHandles): Reading<SnapshotProperties> {
  if (version >= 4) return propertiesIn(yield* readTail(bytes), bytes);
  if (yield* bytes.hasMore()) throw bytes.fault('CORRUPT', 'more follows where the file must end');
  // Versions 2 and 3 say nothing; only canonical savepoints hold key groups of that kind.
  return keyed.has(7)
    ? { kind: 'SAVEPOINT', format: 'CANONICAL', drained: null }
    : { kind: null, format: null, drained: null };
}

/** All that is left. */
function* readTail(bytes: ByteWindow): Reading<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  while (yield* bytes.hasMore()) {
    const part = bytes.takeAll();
    length += part.length;
    if (length > LONGEST_PROPERTIES)
      throw bytes.fault('CORRUPT', `more than ${LONGEST_PROPERTIES} bytes follow the operators`, length);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function backendsOf({ keyed }: FoundHandles): BackendFamily[] {
  const families: [BackendFamily, readonly number[]][] = [
    ['CANONICAL', [7]],
    ['HEAP', [3, 12]],
    ['ROCKSDB_OR_FORST', [5, 11]],
    ['CHANGELOG', [8, 9, 10, 13, 14]],
  ];
  return families.filter(([, types]) => types.some((type) => keyed.has(type))).map(([family]) => family);
}
