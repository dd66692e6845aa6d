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

/** Whether every operator with state has a uid of its own, by a snapshot of its job. Pure. */
export function uidsSet(metadata: ReadMetadata): UidsSet {
  const match = new Match(metadata, []);
  const stateful = metadata.operators.filter(holdsState);
  if (!match.writesUids)
    return {
      state: 'NOT_TOLD',
      why:
        `Flink before 2.0 writes neither names nor uids into a snapshot (version ${metadata.version} of the format). ` +
        'See to it in the code that every operator with state has a uid.',
      operators: [],
    };
  const without = stateful
    .filter((one) => match.originOf(one) === 'NO_UID')
    .map((one) => ({
      id: one.id,
      name: one.name,
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
