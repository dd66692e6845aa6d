import type { PlannedOperator } from './flink.types.js';
import { murmurOf } from './operator-id.js';

/** Flink multiplies each byte by 37; that times this is 1 modulo 256. */
const INVERSE_OF_37 = 173;

/**
 * Which ids of a plan without chaining Flink has made itself because no uid was given: such an id is the hash of how many operators
 * had theirs before it, mixed with the ids of its inputs one after the other (StreamGraphHasherV2, the same in 1.20 and 2.3). With
 * chaining the operators that are chained behind it count too, so that a running job may have another.
 */
export function generatedIdsIn(plan: readonly Pick<PlannedOperator, 'id' | 'inputs'>[]): Set<string> {
  const places = new Set(plan.map((_, place) => hashOfPlace(place)));
  return new Set(plan.filter(({ id, inputs }) => places.has(inputs.reduceRight(without, id))).map(({ id }) => id));
}

function hashOfPlace(place: number): string {
  const number = Buffer.alloc(4);
  number.writeInt32LE(place);
  return murmurOf(number).toString('hex');
}

/** An id as it was before this input was mixed in, as the last one. */
function without(id: string, input: string): string {
  const last = Buffer.from(input, 'hex');
  return Buffer.from(
    Buffer.from(id, 'hex').map((byte, at) => ((byte ^ (last[at] ?? 0)) * INVERSE_OF_37) & 0xff),
  ).toString('hex');
}
