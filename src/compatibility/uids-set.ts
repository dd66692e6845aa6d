import type { PlannedOperator } from '../flink/flink.types.js';
import type { ReadMetadata } from './compatibility.types.js';
import { type ComparedOperator } from './compare-restored.js';
import { bytesOf, holdsState, Match } from './match-operators.js';

export interface UidsSet {
  state: 'ALL_SET' | 'SOME_NOT_SET' | 'NOT_TOLD';
  /** For a person: why it cannot be told, or what to do. null where nothing is to be done. */
  why: string | null;
  /** With state, and an id that comes from the graph around them; those with the most state first. */
  operators: (ComparedOperator & { parallelism: number })[];
}

/**
 * Whether every operator with state has a uid of its own, by a snapshot of its job; where that does not write them, by the plan of the very
 * program that made it (null: none is known): an id that such a plan has not got comes from a chain. Pure.
 */
export function uidsSet(metadata: ReadMetadata, plan: readonly PlannedOperator[] | null): UidsSet {
  const match = new Match(metadata, plan ?? []);
  const stateful = metadata.operators.filter(holdsState);
  if (!match.writesUids && plan === null)
    return {
      state: 'NOT_TOLD',
      why:
        `Flink before 2.0 writes neither names nor uids into a snapshot (version ${metadata.version} of the format). ` +
        'A plan of the program shows which operators have one: checkCompatibility with the deployment as it is has it made.',
      operators: [],
    };
  const without = stateful
    .filter((one) => match.originOf(one) !== 'UID')
    .map((one) => ({
      id: one.id,
      name: match.nameOf(one).name,
      uid: one.uid,
      stateBytes: bytesOf(one),
      parallelism: one.parallelism,
    }))
    .sort((a, b) => b.stateBytes - a.stateBytes);
  if (without.length === 0) return { state: 'ALL_SET', why: null, operators: [] };
  return {
    state: 'SOME_NOT_SET',
    why:
      'Their ids come from the graph around them: after the next change of it Flink does not find their state. Give each setUidHash ' +
      'with the id that stands here, which keeps its state, and then a uid for those to come.',
    operators: without,
  };
}
