import {
  CompatibilityCode,
  type BackendName,
  type CompatibilityFinding,
  type HeldState,
  type ReadMetadata,
  type RestoreTarget,
} from './compatibility.types.js';
import { Severity } from './verdict.js';

type Family = 'HEAP' | 'ROCKSDB_OR_FORST';

const FAMILIES: Readonly<Record<string, Family>> = {
  HASHMAP: 'HEAP',
  ROCKSDB: 'ROCKSDB_OR_FORST',
  FORST: 'ROCKSDB_OR_FORST',
};
const IN_WORDS: Readonly<Record<Family, string>> = { HEAP: 'HASHMAP', ROCKSDB_OR_FORST: 'ROCKSDB or FORST' };

/** Keyed state that is not canonical is in the form of the backend that made it; operator state never is. */
export function aboutBackend(metadata: ReadMetadata, state: HeldState, target: RestoreTarget): CompatibilityFinding[] {
  if (isPortable(metadata)) return [];
  const made = familyOf(metadata, state.stateBackend);
  const reads = familyNamed(target.stateBackend);
  if (made === null || reads === null) return [notTold(metadata, made, target.stateBackend)];
  const about = { operator: null, stateBytes: keyedBytesOf(metadata) };
  const madeBy = madeByOf(made, state.stateBackend);
  const remedy = remedyBy(madeBy);
  if (made !== reads)
    return [
      {
        ...about,
        code: CompatibilityCode.OTHER_STATE_BACKEND,
        severity: Severity.BLOCKER,
        message: `Its keyed state is in the form of ${madeBy}, and the job uses ${target.stateBackend}: the start is accepted, and the tasks fail over it.`,
        remedy,
      },
    ];
  const isSame = state.stateBackend === target.stateBackend || (madeBy !== 'FORST' && target.stateBackend !== 'FORST');
  if (isSame) return [];
  return [notPromised(madeBy, target.stateBackend ?? IN_WORDS[reads], about.stateBytes)];
}

const notPromised = (made: string, reads: string, stateBytes: number): CompatibilityFinding => ({
  code: CompatibilityCode.STATE_BACKEND_NOT_TOLD,
  severity: Severity.WARNING,
  operator: null,
  stateBytes,
  message: `Its keyed state is in the form of ${made}, and the job uses ${reads}: whether one reads files of the other is not promised.`,
  remedy: remedyBy(made),
});

/** Where the metadata cannot be read: by what is recorded of it. */
export function aboutRecordedBackend(
  { format, stateBackend: made }: HeldState,
  { stateBackend: reads }: RestoreTarget,
): CompatibilityFinding[] {
  if (format !== 'NATIVE' || made === null || reads === null || made === reads) return [];
  if (familyNamed(made) === familyNamed(reads)) return [notPromised(made, reads, 0)];
  return [
    {
      code: CompatibilityCode.OTHER_STATE_BACKEND,
      severity: Severity.BLOCKER,
      operator: null,
      stateBytes: 0,
      message: `Its keyed state is in the form of ${made}, and the job uses ${reads}: only a CANONICAL savepoint can be read by another state backend.`,
      remedy: remedyBy(made),
    },
  ];
}

const remedyBy = (made: string) => `Start with ${made}, take a CANONICAL savepoint, then change the state backend.`;

export function isBackendTold(state: HeldState, target: RestoreTarget): boolean {
  if ('unreadable' in state.metadata)
    return (
      state.format === 'CANONICAL' ||
      (state.format !== null && state.stateBackend !== null && target.stateBackend !== null)
    );
  const metadata = state.metadata.read;
  return aboutBackend(metadata, state, target).every(({ code }) => code !== CompatibilityCode.STATE_BACKEND_NOT_TOLD);
}

function notTold(metadata: ReadMetadata, made: Family | null, reads: BackendName): CompatibilityFinding {
  const unknown = made === null ? 'Which state backend made it' : 'Which state backend the job uses';
  const known = made === null ? (reads ?? 'an unknown one') : IN_WORDS[made];
  return {
    code: CompatibilityCode.STATE_BACKEND_NOT_TOLD,
    severity: Severity.WARNING,
    operator: null,
    stateBytes: keyedBytesOf(metadata),
    message: `${unknown} cannot be told; the other side is ${known}. Its keyed state is not canonical, so that both must be the same.`,
    remedy: 'Set state.backend.type to the one that made it, or start from a CANONICAL savepoint.',
  };
}

/** Of a canonical savepoint all is, also what lies in handles of the heap (timers that RocksDB keeps there). */
function isPortable({ backends, properties }: ReadMetadata): boolean {
  return properties.format === 'CANONICAL' || backends.every((one) => one === 'CANONICAL');
}

/**
 * The files of RocksDB and ForSt show themselves. Key groups that lie in a row are the heap's in a savepoint; in a checkpoint
 * RocksDB writes them too where it is not incremental, and a changelog hides what is below it: there only the record tells.
 */
function familyOf({ backends, properties }: ReadMetadata, recorded: BackendName): Family | null {
  if (backends.includes('ROCKSDB_OR_FORST')) return 'ROCKSDB_OR_FORST';
  const told = familyNamed(recorded);
  if (told !== null) return told;
  return properties.kind === 'SAVEPOINT' && !backends.includes('CHANGELOG') ? 'HEAP' : null;
}

function madeByOf(family: Family, recorded: BackendName): string {
  return recorded !== null && familyNamed(recorded) === family ? recorded : IN_WORDS[family];
}

function familyNamed(backend: BackendName): Family | null {
  return backend === null ? null : (FAMILIES[backend] ?? null);
}

function keyedBytesOf({ operators }: ReadMetadata): number {
  return operators.reduce((sum, { stateBytes }) => sum + stateBytes.keyed, 0);
}
