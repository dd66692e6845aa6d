const MASK = (1n << 64n) - 1n;
const C1 = 0x87c37b91114253d5n;
const C2 = 0x4cf5ad432745937fn;
const BLOCK_BYTES = 16;

/** The id that Flink gives to an operator with this uid. One without has an id that depends on the graph around it: generatedIdsIn tells those. */
export function operatorIdOf(uid: string): string {
  return murmurOf(Buffer.from(uid, 'utf8')).toString('hex');
}

/** MurmurHash3 (x64, 128 bits, seed 0), both halves with their lowest byte first. */
export function murmurOf(bytes: Buffer): Buffer {
  let h1 = 0n;
  let h2 = 0n;
  const whole = bytes.length - (bytes.length % BLOCK_BYTES);
  for (let at = 0; at < whole; at += BLOCK_BYTES) {
    h1 ^= mixFirst(bytes.readBigUInt64LE(at));
    h1 = (((rotate(h1, 27n) + h2) & MASK) * 5n + 0x52dce729n) & MASK;
    h2 ^= mixSecond(bytes.readBigUInt64LE(at + 8));
    h2 = (((rotate(h2, 31n) + h1) & MASK) * 5n + 0x38495ab5n) & MASK;
  }
  // What is missing of the last block counts as zeros, which mix to zero.
  const rest = Buffer.alloc(BLOCK_BYTES);
  bytes.copy(rest, 0, whole);
  h1 ^= mixFirst(rest.readBigUInt64LE(0));
  h2 ^= mixSecond(rest.readBigUInt64LE(8));

  const length = BigInt(bytes.length);
  h1 ^= length;
  h2 ^= length;
  h1 = (h1 + h2) & MASK;
  h2 = (h2 + h1) & MASK;
  h1 = finish(h1);
  h2 = finish(h2);
  h1 = (h1 + h2) & MASK;
  h2 = (h2 + h1) & MASK;

  const id = Buffer.alloc(BLOCK_BYTES);
  id.writeBigUInt64LE(h1, 0);
  id.writeBigUInt64LE(h2, 8);
  return id;
}

const rotate = (value: bigint, by: bigint): bigint => ((value << by) | (value >> (64n - by))) & MASK;
const mixFirst = (block: bigint): bigint => (rotate((block * C1) & MASK, 31n) * C2) & MASK;
const mixSecond = (block: bigint): bigint => (rotate((block * C2) & MASK, 33n) * C1) & MASK;

function finish(half: bigint): bigint {
  let value = half;
  value = ((value ^ (value >> 33n)) * 0xff51afd7ed558ccdn) & MASK;
  value = ((value ^ (value >> 33n)) * 0xc4ceb9fe1a85ec53n) & MASK;
  return value ^ (value >> 33n);
}
