import { aboutBackend, aboutRecordedBackend, isBackendTold } from './backend-findings.js';
import {
  CompatibilityCode,
  type CompatibilityFinding,
  type CompatibilityVerdict,
  type HeldState,
  type RestoreTarget,
} from './compatibility.types.js';
import { aboutVersions, areVersionsTold } from './version-findings.js';
import { bytesOf, holdsState, Match } from './match-operators.js';
import { aboutEmptyStarts, aboutFinished, aboutOperators, aboutParallelism, aboutUids } from './operator-findings.js';
import { aboutSnapshot } from './snapshot-findings.js';
import { type Mapping, type NotChecked, Severity } from './verdict.js';

/**
 * Whether a program can take a state, by everything that can be told without starting it. The findings come in the order
 * of Flink's own checks, of which the first that fails ends the start: so all are named at once.
 */
export function judgeCompatibility(state: HeldState, target: RestoreTarget): CompatibilityVerdict {
  const metadata = 'read' in state.metadata ? state.metadata.read : null;
  const match = metadata && 'operators' in target.plan ? new Match(metadata, target.plan.operators) : null;
  const findings = [
    ...aboutWhatIsMissing(state, target),
    ...aboutVersions(state, target),
    ...(match ? aboutOperators(match, target) : []),
    ...(match ? aboutFinished(match, target) : []),
    ...(match ? aboutParallelism(match) : []),
    ...(metadata ? aboutBackend(metadata, state, target) : aboutRecordedBackend(state, target)),
    ...aboutFiles(state),
    ...(metadata ? aboutSnapshot(metadata, state, target, match) : []),
    ...(match ? aboutEmptyStarts(match) : []),
    ...(match ? aboutUids(match, target) : []),
  ];
  const operators = metadata?.operators ?? [];
  const notTold = new Set(
    findings.map(({ code, operator }) => (code === CompatibilityCode.OPERATOR_NOT_TOLD ? operator?.id : null)),
  );
  return {
    mapping: mappingOf(findings, match !== null),
    findings,
    notChecked: notCheckedOf(findings, state, target, match !== null),
    kept: operators
      .filter((one) => match?.plannedFor(one) && holdsState(one) && !notTold.has(one.id))
      .map((one) => ({ operator: match?.nameOf(one) ?? one, stateBytes: bytesOf(one) })),
    stateBytes: metadata && operators.reduce((sum, one) => sum + bytesOf(one), 0),
  };
}

function aboutWhatIsMissing({ metadata }: HeldState, { plan }: RestoreTarget): CompatibilityFinding[] {
  const findings: CompatibilityFinding[] = [];
  const missing = { severity: Severity.WARNING, operator: null, stateBytes: 0 };
  if ('unreadable' in metadata)
    findings.push({
      ...missing,
      ...(metadata.gone && { severity: Severity.BLOCKER }),
      code: CompatibilityCode.NO_METADATA,
      message: `What the state holds is not known: ${metadata.unreadable}`,
      remedy: metadata.gone
        ? 'Choose another state, or bring its data back.'
        : 'Make its _metadata readable from here, and ask again.',
    });
  if ('missing' in plan)
    findings.push({
      ...missing,
      code: CompatibilityCode.NO_PLAN,
      message: `What operators the program has is not known: ${plan.missing}`,
      remedy: 'Mend what keeps the program from being planned, and ask again.',
    });
  return findings;
}

function aboutFiles({ damagedFiles = 0 }: HeldState): CompatibilityFinding[] {
  if (damagedFiles === 0) return [];
  return [
    {
      code: CompatibilityCode.FILES_DAMAGED,
      severity: Severity.BLOCKER,
      operator: null,
      stateBytes: 0,
      message: `${damagedFiles} ${damagedFiles === 1 ? 'file' : 'files'} that it points to ${damagedFiles === 1 ? 'is gone or has' : 'are gone or have'} another size: the job would fail when it reads ${damagedFiles === 1 ? 'it' : 'them'}.`,
      remedy: 'Choose another state, or bring its data back.',
    },
  ];
}

/** FULLY: all state finds its operator. It says nothing of types, which is why `notChecked` stands beside it. */
function mappingOf(findings: readonly CompatibilityFinding[], isMatched: boolean): Mapping {
  const has = (code: CompatibilityCode) => findings.some((one) => one.code === code);
  if (findings.some(({ severity }) => severity === Severity.BLOCKER)) return 'INCOMPATIBLE';
  if (!isMatched) return 'UNKNOWN';
  if (has(CompatibilityCode.STATE_DROPPED)) return 'PARTIALLY_COMPATIBLE';
  return has(CompatibilityCode.OPERATOR_NOT_TOLD) ? 'UNKNOWN' : 'FULLY_COMPATIBLE';
}

function notCheckedOf(
  findings: readonly CompatibilityFinding[],
  state: HeldState,
  target: RestoreTarget,
  isMatched: boolean,
): NotChecked[] {
  const has = (wanted: CompatibilityCode) => findings.some(({ code }) => code === wanted);
  const open: [NotChecked, boolean][] = [
    ['OPERATORS', !isMatched || has(CompatibilityCode.OPERATOR_NOT_TOLD)],
    [
      'MAX_PARALLELISM',
      !isMatched ||
        has(CompatibilityCode.MAX_PARALLELISM_NOT_TOLD) ||
        (target.maxParallelism === 'NOT_KNOWN' && !target.sameCode),
    ],
    ['FLINK_VERSION', !areVersionsTold(state, target)],
    ['STATE_BACKEND', !isBackendTold(state, target)],
    ['FILES', !state.filesSeen],
    ['STATE_TYPES', !target.sameCode],
  ];
  return open.flatMap(([what, isOpen]) => (isOpen ? [what] : []));
}
