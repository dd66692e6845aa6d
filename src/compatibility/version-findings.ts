import {
  CompatibilityCode,
  type CompatibilityFinding,
  type HeldState,
  type RestoreTarget,
} from './compatibility.types.js';
import { bytesOf } from './match-operators.js';
import { firstFlinkWith, isNewer, minorVersionOf, readsMetadataUpTo, type MinorVersion } from './metadata-version.js';
import { Severity } from './verdict.js';

/** The first `_metadata` that a Flink 2 has written. */
const FIRST_OF_2 = 5;

export function aboutVersions(state: HeldState, target: RestoreTarget): CompatibilityFinding[] {
  const reads = minorVersionOf(target.flinkVersion);
  if (!reads) return [];
  const madeBy = makerVersionOf(state);
  const made = minorVersionOf(madeBy);
  const version = metadataVersionOf(state, made);
  const about = { operator: null, stateBytes: totalOf(state) };
  const maker = madeBy === null ? `a Flink that writes version ${version}` : `Flink ${madeBy}`;

  const readable = readsMetadataUpTo(reads);
  if (version !== null && readable !== null && version > readable)
    return [
      {
        ...about,
        code: CompatibilityCode.METADATA_TOO_NEW,
        severity: Severity.BLOCKER,
        message: `Unrecognized checkpoint version number: the state was made by ${maker}, in version ${version}; Flink ${target.flinkVersion} reads up to ${readable}, and refuses the start.`,
        remedy: `Start it on Flink ${firstFlinkWith(version) ?? madeBy} or later: state does not go back to an older Flink.`,
      },
    ];
  if (made && isNewer(made, reads))
    return [
      {
        ...about,
        code: CompatibilityCode.NEWER_FLINK_VERSION,
        severity: Severity.WARNING,
        message: `The state was made by ${maker}, and the cluster runs ${target.flinkVersion}: it can read the format, but Flink promises only that newer reads older.`,
        remedy: `Start it on Flink ${made.major}.${made.minor} or later, or try it with a copy first.`,
      },
    ];
  const madeMajor = made?.major ?? majorOf(version);
  if (madeMajor !== null && madeMajor < reads.major)
    return [
      {
        ...about,
        code: CompatibilityCode.MAJOR_VERSION_CHANGE,
        severity: Severity.WARNING,
        message: `The state was made by ${maker}, and the cluster runs ${target.flinkVersion}: Flink does not promise that ${reads.major}.x reads state of ${madeMajor}.x. Types that go through Kryo are at risk.`,
        remedy: 'Try it first with a deployment of its own, and keep the state until the new job has run for a while.',
      },
    ];
  return [];
}

/** The Flink that made a state, as it is recorded; null: not known, or another than the record says, since it writes other metadata. */
export function makerVersionOf({ flinkVersion, metadata }: HeldState): string | null {
  const recorded = minorVersionOf(flinkVersion);
  const writes = recorded && readsMetadataUpTo(recorded);
  return writes !== null && 'read' in metadata && metadata.read.version !== writes ? null : flinkVersion;
}

/** Whether both sides are known as far as the rules need it. */
export function areVersionsTold(state: HeldState, target: RestoreTarget): boolean {
  const made = minorVersionOf(state.flinkVersion);
  return minorVersionOf(target.flinkVersion) !== null && (made !== null || 'read' in state.metadata);
}

/** What cannot be read was still written by somebody. */
function metadataVersionOf({ metadata }: HeldState, made: MinorVersion | null): number | null {
  if ('read' in metadata) return metadata.read.version;
  return made && readsMetadataUpTo(made);
}

function majorOf(metadataVersion: number | null): number | null {
  if (metadataVersion === null) return null;
  return metadataVersion < FIRST_OF_2 ? 1 : 2;
}

function totalOf({ metadata }: HeldState): number {
  return 'read' in metadata ? metadata.read.operators.reduce((sum, one) => sum + bytesOf(one), 0) : 0;
}
