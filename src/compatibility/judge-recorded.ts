import { operatorIdsIn } from '../artifact/uid-hashes.js';
import type { RunSettings } from '../deployment/run-settings.js';
import { DataState } from '../savepoint/savepoint.enums.js';
import type { SnapshotContents } from '../savepoint/snapshot-contents.js';
import type { BackendName, CompatibilityVerdict, HeldState, RestoreTarget } from './compatibility.types.js';
import { judgeCompatibility } from './judge-compatibility.js';
import type { ProgramPlan } from './program-plan.js';

/** What is recorded of a state. */
export interface RecordedState {
  contents: SnapshotContents | null;
  flinkVersion: string | null;
  stateBackend: BackendName;
  /** Of a checkpoint NATIVE. */
  format: 'CANONICAL' | 'NATIVE' | null;
  /** As it was last looked for, which may have been after the contents were read. */
  data: DataState;
  /** Why there are no contents of its `_metadata`, where a look has just told. */
  unread?: { why: string; gone: boolean };
}

/** What is recorded of what would be started from it. */
export interface RecordedTarget {
  plan: ProgramPlan | null;
  settings: RunSettings;
  cluster: { flinkVersion: string | null; configuration: Readonly<Record<string, string>> };
  stateBackend: BackendName;
  allowNonRestoredState: boolean;
  /** Those of the run that made the state; null: not known. */
  madeWith: RunSettings | null;
  /** Why there is no plan, where that is known better. */
  unplanned?: string;
}

/** The verdict by what is recorded. Pure. */
export function judgeRecorded(state: RecordedState, target: RecordedTarget): CompatibilityVerdict {
  return judgeCompatibility(heldState(state), restoreTarget(target, state));
}

function heldState({ contents, data, unread, ...recorded }: RecordedState): HeldState {
  const read = contents?.source === 'METADATA' ? contents : null;
  return {
    metadata: read
      ? { read: read.metadata }
      : { unreadable: unread?.why ?? 'its _metadata has not been read', gone: unread?.gone ?? false },
    ...recorded,
    damagedFiles: read?.files.damaged ?? 0,
    filesSeen: read !== null && read.files.notReached === 0 && data !== DataState.MISSING && data !== DataState.DAMAGED,
  };
}

function restoreTarget(target: RecordedTarget, made: RecordedState): RestoreTarget {
  const { plan, settings, cluster, allowNonRestoredState, madeWith } = target;
  const sameCode = madeWith !== null && isSameCode(madeWith, settings);
  return {
    plan: plan
      ? { operators: plan.operators, mayHave: mayHave(plan, settings) }
      : {
          missing: target.unplanned ?? 'no Flink has planned it yet with these settings (checkCompatibility)',
        },
    maxParallelism: maxParallelismOf(settings.flinkConfiguration, cluster.configuration) ?? 'NOT_KNOWN',
    madeWithMaxParallelism: madeWith && maxParallelismOf(madeWith.flinkConfiguration, {}),
    flinkVersion: cluster.flinkVersion,
    // The same code with the same settings uses what it used then.
    stateBackend: target.stateBackend ?? (sameCode ? made.stateBackend : null),
    allowNonRestoredState,
    sameCode,
    sameProgram: sameCode && madeWith?.parallelism === settings.parallelism,
  };
}

/** The id stands in the jar, or in what the program is given; where the jar could not be read, it may. */
function mayHave({ uidHashes }: ProgramPlan, { programArguments, flinkConfiguration }: RunSettings) {
  if (uidHashes === null) return () => true;
  if (!uidHashes.calls) return () => false;
  const given = operatorIdsIn([...programArguments, ...Object.values(flinkConfiguration)]);
  const ids = new Set([...uidHashes.ids, ...given]);
  return (id: string) => ids.has(id);
}

function isSameCode(made: RunSettings, now: RunSettings): boolean {
  return made.artifactId !== null && textOf(made) === textOf(now);
}

function textOf({ artifactId, entryClass, programArguments, flinkConfiguration }: RunSettings): string {
  const sorted = Object.entries(flinkConfiguration).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([artifactId, entryClass, programArguments, sorted]);
}

/** Set for the job as a whole. Where it is not, the program may set it, which no plan tells: null. */
function maxParallelismOf(
  run: Readonly<Record<string, string>>,
  cluster: Readonly<Record<string, string>>,
): number | null {
  const value = Number(run['pipeline.max-parallelism'] ?? cluster['pipeline.max-parallelism'] ?? NaN);
  return Number.isInteger(value) && value > 0 ? value : null;
}
