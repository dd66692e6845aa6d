import {
  CompatibilityCode,
  type CompatibilityFinding,
  type HeldState,
  type ReadMetadata,
  type RestoreTarget,
} from './compatibility.types.js';
import { bytesOf, type Match } from './match-operators.js';
import { minorVersionOf } from './metadata-version.js';
import { Severity } from './verdict.js';
import { makerVersionOf } from './version-findings.js';

/** Keyed handles that share files with other checkpoints: today's form, and the one before. */
const INCREMENTAL = [11, 5];

/** What kind of snapshot it is, and what follows from that. */
export function aboutSnapshot(
  metadata: ReadMetadata,
  state: HeldState,
  target: RestoreTarget,
  match: Match | null,
): CompatibilityFinding[] {
  const findings: CompatibilityFinding[] = [];
  const changed = whatChanged(state, target, match);
  const inFlightBytes = metadata.operators.reduce((sum, { stateBytes }) => sum + stateBytes.channel, 0);
  if (inFlightBytes > 0 && changed !== null)
    findings.push({
      code: CompatibilityCode.UNALIGNED_CHANGE,
      severity: Severity.WARNING,
      operator: null,
      stateBytes: inFlightBytes,
      message: `It is an unaligned checkpoint with ${inFlightBytes} bytes of records in flight, and ${changed}: Flink does not support that.`,
      remedy: 'Start the old program from it, take a savepoint, and start the new one from that.',
    });
  if (metadata.properties.kind === 'CHECKPOINT' && INCREMENTAL.some((type) => metadata.handles.keyed.has(type)))
    findings.push({
      code: CompatibilityCode.INCREMENTAL_CHECKPOINT,
      severity: Severity.INFO,
      operator: null,
      stateBytes: metadata.operators.reduce((sum, { stateBytes }) => sum + stateBytes.keyed, 0),
      message:
        'It is an incremental checkpoint: its files lie in the shared folder of the job that made them, not beside it.',
      remedy:
        'Delete nothing of that job until the new one has completed a checkpoint of its own; a savepoint is not enough.',
    });
  if (metadata.properties.drained)
    findings.push({
      code: CompatibilityCode.DRAINED,
      severity: Severity.WARNING,
      operator: null,
      stateBytes: metadata.operators.reduce((sum, one) => sum + bytesOf(one), 0),
      message:
        'It was made by a stop with drain: end of time was sent to every operator, windows have fired early, and sources may count as finished.',
      remedy: 'If the job is to go on where it was, start from a state that was made without drain.',
    });
  return findings;
}

/** For a sentence; null: nothing that is known. */
function whatChanged(state: HeldState, target: RestoreTarget, match: Match | null): string | null {
  const madeBy = makerVersionOf(state);
  const made = minorVersionOf(madeBy);
  const reads = minorVersionOf(target.flinkVersion);
  if (made && reads && (made.major !== reads.major || made.minor !== reads.minor))
    return `Flink changes from ${madeBy} to ${target.flinkVersion}`;
  return match && match.added.length + match.missing.length > 0 ? 'the operators of the job change' : null;
}
