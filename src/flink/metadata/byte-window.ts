import { storableText } from '../storable-text.js';
import { MetadataError } from './metadata-error.js';

/** A step of reading that stops (`yield`) where the bytes at hand are too few, and goes on when more have been pushed. */
export type Reading<T> = Generator<void, T, void>;

/**
 * The bytes of a file that are at hand, read from front to back. Numbers are big-endian and signed, as Java's DataOutputStream writes
 * them. A reader asks {@link lacks} before it takes; only where that is so it pays for a generator.
 */
export class ByteWindow {
  private bytes: Buffer = Buffer.alloc(0);
  private at = 0;
  private before = 0;
  private ended = false;

  /** Of the next byte, from the beginning of the file. */
  get offset(): number {
    return this.before + this.at;
  }

  push(chunk: Buffer): void {
    const rest = this.bytes.subarray(this.at);
    this.before += this.at;
    this.at = 0;
    this.bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
  }

  /** Nothing more comes. */
  end(): void {
    this.ended = true;
  }

  lacks(count: number): boolean {
    return this.bytes.length - this.at < count;
  }

  /** Until so many are at hand; throws TRUNCATED where the file ends before. */
  *more(count: number): Reading<void> {
    while (this.lacks(count)) yield* this.next();
  }

  /** Whether anything is left. */
  *hasMore(): Reading<boolean> {
    while (this.lacks(1)) {
      if (this.ended) return false;
      yield;
    }
    return true;
  }

  /** Passes over bytes, however many, without keeping them. */
  *skip(count: number): Reading<void> {
    let left = count;
    for (;;) {
      const here = Math.min(left, this.bytes.length - this.at);
      this.at += here;
      left -= here;
      if (left === 0) return;
      yield* this.next();
    }
  }

  private *next(): Reading<void> {
    if (this.ended) throw this.fault('TRUNCATED', 'the file ends here, in the middle of what it announces');
    yield;
  }

  i8(): number {
    return this.bytes.readInt8(this.took(1));
  }

  u16(): number {
    return this.bytes.readUInt16BE(this.took(2));
  }

  i32(): number {
    return this.bytes.readInt32BE(this.took(4));
  }

  /** As a number; what is beyond 2^53 in size is no size or id that any Flink has written. */
  i64(): number {
    const from = this.took(8);
    const value = this.bytes.readInt32BE(from) * 2 ** 32 + this.bytes.readUInt32BE(from + 4);
    if (!Number.isSafeInteger(value)) throw this.fault('CORRUPT', `a number of ${value} cannot be true`, 8);
    return value;
  }

  /** Of bytes at hand that are not taken yet, so many further on. */
  i8Ahead(by: number): number {
    return this.bytes.readInt8(this.at + by);
  }

  u16Ahead(by: number): number {
    return this.bytes.readUInt16BE(this.at + by);
  }

  /** Passes over bytes that are at hand. */
  pass(count: number): void {
    this.took(count);
  }

  hex(count: number): string {
    const from = this.took(count);
    return this.bytes.toString('hex', from, from + count);
  }

  /** All that is at hand. */
  takeAll(): Buffer {
    return this.bytes.subarray(this.took(this.bytes.length - this.at));
  }

  /** Java's modified UTF-8, as it can be kept: a file whose name would change by that is none that a storage could have. */
  text(count: number): string {
    const from = this.took(count);
    const text = this.bytes.toString('latin1', from, from + count);
    return NOT_PLAIN.test(text) ? storableText(this.modifiedUtf8(from, from + count)) : text;
  }

  /** `back`: how far before the next byte it is. */
  fault(code: 'TRUNCATED' | 'CORRUPT', what: string, back = 0): MetadataError {
    return new MetadataError(code, this.offset - back, what);
  }

  private took(count: number): number {
    const from = this.at;
    this.at += count;
    return from;
  }

  /** NUL has two bytes there, and what is outside the basic plane is written as its two surrogates, of three bytes each. */
  private modifiedUtf8(from: number, to: number): string {
    const units: number[] = [];
    for (let at = from; at < to;) {
      const [a = 0, b = -1, c = -1] = this.bytes.subarray(at, Math.min(at + 3, to));
      const length = a < 0x80 ? 1 : a >> 5 === 0b110 ? 2 : a >> 4 === 0b1110 ? 3 : 0;
      const goesOn = length > 0 && (length < 2 || b >> 6 === 0b10) && (length < 3 || c >> 6 === 0b10);
      if (!goesOn) throw this.fault('CORRUPT', 'a text is not in the modified UTF-8 of Java', to - at);
      if (length === 1) units.push(a);
      else if (length === 2) units.push(((a & 0x1f) << 6) | (b & 0x3f));
      else units.push(((a & 0x0f) << 12) | ((b & 0x3f) << 6) | (c & 0x3f));
      at += length;
    }
    return units.map((unit) => String.fromCharCode(unit)).join('');
  }
}

const NOT_PLAIN = /[\0\u0080-\u00ff]/;
