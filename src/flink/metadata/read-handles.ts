import type { ByteWindow, Reading } from './byte-window.js';
import type { Distribution, FileReference } from './metadata.types.js';

/** Handles nest: key groups in a stream, changelogs on a base. No Flink nests deeper than three. */
const DEEPEST = 8;
const DISTRIBUTIONS: readonly Distribution[] = ['SPLIT', 'UNION', 'BROADCAST'];

export interface FoundHandles {
  /** By type byte. */
  readonly stream: Map<number, number>;
  readonly keyed: Map<number, number>;
  readonly operator: Map<number, number>;
  readonly channel: Map<number, number>;
  inlineBytes: number;
}

/**
 * Reads the handles of `_metadata`: where each piece of state lies, or the piece itself. Type bytes, the order of fields and which place
 * allows which type are those of Flink's MetadataV2V3SerializerBase and MetadataV6Serializer (versions 2 to 6). Each answers the bytes of
 * state that it stands for.
 */
export class HandleReader {
  readonly found: FoundHandles = {
    stream: new Map(),
    keyed: new Map(),
    operator: new Map(),
    channel: new Map(),
    inlineBytes: 0,
  };

  constructor(
    private readonly bytes: ByteWindow,
    private readonly onFile: (file: FileReference) => void,
  ) {}

  /** A file, a part of one, or the bytes themselves. `whole`: what a file by its whole location is. */
  *stream(depth = 0, whole: 'ABSOLUTE' | 'CHANGES' = 'ABSOLUTE'): Reading<number> {
    const { bytes } = this;
    if (bytes.lacks(1)) yield* bytes.more(1);
    const type = bytes.i8();
    count(this.found.stream, type);
    switch (type) {
      case 0: // none
      case 16: // an empty segment
        return 0;
      case 1:
        yield* this.skipText();
        return this.inline(yield* this.skipBytes());
      case 2: {
        const sizeBytes = yield* this.size();
        const location = yield* this.text();
        this.onFile({ kind: whole, location, sizeBytes });
        return sizeBytes;
      }
      case 6: {
        const name = yield* this.text();
        const sizeBytes = yield* this.size();
        this.onFile({ kind: 'RELATIVE', name, sizeBytes });
        return sizeBytes;
      }
      case 3:
        yield* this.skipKeyGroups();
        return yield* this.stream(this.deeper(depth), whole);
      case 15: {
        const fromByte = yield* this.size();
        const sizeBytes = yield* this.size();
        yield* bytes.skip(4); // its scope
        const location = yield* this.text();
        yield* this.skipText(); // id of the logical file
        this.onFile({ kind: 'SEGMENT', location, fromByte, sizeBytes });
        return sizeBytes;
      }
      default:
        throw bytes.fault('CORRUPT', `${type} is no type of a stream handle`, 1);
    }
  }

  *keyed(depth = 0): Reading<number> {
    const { bytes } = this;
    if (bytes.lacks(1)) yield* bytes.more(1);
    const type = bytes.i8();
    count(this.found.keyed, type);
    switch (type) {
      case 0:
        return 0;
      case 3:
      case 7:
      case 12: {
        yield* this.skipKeyGroups();
        const size = yield* this.stream();
        if (type === 12) yield* this.skipText(); // id of the handle
        return size;
      }
      case 5:
      case 11:
        return yield* this.incremental(type === 11);
      case 8:
      case 14:
        return yield* this.changelog(type === 14, this.deeper(depth));
      case 9:
        return yield* this.changesInMemory();
      case 10:
      case 13:
        return yield* this.changesInFiles(type === 13);
      default:
        throw bytes.fault('CORRUPT', `${type} is no type of a handle of keyed state`, 1);
    }
  }

  /** `name`: is told of each state. */
  *operator(onState: (name: string, distribution: Distribution) => void): Reading<number> {
    const { bytes } = this;
    yield* bytes.more(1);
    const type = bytes.i8();
    count(this.found.operator, type);
    if (type === 0) return 0;
    if (type !== 4 && type !== 17) throw bytes.fault('CORRUPT', `${type} is no type of a handle of operator state`, 1);
    const states = yield* this.count('states of an operator');
    for (let n = 0; n < states; n += 1) {
      const name = yield* this.text();
      yield* bytes.more(1);
      const mode = bytes.i8();
      const distribution = DISTRIBUTIONS[mode];
      if (!distribution) throw bytes.fault('CORRUPT', `${mode} is no way to distribute operator state`, 1);
      yield* this.skipOffsets();
      onState(name, distribution);
    }
    if (type === 17) {
      yield* this.skipText(); // directory of the task
      yield* this.skipText(); // and the shared one
      yield* bytes.skip(1); // whether it is empty
    }
    return yield* this.stream();
  }

  /** Of input or output; `typed`: from version 6 on. */
  *channel(typed: boolean): Reading<number> {
    const { bytes } = this;
    let type = 1;
    if (typed) {
      yield* bytes.more(1);
      type = bytes.i8();
      if (type < 1 || type > 4) throw bytes.fault('CORRUPT', `${type} is no type of a handle of channel state`, 1);
    }
    count(this.found.channel, type);
    yield* bytes.skip(4); // subtask
    if (type <= 2) {
      yield* bytes.skip(8); // gate and channel, or partition and subpartition
      yield* this.skipOffsets();
      const size = yield* this.size();
      yield* this.stream(); // which several channels may share
      return size;
    }
    const size = yield* this.size();
    yield* this.stream();
    yield* this.skipBytes(); // offsets, packed
    return size;
  }

  /** How many of something follow. */
  *count(what: string): Reading<number> {
    const { bytes } = this;
    if (bytes.lacks(4)) yield* bytes.more(4);
    const many = bytes.i32();
    if (many < 0) throw bytes.fault('CORRUPT', `there cannot be ${many} ${what}`, 4);
    return many;
  }

  *text(): Reading<string> {
    const { bytes } = this;
    if (bytes.lacks(2)) yield* bytes.more(2);
    const length = bytes.u16();
    if (bytes.lacks(length)) yield* bytes.more(length);
    return bytes.text(length);
  }

  /** Answers how many. */
  *skipBytes(): Reading<number> {
    const length = yield* this.count('bytes');
    yield* this.bytes.skip(length);
    return length;
  }

  inline(size: number): number {
    this.found.inlineBytes += size;
    return size;
  }

  private *incremental(today: boolean): Reading<number> {
    const { bytes } = this;
    yield* bytes.skip(8); // checkpoint id
    yield* this.skipText(); // id of the backend
    yield* bytes.skip(today ? 16 : 8); // key groups; and the size of what was new in it
    let size = yield* this.stream();
    size += yield* this.pairs();
    size += yield* this.pairs();
    if (today) yield* this.skipText(); // id of the handle
    return size;
  }

  /** Local file names with the files; by far the most there is of anything in a large one. */
  private *pairs(): Reading<number> {
    const many = yield* this.count('files');
    let size = 0;
    for (let n = 0; n < many; n += 1) {
      const atHand = this.pairAtHand();
      size += atHand ?? (yield* this.pair());
    }
    return size;
  }

  private *pair(): Reading<number> {
    yield* this.skipText();
    return yield* this.stream();
  }

  /** A pair with a file by its whole location, all of which is at hand: as nearly all are, and read without a generator. null: nothing was taken. */
  private pairAtHand(): number | null {
    const { bytes } = this;
    if (bytes.lacks(2)) return null;
    const handle = 2 + bytes.u16Ahead(0);
    const location = handle + 1 + 8;
    if (bytes.lacks(location + 2) || bytes.i8Ahead(handle) !== 2) return null;
    const length = bytes.u16Ahead(location);
    if (bytes.lacks(location + 2 + length)) return null;
    bytes.pass(handle + 1);
    count(this.found.stream, 2);
    const sizeBytes = this.sizeAtHand();
    bytes.pass(2);
    this.onFile({ kind: 'ABSOLUTE', location: bytes.text(length), sizeBytes });
    return sizeBytes;
  }

  private *changelog(today: boolean, depth: number): Reading<number> {
    const { bytes } = this;
    yield* bytes.skip(16); // key groups, and the size of what was new in it
    let size = 0;
    for (const what of ['bases', 'changes']) {
      const many = yield* this.count(what);
      for (let n = 0; n < many; n += 1) size += yield* this.keyed(depth);
    }
    yield* bytes.skip(today ? 16 : 8); // id of the materialization, and of the checkpoint
    yield* this.skipText();
    return size;
  }

  private *changesInMemory(): Reading<number> {
    const { bytes } = this;
    yield* bytes.skip(24); // key groups, from, to
    const many = yield* this.count('changes');
    let size = 0;
    for (let n = 0; n < many; n += 1) {
      yield* bytes.skip(4); // key group
      size += this.inline(yield* this.skipBytes());
    }
    yield* this.skipText();
    return size;
  }

  private *changesInFiles(today: boolean): Reading<number> {
    const { bytes } = this;
    yield* bytes.skip(8); // key groups
    const many = yield* this.count('files of changes');
    let size = 0;
    for (let n = 0; n < many; n += 1) {
      yield* bytes.skip(8); // offset
      size += yield* this.stream(0, 'CHANGES');
    }
    yield* bytes.skip(16); // sizes, which the files have too
    yield* this.skipText();
    if (today) yield* this.skipText(); // of the storage
    return size;
  }

  private *skipKeyGroups(): Reading<void> {
    yield* this.bytes.skip(4); // the first
    yield* this.skipOffsets();
  }

  private *skipOffsets(): Reading<void> {
    const many = yield* this.count('offsets');
    yield* this.bytes.skip(many * 8);
  }

  private *size(): Reading<number> {
    const { bytes } = this;
    if (bytes.lacks(8)) yield* bytes.more(8);
    return this.sizeAtHand();
  }

  private sizeAtHand(): number {
    const { bytes } = this;
    const size = bytes.i64();
    if (size < 0) throw bytes.fault('CORRUPT', `a size of ${size} bytes cannot be`, 8);
    return size;
  }

  private *skipText(): Reading<void> {
    const { bytes } = this;
    if (bytes.lacks(2)) yield* bytes.more(2);
    yield* bytes.skip(bytes.u16());
  }

  private deeper(depth: number): number {
    if (depth >= DEEPEST) throw this.bytes.fault('CORRUPT', 'handles are nested deeper than any Flink nests them', 1);
    return depth + 1;
  }
}

const count = (counts: Map<number, number>, type: number) => counts.set(type, (counts.get(type) ?? 0) + 1);
