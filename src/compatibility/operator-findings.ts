import type { PlannedOperator } from '../flink/flink.types.js';
import type { KeptOperator } from '../savepoint/snapshot-contents.js';
import { CompatibilityCode, type CompatibilityFinding, type RestoreTarget } from './compatibility.types.js';
import { bytesOf, called, holdsState, type Match } from './match-operators.js';
import { defaultMaxParallelism } from './max-parallelism.js';
import { Severity } from './verdict.js';

/** What Flink looks at first, operator by operator: its max parallelism, or that the program has not got it. */
export function aboutOperators(match: Match, target: RestoreTarget): CompatibilityFinding[] {
  const renamed = new Map(match.added.map((one) => [one.name, one]));
  return match.snapshotOperators.flatMap((held) => {
    const planned = match.plannedFor(held);
    if (planned) return aboutMaxParallelism(match, held, planned, target);
    return holdsState(held) ? [aboutMissing(match, held, target, renamed.get(held.name ?? ''))] : [];
  });
}

function aboutMaxParallelism(
  match: Match,
  held: KeptOperator,
  planned: PlannedOperator,
  target: RestoreTarget,
): CompatibilityFinding[] {
  const { maxParallelism } = target;
  if (typeof maxParallelism === 'string' || maxParallelism === held.maxParallelism) return [];
  // Flink sets it to 1 by itself where an operator cannot be parallel, whatever is set for the job.
  if (held.maxParallelism === 1 && planned.parallelism === 1) return [];
  const operator = match.nameOf(held);
  const fromSettings = cameFromSettings(held, target);
  if (target.sameCode && fromSettings !== 'YES') return [];
  if (fromSettings === 'NO')
    return [
      {
        code: CompatibilityCode.MAX_PARALLELISM_NOT_TOLD,
        severity: Severity.WARNING,
        operator,
        stateBytes: bytesOf(held),
        message: `The state of ${called(operator)} was made with a max parallelism of ${held.maxParallelism}, which no setting gave it, and the settings now say ${maxParallelism}. If the program does not set ${held.maxParallelism} for it any more, Flink refuses the start.`,
        remedy: `See to it in the code that the operator has a max parallelism of ${held.maxParallelism}.`,
      },
    ];
  return [
    {
      code: CompatibilityCode.MAX_PARALLELISM_CHANGED,
      severity: Severity.BLOCKER,
      operator,
      stateBytes: bytesOf(held),
      message: `Max parallelism mismatch: the state of ${called(operator)} was made with ${held.maxParallelism}, and the program sets ${maxParallelism}. It is fixed for the life of a state, so Flink refuses the start.`,
      remedy: `Set the max parallelism to ${held.maxParallelism}, or leave it unset: Flink then takes that of the state.`,
    },
  ];
}

/**
 * What code sets for one operator goes before all settings. NO: it was not the setting of then, nor what Flink gives by itself: to nearly
 * all the least, and it stays when the job is made wider.
 */
function cameFromSettings(
  { maxParallelism, parallelism }: KeptOperator,
  { madeWithMaxParallelism: set }: RestoreTarget,
): 'YES' | 'NO' {
  const given = set === null ? [defaultMaxParallelism(1), defaultMaxParallelism(parallelism)] : [set];
  return given.includes(maxParallelism) ? 'YES' : 'NO';
}

function aboutMissing(
  match: Match,
  held: KeptOperator,
  target: RestoreTarget,
  renamed: PlannedOperator | undefined,
): CompatibilityFinding {
  const operator = match.nameOf(held);
  const stateBytes = bytesOf(held);
  const who = called(operator);
  const origin = match.originOf(held);
  if (origin === 'NO_UID' || (origin === 'NOT_WRITTEN' && (target.sameProgram || match.addsWithoutUid)))
    return {
      code: CompatibilityCode.OPERATOR_NOT_TOLD,
      severity: Severity.WARNING,
      operator,
      stateBytes,
      message: `The plan has no ${who}, but ${origin === 'NO_UID' ? 'it was given no uid' : 'whether it has a uid is not written'}: without one its id depends on chaining, which a plan has not. ${target.allowNonRestoredState ? `If the running job has not got it either, its ${stateBytes} bytes of state are dropped without a word (allowNonRestoredState).` : `If the running job has not got it either, Flink refuses the start, since it holds ${stateBytes} bytes of state.`}`,
      remedy: `Give the operator setUidHash("${held.id}"), which keeps its state, and every other operator with state a uid.`,
    };
  if ('operators' in target.plan && target.plan.mayHave?.(held.id))
    return {
      code: CompatibilityCode.OPERATOR_NOT_TOLD,
      severity: Severity.WARNING,
      operator,
      stateBytes,
      message: `The plan has no ${who}, and the program calls setUidHash, which no plan shows, and knows this id: it may give the ${stateBytes} bytes of its state to another operator. If it does not, ${target.allowNonRestoredState ? 'they are dropped without a word (allowNonRestoredState)' : 'Flink refuses the start'}.`,
      remedy: `See to it in the code that the operator that is to have this state has setUidHash("${held.id}") or the uid that it had.`,
    };
  const remedy =
    held.uid === null
      ? `Give the operator that is to have this state the uid that it had${renameHint(renamed)}. If it had none, its id may be another in the plan than at run time: which one, this state does not tell.`
      : `Give the operator that is to have this state the uid "${held.uid}"${renameHint(renamed)}.`;
  if (target.allowNonRestoredState)
    return {
      code: CompatibilityCode.STATE_DROPPED,
      severity: Severity.WARNING,
      operator,
      stateBytes,
      message: `The program has no ${who}: its ${stateBytes} bytes of state are dropped without a word (allowNonRestoredState).`,
      remedy: `${remedy} If the state is not needed any more, nothing needs to be done.`,
    };
  return {
    code: CompatibilityCode.STATE_WITHOUT_OPERATOR,
    severity: Severity.BLOCKER,
    operator,
    stateBytes,
    message: `Cannot map the state of ${who}: the program has not got that operator, and it holds ${stateBytes} bytes. Flink refuses the start.`,
    remedy: `${remedy} To drop the state for good, start with allowNonRestoredState.`,
  };
}

function renameHint(renamed: PlannedOperator | undefined): string {
  return renamed ? `; ${renamed.name} (${renamed.id}) has the same name and would start empty` : '';
}

/** What has finished comes back finished: whatever is before it must have finished too. */
export function aboutFinished(match: Match, { sameProgram }: RestoreTarget): CompatibilityFinding[] {
  return match.planOperators.flatMap((planned): CompatibilityFinding[] => {
    const held = match.heldOf(planned.id);
    if (!held || (!held.fullyFinished && held.finishedSubtasks.length === 0)) return [];
    const operator = match.nameOf(held);
    const runs = planned.inputs.find((id) => !hasFinished(match.heldOf(id), held.fullyFinished));
    // Without a uid its id may be another at run time, under which it has finished.
    const isTold = runs !== undefined && !sameProgram && (match.heldOf(runs) || !match.isGenerated(runs));
    if (isTold)
      return [
        {
          code: CompatibilityCode.UNFINISHED_BEFORE_FINISHED,
          severity: Severity.BLOCKER,
          operator,
          stateBytes: bytesOf(held),
          message: `Illegal change of the graph: ${called(operator)} had ${held.fullyFinished ? 'finished' : 'finished in part'}, and the operator ${runs} before it has not. Flink refuses the start.`,
          remedy: `Give ${called(operator)} another uid, so that it starts anew, or leave out what was put before it.`,
        },
      ];
    if (!held.fullyFinished) return [];
    return [
      {
        code: CompatibilityCode.OPERATOR_FINISHED,
        severity: Severity.INFO,
        operator,
        stateBytes: bytesOf(held),
        message: `${capital(called(operator))} had finished: it comes back FINISHED, and does nothing more.`,
        remedy: 'If it is to run again, give it another uid: it then starts empty.',
      },
    ];
  });
}

/** Behind one that has finished in part may be more that has; Flink looks at the edges too, which needs the chains. */
function hasFinished(held: KeptOperator | undefined, fully: boolean): boolean {
  return held !== undefined && (held.fullyFinished || (!fully && held.finishedSubtasks.length > 0));
}

/** More subtasks than key groups: some would have none. */
export function aboutParallelism(match: Match): CompatibilityFinding[] {
  return match.snapshotOperators.flatMap((held) => {
    const planned = match.plannedFor(held);
    if (!planned || planned.parallelism <= held.maxParallelism) return [];
    const operator = match.nameOf(held);
    return [
      {
        code: CompatibilityCode.PARALLELISM_ABOVE_MAX,
        severity: Severity.BLOCKER,
        operator,
        stateBytes: bytesOf(held),
        message: `The state of ${called(operator)} has a maximum parallelism of ${held.maxParallelism}, which is lower than the configured parallelism of ${planned.parallelism}. Flink refuses the start.`,
        remedy: `Start with a parallelism of at most ${held.maxParallelism}. A job that starts without state would get a max parallelism of ${defaultMaxParallelism(planned.parallelism)}.`,
      },
    ];
  });
}

/** Whether they hold state nobody can tell from outside. */
export function aboutEmptyStarts(match: Match): CompatibilityFinding[] {
  const isLikelyRenamed = match.missing.some(holdsState);
  return match.added.map(({ id, name }) => ({
    code: CompatibilityCode.STARTS_EMPTY,
    severity: isLikelyRenamed ? Severity.WARNING : Severity.INFO,
    operator: { id, name, uid: null },
    stateBytes: 0,
    message: `The snapshot has nothing under the id of ${called({ id, name, uid: null })}: if it holds state, it starts empty, without a word from Flink.`,
    remedy: isLikelyRenamed
      ? 'If it is an operator that the state has under another id, give it the uid that it had.'
      : null,
  }));
}

/** Ids that come from the graph around an operator map today, and not after the next change of it; after this one perhaps another operator. */
export function aboutUids(match: Match, { sameProgram }: RestoreTarget): CompatibilityFinding[] {
  const stateful = match.snapshotOperators.filter((held) => match.plannedFor(held) && holdsState(held));
  const notWritten = match.writesUids || stateful.length === 0 ? [] : [uidsNotWritten(stateful)];
  const withoutUid = stateful.filter((held) => match.originOf(held) === 'NO_UID');
  return [
    ...notWritten,
    ...withoutUid.map((held) => {
      const planned = match.plannedFor(held);
      const isTold = sameProgram || !planned || match.hasSameName(held, planned);
      return isTold ? uidNotSet(match, held) : perhapsAnother(match, held, planned);
    }),
  ];
}

function uidsNotWritten(stateful: readonly KeptOperator[]): CompatibilityFinding {
  return {
    code: CompatibilityCode.UIDS_NOT_WRITTEN,
    severity: Severity.INFO,
    operator: null,
    stateBytes: stateful.reduce((sum, held) => sum + bytesOf(held), 0),
    message: 'Flink before 2.0 does not write the uids of operators: which of them have one shows in a plan alone.',
    remedy: 'See to it that every operator with state has a uid.',
  };
}

function uidNotSet(match: Match, held: KeptOperator): CompatibilityFinding {
  const operator = match.nameOf(held);
  return {
    code: CompatibilityCode.UID_NOT_SET,
    severity: Severity.WARNING,
    operator,
    stateBytes: bytesOf(held),
    message:
      held.uid === null
        ? `${capital(called(operator))} was given no uid: its id comes from the graph around it, and changes with it.`
        : `The id of ${called(operator)} is not that of its uid "${held.uid}": it may come from the graph around it.`,
    remedy: `Give it setUidHash("${held.id}"), which keeps this state, and then a uid for those to come.`,
  };
}

/** Two operators that change places without uids change their states too, and Flink says nothing. */
function perhapsAnother(match: Match, held: KeptOperator, planned: PlannedOperator): CompatibilityFinding {
  const was = held.name === null ? 'an operator without a uid' : `${held.name}, which was given no uid`;
  return {
    code: CompatibilityCode.OPERATOR_NOT_TOLD,
    severity: Severity.WARNING,
    operator: match.nameOf(held),
    stateBytes: bytesOf(held),
    message: `The state under ${held.id} is that of ${was}. The program has changed, and in that place of the graph it now has ${planned.name}: if that is another operator, it gets this state, without a word from Flink.`,
    remedy: `Give the operator that is to have this state setUidHash("${held.id}"), and every operator with state a uid.`,
  };
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
