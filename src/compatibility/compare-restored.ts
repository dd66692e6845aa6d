import type { PlannedOperator } from '../flink/flink.types.js';
import type { KeptOperator } from '../savepoint/snapshot-contents.js';
import type { OperatorName, ReadMetadata } from './compatibility.types.js';
import { bytesOf, called, holdsState, Match } from './match-operators.js';

export interface ComparedOperator extends OperatorName {
  stateBytes: number;
}

/** What became of a state in a run that was started from it, by the first snapshot of its own. Plain data, as it is kept. */
export interface RestoredDifferences {
  /** Hold state now, of which the source had nothing under their ids; with what they hold now. */
  startedEmpty: ComparedOperator[];
  /** Held state in the source, and are not in the run; with what they held. */
  dropped: ComparedOperator[];
  /** Held state in the source, and are not in the run under that id, though nothing was allowed to be dropped: setUidHash gave it to another. */
  underAnotherId: ComparedOperator[];
  /** Hold nothing of what the source held. That may be as it should: a window that has fired, a list that was read. */
  emptied: ComparedOperator[];
  /** Hold state under a uid that the plan of the program has not got; null: no plan is known. */
  notPlanned: ComparedOperator[] | null;
}

/**
 * Compares by ids, as Flink maps. Every snapshot lists all operators of its job, also those without state: one that is not listed is
 * not in the job. `mayDrop`: whether Flink was allowed to leave state behind; null: not known, as of an adopted run. Pure.
 */
export function compareRestored(
  source: ReadMetadata,
  own: ReadMetadata,
  mayDrop: boolean | null,
  plan: readonly PlannedOperator[] | null,
): RestoredDifferences {
  const before = new Map(source.operators.map((one) => [one.id, one]));
  const now = new Map(own.operators.map((one) => [one.id, one]));
  const match = new Match(own, plan ?? []);
  const gone = source.operators.filter((one) => holdsState(one) && !now.has(one.id));
  const added = own.operators.filter((one) => holdsState(one) && !before.has(one.id));
  // Flink starts nothing that would leave state behind unless it may: whatever is gone was taken by another operator.
  const isMoved = mayDrop === false;
  const takers = isMoved ? takersOf(gone, added) : new Set<string>();
  return {
    startedEmpty: added.filter(({ id }) => !takers.has(id)).map(compared),
    dropped: isMoved ? [] : gone.map(compared),
    underAnotherId: isMoved ? gone.map(compared) : [],
    emptied: source.operators
      .filter((one) => {
        const after = now.get(one.id);
        return bytesOf(one) > 0 && after !== undefined && bytesOf(after) === 0;
      })
      .map(compared),
    notPlanned:
      plan === null
        ? null
        : own.operators
            .filter((one) => holdsState(one) && match.originOf(one) === 'UID' && !match.plannedFor(one))
            .map(compared),
  };
}

/**
 * Those that may have taken what is gone: of one name where that tells; else, where something is left over, it cannot be told which,
 * and none of them is said to have started empty.
 */
function takersOf(gone: readonly KeptOperator[], added: readonly KeptOperator[]): Set<string> {
  const takers = new Set<string>();
  let untold = 0;
  for (const { name } of gone) {
    const taker = name === null ? undefined : added.find((one) => one.name === name && !takers.has(one.id));
    if (taker) takers.add(taker.id);
    else untold += 1;
  }
  return untold > 0 ? new Set(added.map(({ id }) => id)) : takers;
}

const compared = (one: KeptOperator): ComparedOperator => ({
  id: one.id,
  name: one.name,
  uid: one.uid,
  stateBytes: bytesOf(one),
});

export const differs = ({ startedEmpty, dropped }: RestoredDifferences): boolean =>
  startedEmpty.length + dropped.length > 0;

/** For a person; null: there is nothing that a person must know. */
export function differencesInWords(differences: RestoredDifferences): string | null {
  const { startedEmpty, dropped } = differences;
  if (!differs(differences)) return null;
  const empty = `${operators(startedEmpty.length)} started empty: ${listed(startedEmpty)}`;
  const bytes = dropped.reduce((sum, { stateBytes }) => sum + stateBytes, 0);
  const lost = `the state of ${operators(dropped.length)}, ${bytes} bytes, was not taken: ${listed(dropped)}`;
  return [...(startedEmpty.length > 0 ? [empty] : []), ...(dropped.length > 0 ? [lost] : [])].join('; ');
}

const NAMED = 5;
const operators = (count: number) => `${count} operator${count === 1 ? '' : 's'}`;

export function listed(some: readonly ComparedOperator[]): string {
  const named = some.slice(0, NAMED).map((one) => `${called(one)}, ${one.stateBytes} bytes`);
  return [...named, ...(some.length > NAMED ? [`and ${some.length - NAMED} more`] : [])].join('; ');
}
